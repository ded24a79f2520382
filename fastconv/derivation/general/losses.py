"""The losses of one image in float64 NumPy, as their equations say."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import losses
from ...typing import Array

__all__ = ["equation_of"]

Formula = Callable[[Array, Array], float]  # (output, target) -> L


def equation_of(loss: Any, y: Array) -> tuple[str, str, Formula | None]:
    """(equation, the nearest equation of the paper, its formula) of a loss; no formula where none is known here."""
    kind, n = type(loss), y.size
    if kind is losses.MSE:
        return squares(loss, n)
    if kind is losses.L1 and loss.reduction == "mean":
        equation = rf"L = \frac{{{{1}}}}{{{{{n}}}}} Σ_i |{{y}}(i) − y(i)|"
        return equation, "as (13), absolute differences", lambda y, t: float(np.abs(y - t).mean())
    plain = y.ndim == 1 and (n > 1)
    if kind is losses.CrossEntropy and plain and loss == losses.CrossEntropy():
        return "L = −{y}(t) + log Σ_i exp({y}(i)),  t the true class", "as (13), cross entropy", cross_entropy
    if kind is losses.NLL and plain and loss == losses.NLL():
        return "L = −{y}(t),  t the true class", "as (13), the log of a probability", lambda y, t: -float(y[int(t)])
    return "L = loss({y}, y)", f"as (13), {kind.__name__}", None


def squares(loss: Any, n: int) -> tuple[str, str, Formula]:
    """Half the sum of squares, their sum or their mean."""
    factor = {"half_sum": 0.5, "sum": 1.0, "mean": 1 / n}[loss.reduction]
    shown = {"half_sum": r"\frac{1}{2} ", "sum": "", "mean": rf"\frac{{1}}{{{n}}} "}[loss.reduction]
    shown = shown.replace("{", "{{").replace("}", "}}")
    name = "as (13)" if loss.reduction == "half_sum" else f"as (13), the {loss.reduction}"
    return "L = " + shown + "Σ_i ({y}(i) − y(i))^2", name, lambda y, t: factor * float(((y - t) ** 2).sum())


def cross_entropy(y: Array, t: Array) -> float:
    """-log of the softmax of the true class."""
    most = float(y.max())
    return float(np.log(sum(np.exp(y - most))) + most - y[int(t)])
