"""First values of parameters: `init(rng, shape, fan_in, fan_out)` gives a float64 array.

`fan_in` counts the connections into one unit, `fan_out` the connections out of one unit: C kh kw and K kh kw for a
convolution of C channels with K filters. A layer takes the name of a rule (`init="he_normal"`) or a function (`Init`).
U(+-a) is the uniform distribution from -a to a, N(0, v) the normal distribution of mean 0 and variance v. Numbers
in brackets refer to docs/references.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from typing import Any, Protocol

import numpy as np

from .ops import check
from .typing import Array, Generator, Shape

ELSEWHERE = {  # letters of a name in other libraries -> the name here
    "xavieruniform": "glorot_uniform",
    "xaviernormal": "glorot_normal",
    "kaiminguniform": "he_uniform",
    "kaimingnormal": "he_normal",
    "glorotuniform": "glorot_uniform",
    "glorotnormal": "glorot_normal",
    "heuniform": "he_uniform",
    "henormal": "he_normal",
}
MAKERS = {  # letters of a name that needs a number, here or in other libraries -> what makes the rule
    "normal": "normal(0.01)",
    "randomnormal": "normal(0.05)",
    "truncatednormal": "normal(0.05)",
    "truncnormal": "normal(0.05)",
    "constant": "constant(0.1)",
}


class Init(Protocol):
    """A rule for first values, also one of your own."""

    def __call__(self, rng: Generator, shape: Shape, fan_in: int, fan_out: int, /) -> Array:
        """Draw or compute the first values of one parameter.

        Parameters
        ----------
        rng : numpy.random.Generator
            The network's generator, from its `seed`.
        shape : tuple of int
            Shape of the parameter.
        fan_in, fan_out : int
            Connections into and out of one unit; the rules that do not use one of them take 1 by default.

        Returns
        -------
        numpy.ndarray
            Numbers of this shape, which become the network's dtype.
        """


def zeros(rng: Generator, shape: Shape, fan_in: int = 1, fan_out: int = 1) -> Array:
    """0: the first value of every bias (Zhang 2016 [1])."""
    return np.zeros(shape)


def ones(rng: Generator, shape: Shape, fan_in: int = 1, fan_out: int = 1) -> Array:
    """1: the first value of the slopes of normalisation."""
    return np.ones(shape)


def uniform(rng: Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """U(+-sqrt(6 / (fan_in + fan_out))): the rule of Zhang 2016 [1], eqs. 1 to 3.

    The bound is sqrt(6 / ((c_in + c_out) k^2)) for a k x k convolution, and sqrt(6 / (in + out)) for a dense layer.
    Glorot and Bengio 2010 [39], eq. 16, have the same rule.
    """
    bound = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


def glorot_uniform(rng: Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """U(+-sqrt(6 / (fan_in + fan_out))): the usual name of `uniform` (Glorot and Bengio 2010 [39], eq. 16)."""
    return uniform(rng, shape, fan_in, fan_out)


def glorot_normal(rng: Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio 2010 [39], eq. 12)."""
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


def he_uniform(rng: Generator, shape: Shape, fan_in: int, fan_out: int = 1) -> Array:
    """U(+-sqrt(6 / fan_in)): keeps the variance of the values through ReLU layers (He et al. 2015 [15])."""
    bound = np.sqrt(6 / fan_in)
    return rng.uniform(-bound, bound, shape)


def he_normal(rng: Generator, shape: Shape, fan_in: int, fan_out: int = 1) -> Array:
    """N(0, 2 / fan_in): keeps the variance of the values through ReLU layers (He et al. 2015 [15], eq. 10)."""
    return rng.normal(0, np.sqrt(2 / fan_in), shape)


def he_normal_out(rng: Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
    """N(0, 2 / fan_out): keeps the variance of the gradients through ReLU layers (He et al. 2015 [15], eq. 14)."""
    return rng.normal(0, np.sqrt(2 / fan_out), shape)


def fan_in_uniform(rng: Generator, shape: Shape, fan_in: int, fan_out: int = 1) -> Array:
    """U(+-1 / sqrt(fan_in)), for weights and biases alike: the first values in PyTorch's layers."""
    bound = 1 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape)


