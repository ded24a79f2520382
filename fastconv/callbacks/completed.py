"""Whether a training came to its end, so that callbacks may put other weights into the network."""

from .base import Run

__all__ = ["completed"]


def completed(run: Run) -> bool:
    """False after an error or Ctrl-C: the network then keeps the weights that `fit` says it has."""
    return not run.broken and (run.stop or len(run.history) >= run.epochs)
