"""Runs a network: makes plans, binds them to memory, keeps the last few, and runs them as flat lists of prepared calls.

The executor alone allocates, and it alone adds: where a value or a parameter has several uses.
"""

import threading
from collections import OrderedDict

from . import graph, memory, rewrites
from .binding import Binder, BoundPlan
from .plan import Planner
from .plan_training import TrainingPlanner

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

    def steps(self, n, training=False):
        """The plan for a batch of `n`, without memory."""
        planner = TrainingPlanner if training else Planner
        return planner(self.output, n, self.channels_last).run()

    def plan(self, n, loss=None):
        """The bound plan for a batch of `n`: prediction, or a training step with this loss."""
        key = (n, loss, rewrites.switched_off())
        if key in self.plans:
            self.plans.move_to_end(key)
            return self.plans[key]
        steps = self.steps(n, loss is not None)
        if steps.size > self.arena.size:
            self.plans.clear()  # they hold the smaller arena
            self.arena = memory.aligned(steps.size)
        if loss is not None and self.gradients is None:
            self.gradients = self.parameters.like()
        while len(self.plans) >= KEPT:
            self.plans.popitem(last=False)
        gradients = None if loss is None else self.gradients
        binder = Binder(self.arena, self.parameters, self.buffers, gradients, loss)
        self.plans[key] = bound = BoundPlan(steps, binder)
        return bound


def wide_convolutions(output):
    """Whether any convolution of the network has more channels than planes serve well."""
    return any(
        max(node.shape[0], node.inputs[0].shape[0]) >= CHANNELS_LAST_FROM
        for node in graph.ancestors(output)
        if node.layer and node.layer.convolution
    )
