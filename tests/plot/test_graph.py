"""The drawn graph: which nodes share a box, where boxes stand, and which arrows lead where."""

from itertools import pairwise

import numpy as np
import pytest

from fastconv import Network, concat, layers, models, plot, sequential
from fastconv.plot.boxes import boxes_of, rows_of
from fastconv.plot.placement import BOX, STOP, crossings, placed

pytest.importorskip("matplotlib")

NETWORKS = {
    "zhang2016": (models.zhang2016(), (1, 28, 28)),
    "resnet20": (models.resnet20(), (3, 32, 32)),
    "googlenet": (models.googlenet(10), (3, 64, 64)),
    "densenet121": (models.densenet121(10), (3, 64, 64)),
    "resnet152": (models.resnet152(10), (3, 64, 64)),
    "one layer": (layers.Linear(3), (4,)),
    "nothing": (lambda x: x, (4,)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    return Network(*NETWORKS[request.param])


@pytest.mark.parametrize("depth", [None, 1, 2, 9])
def test_every_node_is_in_one_box_and_every_edge_between_boxes_is_drawn(network, depth):
    boxes = boxes_of(network.nodes, depth)
    assert sorted(node.index for box in boxes for node in box.nodes) == [node.index for node in network.nodes]
    where = {node.index: number for number, box in enumerate(boxes) for node in box.nodes}
    edges = {(where[x.index], where[node.index]) for node in network.nodes for x in node.inputs}
    assert {(a, b) for b, box in enumerate(boxes) for a in box.inputs} == {(a, b) for a, b in edges if a != b}
    assert all(a < b for b, box in enumerate(boxes) for a in box.inputs)


def test_no_figure_is_longer_than_forty_rows(network):
    assert rows_of(boxes_of(network.nodes, None)) <= 40


def test_boxes_keep_their_distance_and_arrows_go_down(network):
    boxes = boxes_of(network.nodes, None)
    places = placed([box.inputs for box in boxes])
    row_of = {point: number for number, row in enumerate(places.rows) for point in row}
    for row in places.rows:
        for a, b in pairwise(row):
            width = sum(BOX if point < len(boxes) else STOP for point in (a, b)) / 2
            assert places.x[b] - places.x[a] >= width
    assert set(places.ways) == {(a, b) for b, box in enumerate(boxes) for a in box.inputs}
    for (source, target), way in places.ways.items():
        assert (way[0], way[-1]) == (source, target)
        assert [row_of[b] - row_of[a] for a, b in pairwise(way)] == [1] * (len(way) - 1)
    assert min(places.x) >= 0


def test_crossed_branches_are_uncrossed():
    """0 -> 1, 2; 1 -> 4; 2 -> 3: as they come, 3 stands left of 4 and the edges cross."""
    places = placed([(), (0,), (0,), (2,), (1,), (3, 4)])
    above = [[], [0], [0], [2], [1], [3, 4]]
    assert crossings(places.rows, above) == 0
    assert crossings([[0], [1, 2], [3, 4], [5]], above) == 1


def test_a_box_tells_names_kinds_and_shape():
    def model(x):
        a = layers.ReLU(name="r")(layers.Conv2D(4, (3, 5), padding="same", name="a")(x))
        return sequential(layers.Flatten(name="f"), layers.Linear(3, name="fc"))(concat(a + a, a))

    figure = plot.graph(Network(model, (2, 8, 8)))
    said = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert said == [
        *("input", "2 × 8 × 8"),
        *("a: Conv2D 3×5", "r: ReLU", "4 × 8 × 8"),
        *("add1: sum", "4 × 8 × 8"),
        *("concat1: concat", "f: Flatten", "512"),
        *("fc: Linear", "3"),
    ]
    assert plot.text_of(figure) == "Graph of 7 nodes in 5 boxes with 1 sum and 1 concatenation, from 2 x 8 x 8 to 3."


def test_parts_of_a_large_network_are_folded_and_their_parameters_counted():
    network = Network(*NETWORKS["densenet121"])
    said = [text.get_text() for text in plot.graph(network).axes[0].texts]
    at = said.index("features.denseblock2")
    own = {name: p.size for name, p in network.parameters.items() if name.startswith("features.denseblock2.")}
    assert said[at + 3] == f"{sum(own.values()):,} parameters"
    convolutions = [name for name in own if ".conv" in name and name.endswith("weight")]
    assert said[at + 2] == f"{len(convolutions)} layers with weights"


def test_no_text_leaves_its_box_and_no_box_the_picture(network):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.patches import FancyBboxPatch

    figure = plot.graph(network)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [
        p.get_window_extent(canvas.get_renderer()) for p in figure.axes[0].patches if isinstance(p, FancyBboxPatch)
    ]
    width, height = canvas.get_width_height()
    assert all(b.x0 >= 0 and b.y0 >= 0 and b.x1 <= width and b.y1 <= height for b in boxes)
    for text in figure.axes[0].texts:
        if text.get_text():
            extent = text.get_window_extent(canvas.get_renderer())
            assert any(
                b.x0 <= extent.x0 and extent.x1 <= b.x1 and b.y0 <= extent.y0 and extent.y1 <= b.y1 for b in boxes
            ), text


def test_a_frozen_network_has_the_same_graph():
    network = Network(*NETWORKS["zhang2016"])
    assert plot.text_of(plot.graph(network.freeze())) == plot.text_of(plot.graph(network))


# ---------------------------------------------------------------- memory


def rectangles(figure):
    """{kind: [(first, last + 1, start, stop)]} in the units of the axes."""
    found = {}
    for drawn in figure.axes[0].collections:
        corners = [path.vertices for path in drawn.get_paths()]
        found[drawn.get_label()] = [(v[0, 0], v[2, 0], v[0, 1], v[2, 1]) for v in corners]
        assert all((v[1] == (v[2, 0], v[0, 1])).all() and (v[3] == (v[0, 0], v[2, 1])).all() for v in corners)
    return found


@pytest.mark.parametrize("training", [False, True])
def test_the_memory_plan_has_a_rectangle_for_each_value(training):
    network = Network(*NETWORKS["resnet20"])
    plan = network.plan(8, training)
    figure = plot.memory_plan(network, 8, training)
    unit = {"MB": 1e6, "kB": 1e3}[figure.axes[0].get_ylabel()]
    found = rectangles(figure)
    words = {"value": "values", "gradient": "gradients", "saved": "kept for backward", "scratch": "scratch"}
    for kind, label in words.items():
        wanted = [(v.first, v.last + 1, v.start / unit, v.stop / unit) for v in plan.values if v.kind == kind]
        assert len(found.get(label, [])) == len(wanted)
        np.testing.assert_allclose(np.array(found.get(label, [])).reshape(-1, 4), np.array(wanted).reshape(-1, 4))
    assert figure.axes[0].get_ylim() == (0, plan.nbytes / unit)
    assert figure.axes[0].get_xlim() == (0, len(plan.lines))
    assert f"{len(plan.values)} values share {plan.nbytes / unit:.3g}" in plot.text_of(figure)


def test_the_memory_of_a_frozen_network_is_drawn():
    frozen = Network(*NETWORKS["zhang2016"]).freeze()
    assert f"in {len(frozen.plan(4).lines)} steps" in plot.text_of(plot.memory_plan(frozen, 4))


def test_a_network_without_a_layer_has_a_memory_plan_without_a_step():
    figure = plot.memory_plan(Network(lambda x: x, (1, 4, 4)))
    assert "in 0 steps" in plot.text_of(figure)
    assert figure.axes[0].get_xlim() == (0, 1)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_graph_of_several_inputs_and_outputs(frozen):
    def model(x):
        y = layers.Conv2D(4, 3)(x["image"])
        return {"map": y, "gate": layers.Sigmoid()(layers.Linear(4)(x["scalar"]))}

    network = Network(model, {"image": (1, 6, 6), "scalar": (3,)})
    said = plot.text_of(plot.graph(network.freeze() if frozen else network))
    assert "from 1 x 6 x 6 and 3 to 4 x 4 x 4 and 4" in said
    assert "Graph of 5 nodes in 4 boxes without branches" in said
