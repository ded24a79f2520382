"""First values of parameters: `init(rng, shape, fan_in, fan_out)` gives a float64 array.

`fan_in` counts the connections into one unit, `fan_out` those out of one: for a convolution C kh kw and K kh kw.
"""

from contextlib import contextmanager
from functools import partial
from math import inf

import numpy as np

from .ops import check

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


def zeros(rng, shape, fan_in=1, fan_out=1):
    """0, the sources' value of every bias."""
    return np.zeros(shape)


def ones(rng, shape, fan_in=1, fan_out=1):
    """1."""
    return np.ones(shape)


def uniform(rng, shape, fan_in, fan_out):
    """U(+-sqrt(6 / (fan_in + fan_out))): the sources' rule.

    For a k x k convolution that is sqrt(6 / ((c_in + c_out) k^2)), for a dense layer sqrt(6 / (in + out)). Zhang 2016,
    eqs. 1 to 3, after LeCun et al. 1998. Glorot and Bengio 2010 arrived at the same rule.
    """
    bound = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, shape)


def glorot_uniform(rng, shape, fan_in, fan_out):
    """U(+-sqrt(6 / (fan_in + fan_out))): the name by which the field knows `uniform`."""
    return uniform(rng, shape, fan_in, fan_out)


def glorot_normal(rng, shape, fan_in, fan_out):
    """N(0, 2 / (fan_in + fan_out)). Glorot and Bengio 2010."""
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


def he_uniform(rng, shape, fan_in, fan_out=1):
    """U(+-sqrt(6 / fan_in)): keeps the variance through rectified layers. He et al. 2015."""
    bound = np.sqrt(6 / fan_in)
    return rng.uniform(-bound, bound, shape)


def he_normal(rng, shape, fan_in, fan_out=1):
    """N(0, 2 / fan_in). He et al. 2015."""
    return rng.normal(0, np.sqrt(2 / fan_in), shape)


def he_normal_out(rng, shape, fan_in, fan_out):
    """N(0, 2 / fan_out): keeps the variance of the gradient on its way back. He et al. 2015."""
    return rng.normal(0, np.sqrt(2 / fan_out), shape)


def fan_in_uniform(rng, shape, fan_in, fan_out=1):
    """U(+-1 / sqrt(fan_in)), for weights and biases alike: what PyTorch's layers begin with."""
    bound = 1 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape)


def normal(deviation):
    """The initialiser that draws from N(0, deviation^2), deviation >= 0."""
    deviation = check.number(deviation, "deviation")
    if not 0 <= deviation < inf:
        raise ValueError(f"deviation must be >= 0 and finite, got {deviation}")
    return partial(drawn, deviation)


def drawn(deviation, rng, shape, fan_in=1, fan_out=1):
    return rng.normal(0, deviation, shape)


def constant(value):
    """The initialiser that gives this value everywhere."""
    return partial(filled, check.number(value, "value"))


def filled(value, rng, shape, fan_in=1, fan_out=1):
    return np.full(shape, value)


def named(init, name="init"):
    """An initialiser from its name or from itself."""
    known = (
        *(zeros, ones, uniform, fan_in_uniform, glorot_uniform, glorot_normal),
        *(he_uniform, he_normal, he_normal_out),
    )
    names = {rule.__name__: rule for rule in known}
    if isinstance(init, str) and init in names:
        return names[init]
    if callable(init) and init not in (normal, constant):
        return init
    if callable(init):
        raise ValueError(f"{name} must be a result of {init.__name__}: write {name}=fastconv.init.{init.__name__}(0.1)")
    number = isinstance(init, int | float) and not isinstance(init, bool)
    cure = f"; to fill with this number write {name}=fastconv.init.constant({init!r})" if number else ""
    if isinstance(init, str) and (known_here := ELSEWHERE.get("".join(filter(str.isalpha, init.lower())))):
        cure = f"; write {name}={known_here!r}"
    raise ValueError(f"{name} must be a function or one of {', '.join(names)}, got {check.shown(init)}{cure}")


@contextmanager
def blamed_on(init, name):
    """Adds the parameter's name and the rule to the errors of an initialiser or of its result."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name}: init must be a function of (rng, shape, fan_in, fan_out) that returns an array of this shape, "
            f"like those of fastconv.init, for example init='zeros'; got {init!r}: {error}"
        ) from None
