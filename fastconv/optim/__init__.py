"""Optimizers: `step(parameters, gradients)` changes parameters in place; and clipping of gradients.

Parameters and gradients are mappings name -> array with the same names, such as `network.parameters` and the result of
`network.gradients`. Each rule is one pass over a parameter, its gradient and its state vectors, in the dtype of the
parameter; every product and every sum is rounded by itself. Settings may be changed between steps.
"""

from .base import Optimizer
from .clipping import clip_gradients
from .optimizers import SGD, Adam, AdamW, RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_gradients"]
