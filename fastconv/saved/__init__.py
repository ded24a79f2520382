"""Files that hold a whole network: weights, which model it is, its classes, what images pass through before it."""

from .files import UNKNOWN, described, load, save
from .network import SavedNetwork

__all__ = ["UNKNOWN", "SavedNetwork", "described", "load", "save"]
