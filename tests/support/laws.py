"""One layer on its own, bound as the executor binds it, with memory that shows what is touched.

`Bench` gives a layer NaN in everything it must write, and nothing it has not declared.
"""

from types import SimpleNamespace

import numpy as np

from fastconv import layers
from fastconv.graph import Graph, Node
from fastconv.layer import Bound

WRONG = {"f": np.nan, "i": -77, "u": 77}


POSITIVE = layers.Sqrt, layers.Reciprocal  # of values well above 0


def empty(shape, dtype, channels_last=False, slack=0):
    """NaN (or a wrong number) everywhere; `slack`: that many channels more on both sides, as inside a concat."""
    wide = (shape[0], shape[1] + 2 * slack, *shape[2:]) if slack else shape
    if channels_last and len(shape) == 4:
        n, c, h, w = wide
        array = np.empty((n, h, w, c), dtype).transpose(0, 3, 1, 2)
    else:
        array = np.empty(wide, dtype)
    array[...] = WRONG[array.dtype.kind]
    return array[:, slack : slack + shape[1]] if slack else array


class Bench:
    """A layer with memory of its own for a batch of `n`."""

    def __init__(self, make, x_shape, n=2, dtype="float64", channels_last=False, slack=0, training=True, seed=0):
        self.rng = np.random.default_rng(seed)
        self.channels_last, self.slack, self.training = channels_last, slack, training
        self.node = make()(Graph(x_shape, dtype).input)
        assert isinstance(self.node, Node)
        self.layer, self.spec = self.node.layer, self.node.spec
        self.dtype = np.dtype(dtype)
        self.x_shape, self.y_shape = (n, *x_shape), (n, *self.node.shape)
        self.params = {k: self.rng.standard_normal(p.shape).astype(dtype) for k, p in self.spec.params.items()}
        self.first_state = {k: self.state_of(s) for k, s in self.spec.state.items()}
        self.x = self.image(self.x_shape)
        self.x[...] = self.rng.standard_normal(self.x_shape)
        if isinstance(self.layer, POSITIVE):
            self.x[...] = 0.5 + abs(self.x)
        self.dy = self.image(self.y_shape)
        self.dy[...] = self.rng.standard_normal(self.y_shape)

    def state_of(self, state):
        array = np.empty(state.shape, state.dtype or self.dtype)
        array[...] = state.init(np.random.default_rng(1))
        return array

    def image(self, shape):
        return empty(shape, self.dtype, self.channels_last, self.slack)

    def asked(self, arrays):
        n = self.x_shape[0]
        return {
            k: empty((n, *a.shape) if a.batched else a.shape, a.dtype or self.dtype, self.channels_last)
            for k, a in arrays.items()
        }

    def bound(self, saved, state, **arrays):
        spaces = {"params": self.params, "saved": saved, "state": state, "scratch": self.asked(self.spec.scratch)}
        return Bound(
            x_shape=self.x_shape,
            y_shape=self.y_shape,
            training=self.training,
            **{k: SimpleNamespace(**v) for k, v in spaces.items()},
            **arrays,
        )

    def forward(self, x=None, y=None):
        """y, and what was saved; the state starts anew."""
        x = self.x if x is None else x
        y = self.image(self.y_shape) if y is None else y
        saved, state = self.asked(self.spec.saved), {k: s.copy() for k, s in self.first_state.items()}
        run(self.layer.forward(self.bound(saved, state, x=x, y=y)))
        return SimpleNamespace(y=y, saved=saved, state=state)

    def backward(self, done, dy=None, dx=None, want_dx=True, times=1):
        """(dx, gradients), from what the layer has declared that it reads."""
        dx = self.image(self.x_shape) if dx is None and want_dx else dx
        grads = {k: empty(p.shape, self.dtype) for k, p in self.spec.params.items()}
        b = self.bound(
            done.saved,
            done.state,
            x=self.x if "x" in self.layer.saves else None,
            y=done.y if "y" in self.layer.saves else None,
            dy=self.dy if dy is None else dy,
            dx=dx,
            grads=SimpleNamespace(**grads),
        )
        calls = self.layer.backward(b)
        for _ in range(times):
            run(calls)
        return dx, grads

    def everything(self):
        """All results of one forward and one backward."""
        done = self.forward()
        dx, grads = self.backward(done)
        return {"y": done.y, "dx": dx, **{f"d{k}": g for k, g in grads.items()}}


def run(calls):
    assert isinstance(calls, list)
    for call in calls:
        call()


def bits(arrays):
    return {k: a.tobytes() for k, a in arrays.items()}


def differences(f, array, step=1e-5):
    """Central differences of the number f() with respect to every element of `array`, which f reads."""
    gradient = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = f()
        array[index] = kept - step
        gradient[index] = (above - f()) / (2 * step)
        array[index] = kept
    return gradient
