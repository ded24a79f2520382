"""Binds a plan to memory: each step becomes prepared calls, functions without arguments on arrays in one arena."""

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..arguments.finite import check_finite
from ..graph import Node
from ..graph.graph import reading
from ..kernels.runtime.calls import Sequence, copy_into
from ..layer import Bound, Parameter, State
from ..ops.add import add_call
from ..ops.layout import copy_call, copy_kernel
from ..ops.matmul import matmul_call
from ..ops.multiply import multiply_call, sums_call
from ..parameters import Arrays, Named
from ..typing import Array, Call
from . import steps
from .arena import Slot
from .frozen_parameters import keeps_buffers
from .given import Given, Namespace, calls
from .meetings import Membership
from .steps import Backward, Forward, Loss, Plan, Recompute, Step


class BoundPlan:
    """Prepared calls on fixed memory: fill `x` and `targets`, run, read `y` and `loss` (and the gradients)."""

    def __init__(self, plan: Plan, binder: "Binder") -> None:
        self.x, self.y = plan.x.array(binder.arena), plan.y.array(binder.arena)
        self.images = len(self.x)
        self.steps, self.dx = plan.steps, None if not any(plan.dx) else binder.array(plan.dx[0])
        self.outputs = [slot.array(binder.arena) for slot in plan.outputs]
        self.also = [slot.array(binder.arena) for slot in plan.also]
        self.bound = [(number, binder(step)) for number, step in plan.in_order()]
        self.targets, self.loss, self.gradients = binder.targets, binder.value, binder.gradients
        self.updates = binder.updates
        planar = self.x.ndim != 4 or self.x.flags.c_contiguous
        self.copy_in = copy_into if planar else copy_kernel(self.x.dtype)  # the images are other arrays with each batch
        self.run = Sequence((call for _, calls in self.bound for call in calls), self.x, self.y, self.copy_in)

    def run_on(self, x: Array, targets: Array | None = None) -> None:
        """Write the images and targets, and run; here without `write`, for it is one more call for each batch."""
        self.copy_in(x, self.x)
        if targets is not None:
            copy_into(targets, self.targets)
        self.run()

    def predict(self, x: Array, y: Array | None = None) -> Array:
        """The output for these images in C order: a new array, or `y`, which is overwritten."""
        if y is None:
            return self.run.of(x)
        self.run_on(x)
        y[...] = self.y
        return y

    def write(self, x: Array, targets: Array | None = None) -> None:
        """Copy the images and targets in."""
        self.copy_in(x, self.x)
        if targets is not None:
            copy_into(targets, self.targets)


