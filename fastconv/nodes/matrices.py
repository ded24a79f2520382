"""Products of matrices that are both computed from the images."""

from math import prod

from .arranged import Arranged, arranged
from .refused import Refused
from .settled import settled

__all__ = ["matrix_product"]


def matrix_product(a: Arranged, b: Arranged) -> Arranged:
    """a b of each image: matrices of the last two axes, one by one along those before them."""
    if min(len(a.shape), len(b.shape)) < 2 or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise Refused(f"it needs matrices with the same axes before them, got (N, {a.shape}) and (N, {b.shape})")
    heads = a.shape[:-2]
    before = (prod(heads),) if heads else ()
    y = settled(a.reshaped((*before, *a.shape[-2:]))) @ settled(b.reshaped((*before, *b.shape[-2:])))
    return arranged(y).reshaped((*heads, *y.shape[-2:]))
