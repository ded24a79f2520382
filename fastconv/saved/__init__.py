"""Networks in files: which model, its weights, the names of the classes, and how images are prepared for it."""

from .description import described
from .files import load, save
from .network import SavedNetwork

__all__ = ["SavedNetwork", "described", "load", "save"]
