"""Optimizers, and clipping of gradients.

`step(parameters, gradients)` changes parameters in place. Both are mappings
name -> array, such as `network.parameters` and the gradients that
`network.gradients` returns. Settings may be changed between steps. Every
product and every sum is rounded by itself, in the dtype of the parameter.
"""

from .base import Optimizer
from .clipping import clip_gradients
from .optimizers import SGD, Adam, AdamW
from .rmsprop import RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_gradients"]
