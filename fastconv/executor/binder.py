"""Turns the steps of a plan into prepared calls on one arena."""

from collections.abc import Iterable
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import numpy as np

from ..graph.graph import reading
from ..ops.add import add_call
from ..ops.layout import copy_call


class BoundPlan:
    """Prepared calls on fixed memory: fill `x` and `targets`, run, read `y` and `loss` (and the gradients)."""

    def __init__(self, steps, binder):
        self.x, self.y = steps.x.array(binder.arena), steps.y.array(binder.arena)
        self.steps = steps.steps
        self.bound = [(number, binder(step)) for number, step in steps.in_order()]
        self.calls = [call for _, calls in self.bound for call in calls]
        self.targets, self.loss, self.updates = binder.targets, binder.value, binder.updates
        if self.x.ndim == 4 and not self.x.flags.c_contiguous:
            self.copy_in = copy_call(self.x, self.x).func  # the kernel, which takes other arrays with each batch
        else:
            self.copy_in = lambda x, out: np.copyto(out, x)

    def run_on(self, x, targets=None):
        """Write the images and targets, and run."""
        self.write(x, targets)
        self.run()

    def write(self, x, targets=None):
        self.copy_in(x, self.x)
        if targets is not None:
            np.copyto(self.targets, targets)

    def run(self):
        for call in self.calls:
            call()


class Binder:
    """Binds the steps of a prediction, or, with a loss and gradients to write, of a training step."""

    def __init__(self, arena, parameters, buffers, gradients=None, loss=None):
        self.arena, self.parameters, self.buffers = arena, parameters, buffers
        self.gradients, self.loss = gradients, loss
        self.targets = self.value = None
        self.updates = Updates(parameters)

    def __call__(self, step):
        return getattr(self, f"bind_{type(step).__name__.lower()}")(step)

    def array(self, place):
        return None if place is None else place.array(self.arena)

    def arrays(self, places):
        return SimpleNamespace(**{name: self.array(place) for name, place in places.items()})

    def params(self, node):
        return own(node, node.spec.params, self.parameters)

    def state(self, node):
        return own(node, node.spec.state, self.buffers)

    def bind_forward(self, step):
        node, n = step.unit.node, step.y.shape[:1]
        b = SimpleNamespace(
            x=self.array(step.x),
            y=self.array(step.y),
            residual=self.array(step.residual),
            activation=step.unit.activation_name,
            x_shape=n + node.inputs[0].shape,
            y_shape=n + node.shape,
            params=self.params(node),
            state=self.state(node),
            saved=self.arrays(step.saved),
            scratch=self.arrays(step.scratch),
            training=self.loss is not None,
        )
        with reading(node.name, node.layer, node.inputs[0]):
            return calls(node.computing.forward(b), "forward")

    def bind_again(self, step):
        node = step.unit.node
        b = SimpleNamespace(
            x=self.array(step.x),
            y=self.array(step.y),
            activation=step.unit.activation_name,
            params=self.params(node),
            saved=self.arrays(step.saved),
        )
        with reading(node.name, node.layer, node.inputs[0]):
            return calls(node.computing.again(b), "again")

    def bind_backward(self, step):
        node, n = step.node, step.dy.shape[:1]
        grads = {
            name: one(node, name, node.spec.params[name], self.gradients) if place is None else self.array(place)
            for name, place in step.grads.items()
        }
        b = SimpleNamespace(
            x=self.array(step.x),
            y=self.array(step.y),
            dy=self.array(step.dy),
            dx=self.array(step.dx),
            dresidual=self.array(step.dresidual),
            known=self.array(step.known),
            activation=step.activation,
            x_shape=n + node.inputs[0].shape,
            y_shape=n + node.shape,
            params=self.params(node),
            grads=SimpleNamespace(**grads),
            update=partial(self.updates.rows, node.owner),
            state=self.state(node),
            saved=self.arrays(step.saved),
            scratch=self.arrays(step.scratch),
            training=True,
        )
        with reading(node.name, node.layer, node.inputs[0]):
            return calls(node.computing.backward(b), "backward")

    def bind_add(self, step):
        return [add_call(*map(self.array, (step.a, step.b, step.out)), step.activation)]

    def bind_copy(self, step):
        return [copy_call(self.array(step.source), self.array(step.out))]

    def bind_addgradient(self, step):
        total = self.gradients.memory(step.name)
        return [add_call(total, self.array(step.more), total)]

    def bind_update(self, step):
        return [self.updates.call(step.names[0], 0, self.array(step.gradient))]

    def bind_loss(self, step):
        y, dy = self.array(step.y), self.array(step.dy)
        shape, dtype = self.loss.target_array(y.shape, y.dtype)
        self.targets = np.zeros(shape, dtype)
        self.value = np.zeros((), y.dtype)
        return [self.loss.bind(y, self.targets, self.value, dy)]


class Updates:
    """Calls that pass gradients to the optimizer, which `by` sets while a plan runs."""

    def __init__(self, parameters):
        self.parameters, self.optimizer = parameters, None

    @contextmanager
    def by(self, optimizer):
        self.optimizer = optimizer
        try:
            yield
        finally:
            self.optimizer = None

    def call(self, name, first, gradient):
        """The update of a parameter's elements from `first`."""
        return partial(self.run, self.parameters.starts[name] + first, gradient)

    def run(self, start, gradient):
        self.optimizer.step_part(self.parameters, start, gradient)

    def rows(self, owner, key, row, gradient):
        """The update of rows of a parameter, from `row` on."""
        return self.call(f"{owner}.{key}", row * gradient[0].size, gradient)


def calls(made, method):
    """What a layer's method gave, as a list; TypeError for what are no calls."""
    if not isinstance(made, Iterable) or not all(map(callable, made := list(made))):
        raise TypeError(f"{method} must return a list of calls, functions without arguments, got {made!r}")
    return made


def own(node, entries, arrays):
    """The arrays of a node's Parameters or States."""
    return SimpleNamespace(**{name: one(node, name, entry, arrays) for name, entry in entries.items()})


def one(node, name, entry, arrays):
    """A view of the array; RuntimeError if its shape or dtype is not what the node declares."""
    full, dtype = f"{node.owner}.{name}", np.dtype(getattr(entry, "dtype", None) or node.graph.dtype)
    array = arrays.memory(full) if full in arrays else None
    if array is None or array.shape != entry.shape or array.dtype != dtype:
        found = "none" if array is None else f"{array.shape} {array.dtype}"
        raise RuntimeError(
            f"{full} must be {entry.shape} {dtype}, got {found}; an executor can only run the network it was made for, "
            "with that network's arrays"
        )
    return array
