"""Training: whole runs (`fit`), single steps (`train_step`), and the score on other data (`evaluate`)."""

from .loop import fit
from .score import evaluate
from .step import train_step

__all__ = ["evaluate", "fit", "train_step"]
