"""The learning rates of an optimizer while a schedule changes them."""

from typing import Any

import numpy as np

from ..optim import Optimizer
from ..schedules.moment import Moment, Schedule, checked, rate_factor
from .epoch import Epoch


class Rate:
    """Sets the learning rates before each of `steps` steps an epoch; at the end they are as at the beginning.

    `step` is the number of steps done.
    """

    def __init__(self, optimizer: Any, schedule: Schedule | None, epochs: int, steps: int) -> None:
        self.optimizer, self.schedule, self.epochs, self.steps = optimizer, checked(schedule), epochs, steps
        self.step, self.first = 0, rates(optimizer)
        if schedule is not None and not self.first:
            raise TypeError(
                f"schedule needs an optimizer with a learning rate, lr, a number; {type(optimizer).__name__} has none"
            )

    def __enter__(self) -> None:
        """Nothing: the first step sets the rate."""

    def __exit__(self, *error: object) -> None:
        if self.schedule is not None:
            self.scale(1.0)

    def scale(self, factor: float) -> None:
        """Set all rates to `factor` times those at the beginning."""
        if isinstance(self.optimizer, Optimizer):
            self.optimizer.set_rates(self.first, factor)
        else:
            self.optimizer.lr = self.first["lr"] * factor

    def next_step(self) -> None:
        """Set the rates of the next step."""
        if self.schedule is None:
            return
        moment = Moment(self.step, self.steps * self.epochs, self.step / self.steps, self.epochs)
        self.scale(rate_factor(self.schedule, moment))

    def state(self) -> dict[str, Any]:
        """The steps done, the rates at the beginning, and what a schedule remembers."""
        remembered = self.schedule.state() if hasattr(self.schedule, "state") else None
        return {"step": self.step, "first": self.first, "schedule": remembered, "scheduled": self.schedule is not None}

    def load_state(self, state: Any) -> None:
        """Go on from there; ValueError where a schedule is missing, or new: the rates would be others."""
        scheduled = self.schedule is not None
        if state.get("scheduled", scheduled) != scheduled:
            given = "schedule was given when it was written, and is missing now"
            new = "schedule was not given when it was written, and is now"
            raise ValueError(f"{new if scheduled else given}; both must agree")
        self.step, self.first = int(state["step"]), state["first"]
        if state["schedule"] is not None and hasattr(self.schedule, "load_state"):
            self.schedule.load_state(state["schedule"])

    def observe(self, epoch: Epoch) -> None:
        """Tell a schedule that wants it the loss of an epoch."""
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(epoch.loss if epoch.validation_loss is None else epoch.validation_loss)


def rates(optimizer: Any) -> dict[str, Any]:
    """The learning rates of an optimizer by name; {} where it has none."""
    if isinstance(optimizer, Optimizer):
        return optimizer.rates()
    rate = getattr(optimizer, "lr", None)
    known = isinstance(rate, int | float | np.number) and not isinstance(rate, bool) and np.isfinite(rate)
    return {"lr": rate} if known else {}
