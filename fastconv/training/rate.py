"""The learning rate of an optimizer while a schedule changes it."""

from typing import Any

import numpy as np

from ..schedules.moment import Moment, Schedule, checked, rate_factor
from .epoch import Epoch


class Rate:
    """Sets the learning rate before each of `steps` steps an epoch; at the end it is what it was at the beginning.

    `step` is the number of steps done.
    """

    def __init__(self, optimizer: Any, schedule: Schedule | None, epochs: int, steps: int) -> None:
        self.optimizer, self.schedule, self.epochs, self.steps = optimizer, checked(schedule), epochs, steps
        self.step, self.first = 0, getattr(optimizer, "lr", np.nan)
        if schedule is not None and not np.isfinite(self.first):
            raise TypeError(
                f"schedule needs an optimizer with a learning rate, lr, a number; {type(optimizer).__name__} has none"
            )

    def __enter__(self) -> None:
        """Nothing: the first step sets the rate."""

    def __exit__(self, *error: object) -> None:
        if self.schedule is not None:
            self.optimizer.lr = self.first

    def next_step(self) -> None:
        """Set the rate of the next step."""
        if self.schedule is None:
            return
        moment = Moment(self.step, self.steps * self.epochs, self.step / self.steps, self.epochs)
        self.optimizer.lr = self.first * rate_factor(self.schedule, moment)

    def state(self) -> dict[str, Any]:
        """The steps done, the rate at the beginning, and what a schedule remembers."""
        remembered = self.schedule.state() if hasattr(self.schedule, "state") else None
        return {"step": self.step, "first": float(self.first), "schedule": remembered}

    def load_state(self, state: Any) -> None:
        """Go on from there."""
        self.step, self.first = int(state["step"]), float(state["first"])
        if state["schedule"] is not None and hasattr(self.schedule, "load_state"):
            self.schedule.load_state(state["schedule"])

    def observe(self, epoch: Epoch) -> None:
        """Tell a schedule that wants it the loss of an epoch."""
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(epoch.loss if epoch.validation_loss is None else epoch.validation_loss)
