"""The images that a network is given."""

from .ops import check


def batch(x, name, input_shape, dtype):
    """(N, *input_shape) of the network's dtype, and whether it came with a batch axis."""
    x = check.array(x, name)
    if x.dtype != dtype:
        raise TypeError(
            f"{name} must be {dtype} like the network, got {x.dtype}; convert it with {name}.astype('{dtype}')"
        )
    if x.shape == input_shape:
        return x[None], False
    if x.shape[1:] != input_shape or x.ndim == 0:
        raise ValueError(f"{name} must have shape (N, *{input_shape}) or {input_shape}, got {x.shape}")
    return x, True
