"""The images that a network is given."""

import numpy as np

from .ops import check


def batch(x, name, input_shape, dtype):
    """(N, *input_shape) of the network's dtype, and whether it came with a batch axis."""
    x = of_dtype(x, name, dtype)
    if x.shape == input_shape:
        return x[None], False
    if x.shape[1:] != input_shape or x.ndim == 0:
        raise ValueError(f"{name} must have shape (N, *{input_shape}) or {input_shape}, got {x.shape}")
    return x, True


def of_dtype(x, name, dtype):
    """`x` as an array of the network's dtype."""
    if isinstance(x, tuple) and len(x) == 2 and all(isinstance(a, np.ndarray) for a in x) and x[0].ndim != x[1].ndim:
        raise TypeError(
            f"{name} must be an array of images, got a pair of arrays of shapes {x[0].shape} and {x[1].shape}; "
            f"of (images, labels) the images are {name}[0]"
        )
    code, x = check.code(x, name), check.given(x, name)
    if x.dtype.kind != "f" or x.dtype.newbyteorder("=") != dtype:
        real = ".real" if x.dtype.kind == "c" else ""
        cure = f"; convert it with {code}{real}.astype('{dtype}')" if x.dtype.kind in "biufcO" else ""
        raise TypeError(f"{name} must be {dtype} like the network, got {x.dtype}{cure}")
    return check.array(x, name)
