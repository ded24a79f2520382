"""What several families share."""

from typing import Any

from ..layer import Bound, Layer, lacking
from ..ops import check
from ..ops.extents import pads
from ..typing import Array, Call, Padding, Pair, Shape


class Parameterless(Layer):
    """A layer whose backward pass makes dx and nothing else: where nobody reads dx, it has nothing to do."""

    def backward(self, b: Bound) -> list[Call]:
        """The calls of `backward_input`; none where dx is not wanted."""
        return [] if b.dx is None else self.backward_input(b)

    def backward_input(self, b: Bound) -> list[Call]:
        """The calls that write dx."""
        raise lacking(self, "backward_input(self, b)", "return a list of functions without arguments that write b.dx")


def maps(x_shape: Shape) -> Shape:
    """(1, C, H, W) of a sample; ValueError for a vector."""
    if len(x_shape) != 3:
        cure = "put it before Flatten(), or write an input_shape of three numbers, such as (3, 64, 64)"
        raise ValueError(f"needs images (C, H, W), got shape {x_shape}; {cure}")
    return (1, *x_shape)


def features(x_shape: Shape) -> int:
    """The length of a vector sample; ValueError for images."""
    if len(x_shape) != 1:
        raise ValueError(f"needs vectors (features,), got shape {x_shape}; put Flatten() before it")
    return x_shape[0]


def last_extent(x_shape: Shape) -> int:
    """The features of a vector or of each token; ValueError for images."""
    if len(x_shape) > 2:
        cure = "put Flatten() before it, or Reshape((-1, features)) to treat each row alike"
        raise ValueError(f"needs vectors (features,) or tokens (tokens, features), got shape {x_shape}; {cure}")
    return x_shape[-1]


def at_least(value: Any, name: str, minimum: int = 1) -> int:
    """The integer; TypeError or ValueError, with the name of the argument, if it is not one or is too small."""
    return check.integer(value, name, minimum)


def words(*options: str) -> Any:
    """The check of an argument that is one of these words, in any case."""

    def check_word(value: Any, name: str) -> str:
        """The word in small letters."""
        small = value.lower() if isinstance(value, str) else value
        return check.choice(small if small in options else value, name, options)

    return check_word


def border(value: Any, name: str) -> Padding:
    """Padding: a word in small letters, or the shortest of an int, (ph, pw) and ((top, bottom), (left, right))."""
    if isinstance(value, str):
        value = value.lower()
    (top, bottom), (left, right) = pads(value, (1, 1), (1, 1), (1, 1), (1, 1))
    if isinstance(value, str):
        return value
    if (top, left) != (bottom, right):
        return (top, bottom), (left, right)
    return top if top == left else (top, left)


def brief(pair: tuple[int, int]) -> Pair:
    """One int for a pair of equal ones, which `geometry` remembers."""
    return pair[0] if pair[0] == pair[1] else pair


def same_start(x: Array, y: Array) -> bool:
    """Whether the executor has put both into the same memory."""
    return bool(x.__array_interface__["data"][0] == y.__array_interface__["data"][0])
