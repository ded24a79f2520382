"""Runs a network: makes plans, binds them to memory, keeps the last few, and runs them as flat lists of prepared calls.

The executor alone allocates, and it alone adds: where a value or a parameter has several uses.
"""

import threading
from collections import OrderedDict
from types import MappingProxyType

from .. import graph
from ..layer import Changes
from ..ops import allocation
from ..parameters import Fixed
from ..system import fork
from . import rewrites
from .binder import Binder, BoundPlan
from .planner import Planner
from .training_planner import TrainingPlanner

KEPT = 8  # plans: a few batch sizes, for training and for prediction
CHANNELS_LAST_FROM = 17  # channels: networks whose convolutions are all narrower run on planes


class Executor(Fixed):
    """The plans of one network and the memory they share.

    `parameters` and `buffers` map names to live arrays; they live outside plans. Whoever runs a plan holds `lock`.
    """

    fixed = MappingProxyType(
        {
            "output": "an executor runs one network",
            **dict.fromkeys(("parameters", "buffers"), "an executor runs one network, on its arrays"),
        }
    )

    def __init__(self, output, parameters, buffers, recompute=False):
        self.output, self.parameters, self.buffers, self.recompute = output, parameters, buffers, recompute
        self.channels_last = wide_convolutions(output)
        self.gradients = None
        fork.renewed_in_children(self)

    def renew(self):
        """New locks and no plans: in the parent of a fork, another thread may have been using the old ones."""
        self.lock = threading.Lock()  # held by the thread that runs a plan
        self.trainer = threading.RLock()  # held by the thread that trains
        self.plans, self.arena = OrderedDict(), allocation.aligned(0)

    def steps(self, n, training=False, updates=False):
        """The plan for a batch of `n`, without memory."""
        if training:
            return TrainingPlanner(self.output, n, self.channels_last, self.recompute, updates).run()
        return Planner(self.output, n, self.channels_last).run()

    def plan(self, n, loss=None, updates=False):
        """The bound plan for a batch of `n`: prediction, or a training step with this loss.

        With `updates` the step is the optimiser's too, and no gradient outlives its use.
        """
        key = (n, loss, updates, rewrites.switched_off())
        plan = self.plans.pop((*key, Changes.count), None)
        if plan is None:
            plan = self.bind(n, loss, updates, self.buffers)
        while len(self.plans) >= KEPT:
            self.plans.popitem(last=False)
        self.plans[*key, Changes.count] = plan  # the last is the one used most recently
        return plan

    def bind(self, n, loss, updates, buffers):
        """A new plan, which reads and changes these buffers."""
        steps = self.steps(n, loss is not None, updates)
        if steps.size > self.arena.size:
            self.plans.clear()  # they hold the smaller arena
            self.arena = allocation.aligned(steps.size)
        if loss is not None and not updates and self.gradients is None:
            self.gradients = self.parameters.like()
        gradients = None if loss is None else self.gradients
        return BoundPlan(steps, Binder(self.arena, self.parameters, buffers, gradients, loss))

    def trial_plan(self, n, loss=None):
        """A bound plan on copies of the buffers: to run it does not change the network. It is not kept."""
        return self.bind(n, loss, False, self.buffers.copy())


def wide_convolutions(output):
    """Whether any convolution of the network has more channels than planes serve well."""
    return any(
        max(node.shape[0], node.inputs[0].shape[0]) >= CHANNELS_LAST_FROM
        for node in graph.ancestors(output)
        if node.layer and node.layer.convolution
    )
