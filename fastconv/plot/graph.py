"""The graph of a network: boxes of layers, arrows of values."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import Network, Node
from .figures import BLUE, COLOURS, GREEN, ORANGE, PURPLE, new
from .given import network_of

__all__ = ["graph"]

WIDE, HIGH = 2.1, 0.52  # inches between boxes, from centre to centre
RANKS = 24  # rows of boxes in one column of the figure
TEXT = 32  # letters in a line of a box
KINDS = {  # what a box is coloured by: kinds of layers
    "convolution": BLUE,
    "dense": PURPLE,
    "pooling": GREEN,
    "sum, concatenation": ORANGE,
    "other": COLOURS[-1],
}


class Box(NamedTuple):
    """Nodes one after another that are drawn as one."""

    nodes: tuple[Node, ...]
    sources: tuple[int, ...]  # numbers of the boxes before it


class Place(NamedTuple):
    """Where a box is drawn: its centre in inches, from the upper left."""

    x: float
    y: float


class Column(NamedTuple):
    """The places of boxes by number; those that are drawn once more, above the boxes that read them."""

    places: dict[int, Place]
    again: Sequence[int]


def graph(network: Any, fold: int = 3, *, title: str | None = None) -> Any:
    """The nodes of a network as boxes from above to below, with the shapes of their values.

    Layers that follow one another without a branch share a box, up to `fold` of them. Long networks go on in the next
    column.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
    fold : int
        Layers in one box; 1 gives each node its own.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit.

    Examples
    --------
    >>> from fastconv import Network, models, plot
    >>> figure = plot.graph(Network(models.lenet5(), (1, 28, 28)))
    >>> [text.get_text().split()[0] for text in figure.axes[0].texts][:2]
    ['input', 'conv1']
    """
    from ..ops import check

    network, fold = network_of(network), check.integer(fold, "fold", 1)
    boxes = folded(network.nodes, fold)
    columns = placed(boxes)
    width, height = (max(each) for each in zip(*(p for column in columns for p in column.places.values()), strict=True))
    figure = new(width + WIDE, height + 2 * HIGH, told(network), title)
    axes = figure.subplots()
    axes.axis("off")
    axes.set_xlim(-WIDE / 2, width + WIDE / 2)
    axes.set_ylim(height + HIGH, -HIGH)
    for column in columns:
        for number, place in column.places.items():
            again = number in column.again
            draw(axes, place, boxes[number], again)
            for source in () if again else boxes[number].sources:
                arrow(axes, column.places[source], place)
    return figure


def folded(nodes: Sequence[Node], fold: int) -> list[Box]:
    """The boxes in the order of the nodes."""
    readers: dict[int, int] = {}
    for node in nodes:
        for source in node.inputs:
            readers[source.index] = readers.get(source.index, 0) + 1
    groups: list[list[Node]] = []
    group_of: dict[int, int] = {}
    for node in nodes:
        before = group_of.get(node.inputs[0].index) if len(node.inputs) == 1 else None
        if before is not None and joins(groups[before], node, readers, fold):
            groups[before].append(node)
            group_of[node.index] = before
        else:
            group_of[node.index] = len(groups)
            groups.append([node])
    return [Box(tuple(g), tuple(dict.fromkeys(group_of[s.index] for s in g[0].inputs))) for g in groups]


def joins(group: Sequence[Node], node: Node, readers: dict[int, int], fold: int) -> bool:
    """Whether a node may share the box of the node before it."""
    last = group[-1]
    weighs = node.layer is not None and bool(node.spec.params) and node.layer.multiply_adds(last.shape, node.shape) > 0
    return last.kind != "input" and len(group) < fold and readers[last.index] == 1 and not weighs


def rows_of(boxes: Sequence[Box]) -> list[list[int]]:
    """Numbers of boxes, row by row: each box one row below the lowest of its sources."""
    rank: list[int] = []
    for box in boxes:
        rank.append(1 + max((rank[source] for source in box.sources), default=-1))
    rows: list[list[int]] = [[] for _ in range(max(rank) + 1)]
    for number, row in enumerate(rank):
        rows[row].append(number)
    return rows


def columns_of(rows: Sequence[list[int]], boxes: Sequence[Box]) -> list[list[list[int]]]:
    """The rows in columns of at most RANKS; a column ends, if it can, at a row which alone the rows below read."""
    row_of = {number: r for r, row in enumerate(rows) for number in row}
    lowest = [min((row_of[s] for n in row for s in boxes[n].sources), default=r) for r, row in enumerate(rows)]
    columns, start = [], 0
    while len(rows) - start > RANKS:
        ends = [end for end in range(start + RANKS // 2, start + RANKS) if min(lowest[end + 1 :]) >= end]
        end = ends[-1] if ends else start + RANKS - 1
        columns.append(list(rows[start : end + 1]))
        start = end + 1
    return [*columns, list(rows[start:])]


def placed(boxes: Sequence[Box]) -> list[Column]:
    """The columns: each with its own boxes, and those of others that they read."""
    rows = rows_of(boxes)
    across = [0.0] * len(boxes)
    for row in rows:
        spread(row, boxes, across)
    found, left = [], 0.0
    for rows_here in columns_of(rows, boxes):
        inside = {number for row in rows_here for number in row}
        again = sorted({source for number in inside for source in boxes[number].sources} - inside)
        shown = [again, *rows_here] if again else rows_here
        first = min(across[number] for row in shown for number in row)
        places = {
            n: Place(left + (across[n] - first) * WIDE, y * 1.5 * HIGH) for y, row in enumerate(shown) for n in row
        }
        found.append(Column(places, again))
        left = max(place.x for place in places.values()) + 1.3 * WIDE
    return found


def spread(row: Sequence[int], boxes: Sequence[Box], across: list[float]) -> None:
    """Places of the boxes of one row: under the middle of their sources, at least 1 apart."""
    wanted = {n: mean([across[source] for source in boxes[n].sources]) for n in row}
    ordered = sorted(row, key=wanted.__getitem__)
    middle = mean([wanted[n] for n in ordered])
    last = -float("inf")
    for n in ordered:
        last = across[n] = max(wanted[n], last + 1)
    shift = mean([across[n] for n in ordered]) - middle
    for n in ordered:
        across[n] -= shift


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of none."""
    return sum(values) / len(values) if values else 0.0


