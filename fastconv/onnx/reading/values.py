"""What an operation of a file reads and gives while its graph is translated."""

from typing import Any, TypeAlias

from ... import Node
from ...typing import Array
from .arranged import Arranged

__all__ = ["BATCH", "Lost", "Refused", "Value", "shape_of"]

BATCH = 1_000_003  # stands for the free number of images in arithmetic with shapes: a prime, exact in float32


class Refused(Exception):
    """Why one operation cannot be translated; the message of the file's error begins with the operation's name."""


class Lost:
    """The result of an operation that was refused: what reads it is not translated, and not listed again."""


Value: TypeAlias = Node | Arranged | Array | Lost | None  # None: an optional input that is left out


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape as ONNX sees it: that of a node with BATCH in front."""
    if isinstance(value, Node | Arranged):
        return (BATCH, *value.shape)
    return tuple(value.shape)
