"""Schedules that fall: by steps, by powers, along a cosine."""

from bisect import bisect_right
from collections.abc import Iterable
from math import floor, log

from .moment import Schedule, above_0, at_least_0, between

ROUNDING = 1e-9  # of epochs, which are quotients


def constant(factor: float = 1.0) -> Schedule:
    """f = factor

    Examples
    --------
    >>> fastconv.schedules.constant(0.5)(fastconv.schedules.Moment(3, 10, 0.3, 1))
    0.5
    """
    factor = at_least_0(factor, "factor")
    return lambda moment: factor


def step(every: float, factor: float = 0.1) -> Schedule:
    """f = factor^floor(epoch / every)

    Parameters
    ----------
    every : float > 0
        Epochs.
    factor : float >= 0

    Examples
    --------
    >>> fall = fastconv.schedules.step(30, 0.5)
    >>> [fall(fastconv.schedules.Moment(0, 90, epoch, 90)) for epoch in (0, 29.9, 30, 60)]
    [1.0, 1.0, 0.5, 0.25]
    """
    every, factor = above_0(every, "every"), at_least_0(factor, "factor")
    return lambda moment: factor ** floor(moment.epoch / every + ROUNDING)


def multi_step(epochs: Iterable[float], factor: float = 0.1) -> Schedule:
    """f = factor^(how many of `epochs` have begun)

    Examples
    --------
    >>> fall = fastconv.schedules.multi_step([30, 60], 0.5)
    >>> [fall(fastconv.schedules.Moment(0, 90, epoch, 90)) for epoch in (0, 30, 59, 60)]
    [1.0, 0.5, 0.5, 0.25]
    """
    if not isinstance(epochs, Iterable) or isinstance(epochs, str):
        raise TypeError(f"epochs must be numbers, such as [30, 60], got {epochs!r}")
    marks, factor = sorted(at_least_0(epoch, "epochs") for epoch in epochs), at_least_0(factor, "factor")
    return lambda moment: factor ** bisect_right(marks, moment.epoch)


def exponential(factor: float = 0.95) -> Schedule:
    """f = factor^epoch, at each step

    Examples
    --------
    >>> fall = fastconv.schedules.exponential(0.5)
    >>> fall(fastconv.schedules.Moment(0, 10, 2, 10))
    0.25
    """
    factor = above_0(factor, "factor")
    return lambda moment: factor**moment.epoch


def cosine(final: float = 0.0) -> Schedule:
    """f = final + (1 - final) (1 + cos(pi step / steps)) / 2 (Loshchilov and Hutter 2017 [52], eq. 5, one cycle)

    Examples
    --------
    >>> fall = fastconv.schedules.cosine()
    >>> [round(fall(fastconv.schedules.Moment(step, 4, step, 4)), 4) for step in range(4)]
    [1.0, 0.8536, 0.5, 0.1464]
    """
    final = at_least_0(final, "final")
    return lambda moment: between(1, final, moment.step / moment.steps)


def cosine_restarts(first: float, growth: float = 1.0, final: float = 0.0) -> Schedule:
    """f = final + (1 - final) (1 + cos(pi e / E)) / 2, e epochs after a start (Loshchilov and Hutter 2017 [52], eq. 5)

    E = first, then first growth, first growth^2, ...

    Parameters
    ----------
    first : float > 0
        Epochs until the first restart.
    growth : float >= 1
    final : float >= 0

    Examples
    --------
    >>> fall = fastconv.schedules.cosine_restarts(2, growth=2)
    >>> [round(fall(fastconv.schedules.Moment(0, 6, epoch, 6)), 4) for epoch in (0, 1, 2, 4, 6)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    first, growth, final = above_0(first, "first"), at_least_0(growth, "growth"), at_least_0(final, "final")
    if growth < 1:
        raise ValueError(f"growth must be >= 1, got {growth}")
    return lambda moment: between(1, final, share_of_cycle(moment.epoch, first, growth))


def share_of_cycle(epoch: float, first: float, growth: float) -> float:
    """Which part of its cycle an epoch has reached, where cycle n has first growth^n epochs."""
    if growth == 1:
        return epoch / first % 1
    number = floor(log(1 + epoch / first * (growth - 1), growth) + ROUNDING)  # cycles that have ended
    begun = first * (growth**number - 1) / (growth - 1)
    return max(0.0, epoch - begun) / (first * growth**number)
