"""Checks of the settings of optimizers: numbers, pairs of numbers and flags."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ..ops import check


def real(value: Any, name: str) -> float:
    """A float from any real number, a NumPy scalar or a 0-dimensional array."""
    if isinstance(value, Mapping | Iterator):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}; parameters are given to step, not here")
    if isinstance(value, list) and any(isinstance(part, Mapping | np.ndarray) for part in value):
        raise TypeError(
            f"{name} must be a number, got a list of {type(value[0]).__name__}; parameters are given to step, and "
            "names choose those that have settings of their own: write groups={'layer4.*': {'lr': 0.01}}"
        )
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError(f"{name} must be a number, got an array of shape {value.shape}")
    if callable(value):
        raise TypeError(f"{name} must be a number, got a function; to change it during training set optimizer.{name}")
    return check.number(value.tolist() if isinstance(value, np.ndarray | np.generic) else value, name)


def number(given: Any, name: str) -> float:
    """A float >= 0."""
    value = real(given, name)
    if not value >= 0:
        raise ValueError(f"{name} must be >= 0, got {value}")
    return value


def at_least_0(given: Any, name: str) -> float:
    """A float >= 0 that float32 can hold."""
    value = number(given, name)
    if value > check.LARGEST:
        raise ValueError(f"{name} must be at most {check.LARGEST:.2e}, the largest float32, got {value}")
    return value


def above_0(given: Any, name: str) -> float:
    """A float > 0 that float32 can hold."""
    value = at_least_0(given, name)
    if value == 0:
        raise ValueError(f"{name} must be > 0, got {value}: elements whose gradients have all been 0 would become NaN")
    return value


def below_1(given: Any, name: str) -> float:
    """A float >= 0 and < 1."""
    value = at_least_0(given, name)
    if value >= 1:
        raise ValueError(f"{name} must be below 1, got {value}")
    return value


def two_below_1(value: Any, name: str) -> tuple[float, float]:
    """A pair of floats >= 0 and < 1."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, tuple | list) or len(value) != 2:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        cure = f"; write {name}=({value!r}, 0.999)" if number else ""
        raise TypeError(f"{name} must be a pair of numbers, got {check.shown(value)}{cure}")
    first, second = (real(v, name) for v in value)
    if not (0 <= first < 1 and 0 <= second < 1):
        raise ValueError(f"{name} must be from 0 to below 1, got {(first, second)}")
    return first, second


def flag(value: Any, name: str) -> bool:
    """A bool; unlike `check.flag` also from 0 and 1."""
    return check.flag(bool(value) if isinstance(value, int) and value in (0, 1) else value, name)


CHECKS: dict[str, Callable[[Any, str], object]] = {
    "momentum": below_1,
    "eps": above_0,
    "alpha": below_1,
    "betas": two_below_1,
    "nesterov": flag,
    "centered": flag,
    "decay_biases_and_norms": flag,
}


def checked_setting(value: Any, name: str, called: str = "") -> Any:
    """The value of a setting, which errors call `called`; one without a check of its own is a number >= 0."""
    return CHECKS.get(name, at_least_0)(value, called or name)
