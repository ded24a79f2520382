"""What logs tell of an epoch."""

from typing import Any

from .base import Run

__all__ = ["row"]

FIELDS = ("loss", "accuracy", "validation_loss", "validation_accuracy", "seconds")


def row(run: Run) -> dict[str, Any]:
    """name -> value of the last epoch, None where it has none; metrics come last."""
    epoch = run.history[-1]
    rate = run.images / epoch.seconds if epoch.seconds > 0 else None
    found = {"epoch": epoch.epoch, "step": run.step, "lr": run.lr}
    found |= {name: getattr(epoch, name) for name in FIELDS}
    found["images_per_second"] = rate
    for name, value in epoch.metrics.items():
        found[f"metrics.{name}" if name in found else name] = float(value)
    return found
