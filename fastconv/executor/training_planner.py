"""The plan of a training step: the forward pass, the loss, and every gradient in the reverse order."""

from collections.abc import Iterable, Sequence, Set

from ..graph import Node
from . import rewrites
from .analysis import analyse_training
from .arena import Slot
from .frozen_parameters import saves
from .fusion import Fusion
from .parameter_gradients import ParameterGradients
from .planner import ForwardPlanner, checked_nodes
from .slices import Parts
from .steps import Add, Backward, Copy, Loss, MatMul, Multiply, Plan, Recompute, SumProducts
from .values import Value, slot_of, slots


def plan_training(
    output: Node,
    n: int,
    channels_last: bool = False,
    recompute: bool = False,
    fused_update: bool = False,
    inputs: bool = False,
    frozen: Set[str] = frozenset(),
    also: Sequence[Node] = (),
    others: Sequence[Node] = (),
) -> Plan:
    """The plan for `n` images.

    `recompute`: values that a layer can compute a second time are not kept for the backward pass.
    `fused_update`: the optimizer uses each gradient as soon as it is known; then its memory is given back.
    `inputs`: the gradient of the images is computed too, and kept to the end.
    `frozen`: names of parameters without a gradient; there is no backward step where nothing below is trained.
    `also`: nodes whose gradients are kept to the end. `others`: the outputs after the first.
    """
    nodes = checked_nodes(n, output, *others)
    analysis = analyse_training(nodes, output, recompute, inputs, frozen, also, others)
    forward = ForwardPlanner(analysis, n, channels_last)
    forward.run()
    backward = BackwardPlanner(forward, fused_update, also)
    backward.run()
    dx = tuple(slot_of(backward.gradients.get(node.index)) for node in output.graph.inputs)
    return forward.plan()._replace(dx=dx, also=tuple(backward.kept_gradients[node.index] for node in also))


