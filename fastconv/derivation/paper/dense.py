"""Equations 14 to 30: the gradients of W and b, and the error of f."""

from collections.abc import Iterator

import numpy as np

from ...typing import Array
from ..records import Step, same
from ..slopes import slopes
from .maps import sigma
from .quantities import CHAIN, Quantities, chain, step

__all__ = ["bias_steps", "input_steps", "weight_steps"]

DYHAT = r"\frac{∂L}{∂ŷ(i)}"
INNER = "σ(Σ_{j=1}^{192} W(i,j) · f(j) + b(i))"
FACTORS = "(ŷ(i) − y(i)) · ŷ(i) (1 − ŷ(i))"


def output(q: Quantities, W: Array | None = None, f: Array | None = None, b: Array | None = None) -> Array:
    """ŷ of eq. 12, for many W, f or b."""
    W, f, b = q.W if W is None else W, q.f if f is None else f, q.b if b is None else b
    return sigma((W @ f[..., None])[..., 0] + b)


def weight_steps(q: Quantities) -> Iterator[Step]:
    """2.1: eqs. 14 to 19."""
    title, of = "2.1 ΔW (size 10×192)", "∂W(i,j)"
    source = rf"ΔW(i,j) = \frac{{∂L}}{{{of}}}"
    yield step(14, title, source, "ΔW", q.dW, q.of_parameter("W"))
    by_chain = slopes(lambda W: output(q, W=W), q.W, q.slopes(9))
    source = rf"= {DYHAT} · \frac{{∂ŷ(i)}}{{{of}}}"
    yield step(15, "Chain rule", source, "ΔW", by_chain, chain(by_chain, q.dW))
    with_loss = slopes(lambda W: output(q, W=W), q.W, q.yhat - q.y)
    source = rf"= (ŷ(i) − y(i)) · \frac{{∂}}{{{of}}} {INNER}"
    note = "The j of the sum is another j than that of W(i,j)."
    yield step(16, "∂L/∂ŷ from (13), ŷ from (12)", source, "ΔW", with_loss, chain(with_loss, by_chain), note=note)
    factors = (q.yhat - q.y) * q.yhat * (1 - q.yhat)
    elements = np.array([[factors[i] * q.f[j] for j in range(192)] for i in range(10)])
    closed = chain(elements, with_loss)
    yield step(17, "σ′ = σ (1 − σ)", f"= {FACTORS} · f(j)", "ΔW", elements, closed, same(elements, q.dW, "ΔW of (14)"))
    short = np.array([[q.dys[i] * q.f[j] for j in range(192)] for i in range(10)])
    source = f"ΔW(i,j) = Δŷ(i) · f(j),  Δŷ(i) = {FACTORS}"
    title = "Let Δŷ be the error before the sigmoid, 10×1"
    yield step(18, title, source, "ΔW", short, same(short, elements, CHAIN), same(q.dys, factors, "Δŷ of the library"))
    product = q.dys[:, None] @ q.f[None]
    yield step(19, "As one product", "⟹ ΔW = Δŷ × f^T", "ΔW", product, same(product, short, CHAIN))


def bias_steps(q: Quantities) -> Iterator[Step]:
    """2.2: eqs. 20 to 24."""
    of = "∂b(i)"
    yield step(20, "2.2 Δb (size 10×1)", rf"Δb(i) = \frac{{∂L}}{{{of}}}", "Δb", q.db, q.of_parameter("b"))
    by_chain = slopes(lambda b: output(q, b=b), q.b, q.slopes(9))
    source = rf"= {DYHAT} · \frac{{∂ŷ(i)}}{{{of}}}"
    yield step(21, "Chain rule", source, "Δb", by_chain, chain(by_chain, q.db))
    with_loss = slopes(lambda b: output(q, b=b), q.b, q.yhat - q.y)
    source = rf"= (ŷ(i) − y(i)) · \frac{{∂}}{{{of}}} {INNER}"
    yield step(22, "∂L/∂ŷ from (13), ŷ from (12)", source, "Δb", with_loss, chain(with_loss, by_chain))
    factors = (q.yhat - q.y) * q.yhat * (1 - q.yhat)
    closed = chain(factors, with_loss), same(factors, q.db, "Δb of (20)")
    yield step(23, "σ′ = σ (1 − σ)", f"= {FACTORS}", "Δb", factors, *closed)
    yield step(24, "The error before the sigmoid", "⟹ Δb = Δŷ", "Δb", q.dys, same(q.dys, factors, CHAIN))


def input_steps(q: Quantities) -> Iterator[Step]:
    """The first part of 2.3: eqs. 25 to 30."""
    of, title = "∂f(j)", "2.3 Δk² first needs the errors on the way: Δf (size 192×1)"
    yield step(25, title, rf"Δf(j) = \frac{{∂L}}{{{of}}}", "Δf", q.df, q.of_value(7))
    by_chain = slopes(lambda f: output(q, f=f), q.f, q.slopes(9))
    source = rf"= Σ_{{i=1}}^{{10}} {DYHAT} · \frac{{∂ŷ(i)}}{{{of}}}"
    yield step(26, "Chain rule: f(j) acts through each ŷ(i)", source, "Δf", by_chain, chain(by_chain, q.df))
    with_loss = slopes(lambda f: output(q, f=f), q.f, q.yhat - q.y)
    source = rf"= Σ_{{i=1}}^{{10}} (ŷ(i) − y(i)) · \frac{{∂}}{{{of}}} {INNER}"
    note = "The paper prints this line without the sum over i, which is there again in (28)."
    yield step(27, "∂L/∂ŷ from (13), ŷ from (12)", source, "Δf", with_loss, chain(with_loss, by_chain), note=note)
    yhat, y = q.yhat, q.y
    closed = sum((yhat[i] - y[i]) * yhat[i] * (1 - yhat[i]) * q.W[i] for i in range(10))
    source = f"= Σ_{{i=1}}^{{10}} {FACTORS} · W(i,j)"
    checks = chain(closed, with_loss), same(closed, q.df, "Δf of (25)")
    yield step(28, "σ′ = σ (1 − σ)", source, "Δf", closed, *checks)
    short = sum(q.dys[i] * q.W[i] for i in range(10))
    source = "= Σ_{i=1}^{10} Δŷ(i) · W(i,j)"
    yield step(29, "With Δŷ of (18)", source, "Δf", short, same(short, closed, CHAIN))
    product = q.W.T @ q.dys
    yield step(30, "As one product", "⟹ Δf = W^T × Δŷ", "Δf", product, same(product, short, CHAIN))
