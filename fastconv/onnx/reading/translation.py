"""From the operations of a file to nodes of fastconv, and to the values of their parameters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ... import Layer, Node
from ...nodes.arranged import Arranged
from ...nodes.settled import settled
from ...typing import Array
from ..errors import OnnxError
from .call import Call
from .constants import FOLDED, folded
from .image_numbers import image_numbers
from .operators import KNOWN
from .parsed import Operation, Parsed
from .sizes import Budget
from .values import UNFINISHED, Lost, Refused, Unfit, Value

__all__ = ["Translation", "translated"]

MOST_SHOWN = 40  # refused operations in one message
FAULTS = (ValueError, TypeError, ArithmeticError, LookupError, MemoryError)


@dataclass
class Translation:
    """The values of one graph by name, and what its layers hold."""

    graph: Parsed
    values: dict[str, Value]
    trained: dict[str, Array] = field(default_factory=dict)  # name in the network -> array of the file
    origins: dict[str, str] = field(default_factory=dict)  # name in the network -> name in the file
    shared: dict[Any, Layer] = field(default_factory=dict)  # a layer by its arguments and arrays
    names: set[str] = field(default_factory=set)  # of layers
    batch: int | None = None  # the number of images that the file is made for; None: free
    absorbed: set[Operation] = field(default_factory=set)  # sums that are the bias of the layer before them
    budget: Budget = field(default_factory=Budget)  # what computing with constants may still take

    def output(self, name: str) -> Node:
        """The node of an output; OnnxError where it is none."""
        value = self.values[name]
        try:
            if isinstance(value, Arranged):
                return settled(value)
        except (Refused, *FAULTS) as error:
            raise OnnxError(f"the output {name[:80]!r}: {error}") from None
        if not isinstance(value, Node):
            what = UNFINISHED.get(type(value))
            raise OnnxError(f"the output {name[:80]!r} {f'is {what}' if what else 'does not depend on the images'}")
        return value


def translated(graph: Parsed, inputs: dict[str, Node], batch: int | None, name: str) -> Translation:
    """All operations of the graph; OnnxError that lists everything that is not known."""
    translation = Translation(graph, {**graph.arrays, **inputs}, batch=batch)
    refused: list[str] = []
    sizes_alone = True
    for operation in graph.operations:
        try:
            results = results_of(operation, translation)
        except Refused as error:
            refused.append(f"{operation.title}: {error}")
            sizes_alone = sizes_alone and isinstance(error, Unfit)
            results = [Lost()] * len(operation.outputs)
        for output, value in zip(operation.outputs, results, strict=False):
            translation.values[output] = value
    if refused:
        more = len(refused) - MOST_SHOWN
        lines = refused[:MOST_SHOWN] + ([f"and {more:,} more"] if more > 0 else [])
        chosen = [inputs[each.name].shape for each in graph.inputs if each.shape is None or None in each.shape[1:]]
        what = "holds what fastconv does not compute"
        if chosen and sizes_alone:
            what = f"does not take images of shape {' and '.join(map(str, chosen))}"
        raise OnnxError(f"{name} {what}:\n  " + "\n  ".join(lines))
    return translation


def results_of(operation: Operation, translation: Translation) -> list[Value]:
    """The results of one operation; Refused with the reason."""
    call = Call(operation, translation)
    translate: Callable[[Call], Any] | None = KNOWN.get(operation.kind)
    if any(isinstance(value, Lost) for value in call.values):
        if translate is None and operation.kind not in FOLDED:
            raise Refused("fastconv has no such operation")
        return [Lost()] * len(operation.outputs)
    try:
        numbers = image_numbers(call, translation.budget)
        if numbers is not None:
            return [numbers]
        if operation.kind in FOLDED and call.is_constant():
            results: Any = folded(call, translation.budget)
        elif translate is None:
            known = operation.kind in FOLDED
            raise Refused("fastconv has it for constants alone" if known else "fastconv has no such operation")
        else:
            results = translate(call)
    except FAULTS as error:
        kind = Unfit if isinstance(error, ValueError) else Refused
        raise kind(str(error) or type(error).__name__) from None
    found: list[Value] = results if isinstance(results, list) else [results]
    read = [i for i, output in enumerate(operation.outputs) if translation.graph.readers.get(output)]
    if read and read[-1] >= len(found):
        raise Refused(f"its result {operation.outputs[read[-1]][:80]!r}, the number {read[-1] + 1}, is not computed")
    return found
