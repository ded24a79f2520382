"""Layers of signals (C, L): each is a layer of images (C, 1, L)."""

from .adaptive import AdaptiveAvgPool1D, AdaptiveMaxPool1D, GlobalAvgPool1D, GlobalMaxPool1D
from .conv import Conv1D, ConvTranspose1D
from .pool import AvgPool1D, MaxPool1D

__all__ = [
    "AdaptiveAvgPool1D",
    "AdaptiveMaxPool1D",
    "AvgPool1D",
    "Conv1D",
    "ConvTranspose1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "MaxPool1D",
]
