"""What is given as a model and as its input shape; errors say what to write instead."""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Shape


def check_model(model: object, rule: str) -> None:
    """TypeError if the model is not a function of nodes, with what to write instead."""
    cure = ""
    if isinstance(model, type):
        cure = f"; this is a class, call it to make a layer: {model.__name__}(...)"
    elif isinstance(model, list | tuple):
        cure = "; to join several layers write sequential(*layers)"
    elif callable(model):
        return
    raise TypeError(f"{rule}, got {model!r}{cure}")


def sample_shape(input_shape: Any) -> Shape:
    """(C, H, W) or (features,), from one of these or from the number of features."""
    rule = "input_shape must be (C, H, W) or (features,), without the batch axis"
    if hasattr(input_shape, "__index__") and np.ndim(input_shape) == 0:
        input_shape = (input_shape,)
    if not isinstance(input_shape, tuple | list | np.ndarray):
        raise TypeError(f"{rule}, got {input_shape!r}")
    if len(input_shape) not in (1, 3):
        raise ValueError(f"{rule}, got {tuple(input_shape)}")
    return tuple(check.integer(extent, "input_shape", 1) for extent in input_shape)
