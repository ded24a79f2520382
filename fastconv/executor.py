"""Runs a network: binds plans to memory, keeps the last few, and runs them as flat lists of prepared calls.

The executor alone allocates, and it alone adds: where a value or a parameter has several uses.
"""

import threading
from collections import OrderedDict
from functools import partial
from types import SimpleNamespace

import numpy as np

from . import graph, kernels, memory, plan

KEPT = 8  # plans: a few batch sizes, for training and for prediction
CHANNELS_LAST_FROM = 17  # channels: networks whose convolutions are all narrower run on planes


class Executor:
    """The plans of one network and the memory they share.

    `parameters` and `buffers` map names to live arrays; they live outside plans. Whoever runs a plan holds `lock`.
    """

    def __init__(self, output, parameters, buffers):
        self.output, self.parameters, self.buffers = output, parameters, buffers
        self.channels_last = wide_convolutions(output)
        self.gradients = None
        self.lock = threading.Lock()
        self.plans = OrderedDict()
        self.arena = memory.aligned(0)

    def plan(self, n, loss=None):
        """The bound plan for a batch of `n`: prediction, or a training step with this loss."""
        key = (n, loss)
        if key in self.plans:
            self.plans.move_to_end(key)
            return self.plans[key]
        steps = plan.plan(self.output, n, self.channels_last, loss is not None)
        if steps.size > self.arena.size:
            self.plans.clear()  # they hold the smaller arena
            self.arena = memory.aligned(steps.size)
        if loss is not None and self.gradients is None:
            self.gradients = self.parameters.like()
        while len(self.plans) >= KEPT:
            self.plans.popitem(last=False)
        self.plans[key] = bound = BoundPlan(self, steps, loss)
        return bound


class BoundPlan:
    """Prepared calls on fixed memory: fill `x` and `targets`, run, read `y` and `loss` (and the gradients)."""

    def __init__(self, executor, steps, loss):
        bind = Binder(executor, loss)
        self.x, self.y = steps.x.array(executor.arena), steps.y.array(executor.arena)
        self.calls = [call for step in steps.steps for call in bind(step)]
        self.targets, self.loss = bind.targets, bind.value
        if self.x.ndim == 4 and not self.x.flags.c_contiguous:
            self.copy_in = kernels.load(self.x.dtype).layout.copy
        else:
            self.copy_in = lambda x, out: np.copyto(out, x)

    def write(self, x):
        self.copy_in(x, self.x)

    def run(self):
        for call in self.calls:
            call()


class Binder:
    """Turns the steps of a plan into prepared calls."""

    def __init__(self, executor, loss):
        self.executor, self.loss = executor, loss
        self.arena = executor.arena
        self.targets = self.value = None

    def __call__(self, step):
        return getattr(self, f"bind_{type(step).__name__.lower()}")(step)

    def array(self, place):
        return None if place is None else place.array(self.arena)

    def arrays(self, places):
        return SimpleNamespace(**{name: self.array(place) for name, place in places.items()})

    def own(self, node, names, arrays):
        return SimpleNamespace(**{name: arrays[f"{node.owner}.{name}"] for name in names})

    def bound(self, step, **more):
        node = step.node
        n = (step.dy if isinstance(step, plan.Backward) else step.y).shape[:1]
        return SimpleNamespace(
            x=self.array(step.x),
            y=self.array(step.y),
            x_shape=n + node.inputs[0].shape,
            y_shape=n + node.shape,
            params=self.own(node, node.spec.params, self.executor.parameters),
            state=self.own(node, node.spec.state, self.executor.buffers),
            saved=self.arrays(step.saved),
            scratch=self.arrays(step.scratch),
            training=self.loss is not None,
            **more,
        )

    def bind_forward(self, step):
        return step.node.layer.forward(self.bound(step))

    def bind_backward(self, step):
        live, node = self.executor.gradients, step.node
        grads = {
            name: live[f"{node.owner}.{name}"] if place is None else self.array(place)
            for name, place in step.grads.items()
        }
        b = self.bound(step, dy=self.array(step.dy), dx=self.array(step.dx), grads=SimpleNamespace(**grads))
        return node.layer.backward(b)

    def bind_add(self, step):
        return [partial(np.add, *map(self.array, step))]

    def bind_copy(self, step):
        return [partial(np.copyto, self.array(step.out), self.array(step.source))]

    def bind_addgradient(self, step):
        total = self.executor.gradients[step.name]
        return [partial(np.add, total, self.array(step.more), total)]

    def bind_loss(self, step):
        y, dy = self.array(step.y), self.array(step.dy)
        shape, dtype = self.loss.target_array(y.shape, y.dtype)
        self.targets = np.zeros(shape, dtype)
        self.value = np.zeros((), y.dtype)
        return [self.loss.bind(y, self.targets, self.value, dy)]


def wide_convolutions(output):
    """Whether any convolution of the network has more channels than planes serve well."""
    return any(
        max(node.shape[0], node.inputs[0].shape[0]) >= CHANNELS_LAST_FROM
        for node in graph.ancestors(output)
        if node.layer and node.layer.convolution
    )
