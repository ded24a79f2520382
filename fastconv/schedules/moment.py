"""What a schedule is given, what it gives, and the checks of both."""

from collections.abc import Callable
from math import cos, pi
from types import FunctionType
from typing import Any, NamedTuple

from ..ops import check


class Moment(NamedTuple):
    """Where a training is, before a step: `step` of `steps` in all, `epoch` (with its fraction) of `epochs`."""

    step: int
    steps: int
    epoch: float
    epochs: float


Schedule = Callable[[Moment], float]


def checked(schedule: Any) -> Any:
    """A schedule, or None; TypeError for what is none."""
    if isinstance(schedule, FunctionType) and f"fastconv.schedules.{schedule.__name__}" == outside(schedule):
        raise TypeError(
            f"schedule must be a function of a Moment; fastconv.schedules.{schedule.__name__} makes one: "
            f"call it with its settings, if any, schedules.{schedule.__name__}(...)"
        )
    if schedule is None or (callable(schedule) and not isinstance(schedule, type)):
        return schedule
    raise TypeError(f"schedule must be a function of a Moment, such as fastconv.schedules.cosine(), got {schedule!r}")


def outside(function: FunctionType) -> str:
    """The name under which users see a function of this folder, such as fastconv.schedules.cosine."""
    return f"{function.__module__.rpartition('.')[0]}.{function.__qualname__}"


def rate_factor(schedule: Schedule, moment: Moment) -> float:
    """What the schedule gives; ValueError unless that is a number >= 0."""
    given = schedule(moment)
    try:
        return at_least_0(given, "schedule")
    except (TypeError, ValueError):
        raise ValueError(
            f"schedule must give numbers >= 0, which the learning rate is multiplied with, got {given!r} at {moment}"
        ) from None


def at_least_0(value: Any, name: str) -> float:
    """A finite float >= 0."""
    number = check.number(value, name)
    if not 0 <= number <= check.LARGEST:
        raise ValueError(f"{name} must be >= 0, got {number}")
    return float(number)


def above_0(value: Any, name: str) -> float:
    """A finite float > 0."""
    number = at_least_0(value, name)
    if number == 0:
        raise ValueError(f"{name} must be > 0, got {number}")
    return number


def between(first: float, last: float, passed: float) -> float:
    """From `first` to `last` along half a cosine."""
    return last + (first - last) * (1 + cos(pi * passed)) / 2
