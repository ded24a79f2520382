"""Training: whole runs (`fit`), single steps (`train_step`), and the score on other data (`evaluate`)."""

from .loop import evaluate, fit, train_step

__all__ = ["evaluate", "fit", "train_step"]
