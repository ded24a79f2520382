"""Schedules that rise first: a cycle, and a warm-up before any other schedule."""

from typing import Any

from .falling import constant
from .moment import Moment, Schedule, at_least_0, between, checked


def one_cycle(rise: float = 0.3, start: float = 0.04, final: float = 4e-6) -> Schedule:
    """Up from `start` to 1 in the share `rise` of the training, then down to `final` (Smith and Topin 2018 [53]).

    Both ways are half a cosine. The learning rate of the optimizer is the largest one. The defaults are those of
    PyTorch (start 1 / 25, final start / 10^4).

    Examples
    --------
    >>> cycle = fastconv.schedules.one_cycle(0.5, start=0.1)
    >>> [round(cycle(fastconv.schedules.Moment(step, 5, step, 5)), 4) for step in range(5)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """
    rise, start, final = at_least_0(rise, "rise"), at_least_0(start, "start"), at_least_0(final, "final")
    if rise > 1:
        raise ValueError(f"rise must be from 0 to 1, a share of the training, got {rise}")

    def factor(moment: Moment) -> float:
        passed = moment.step / max(1, moment.steps - 1)
        if passed < rise:
            return between(start, 1, passed / rise)
        return between(1, final, (passed - rise) / (1 - rise) if rise < 1 else 0)

    return factor


def warm_up(epochs: float, schedule: Schedule | None = None, start: float = 0.0) -> Schedule:
    """f = start + (1 - start) (t + 1) / T in step t of the T steps of these epochs, then `schedule` for what remains.

    Parameters
    ----------
    epochs : float >= 0
    schedule : function of a Moment, optional
        Counts from the end of the warm-up on; ``constant()`` unless given.
    start : float >= 0

    Examples
    --------
    >>> up = fastconv.schedules.warm_up(2, fastconv.schedules.cosine())
    >>> [up(fastconv.schedules.Moment(step, 6, step, 6)) for step in range(4)]
    [0.5, 1.0, 1.0, 0.8535533905932737]
    """
    return WarmUp(at_least_0(epochs, "epochs"), checked(schedule) or constant(), at_least_0(start, "start"))


class WarmUp:
    """A straight line up, then another schedule, which is told the results of epochs if it wants them."""

    def __init__(self, epochs: float, schedule: Any, start: float) -> None:
        self.epochs, self.schedule, self.start = epochs, schedule, start
        if hasattr(schedule, "observe"):
            self.observe = schedule.observe

    def __call__(self, moment: Moment) -> float:
        steps = round(self.epochs * moment.steps / moment.epochs) if moment.epochs else 0
        if moment.step < steps:
            return self.start + (1 - self.start) * (moment.step + 1) / steps
        rest = Moment(
            moment.step - steps,
            max(1, moment.steps - steps),
            max(0.0, moment.epoch - self.epochs),
            moment.epochs - self.epochs,
        )
        return float(self.schedule(rest))
