"""A network prepared for prediction alone: batch norm is folded into weights, weights are packed once, steps fused."""

import copy
from collections.abc import Sequence
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from . import fields, graph, kernels
from .executor import rewrites
from .executor.binder import Binder, BoundPlan
from .executor.fusion import Fusion, find_fusions
from .executor.planner import plan_prediction
from .executor.several import bound_plan
from .executor.steps import Plan
from .graph import Node
from .kernels.runtime.calls import Idle
from .ops import allocation, check, huge_pages
from .ops.conv.packed import PackedWeight, check_build
from .parameters import Arrays, Named
from .predictor import Predictor
from .reports.plan import PlanReport
from .reports.summary import Summary
from .system import fork
from .typing import Array

KEPT = 8  # plans that nobody runs: a few batch sizes, a few threads


class FrozenNetwork(Predictor):
    """The result of `Network.freeze`: predicts as the network did then. Any number of threads may use it.

    It can be copied and pickled; a pickle can be loaded where the same build of the kernels runs.

    Attributes
    ----------
    input_shape, output_shape : tuple
        Without the batch axis.
    nbytes : int
        Bytes of its weights.
    """

    def __init__(self, output: Any, parameters: Arrays, buffers: Named, channels_last: bool, batch_size: int) -> None:
        nodes = copy.copy(graph.nodes_of(output)[0].graph).nodes
        self.output: Any = fields.for_each(output, lambda node: nodes[node.index])
        self.channels_last = channels_last
        first, *others = graph.nodes_of(self.output)
        self.fusions = find_fusions(graph.ancestors(first, *others), first, set(), frozen=True, also=others)
        plan = self.make_plan(batch_size)  # raises before any memory is allocated
        self.weights = Weights()
        self.weights.prepare(self.fusions, Binder(None, parameters, buffers), batch_size)
        self.begin()
        self.idle.put_back(self.bound_plan(plan))

    def begin(self) -> None:
        """Set what follows from the graph."""
        whole = graph.nodes_of(self.output)[0].graph
        self.input_shape, self.dtype = whole.input_shape, whole.dtype
        self.output_shape = fields.for_each(self.output, attrgetter("shape"))
        self._has_several = any(map(fields.several, (self.input_shape, self.output_shape)))
        fork.renewed_in_children(self)

    def renew(self) -> None:
        """No plans: in the parent of a fork, another thread may have been using the old ones."""
        self.idle: Idle[BoundPlan] = Idle(KEPT)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.output, self.channels_last, self.fusions, self.weights, kernels.build

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.output, self.channels_last, self.fusions, self.weights, build = state
        check_build(build)
        self.begin()

    def __copy__(self) -> "FrozenNetwork":
        return copy.deepcopy(self)

    @property
    def nodes(self) -> list[Node]:
        """Those of the network that was frozen."""
        return graph.ancestors(*graph.nodes_of(self.output))

    @property
    def nbytes(self) -> int:
        """Of the weights."""
        return self.weights.nbytes

    def make_plan(self, n: int) -> Plan:
        """The Plan for a batch of `n`, without memory."""
        first, *others = graph.nodes_of(self.output)
        return plan_prediction(first, n, self.channels_last, self.fusions, others)

    def bound_plan(self, plan: Plan) -> BoundPlan:
        """A BoundPlan with memory of its own."""
        binder = FrozenBinder(allocation.aligned(plan.size), self.weights)
        return bound_plan(plan, binder, self.input_shape, self.output_shape)

    def _predict_part(self, x: Array, y: Array | None = None) -> Array:
        """The output for a checked batch of images: a new array, or `y`, which is overwritten."""
        idle = self.idle
        plan = idle.take(len(x)) or self.bound_plan(self.make_plan(len(x)))
        y = plan.predict(x, y)
        idle.put_back(plan)
        return y

    __call__ = Predictor.predict

    def plan(self, batch_size: int = 1) -> PlanReport:
        """The steps for a batch of this size, the fused nodes, and the memory of every value; `print` it."""
        return PlanReport(self.make_plan(check.integer(batch_size, "batch_size", 1)))

    def summary(self) -> Summary:
        """Shapes, parameters, neurons and multiply-adds, by layer, of the network that was frozen; `print` it."""
        return Summary(self.nodes)

    def __getattr__(self, name: str) -> NoReturn:
        cure = "" if name.startswith("_") else "; it only predicts: ask the Network that it was frozen from"
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{cure}")

    def __repr__(self) -> str:
        return f"<Frozen {self.input_shape} -> {self.output_shape}, {self.nbytes:,} bytes of weights, {self.dtype}>"


Frozen = FrozenNetwork  # the class's older name


class Weights:
    """The parameters and states of all layers: copies, with batch norm folded in, and packed."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[SimpleNamespace, SimpleNamespace]] = {}  # index of a node -> (params, state)

    def prepare(self, fusions: Sequence[Fusion], live: Binder, batch_size: int) -> None:
        """Copy the arrays that the Binder `live` sees."""
        shelf = huge_pages.Shelf(sum(array.nbytes for array in live.parameters.values()))
        for fusion in fusions:
            node = fusion.node
            if node.layer is not None:
                norm = None if fusion.norm is None else scale_and_shift(fusion.norm, live)
                x_shape = (batch_size, *node.inputs[0].shape)
                state = SimpleNamespace(**{k: v.copy() for k, v in vars(live.state(node)).items()})
                layer = node.computing if rewrites.enabled("pack") else node.computing.unpacked()
                frozen = layer.freeze(live.params(node), norm, x_shape)
                self.of[node.index] = moved(frozen, shelf), state

    def __getstate__(self) -> tuple[Any, ...]:
        return self.of, self.nbytes

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.of, nbytes = state
        shelf = huge_pages.Shelf(nbytes)
        for params, _ in self.of.values():
            moved(params, shelf)

    @property
    def nbytes(self) -> int:
        """Of all parameters."""
        arrays = (array for params, _ in self.of.values() for array in vars(params).values())
        return sum(array.nbytes for array in arrays if array is not None)  # None: a layer without a bias


def scale_and_shift(node: Node, live: Binder) -> tuple[Array, Array]:
    """Scale and shift of a layer that folds, one number for each channel; `live` sees its arrays."""
    numbers = node.layer.scale_and_shift(live.params(node), live.state(node))
    scale, shift = (np.broadcast_to(array, node.shape[:1]) for array in numbers)
    return scale, shift


def moved(params: SimpleNamespace, shelf: huge_pages.Shelf) -> SimpleNamespace:
    """The same parameters on the shelf."""
    for name, array in vars(params).items():
        if isinstance(array, PackedWeight):
            array.move(shelf)
        else:
            setattr(params, name, shelf.keep(array))
    return params


class FrozenBinder(Binder):
    """Binds the steps of a frozen network, each with the weights prepared for it."""

    def __init__(self, arena: Array, weights: Weights) -> None:
        super().__init__(arena, Named({}), Named({}))
        self.weights = weights

    def params(self, node: Node) -> SimpleNamespace:
        """The prepared weights of the node's layer."""
        return self.weights.of[node.index][0]

    def state(self, node: Node) -> SimpleNamespace:
        """The copied states of the node's layer."""
        return self.weights.of[node.index][1]
