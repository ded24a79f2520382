"""Layers that fastconv wrote as several operators, by their record."""

from .... import Node
from ...records import Record
from ..call import Call
from ..values import Refused

__all__ = ["TABLE"]


def recorded(call: Call) -> Node:
    """The layer of the record, with the arrays of the file."""
    record: Record = call.operation.attributes["record"]
    x = call.node(0)
    spec = record.make().spec(x.shape, x.graph.dtype)
    if spec.params.keys() - record.arrays.keys():
        raise Refused(f"its record names no array for {', '.join(spec.params.keys() - record.arrays.keys())}")
    weights = {}
    for place, slot in enumerate(record.arrays, 1):
        shape = (spec.params.get(slot) or spec.state[slot]).shape
        weights[slot] = (call.constant(place).reshape(shape), call.source(place))
    return call.trained(record.make, x, weights) if weights else record.make()(x)


TABLE = {"fastconv": recorded}
