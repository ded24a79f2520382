"""Runs a network: makes plans, binds them to memory, keeps the last few, and runs them as flat lists of prepared calls.

Only the executor allocates, and only the executor adds: where a value or a parameter has several uses.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from .. import fields, graph
from ..graph import Node
from ..layer import Changes
from ..ops import allocation
from ..parameters import Arrays, Named, SetOnce
from ..system import fork
from ..typing import Array
from . import rewrites
from .along import Along
from .binder import Binder, BoundPlan
from .logits import warn_of_probabilities
from .meetings import Membership
from .planner import plan_prediction
from .several import bound_plan
from .steps import Plan
from .training_planner import plan_training

KEPT = 8  # bound plans: a few batch sizes, for training and for prediction
CHANNELS_LAST_FROM = 17  # channels: a network whose convolutions all have fewer runs in planar memory


class Executor(SetOnce):
    """The plans of one network and the memory that they share.

    `parameters` and `buffers` map names to live arrays, which belong to the network. Whoever runs a plan holds `lock`.
    """

    set_once = MappingProxyType(
        {
            "output": "an executor runs one network",
            **dict.fromkeys(("parameters", "buffers"), "an executor runs one network, on its arrays"),
        }
    )

    def __init__(self, output: Any, parameters: Arrays, buffers: Named, recompute: bool = False) -> None:
        self.output, self.parameters, self.buffers, self.recompute = output, parameters, buffers, recompute
        self.nodes = graph.nodes_of(output)  # of the outputs
        self.names = None if isinstance(output, Node) else fields.several(output)  # of several outputs
        self.inputs = self.nodes[0].graph.input_shape
        self.channels_last = wide_convolutions(self.nodes)
        self.gradients: Arrays | None = None
        self.frozen: frozenset[str] = frozenset()
        self.trained = tuple(parameters)  # names
        self.checked: set[Any] = set()  # losses that `expect_logits` has seen
        fork.renewed_in_children(self)

    def renew(self) -> None:
        """New locks and no plans: in the parent of a fork, another thread may have been using the old ones."""
        self.lock = threading.Lock()  # held by the thread that runs a plan
        self.trainer = threading.RLock()  # held by the thread that trains
        self.plans: OrderedDict[Any, BoundPlan] = OrderedDict()
        self.latest: tuple[Any, BoundPlan] | None = None  # the plan used last, with its key: no hash is needed for it
        self.arena: Array = allocation.aligned(0)

    def make_plan(self, n: int, training: bool = False, fused_update: bool = False, inputs: bool = False) -> Plan:
        """The Plan for a batch of `n`, without memory."""
        if training:
            options = (self.recompute, fused_update, inputs, self.frozen)
            return plan_training(self.nodes[0], n, self.channels_last, *options, others=self.nodes[1:])
        return plan_prediction(self.nodes[0], n, self.channels_last, others=self.nodes[1:])

    def bound(self, plan: Plan, binder: Binder, output: Any = None) -> BoundPlan:
        """The plan on the arena; `output`: the node or nodes whose values it makes, by default the network's."""
        shapes = fields.for_each(self.output if output is None else output, attrgetter("shape"))
        return bound_plan(plan, binder, self.inputs, shapes)

    def freeze(self, names: frozenset[str]) -> None:
        """From now on training leaves these arrays as they are (see `frozen_parameters`), and trains all others."""
        self.frozen, self.trained = names, tuple(name for name in self.parameters if name not in names)
        if self.gradients is not None:
            self.gradients.vector[...] = 0  # those of frozen parameters stay so

    def bound_plan(
        self, n: int, loss: Any = None, fused_update: bool = False, training: bool = True, inputs: bool = False
    ) -> BoundPlan:
        """The BoundPlan for a batch of `n`: a prediction, or, with a loss, a training step; kept for the next time.

        With `fused_update` the optimizer's step is part of the plan, and no gradient outlives its use. With a loss and
        without `training` it computes gradients of the prediction. With `inputs` it computes those of the images too.
        """
        key = (n, loss, fused_update, training, inputs, self.frozen, rewrites.switched_off(), Changes.count)
        if self.latest is not None and self.latest[0][1] is loss and self.latest[0] == key:
            return self.latest[1]
        return self.kept(key, lambda: self.bind(n, loss, self.buffers, fused_update, training, inputs))

    def plan_of_values(self, n: int, nodes: tuple[Node, ...]) -> BoundPlan:
        """The BoundPlan of the prediction up to these nodes, whose values are its `outputs`."""
        key = (n, tuple(node.index for node in nodes), rewrites.switched_off(), Changes.count)

        def bind() -> BoundPlan:
            """The new plan."""
            plan = plan_prediction(nodes[0], n, self.channels_last, others=nodes[1:])
            self.make_room(plan)
            return self.bound(plan, Binder(self.arena, self.parameters, self.buffers), nodes[0])

        return self.kept(key, bind)

    def plan_of_slopes(self, n: int, nodes: tuple[Node, ...]) -> BoundPlan:
        """The BoundPlan that takes a gradient of the prediction as `targets`, back to these nodes: its `also`."""
        key = ("slopes", n, tuple(node.index for node in nodes), rewrites.switched_off(), Changes.count)

        def bind() -> BoundPlan:
            """The new plan."""
            everything = frozenset(self.parameters)
            first, *others = self.nodes
            plan = plan_training(first, n, self.channels_last, frozen=everything, also=nodes, others=others)
            self.make_room(plan)
            arrays = (self.arena, self.parameters, self.buffers, None)
            binder = Binder(*arrays, Along(), training=False, frozen=everything, outputs=self.names)
            return self.bound(plan, binder)

        return self.kept(key, bind)

    def kept(self, key: tuple[Any, ...], bind: Callable[[], BoundPlan]) -> BoundPlan:
        """The plan of this key, or else a new one; the last few are kept."""
        plan = self.plans.pop(key, None)
        if plan is None:
            plan = bind()
            key = (*key[:-1], Changes.count)  # a layer may change while it is bound
        while len(self.plans) >= KEPT:
            self.plans.popitem(last=False)
        self.plans[key] = plan  # the last is the one used most recently
        self.latest = key, plan
        return plan

    def bind(
        self,
        n: int,
        loss: Any,
        buffers: Named,
        fused_update: bool = False,
        training: bool = True,
        inputs: bool = False,
    ) -> BoundPlan:
        """A new BoundPlan, which reads and changes these buffers."""
        self.expect_logits(loss)
        plan = self.make_plan(n, loss is not None, fused_update, inputs)
        self.make_room(plan)
        if loss is not None and not fused_update and self.gradients is None:
            self.gradients = self.parameters.like()
        gradients = None if loss is None else self.gradients
        arrays = (self.arena, self.parameters, buffers, gradients)
        names = self.names
        binder = Binder(*arrays, loss, training, stops=fused_update, frozen=self.frozen, outputs=names)
        return self.bound(plan, binder)

    def bind_block(self, n: int, loss: Any, buffers: Named, gradients: Arrays, block: Membership) -> BoundPlan:
        """A BoundPlan for one block of a batch, in memory of its own; it is not kept."""
        plan = self.make_plan(n, training=True)
        arrays = (allocation.aligned(plan.size), self.parameters, buffers, gradients)
        return self.bound(plan, Binder(*arrays, loss, frozen=self.frozen, outputs=self.names, block=block))

    def make_room(self, plan: Plan) -> None:
        """An arena that is large enough for the plan."""
        if plan.size > self.arena.size:
            self.plans.clear()  # they hold the smaller arena
            self.latest = None
            self.arena = allocation.aligned(plan.size)

    def trial_plan(self, n: int, loss: Any = None) -> BoundPlan:
        """A BoundPlan on copies of the buffers: to run it does not change the network. It is not kept."""
        return self.bind(n, loss, self.buffers.copy())

    def expect_logits(self, loss: Any) -> None:
        """Warn, once for each loss that takes logits, of a network that ends with probabilities."""
        if getattr(loss, "takes_logits", False) and loss not in self.checked:
            self.checked.add(loss)
            if isinstance(self.output, Node):
                warn_of_probabilities(self.output, loss)


def wide_convolutions(outputs: Iterable[Node]) -> bool:
    """Whether some convolution of the network has so many channels that channels-last memory is faster."""
    return any(
        max(node.shape[0], node.inputs[0].shape[0]) >= CHANNELS_LAST_FROM
        for node in graph.ancestors(*outputs)
        if node.layer and node.layer.convolution
    )
