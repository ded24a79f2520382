"""The table of a network: one row per node, and the totals."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from ..graph import Node
from ..typing import Shape
from .table import Report, Table


class Row(NamedTuple):
    """One node."""

    name: str
    kind: str
    shape: Shape
    parameters: int
    neurons: int  # outputs of convolutions and dense layers, which are weighted sums
    multiply_adds: int  # for one image


class Summary(Report):
    """Rows, and totals as `parameters`, `trained`, `neurons`, `multiply_adds`; `str` gives the table and more lines.

    `trained` counts the parameters that `set_trainable` has not frozen.
    """

    def __init__(self, nodes: Sequence[Node], memory: Sequence[str] = (), frozen: int = 0) -> None:
        self.memory = memory
        self.rows: list[Row] = []
        seen: set[str | None] = set()
        for node in nodes:
            self.rows.append(row(node, counted=node.owner in seen))
            seen.add(node.owner)
        self.parameters, self.neurons, self.multiply_adds = (
            sum(getattr(row, name) for row in self.rows) for name in ("parameters", "neurons", "multiply_adds")
        )
        self.trained = self.parameters - frozen

    def table(self) -> Table:
        """The rows, and the totals."""
        head = ("name", "layer", "output", "parameters", "neurons", "multiply-adds")
        cells = [(r.name, r.kind, " x ".join(map(str, r.shape)), *(f"{n:,}" for n in r[3:])) for r in self.rows]
        total = ("total", "", "", *(f"{n:,}" for n in (self.parameters, self.neurons, self.multiply_adds)))
        return Table(head, cells, total, left=(0, 1, 2))

    def more(self) -> Sequence[str]:
        """How many parameters are trained, where some are frozen; the memory of a batch."""
        if self.trained == self.parameters:
            return self.memory
        return [f"trained: {self.trained:,} of {self.parameters:,} parameters, the others are frozen", *self.memory]


def multiply_adds(node: Node) -> int:
    """Those of one image: of a layer, or of a product of matrices."""
    if node.kind == "matmul":
        return prod(node.shape) * node.inputs[0].shape[-1]
    return 0 if node.layer is None else int(node.layer.multiply_adds(node.inputs[0].shape, node.shape))


def row(node: Node, counted: bool) -> Row:
    """The row of a node; `counted`: a row above has counted its parameters already."""
    if node.layer is None or node.spec is None:
        return Row(node.name, node.kind, node.shape, 0, 0, multiply_adds(node))
    params = node.spec.params.values()
    work = multiply_adds(node)
    return Row(
        node.name,
        type(node.layer).__name__,
        node.shape,
        0 if counted else sum(prod(p.shape) for p in params),
        prod(node.shape) if params and work else 0,
        work,
    )
