"""Where the gradients of parameters go in a training step: into arrays of the network, or straight into an update.

Without a fused update the network has one array per gradient; the first use of a parameter writes it, and each further
use is added. With a fused update a gradient lives in the arena until the optimizer has used it.
A frozen parameter has no gradient; a layer that computes it all the same writes it into memory that nobody reads.
"""

from collections import Counter
from collections.abc import Sequence

from .. import graph
from ..graph import Node
from ..ops.allocation import nbytes
from ..typing import Shape
from . import rewrites
from .analysis import Analysis
from .frozen_parameters import trained
from .gradient_buckets import Bucket, buckets
from .steps import Add, AddGradient, Step, Update
from .values import Value, ValueMemory

ROWS = 16 << 20  # bytes of a large gradient that are computed and used at a time


class ParameterGradients:
    """The memory and the steps of the parameters' gradients, in the order in which the backward pass makes them."""

    def __init__(self, analysis: Analysis, memory: ValueMemory, steps: list[Step], fused_update: bool) -> None:
        self.memory, self.steps, self.fused_update = memory, steps, fused_update
        self.frozen = analysis.frozen
        layers = [node for node in analysis.nodes if node.layer]
        self.uses = Counter(f"{node.owner}.{key}" for node in layers for key in trained(node, self.frozen))  # to come
        self.shared = {name for name, uses in self.uses.items() if uses > 1}
        self.written: set[str] = set()
        self.sums: dict[str, Value] = {}
        together = fused_update and rewrites.enabled("updates")
        self.bucket_of = self.find_buckets(layers, analysis.outputs) if together else {}

    def find_buckets(self, layers: Sequence[Node], outputs: Sequence[Node]) -> dict[str, Bucket]:
        """name -> its bucket; frozen and shared parameters and those that are updated by rows are in none."""
        alone = self.shared | self.frozen
        for node in layers:
            for key, p in node.spec.params.items():
                name = f"{node.owner}.{key}"
                if self.rows_at_a_time(node, key, name) != p.shape:
                    alone.add(name)
        params, _ = graph.declared(graph.ancestors(*outputs))
        return buckets({name: p.shape for name, p in params.items()}, self.memory.dtype, alone)

    def new(self, node: Node) -> dict[str, Value]:
        """parameter -> Value, for those gradients of a layer that have no array in the network for themselves."""
        names = {key: f"{node.owner}.{key}" for key in self.written_by(node)}
        taken = self.written | self.frozen
        wanted = [key for key, name in names.items() if self.fused_update or name in taken]
        self.written.update(names.values())
        return {key: self.new_gradient(node, key, names[key]) for key in wanted}

    def written_by(self, node: Node) -> list[str]:
        """The parameters whose gradients the layer's backward writes: all but frozen ones that it leaves out."""
        own = trained(node, self.frozen)
        return [key for key in node.spec.params if key in own or key not in node.layer.optional_gradients]

    def new_gradient(self, node: Node, key: str, name: str) -> Value:
        """Memory for one gradient: its part of a bucket, or its own."""
        shape = self.rows_at_a_time(node, key, name)
        bucket = self.bucket_of.get(name)
        if bucket is None:
            return self.memory.new(shape, images=False)
        if bucket.value is None:
            elements = bucket.nbytes // self.memory.dtype.itemsize
            bucket.value = self.memory.new((elements,), readers=len(bucket.starts), images=False)
        return bucket.part(bucket.value, name, shape)

    def rows_at_a_time(self, node: Node, key: str, name: str) -> Shape:
        """The shape of a gradient; if it is large and the layer allows it, of a few rows, each updated in its turn."""
        shape: Shape = node.spec.params[key].shape
        if self.fused_update and key in node.layer.gradient_by_rows and name not in self.shared | self.frozen:
            row = nbytes(shape[1:], self.memory.dtype)
            return (min(shape[0], max(1, ROWS // row)), *shape[1:])
        return shape

    def use(self, node: Node, gradients: dict[str, Value]) -> None:
        """The steps that add or update what `new` gave and the layer's backward has written."""
        for key, value in gradients.items():
            name, whole = f"{node.owner}.{key}", value.slot.shape == node.spec.params[key].shape
            if name in self.frozen:
                self.memory.release(value.live)
                continue
            self.uses[name] -= 1
            if not self.fused_update:
                self.steps.append(AddGradient(name, value.slot))
                self.memory.release(value.live)
            elif name in self.bucket_of:
                self.update_bucket(self.bucket_of[name])
            else:
                self.update(name, value, whole)

    def update(self, name: str, value: Value, whole: bool) -> None:
        """Add to the gradient of earlier uses; after the last use, update.

        `whole`: the gradient has all rows. Otherwise the layer's own calls update them.
        """
        if name in self.sums:
            total = self.sums[name]
            self.steps.append(Add(total.slot, value.slot, total.slot))
            self.memory.release(value.live)
            value = total
        self.sums[name] = value
        if self.uses[name] == 0:
            if whole:
                self.steps.append(Update((name,), value.slot))
            self.memory.release(self.sums.pop(name).live)

    def update_bucket(self, bucket: Bucket) -> None:
        """After the last gradient of the bucket, update all its parameters."""
        whole = bucket.value
        assert whole is not None, "new_gradient has set it"
        if whole.live.readers == 1:
            self.steps.append(Update(tuple(bucket.starts), whole.slot))
        self.memory.release(whole.live)
