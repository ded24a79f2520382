"""Which transforms draw random numbers."""

from collections.abc import Sequence
from functools import partial

from .batches import Transform
from .scaling import _normalize, _to_float
from .sizes import _center_crop, _resize

__all__ = ["unchanging"]

WITHOUT = (_resize, _center_crop, _to_float, _normalize)


def unchanging(transforms: Sequence[Transform]) -> tuple[Transform, ...]:
    """The transforms that give an image the same result each time, in their order; own functions are left out.

    Examples
    --------
    >>> from fastconv.data import transforms
    >>> len(transforms.unchanging([transforms.random_flip(), transforms.to_float()]))
    1
    """
    return tuple(t for t in transforms if (t.func if isinstance(t, partial) else t) in WITHOUT)
