"""The normalisations, one family of `fastconv.ops.norm` per file."""

from .batch import BatchNorm
from .group import GroupNorm
from .instance import InstanceNorm
from .layer import LayerNorm
from .local import LocalResponseNorm

__all__ = ["BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm", "LocalResponseNorm"]
