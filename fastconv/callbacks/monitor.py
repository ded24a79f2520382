"""Which epoch is the best so far."""

from collections.abc import Mapping
from math import isnan
from typing import Any

from .base import Run

__all__ = ["Monitor"]

FIELDS = ("validation_loss", "validation_accuracy", "loss", "accuracy")
LESS = ("validation_loss", "loss")  # of these less is better


class Monitor:
    """Watches a field of `Epoch` or a metric.

    `name` None is the validation loss, or the loss where there is no validation. `mode` is "min" or "max": what is
    better; None for "min" of a loss, and of a metric whose name ends in "loss" or "error", else "max". A value improves
    on the best one if it is better by more than `change`.
    """

    def __init__(self, name: str | None = None, mode: str | None = None, change: float = 0.0) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"monitor must be the name of a field of Epoch, or of a metric, got {name!r}")
        if mode not in (None, "min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', what is better, got {mode!r}")
        self.name, self.mode, self.change = name, mode, change
        self.best: float | None = None
        self.best_epoch = 0

    def value(self, run: Run) -> float:
        """What the last epoch has; ValueError if it has no such thing."""
        epoch = run.history[-1]
        name = self.name or ("loss" if epoch.validation_loss is None else "validation_loss")
        found = epoch.metrics.get(name) if name in epoch.metrics else getattr(epoch, name) if name in FIELDS else None
        if found is None:
            missing = f"known are {', '.join([*FIELDS, *epoch.metrics])}"
            if name in FIELDS:
                needed = name.startswith("validation") and epoch.validation_loss is None
                missing = "fit needs validation=" if needed else "targets that are no classes have no accuracy"
            raise ValueError(f"monitor={name!r}: the epoch has no such value; {missing}")
        return float(found)

    def improved(self, run: Run) -> bool:
        """Whether the last epoch is better than all before; it is remembered then."""
        value = self.value(run)
        name = self.name or "loss"
        less = self.mode == "min" or (self.mode is None and (name in LESS or name.endswith(("loss", "error"))))
        sign = -1 if less else 1
        if isnan(value) or (self.best is not None and not sign * value > sign * self.best + self.change):
            return False
        self.best, self.best_epoch = value, run.history[-1].epoch
        return True

    def state(self) -> dict[str, Any]:
        """The best value and its epoch."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.best, self.best_epoch = state["best"], int(state["best_epoch"])
