"""The learning rate of an optimizer while a schedule changes it."""

from typing import Any

import numpy as np

from ..schedules.moment import Moment, Schedule, checked, rate_factor
from .epoch import Epoch


class Rate:
    """Sets the learning rate before each step; at the end it is what it was at the beginning."""

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
        self.step += 1

    def observe(self, epoch: Epoch) -> None:
        """Tell a schedule that wants it the loss of an epoch."""
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(epoch.loss if epoch.validation_loss is None else epoch.validation_loss)
