"""Dropout: in training each value, or each image, is set to 0 with probability p; the others grow: the mean stays.

training     y = x m,  dx = dy m,  with m = 0 with probability p, else 1 / (1 - p)
prediction   y = x,    dx = dy
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..arguments.attributes import Argument, optional
from ..layer import Array, Bound, Spec, State
from ..ops import check
from ..typing import Call, Generator, Shape
from .common import Parameterless, same_start


def probability(value: Any, name: str) -> float:
    """A float from 0 to below 1."""
    number = check.number(value, name)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value!r}")
    return number


def key(value: Any, name: str) -> int:
    """An integer that is a key of Philox."""
    number = check.integer(value, name, 0)
    if number >= 2**64:
        raise ValueError(f"{name} must be below 2**64, got {value}")
    return number


class Masked(Parameterless):
    """A layer that multiplies with random zeros in training: y = x m, m = 0 with probability p, else 1 / (1 - p).

    Parameters
    ----------
    p, seed, name
        As in `Dropout`.
    """

    in_place = True
    two_modes = True
    p = Argument(probability)
    seed = Argument(partial(optional, check=key))

    def __init__(self, p: float, seed: int | None, name: str | None) -> None:
        super().__init__(name)
        self.p, self.seed = p, seed

    def mask_shape(self, x_shape: Shape) -> Shape:
        """The shape of m for one image, which is multiplied with x."""
        raise NotImplementedError

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x; the counter is a buffer, the mask is saved."""
        state = {"counter": State((2,), self.first_counter, "uint64")}
        return Spec(x_shape, state=state, saved={"mask": Array(self.mask_shape(x_shape))})

    def first_counter(self, rng: Generator) -> tuple[int, int]:
        """(seed, step), step 0."""
        return int(rng.integers(2**63)) if self.seed is None else self.seed, 0

    def forward(self, b: Bound) -> list[Call]:
        """y = x m in training, y = x in prediction"""
        if not b.training:
            return [] if same_start(b.x, b.y) else [partial(np.copyto, b.y, b.x)]
        mask = in_memory_order(b.saved.mask)
        before = 0 if b.block is None else b.block.first * (mask.size // len(mask))
        return [
            partial(draw, b.state.counter, mask, self.p, before),
            partial(np.multiply, b.x, b.saved.mask, b.y),
        ]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy m in training, dx = dy in prediction"""
        if not b.training:
            return [] if same_start(b.dy, b.dx) else [partial(np.copyto, b.dx, b.dy)]
        return [partial(np.multiply, b.dy, b.saved.mask, b.dx)]


class Dropout(Masked):
    """Random zeros in training, the identity in prediction: y = x m, m = 0 with probability p, else 1 / (1 - p).

    (N, ...) -> (N, ...), the same shape. By position: p; the rest by name.

    Parameters
    ----------
    p : float in [0, 1), default 0.5
        The probability of a zero.
    seed : int from 0 to 2**64 - 1, optional
        Decides which values are zero; by default it is drawn when the network gets its first values.
    name : str, optional
        Prefix of the buffer's name, see `Layer`.

    Notes
    -----
    Buffer of the network: counter (2,), uint64: (seed, step). Each training step adds one to step. The mask depends on
    the two numbers alone: they are the key of Philox, a counter-based generator. So a network that is saved and loaded
    goes on with the masks that it would have drawn.

    Srivastava 2014 [24], there without the factor 1 / (1 - p) in training.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Dropout(0.5, seed=0), (3,)).predict(np.ones(3, "float32"))
    array([1., 1., 1.], dtype=float32)
    """

    kind = "dropout"

    def __init__(self, p: float = 0.5, *, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(p, seed, name)

    def mask_shape(self, x_shape: Shape) -> Shape:
        """That of x: a number for each value."""
        return x_shape


class StochasticDepth(Masked):
    """Whole images set to 0 in training, the identity in prediction: y[n] = x[n] m[n], m = 0 with probability p.

    (N, ...) -> (N, ...), the same shape.

    Otherwise m = 1 / (1 - p), so that the mean stays. It stands at the end of the branch of a residual block:
    ``x + StochasticDepth(0.1)(branch(x))`` skips the branch for some images.

    By position: p; the rest by name.

    Parameters
    ----------
    p : float in [0, 1)
        The probability with which an image is set to 0.
    seed : int from 0 to 2**64 - 1, optional
        Decides which images are; by default it is drawn when the network gets its first values.
    name : str, optional
        Prefix of the buffer's name, see `Layer`.

    Notes
    -----
    Buffer of the network: counter (2,), uint64: (seed, step), as of `Dropout`.

    Huang et al. 2016 [72], there for the whole batch, and without the factor 1 / (1 - p) in training.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.StochasticDepth(0.5, seed=0), (3,)).predict(np.ones(3, "float32"))
    array([1., 1., 1.], dtype=float32)
    """

    kind = "depth"

    def __init__(self, p: float, *, seed: int | None = None, name: str | None = None) -> None:
        super().__init__(p, seed, name)

    def mask_shape(self, x_shape: Shape) -> Shape:
        """A number for each image."""
        return (1,) * len(x_shape)


def in_memory_order(mask: NDArray[Any]) -> NDArray[Any]:
    """The mask as the C-ordered array it is in memory."""
    return mask if mask.flags.c_contiguous else mask.transpose(0, 2, 3, 1)


def draw(counter: NDArray[np.uint64], mask: NDArray[Any], p: float, before: int = 0) -> None:
    """Writes mask = 0 with probability p, else 1 / (1 - p), and adds one to the step in the counter.

    `before`: the values of the mask of the whole batch that lie before this part of it.
    """
    philox = np.random.Philox(key=counter)
    random = np.random.Generator(philox)
    if before:
        each = 4 * 8 // mask.itemsize  # values that one number of Philox's counter gives
        philox.advance(before // each)
        random.random(before % each, dtype=mask.dtype)
    random.random(dtype=mask.dtype, out=mask)
    np.greater_equal(mask, p, out=mask)
    np.multiply(mask, 1 / (1 - p), out=mask)
    counter[1] += np.uint64(1)