def draw(axes: Any, place: Place, box: Box, again: bool) -> None:
    """One box: the names of its nodes, and the shape of its value; dashed if it is drawn a second time."""
    from matplotlib.patches import FancyBboxPatch

    names = " + ".join([box.nodes[0].name, *(node.name.rpartition(".")[2] for node in box.nodes[1:])])
    shape = " x ".join(map(str, box.nodes[-1].shape))
    names = names if len(names) <= TEXT else names[: TEXT - 1] + "…"
    width, height = WIDE * 0.9, HIGH * 0.95
    axes.add_patch(
        FancyBboxPatch(
            (place.x - width / 2, place.y - height / 2),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="white",
            edgecolor=KINDS[kind_of(box.nodes[0])],
            linewidth=1.4,
            linestyle="--" if again else "-",
            zorder=2,
        )
    )
    axes.text(place.x, place.y, f"{names}\n{shape}", ha="center", va="center", fontsize=7, zorder=3)


def kind_of(node: Node) -> str:
    """The family that colours a box."""
    if node.kind in ("add", "concat"):
        return "sum, concatenation"
    name = type(node.layer).__name__
    if node.layer is not None and node.layer.convolution:
        return "convolution"
    return "dense" if name == "Linear" else "pooling" if "Pool" in name else "other"


def arrow(axes: Any, source: Place, target: Place) -> None:
    """From the lower edge of a box to the upper edge of the next; around what lies between."""
    height = HIGH * 0.95 / 2
    rows = (target.y - source.y) / (HIGH * 1.5)
    bend = 0.0
    if rows > 1.5 and abs(source.x - target.x) < 0.3 * WIDE:
        bend = min(0.35, 1.1 / rows + 0.12)
    start, end = (source.x, source.y + height), (target.x, target.y - height)
    if bend:
        start, end = (source.x + WIDE * 0.45, source.y), (target.x + WIDE * 0.45, target.y)
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": "#80868b",
            "linewidth": 0.9,
            "shrinkA": 0,
            "shrinkB": 0,
            "connectionstyle": f"arc3,rad={-bend}" if bend else "arc3",
        },
        zorder=1,
    )


def told(network: Network) -> str:
    """The graph in words."""
    from collections import Counter

    kinds = Counter(type(node.layer).__name__ if node.layer is not None else node.kind for node in network.nodes[1:])
    parts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(4))
    into, out = (" x ".join(map(str, shape)) for shape in (network.input_shape, network.output_shape))
    return f"The graph of a network from {into} to {out}, {len(network.nodes)} nodes: {parts}."
