"""Plans of networks with several inputs or outputs, whose batches are arrays with a field for each."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import fields
from ..kernels.runtime.calls import copy_into
from ..ops.layout import copy_kernel
from ..typing import Array
from .binder import Binder, BoundPlan
from .steps import Plan


class Values(Mapping[str, Array]):
    """name -> array of the outputs of one batch; its length is that of the batch."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.arrays = arrays

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))


class PlanOfSeveral(BoundPlan):
    """As `BoundPlan`; `x`, `y` and `dx` are arrays, or, where there are several, name -> array.

    `inputs`, `outputs`: the shapes, as `Network` has them.
    """

    def __init__(self, plan: Plan, binder: Binder, inputs: Any, outputs: Any) -> None:
        super().__init__(plan, binder)
        names, self.names = fields.several(inputs), fields.several(outputs)
        xs = [slot.array(binder.arena) for slot in plan.inputs]
        if names is not None:
            self.x: Any = dict(zip(names, xs, strict=True))
        if self.names is not None:
            self.y: Any = Values(dict(zip(self.names, self.outputs, strict=True)))
        if names is not None and any(plan.dx):
            pairs = zip(plan.dx, xs, strict=True)
            slopes = [np.zeros_like(x) if slot is None else binder.array(slot) for slot, x in pairs]
            self.dx: Any = fields.structured(inputs, slopes)
        self.copies = []
        if names is not None:
            self.copies = [(k, x, copy_kernel(x.dtype) if x.ndim == 4 else copy_into) for k, x in self.x.items()]

    def run_on(self, x: Array, targets: Array | None = None) -> None:
        """Write the images and targets, and run."""
        self.write(x, targets)
        self.run()

    def write(self, x: Array, targets: Array | None = None) -> None:
        """Copy the images and targets in."""
        for name, own, copy in self.copies:
            copy(x[name], own)
        if not self.copies:
            self.copy_in(x, self.x)
        if targets is not None:
            copy_into(targets, self.targets)

    def predict(self, x: Array, y: Array | None = None) -> Array:
        """The output for these images: a new array, with fields for several outputs, or `y`, which is overwritten."""
        self.run_on(x)
        if self.names is None:
            y = np.empty(self.y.shape, self.y.dtype) if y is None else y
            y[...] = self.y
            return y
        if y is None:
            shapes = {name: array.shape[1:] for name, array in self.y.items()}
            y = np.empty(self.images, fields.dtype_of(shapes, self.outputs[0].dtype))
        for name, array in self.y.items():
            y[name] = array
        return y


def bound_plan(plan: Plan, binder: Binder, inputs: Any, outputs: Any) -> BoundPlan:
    """The plan on the binder's memory, for inputs and outputs of these shapes."""
    if fields.several(inputs) is None and fields.several(outputs) is None:
        return BoundPlan(plan, binder)
    return PlanOfSeveral(plan, binder, inputs, outputs)
