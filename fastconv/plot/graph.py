"""A network drawn as boxes and arrows."""

from typing import Any

from ..ops import check
from .boxes import Box, boxes_of, lines_of
from .figures import BLUE, GREEN, GREY, ORANGE, PURPLE, new
from .placement import BOX, Placed, placed
from .subject import drawn

LINE, GAP = 0.165, 0.28  # inches: a line of text, the space between rows
EDGES = {"input": GREY, "conv": BLUE, "linear": PURPLE, "join": ORANGE, "other": GREEN}


def graph(network: Any, depth: int | None = None, *, title: str | None = None) -> Any:
    """The nodes of a network as boxes from the top to the bottom, with the layers and the shape of the result in each.

    Layers in a row without a branch share a box. Of large networks the parts (what their names have in common before
    a dot) are folded into one box each.

    Parameters
    ----------
    network : Network, the result of its `freeze`, or what `fastconv.load` returns
    depth : int, optional
        How many parts of a name are told apart: 1 folds ``layer1.0.conv1`` and ``layer1.1.conv1`` into ``layer1``. Else
        the largest that gives at most 40 rows and 120 boxes.
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
    >>> figure = plot.graph(Network(models.resnet20(), (3, 32, 32)))
    """
    depth = None if depth is None else check.integer(depth, "depth", 1)
    nodes, outputs = drawn(network)
    boxes = boxes_of(nodes, depth)
    places = placed([box.inputs for box in boxes])
    across = max(places.x) + BOX / 2
    wide = max(1.5, min(2.3, 4.7 / across))  # inches of a box
    size = 9 if wide > 2 else 8
    lines = [lines_of(box, int(wide * 116 / size)) for box in boxes]
    y, tall, ends = heights(places, lines)
    height = max(ends.values()) + 0.05
    width = max(5.0, across * wide + 0.3)
    figure = new(width, height + 0.2 + (0.3 if title else 0), sentence(nodes, outputs, boxes), title)
    axes = figure.add_subplot()
    axes.set_axis_off()
    left = (width - across * wide) / 2
    x = [left + each * wide for each in places.x]
    for way in places.ways.values():
        arrow(axes, [(x[point], y[point], tall[point], ends[point]) for point in way])
    for number, (box, said) in enumerate(zip(boxes, lines, strict=True)):
        draw(axes, x[number], y[number], wide, said, colour(box), size)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure


def heights(places: Placed, lines: list[list[str]]) -> tuple[dict[int, float], dict[int, float], dict[int, float]]:
    """Inches downwards: y of the middle of each point; how tall each is, a stop of an edge like its row; its row's end.

    The boxes of a row have their upper edges on one line.
    """
    y, tall, ends, top = {}, {point: LINE * len(said) + 0.1 for point, said in enumerate(lines)}, {}, 0.05
    for row in places.rows:
        high = max(tall.get(point, 0.0) for point in row)
        for point in row:
            tall.setdefault(point, high)
            y[point], ends[point] = top + tall[point] / 2, top + high
        top += high + GAP
    return y, tall, ends


def draw(axes: Any, x: float, y: float, wide: float, said: list[str], edge: str, size: int) -> None:
    """A box with its text around its middle."""
    from matplotlib.patches import FancyBboxPatch

    high = LINE * len(said) + 0.1
    corner = (x - wide / 2 + 0.06, y - high / 2)
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": edge, "linewidth": 1.6, "zorder": 2}
    axes.add_patch(FancyBboxPatch(corner, wide - 0.12, high, boxstyle="round,pad=0,rounding_size=0.06", **look))
    for number, line in enumerate(said):
        middle = y + LINE * (number - (len(said) - 1) / 2)
        dark = "black" if number < len(said) - 1 else "#444444"
        axes.text(x, middle, line, ha="center", va="center", fontsize=size, color=dark, zorder=3)


def arrow(axes: Any, way: list[tuple[float, float, float, float]]) -> None:
    """A line from the lower edge of a box, straight down beside each row, to the upper edge of another.

    `way`: x, y, how tall, and the end of the row of each point.
    """
    x, y, tall, end = way[0]
    points = [(x, y + tall / 2), (x, end)]
    for x, y, tall, end in way[1:-1]:
        points += [(x, y - tall / 2), (x, end)]
    x, y, tall, _ = way[-1]
    tip = (x, y - tall / 2)
    axes.plot(*zip(*points, tip, strict=True), color=GREY, linewidth=1.1, zorder=1, solid_joinstyle="round")
    look = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    axes.annotate("", tip, points[-1], arrowprops=look, zorder=1)


def colour(box: Box) -> str:
    """Of the frame, by what the box does first of all."""
    kinds = [node.kind if node.layer is None else node.layer.kind for node in box.nodes]
    if kinds[0] == "input":
        return EDGES["input"]
    for wanted, edge in (
        ("conv", "conv"),
        ("separable", "conv"),
        ("linear", "linear"),
        ("add", "join"),
        ("multiply", "join"),
        ("matmul", "join"),
    ):
        if any(kind.startswith(wanted) for kind in kinds):
            return EDGES[edge]
    return EDGES["join" if "concat" in kinds else "other"]


WORDS = {"add": "sum", "multiply": "product", "matmul": "matrix product", "concat": "concatenation", "slice": "slice"}


def sentence(nodes: list[Any], outputs: list[Any], boxes: list[Box]) -> str:
    """How large the graph is, and how it branches."""
    counts = [(sum(node.kind == kind for node in nodes), word) for kind, word in WORDS.items()]
    joins = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n]
    *most, last = joins or [""]
    branches = f"with {', '.join(most)}{' and ' if most else ''}{last}" if joins else "without branches"
    ends = [node for node in nodes if node.kind == "input"], outputs
    first, last = (" and ".join(" x ".join(map(str, node.shape)) for node in found) for found in ends)
    return f"Graph of {len(nodes)} nodes in {len(boxes)} boxes {branches}, from {first} to {last}."