class BackwardPlanner:
    """Appends the loss and the backward pass to a planned forward pass."""

    def __init__(self, forward: ForwardPlanner, fused_update: bool = False, also: Sequence[Node] = ()) -> None:
        self.analysis, self.memory, self.steps = forward.analysis, forward.memory, forward.steps
        self.saved, self.recomputed = forward.saved, dict(self.analysis.recomputed)
        self.gradients: dict[int, Value] = {}  # by the index of a node: of its value, as far as it is known
        self.parameters = ParameterGradients(self.analysis, self.memory, self.steps, fused_update)
        self.parts: dict[int, Parts] = {}  # by the index of a node: the gradients of its slices
        self.asked = {node.index for node in also}
        self.kept_gradients: dict[int, Slot] = {}  # of the nodes asked for

    def run(self) -> None:
        """The loss, then every node or fusion whose gradient is wanted, from the last to the first."""
        self.loss()
        fused = {fusion.last.index: fusion for fusion in self.analysis.fusions if fusion.has_one_backward}
        inner = {part.index for fusion in fused.values() for part in (fusion.node, fusion.add) if part}
        for node in reversed(self.analysis.nodes):
            if node.index not in self.analysis.wanted:
                continue
            if node.index in self.parts:
                self.join_parts(node)
            if node.index in self.asked:
                self.keep(node)
            if node.index in fused:
                self.fusion(fused[node.index])
            elif node.index not in inner:
                self.node(node)

    def loss(self) -> None:
        """The loss, and the gradients of the outputs."""
        outputs, wanted = self.analysis.outputs, self.analysis.wanted
        slopes = [self.memory.new_like(output) if output.index in wanted else None for output in outputs]
        ys = [self.memory.values[output.index].slot for output in outputs]
        first, *more = zip(ys, map(slot_of, slopes), strict=True)
        self.steps.append(Loss(*first, tuple(more)))
        for output, dy in zip(outputs, slopes, strict=True):
            if dy is not None:
                self.contribute(output, dy)

    def keep(self, node: Node) -> None:
        """A copy of the gradient of a node, which is complete before the node's own step."""
        self.kept_gradients[node.index] = self.memory.new_like(node).slot
        self.steps.append(Copy(self.gradients[node.index].slot, self.kept_gradients[node.index], node))

    # Nodes one by one.

    def node(self, node: Node) -> None:
        """The backward step of one node."""
        match node.kind:
            case "layer":
                self.layer(node)
            case "add":
                self.add(node)
            case "multiply":
                self.multiply(node)
            case "matmul":
                self.matmul(node)
            case "concat":
                self.concat(node)
            case "slice":
                self.slice(node)

    def layer(self, node: Node) -> None:
        """dx and the parameters' gradients of a layer alone."""
        layer, source, dy, dx = node.layer, node.inputs[0], self.gradients.pop(node.index), None
        dx_accumulate = self.gradient_to_accumulate(node)
        if source.index in self.analysis.wanted:
            over = dy if layer.in_place else dx_accumulate
            dx = self.memory.over_or_new(over, source, layer.view)
        kept = saves(node, self.analysis.frozen)
        x = self.kept(source) if "x" in kept else None
        y = self.kept(node) if "y" in kept else None
        self.backward(node, x, y, dy, dx, dx_accumulate=dx_accumulate)

    def gradient_to_accumulate(self, node: Node) -> Value | None:
        """The part of dx that is already known, if the layer can add it while it stores the rest; else None."""
        source = node.inputs[0]
        if source.index not in self.gradients or not rewrites.enabled("gradients"):
            return None
        able = node.computing.accumulates_dx(source.shape, self.memory.dtype)
        return self.gradients.pop(source.index) if able else None

    def add(self, node: Node) -> None:
        """da = dy, db = dy: the same memory."""
        dy = self.gradients.pop(node.index)
        self.hand_down(dy, [(source, dy.slot) for source in node.inputs])

    def concat(self, node: Node) -> None:
        """Each input's gradient is its channels of dy."""
        dy, first, parts = self.gradients.pop(node.index), 0, []
        for source in node.inputs:
            parts.append((source, dy.slot.channels(first, source.shape[0])))
            first += source.shape[0]
        self.hand_down(dy, parts)

    def multiply(self, node: Node) -> None:
        """da = dy b, db = dy a, summed where b is repeated."""
        (a, b), dy, da, db = node.inputs, self.gradients.pop(node.index), None, None
        read = [dy]
        if b.index in self.analysis.wanted:
            db = self.memory.new_like(b)
            read.append(self.kept(a))
            self.steps.append(SumProducts(dy.slot, read[-1].slot, db.slot, node))
        if a.index in self.analysis.wanted:
            da = self.memory.over_or_new(dy, a)
            read.append(self.kept(b))
            self.steps.append(Multiply(dy.slot, read[-1].slot, da.slot, node, gradient=True))
        for value in read:
            self.memory.release(value.live)
        for source, gradient in ((a, da), (b, db)):
            if gradient is not None:
                self.contribute(source, gradient)

    def matmul(self, node: Node) -> None:
        """da = dy b^T, db = a^T dy"""
        (a, b), dy, found = node.inputs, self.gradients.pop(node.index), []
        read = [dy]
        if a.index in self.analysis.wanted:
            read.append(self.kept(b))
            found.append((a, self.memory.new_like(a)))
            self.steps.append(MatMul(dy.slot, read[-1].slot.transposed(), found[-1][1].slot, node, a))
        if b.index in self.analysis.wanted:
            read.append(self.kept(a))
            found.append((b, self.memory.new_like(b)))
            self.steps.append(MatMul(read[-1].slot.transposed(), dy.slot, found[-1][1].slot, node, b))
        for value in read:
            self.memory.release(value.live)
        for source, gradient in found:
            self.contribute(source, gradient)

    def slice(self, node: Node) -> None:
        """The gradient joins those of other slices of the same value."""
        (source,), dy = node.inputs, self.gradients.pop(node.index)
        if source.index in self.analysis.wanted:
            if source.index not in self.parts:
                self.parts[source.index] = Parts(self.memory.new_like(source), [False] * source.shape[0])
            self.steps += self.parts[source.index].joined(node, dy.slot)
        self.memory.release(dy.live)

    def join_parts(self, node: Node) -> None:
        """The gradients of all slices of a value, and 0 for the channels that are in none, are added to the others."""
        parts = self.parts.pop(node.index)
        self.steps += parts.rest(node)
        self.contribute(node, parts.whole)

    def hand_down(self, dy: Value, parts: Iterable[tuple[Node, Slot]]) -> None:
        """Gradients of a node's inputs that are parts of dy itself."""
        parts = [(source, seen) for source, seen in parts if source.index in self.analysis.wanted]
        dy.live.readers += len(parts)
        self.memory.release(dy.live)
        for source, seen in parts:
            self.contribute(source, Value(seen, dy.live))

    # Fusions whose layer undoes all of it.

    def fusion(self, fusion: Fusion) -> None:
        """dz = dy where the activation passed it on; dz is the residual's gradient, and what the layer's backward gets.

        With an activation dz is an array of its own, `dresidual`; without one it is dy.
        """
        node, dy = fusion.node, self.gradients.pop(fusion.last.index)
        source, kept = node.inputs[0], fusion.saves(self.analysis.frozen)
        wanted, residual, dresidual = self.analysis.wanted, fusion.residual, None
        if residual is not None and residual.index not in wanted:
            residual = None
        if residual and fusion.activation:
            dresidual = self.memory.over_or_new(dy, residual)
        elif residual:
            dy.live.readers += 1
        dx = None
        if source.index in wanted:
            dx = self.memory.over_or_new(dy if node.layer.in_place and not residual else None, source)
        x = self.kept(source) if "x" in kept else None
        y = self.kept(fusion.last) if "y" in kept else None
        self.backward(node, x, y, dy, dx, fusion.activation_name, dresidual)
        if residual:
            self.contribute(residual, dy if dresidual is None else dresidual)

    # What both have in common.

    def kept(self, node: Node) -> Value:
        """A value of the forward pass; one that was not kept is computed a second time first."""
        memory = self.memory
        if node.index in self.recomputed:
            fusion, readers = self.recomputed.pop(node.index)
            value = memory.values[node.index] = memory.new_like(node, readers)
            x, saved = memory.values[fusion.node.inputs[0].index].slot, slots(self.saved[fusion.node.index])
            self.steps.append(Recompute(fusion, x, value.slot, saved))
        return memory.values[node.index]

    def backward(
        self,
        node: Node,
        x: Value | None,
        y: Value | None,
        dy: Value,
        dx: Value | None,
        activation: str | None = None,
        dresidual: Value | None = None,
        dx_accumulate: Value | None = None,
    ) -> None:
        """The step of a layer; then whatever it read is given back, and its dx and gradients are passed on."""
        spec, saved = node.spec, self.saved.pop(node.index, {})
        scratch = self.memory.new_declared(spec.scratch)
        own = self.parameters.new(node)
        grads = {key: slot_of(own.get(key)) for key in self.parameters.written_by(node)}
        step = Backward(node, slot_of(x), slot_of(y), dy.slot, slot_of(dx), slots(saved), slots(scratch), grads)
        step = step._replace(activation=activation, dresidual=slot_of(dresidual), dx_accumulate=slot_of(dx_accumulate))
        self.steps.append(step)
        self.parameters.use(node, own)
        for values in (saved, scratch):
            self.memory.release_all(values)
        for value in (x, y, dy, dx_accumulate):
            if value is not None:
                self.memory.release(value.live)
        if dx is not None:
            self.contribute(node.inputs[0], dx)

    def contribute(self, node: Node, more: Value) -> None:
        """d(node) += more: the sum over all uses of a value, in a fixed order."""
        sum_so_far = self.gradients.get(node.index)
        if sum_so_far is None:
            self.gradients[node.index] = more
            return
        own = [value for value in (sum_so_far, more) if value.live.readers == 1]
        total = own[0] if own else self.memory.new_like(node)
        self.steps.append(Add(sum_so_far.slot, more.slot, total.slot))
        for value in (sum_so_far, more):
            if value is not total:
                self.memory.release(value.live)
        self.gradients[node.index] = total
