"""What an operation of a file reads and gives while its graph is translated."""

from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

from ... import Node
from ...nodes.arranged import Arranged
from ...nodes.refused import BATCH, Refused, Unfit, few
from ...typing import Array

__all__ = [
    "BATCH",
    "UNFINISHED",
    "Flat",
    "Gauss",
    "ImageNumbers",
    "Lost",
    "Quantized",
    "Refused",
    "Unfit",
    "Value",
    "few",
    "shape_of",
]


class Lost:
    """The result of an operation that was refused: what reads it is not translated, and not listed again."""


@dataclass(frozen=True)
class Gauss:
    """factor erf(x / sqrt 2) + shift, of which files make GELU."""

    x: Node
    factor: float
    shift: float


@dataclass(frozen=True)
class Quantized:
    """x / scale + zero_point, which is rounded in the file and not here."""

    x: Node
    scale: float
    zero: int


@dataclass(frozen=True)
class Flat:
    """The values of all images one after another, (N C H W,), which are to be seen as images again."""

    x: Arranged


@dataclass(frozen=True)
class ImageNumbers:
    """scale n + offsets[0, ...] for the image n, integers of shape (N, ...): where the values of images begin."""

    scale: int
    offsets: Array


UNFINISHED = {
    Gauss: "Erf, which is known as a part of GELU alone",
    Quantized: "integers that are not made floats",
    Flat: "values of all images in one axis",
    ImageNumbers: "numbers of images",
}
Value: TypeAlias = (
    Node | Arranged | Array | Gauss | Quantized | Flat | ImageNumbers | Lost | None
)  # None: an optional input that is left out


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape as ONNX sees it: that of a node with BATCH in front."""
    if isinstance(value, Gauss | Quantized):
        return shape_of(value.x)
    if isinstance(value, Flat):
        return (BATCH * prod(value.x.shape),)
    if isinstance(value, ImageNumbers):
        return (BATCH, *value.offsets.shape[1:])
    if isinstance(value, Arranged):
        return (*value.shape[: value.place], BATCH, *value.shape[value.place :])
    if isinstance(value, Node):
        return (BATCH, *value.shape)
    return tuple(value.shape)
