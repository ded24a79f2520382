"""Dropout: in training each value is set to 0 with probability p, and the others grow so that the mean stays.

y = x m,  dx = dy m,  with m = 0 with probability p, else 1 / (1 - p); y = x in prediction
"""

from functools import partial

import numpy as np

from ..layer import Array, Layer, Spec, State
from ..ops import check
from .common import same_start


class Dropout(Layer):
    """Random zeros in training, the identity in prediction.

    The mask is a function of (seed, step) alone: Philox, a counter-based generator, keyed by the two numbers, which
    are a buffer of the network and so are saved with it. Each training step adds one to `step`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Dropout(0.5, seed=0), (3,)).predict(np.ones(3, "float32"))
    array([1., 1., 1.], dtype=float32)
    """

    in_place = True
    kind = "dropout"

    def __init__(self, p=0.5, seed=None, name=None):
        super().__init__(name)
        self.p = probability(p)
        self.seed = None if seed is None else check.integer(seed, "seed", 0)
        if seed is not None and self.seed >= 2**64:
            raise ValueError(f"seed must be below 2**64, got {seed}")

    def spec(self, x_shape, dtype):
        probability(self.p)
        state = {"counter": State((2,), self.first_counter, "uint64")}
        return Spec(x_shape, state=state, saved={"mask": Array(x_shape)})

    def first_counter(self, rng):
        """(seed, step)."""
        return rng.integers(2**63) if self.seed is None else self.seed, 0

    def forward(self, b):
        if not b.training:
            return [] if same_start(b.x, b.y) else [partial(np.copyto, b.y, b.x)]
        return [
            partial(draw, b.state.counter, in_memory_order(b.saved.mask), self.p),
            partial(np.multiply, b.x, b.saved.mask, b.y),
        ]

    def backward(self, b):
        return [] if b.dx is None else [partial(np.multiply, b.dy, b.saved.mask, b.dx)]


def probability(p):
    """A float from 0 to below 1."""
    value = check.number(p, "p")
    if not 0 <= value < 1:
        raise ValueError(f"p must be in [0, 1), got {p!r}")
    return value


def in_memory_order(mask):
    """The mask as the C-ordered array it is in memory."""
    return mask if mask.flags.c_contiguous else mask.transpose(0, 2, 3, 1)


def draw(counter, mask, p):
    """mask = 0 with probability p, else 1 / (1 - p); the next step's counter."""
    random = np.random.Generator(np.random.Philox(key=counter))
    random.random(dtype=mask.dtype, out=mask)
    np.greater_equal(mask, p, out=mask)
    np.multiply(mask, 1 / (1 - p), out=mask)
    counter[1] += np.uint64(1)