class Binder:
    """Binds the steps of a prediction, or, with a loss and gradients to write, of a training step.

    `training`: whether this loss is one of training. If not, layers that work otherwise in prediction do so here.
    `stops`: a loss that is not finite raises FloatingPointError before any gradient is computed.
    `frozen`: names of arrays that training leaves as they are. `outputs`: names of several. `block`: of a batch.
    """

    def __init__(
        self,
        arena: Array | None,
        parameters: Named,
        buffers: Named,
        gradients: Arrays | None = None,
        loss: Any = None,
        training: bool = True,
        stops: bool = False,
        frozen: Container[str] = frozenset(),
        outputs: Iterable[str] | None = None,
        block: Membership | None = None,
    ) -> None:
        self.outputs, self.block = outputs, block
        self.arena, self.parameters, self.buffers = arena, parameters, buffers
        self.loss, self.training, self.stops, self.frozen = loss, training, stops, frozen
        self.gradients: Any = gradients  # `Arrays` wherever a step writes into them
        self.targets: Any = None  # this and `value` are arrays once the step Loss is bound
        self.value: Any = None
        self.updates = Updates(parameters)

    def __call__(self, step: Step) -> list[Call]:
        """The step's calls."""
        match step:
            case Forward():
                return self.forward(step)
            case Recompute():
                return self.recompute(step)
            case Backward():
                return self.backward(step)
            case steps.Add():
                a, b, out = map(self.array, (step.a, step.b, step.out))
                return [add_call(a, b, out, step.activation)]
            case steps.Multiply():
                return [multiply_call(*map(self.array, (step.a, step.b, step.out)))]
            case steps.MatMul():
                return [matmul_call(*map(self.array, (step.a, step.b, step.out)))]
            case steps.SumProducts():
                return [sums_call(*map(self.array, (step.a, step.b, step.out)))]
            case steps.Zero():
                return [partial(self.array(step.out).fill, 0)]
            case steps.Copy():
                return [copy_call(self.array(step.source), self.array(step.out))]
            case steps.AddGradient():
                total = self.gradients.memory(step.name)
                return [add_call(total, self.array(step.more), total)]
            case steps.Update():
                return [self.updates.call(step.names[0], 0, self.array(step.gradient))]
            case Loss():
                return self.loss_and_slope(step)

    def array(self, slot: Slot | None) -> Any:
        """The array of a slot; None for None."""
        return None if slot is None else slot.array(self.arena)

    def arrays(self, slots: Mapping[str, Slot]) -> SimpleNamespace:
        """The arrays by name, as attributes."""
        return Namespace(**{name: self.array(slot) for name, slot in slots.items()})

    def params(self, node: Node) -> SimpleNamespace:
        """The parameters of the node's layer."""
        return own(node, node.spec.params, self.parameters)

    def state(self, node: Node) -> SimpleNamespace:
        """The states of the node's layer."""
        return own(node, node.spec.state, self.buffers)

    def bound(self, node: Node, n: int, step: Forward | Recompute | Backward, **more: Any) -> Bound:
        """What Forward, Recompute and Backward have in common."""
        return Given(
            x=self.array(step.x),
            y=self.array(step.y),
            x_shape=(n, *node.inputs[0].shape),
            y_shape=(n, *node.shape),
            params=self.params(node),
            state=self.state(node),
            saved=self.arrays(step.saved),
            block=self.block,
            **more,
        )

    def trains(self, node: Node) -> bool:
        """What the node's layer gets as `b.training`.

        With a loss, most layers have one way to work, in which they keep what their backward reads. Those with
        `two_modes` know a second one, as in prediction, which is also that of a frozen batch norm.
        """
        if self.loss is None or self.training:
            return self.loss is not None and not keeps_buffers(node, self.frozen)
        if node.spec.state:
            two_modes(node, "for training=False")
        return not node.layer.two_modes

    def forward(self, step: Forward) -> list[Call]:
        """The calls of a layer's forward, with the rest of its fusion."""
        node = step.fusion.node
        b = self.bound(
            node,
            step.y.shape[0],
            step,
            activation=step.fusion.activation_name,
            residual=self.array(step.residual),
            scratch=self.arrays(step.scratch),
            training=self.trains(node),
        )
        with reading(node.name, node.layer, node.inputs[0]):
            return calls(node.computing.forward(b), "forward")

    def recompute(self, step: Recompute) -> list[Call]:
        """The calls that compute y a second time."""
        node = step.fusion.node
        activation, training = step.fusion.activation_name, self.trains(node)
        b = self.bound(node, step.y.shape[0], step, activation=activation, training=training)
        with reading(node.name, node.layer, node.inputs[0]):
            return calls(node.computing.recompute(b), "recompute")

    def backward(self, step: Backward) -> list[Call]:
        """The calls of a layer's backward."""
        node = step.node
        if self.training and keeps_buffers(node, self.frozen):
            two_modes(node, "train one of its parameters; or, where all are frozen,")
        b = self.bound(
            node,
            step.dy.shape[0],
            step,
            dy=self.array(step.dy),
            dx=self.array(step.dx),
            dresidual=self.array(step.dresidual),
            dx_accumulate=self.array(step.dx_accumulate),
            activation=step.activation,
            grads=self.gradients_of(node, step.grads),
            update=partial(self.updates.rows, node.owner),
            scratch=self.arrays(step.scratch),
            training=self.trains(node),
        )
        with reading(node.name, node.layer, node.inputs[0]):
            return calls(node.computing.backward(b), "backward")

    def gradients_of(self, node: Node, slots: Mapping[str, Slot | None]) -> SimpleNamespace:
        """The arrays in the arena, and, where a gradient has no slot, the network's own; None: it is left out."""
        left_out = dict.fromkeys(node.spec.params)
        return Namespace(**left_out | {
            name: one(node, name, node.spec.params[name], self.gradients) if slot is None else self.array(slot)
            for name, slot in slots.items()
        })  # fmt: skip

    def loss_and_slope(self, step: Loss) -> list[Call]:
        """The loss, and dy = d loss / dy."""
        pairs = [(self.array(y), self.array(dy)) for y, dy in ((step.y, step.dy), *step.more)]
        (y, dy), dtype = pairs[0], pairs[0][0].dtype
        y_shape = y.shape
        if self.outputs is not None:  # name -> array of several outputs
            y, dy = (dict(zip(self.outputs, arrays, strict=True)) for arrays in zip(*pairs, strict=True))
            y_shape = {name: array.shape for name, array in y.items()}
        self.targets = np.zeros(*self.loss.target_array(y_shape, dtype))
        self.value = np.zeros((), dtype)
        made = [self.loss.bind(y, self.targets, self.value, dy)]
        if self.block is not None:
            made += self.block.weighted(slope for _, slope in pairs)
        return [*made, partial(check_finite, self.value)] if self.stops else made


