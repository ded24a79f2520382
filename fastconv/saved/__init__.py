"""Networks in files: which model, its weights, the names of the classes, and how images are prepared for it."""

from .description import UNKNOWN, described
from .files import load, save
from .network import SavedNetwork

__all__ = ["UNKNOWN", "SavedNetwork", "described", "load", "save"]
