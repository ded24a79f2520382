"""One shape, direction and dtype: random operands, the float64 reference, and the call of ours."""

from functools import cached_property, partial

import numpy as np
from shapes import BOTH, FORWARD, INPLACE, INPUT, WEIGHT

import fastconv
import fastconv.optim.optimizers

STEP = 0.01  # of the optimizers


class Case:
    """Operands in plain C order under their names; `ours` reads them in the layout of the shape."""

    def __init__(self, shape, direction, dtype="float32", seed=0):
        self.shape, self.direction, self.dtype = shape, direction, np.dtype(dtype)
        self.random = np.random.default_rng(seed)

    def normal(self, shape, scale=1.0):
        return (scale * self.random.standard_normal(shape)).astype(self.dtype)

    @cached_property
    def x(self):
        return self.normal(self.shape.x)

    @cached_property
    def weight(self):
        return self.normal(self.shape.weight, 0.1)

    @cached_property
    def bias(self):
        outputs = self.shape.weight[1 if self.shape.op == "conv_transpose2d" else 0]
        return self.normal(outputs)

    @cached_property
    def dy(self):
        return self.normal(self.shape.y)

    @cached_property
    def classes(self):
        return self.random.integers(0, self.shape.x[1], self.shape.x[0])

    @cached_property
    def reference(self):
        """The float64 results, a list."""
        from references import reference

        return reference(self)

    @property
    def tolerance(self):
        """Largest error / max |result|: what is more is wrong. 5e-6 is Winograd's promise."""
        eps = float(np.finfo(self.dtype).eps)
        return max(5e-6 if self.dtype == "float32" else 1e-13, eps / 2 * self.shape.terms(self.direction) ** 0.5)

    def error(self, results):
        """The largest error of results (an array or several), each against max |reference|."""
        parts = results if isinstance(results, (tuple, list)) else [results]
        return max(
            float(np.max(np.abs(np.asarray(part, "float64") - right)) / np.max(np.abs(right)))
            for part, right in zip(parts, self.reference, strict=True)
        )

    def laid(self, x):
        """A copy of x in the layout of the shape."""
        if x.ndim != 4 or self.shape.layout == "planar":
            return np.array(x, order="C")
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def ours(case, packed=False):
    """A call of the public function, without arguments, which allocates its result as the peers do.

    AttributeError where the function is missing.
    """
    shape, run = case.shape, OURS[case.shape.family]
    return run(case, shape, shape.options, case.direction, packed)


def conv(case, shape, options, direction, packed):
    arguments = dict(options)
    weight = case.weight
    if packed:
        if shape.op != "conv2d" or direction == WEIGHT:
            raise AttributeError("packed weights are for conv2d, forward and input")
        weight = fastconv.pack_weight(weight, shape.x, **options)
    name = {FORWARD: shape.op, INPUT: f"{shape.op}_backward_input", WEIGHT: f"{shape.op}_backward_weight"}[direction]
    function = getattr(fastconv, name)
    if direction == FORWARD:
        return partial(function, case.laid(case.x), weight, case.bias, **arguments)
    dy = case.laid(case.dy)
    if direction == INPUT:
        return partial(function, dy, weight, shape.x, **arguments)
    return partial(function, dy, case.laid(case.x), shape.weight, **arguments)


def dense(case, shape, options, direction, packed):
    if direction == FORWARD:
        return partial(fastconv.linear, case.x, case.weight, case.bias)
    if direction == INPUT:
        return partial(fastconv.linear_backward_input, case.dy, case.weight)
    return partial(fastconv.linear_backward_weight, case.dy, case.x)


def pool(case, shape, options, direction, packed):
    arguments = dict(options)
    if shape.op == "lp_pool2d":
        del arguments["padding"]
        arguments["norm_type"] = 2
    function = getattr(fastconv, shape.op)
    backward = getattr(fastconv, f"{shape.op}_backward")
    x = case.laid(case.x)
    if direction == FORWARD:
        return partial(function, x, **arguments)
    dy = case.laid(case.dy)
    if direction == BOTH:
        return lambda: (y := function(x, **arguments), backward(dy, x, y=y, **arguments))
    if shape.op == "max_pool2d":
        indices = function(x, return_indices=True, **arguments)[1]
        return partial(backward, dy, x, indices=indices, **arguments)
    return partial(backward, dy, shape.x, **arguments)


def activation(case, shape, options, direction, packed):
    function = getattr(fastconv, shape.op)
    x = case.laid(case.x)
    if direction == INPLACE:
        return partial(function, x, out=x)
    if direction == FORWARD:
        return partial(function, x)
    y = function(x)
    return partial(getattr(fastconv, f"{shape.op}_backward"), case.laid(case.dy), y=y)


def norm(case, shape, options, direction, packed):
    x, C = case.laid(case.x), shape.x[1]
    running, weight, bias = (np.zeros(C, case.dtype), np.ones(C, case.dtype)), case.weight, case.bias
    function, backward = getattr(fastconv, shape.op), getattr(fastconv, f"{shape.op}_backward")
    if direction == FORWARD:
        return partial(function, x, *running, weight, bias, True)
    saved = function(x, *running, weight, bias, True, return_saved=True)[1:]
    return partial(backward, case.laid(case.dy), x, *saved, weight)


def loss(case, shape, options, direction, packed):
    targets = case.classes if shape.op == "cross_entropy" else case.dy
    return partial(getattr(fastconv, shape.op), case.x, targets, return_gradient=True)


def optim(case, shape, options, direction, packed):
    settings = {"momentum": 0.9} if shape.op == "SGD" else {}
    w, step = {"w": case.x.copy()}, getattr(fastconv.optim, shape.op)(lr=STEP, **settings).step
    return lambda: (step(w, {"w": case.dy}), w["w"])[1]


OURS = {
    "conv": conv,
    "pool": pool,
    "activation": activation,
    "norm": norm,
    "loss": loss,
    "dense": dense,
    "optim": optim,
}
