"""Architectures, one a file: functions that return a model (a function Node -> Node).

    Network(models.zhang2016(), (1, 28, 28), seed=0)

`known` maps the names that the command line takes to what it needs to know about each.
"""

from typing import NamedTuple

from .. import losses
from .chain import chain
from .nielsen import nielsen
from .zhang2016 import zhang2016

__all__ = ["Known", "chain", "known", "nielsen", "zhang2016"]


class Known(NamedTuple):
    build: object  # () -> model
    input_shape: tuple
    loss: object


def _nielsen_l2():
    return nielsen(pool="l2")


known = {
    "zhang2016": Known(zhang2016, (1, 28, 28), losses.MSE()),
    "nielsen": Known(nielsen, (1, 28, 28), losses.CrossEntropy()),
    "nielsen-l2": Known(_nielsen_l2, (1, 28, 28), losses.CrossEntropy()),
    "chain": Known(chain, (1, 28, 28), losses.CrossEntropy()),
}