class Updates:
    """Calls that pass gradients to the optimizer, which `by` sets while a plan runs."""

    def __init__(self, parameters: Named) -> None:
        self.parameters: Any = parameters  # `Arrays` wherever a step is an Update
        self.optimizer: Any = None

    @contextmanager
    def by(self, optimizer: Any) -> Iterator[None]:
        """While this lasts, gradients go to `optimizer`."""
        self.optimizer = optimizer
        try:
            yield
        finally:
            self.optimizer = None

    def call(self, name: str, first: int, gradient: Array) -> Call:
        """The update of a parameter's elements from `first` on."""
        return partial(self.run, self.parameters.starts[name] + first, gradient)

    def run(self, start: int, gradient: Array) -> None:
        """Pass a gradient on; `start`: its first element in the vector of all parameters."""
        self.optimizer.step_part(self.parameters, start, gradient)

    def rows(self, owner: str, key: str, row: int, gradient: Array) -> Call:
        """The update of rows of a parameter, from `row` on."""
        return self.call(f"{owner}.{key}", row * gradient[0].size, gradient)


def two_modes(node: Node, when: str) -> None:
    """TypeError for a layer with buffers that cannot be undone as in prediction."""
    if not node.layer.two_modes:
        raise TypeError(
            f"{node.name} is a {type(node.layer).__name__}, whose buffers change in training: {when} the class must "
            "set two_modes = True, and its backward must give the gradient of its forward with b.training=False"
        )


def own(node: Node, entries: Mapping[str, Parameter | State], arrays: Named) -> SimpleNamespace:
    """The arrays of a node's Parameters or States, by the layer's own names."""
    return Namespace(**{name: one(node, name, entry, arrays) for name, entry in entries.items()})


def one(node: Node, name: str, entry: Parameter | State, arrays: Named) -> Array:
    """A view of the array; RuntimeError if its shape or dtype is not the declared one."""
    full, dtype = f"{node.owner}.{name}", np.dtype(getattr(entry, "dtype", None) or node.graph.dtype)
    array = arrays.memory(full) if full in arrays else None
    if array is None or array.shape != entry.shape or array.dtype != dtype:
        found = "none" if array is None else f"{array.shape} {array.dtype}"
        raise RuntimeError(
            f"{full} must be {entry.shape} {dtype}, got {found}; an executor can only run the network it was made for, "
            "with that network's arrays"
        )
    return array
