"""Optimizers: `step(parameters, gradients)` changes parameters in place; and clipping of gradients.

Both are mappings name -> array with the same names, as `network.parameters` and the result of `network.gradients`.
Each rule is one pass over a parameter, its gradient and what the rule remembers, in the dtype of the parameter, with
every product and sum rounded by itself. Settings may be changed between steps.
"""

from .base import Optimizer
from .optimizers import SGD, Adam, AdamW, RMSprop, clip_gradients

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_gradients"]