def normal(deviation: float) -> Init:
    """The initialiser that draws from N(0, deviation^2).

    Parameters
    ----------
    deviation : float >= 0
        Standard deviation, finite.

    Returns
    -------
    Init
        A function of (rng, shape, fan_in, fan_out), to be given to a layer: `Conv2D(4, 3, init=normal(0.01))`.

    Raises
    ------
    TypeError
        If `deviation` is not a number.
    ValueError
        If `deviation` is negative, infinite or NaN.
    """
    deviation = check.number(deviation, "deviation")
    if not 0 <= deviation < inf:
        raise ValueError(f"deviation must be >= 0 and finite, got {deviation}")
    return partial(drawn, deviation)


def drawn(deviation: float, rng: Generator, shape: Shape, fan_in: int = 1, fan_out: int = 1) -> Array:
    """N(0, deviation^2)."""
    return rng.normal(0, deviation, shape)


def constant(value: float) -> Init:
    """The initialiser that gives this value everywhere.

    Parameters
    ----------
    value : float
        The value of all elements.

    Returns
    -------
    Init
        A function of (rng, shape, fan_in, fan_out), to be given to a layer.

    Raises
    ------
    TypeError
        If `value` is not a number.
    """
    return partial(filled, check.number(value, "value"))


def filled(value: float, rng: Generator, shape: Shape, fan_in: int = 1, fan_out: int = 1) -> Array:
    """The value everywhere."""
    return np.full(shape, value)


def named(init: str | Init, name: str = "init") -> Init:
    """The initialiser of a name, or the function itself.

    Parameters
    ----------
    init : str or function
        The name of a rule here, such as "he_normal", in any case, or a function of (rng, shape, fan_in, fan_out).
    name : str
        What errors call the argument.

    Raises
    ------
    ValueError
        If there is no such rule; the message says what to write instead.
    """
    if isinstance(init, str):
        rule = RULES.get(init.lower())
        if rule is not None:
            return rule
    elif callable(init) and not isinstance(init, type) and not makes_rules(init):
        return init
    rules = ", ".join(RULES)
    raise ValueError(f"{name} must be a function or one of {rules}, got {given(init)}{cure(init, name)}")


RULES: dict[str, Init] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "fan_in_uniform": fan_in_uniform,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "he_normal_out": he_normal_out,
}


def makes_rules(init: Any) -> bool:
    """Whether this is one of the two functions that make initialisers."""
    return init is normal or init is constant


def given(init: Any) -> str:
    """How an error shows what is no initialiser."""
    if makes_rules(init):
        return f"{init.__name__} itself"
    return check.described(init) if isinstance(init, type) else check.shown(init)


def cure(init: Any, name: str) -> str:
    """What to write instead; nothing where that cannot be known."""
    if isinstance(init, str):
        letters = "".join(filter(str.isalpha, init.lower()))
        if letters in MAKERS:
            return f"; write {name}=fastconv.init.{MAKERS[letters]}"
        here = ELSEWHERE.get(letters)
        return f"; write {name}={here!r}" if here else check.near(init, tuple(RULES))
    if makes_rules(init):
        return f"; write {name}=fastconv.init.{init.__name__}(0.1)"
    if isinstance(init, type):
        return f"; for an object of it write {name}={init.__name__}()"
    number = isinstance(init, int | float) and not isinstance(init, bool)
    return f"; to fill with this number write {name}=fastconv.init.constant({init!r})" if number else ""


@contextmanager
def blamed_on(init: object, name: str) -> Iterator[None]:
    """Adds the parameter's name and the rule to the errors of an initialiser, and to errors about its result."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name}: init must be a function of (rng, shape, fan_in, fan_out) that returns an array of this shape, "
            f"like those of fastconv.init, for example init='zeros'; got {init!r}: {error}"
        ) from None
