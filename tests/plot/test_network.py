"""Filters, feature maps, mistakes and explanations show the arrays of the network."""

import sys
from itertools import pairwise

import numpy as np
import pytest

from fastconv import Network, layers, models, plot, sequential
from fastconv.data import transforms
from fastconv.plot import explain
from fastconv.plot.figures import visible
from fastconv.saved import SavedNetwork

pytest.importorskip("matplotlib")


def colour_network():
    model = sequential(
        layers.Conv2D(7, 3), layers.ReLU(), layers.Conv2D(5, 3), layers.MaxPool2D(2), layers.Flatten(), layers.Linear(4)
    )
    return Network(model, (3, 12, 12), seed=1)


def images(count=6):
    return np.random.default_rng(2).standard_normal((count, 3, 12, 12)).astype("float32")


def cells(figure, h, w):
    """The pictures of a mosaic (h x w each), row by row."""
    whole = np.asarray(np.ma.filled(np.ma.asarray(figure.axes[0].images[0].get_array()).astype(float), np.nan))
    line = max(1, round(max(h, w) / 12))
    rows, columns = (whole.shape[0] + line) // (h + line), (whole.shape[1] + line) // (w + line)
    starts = [(i * (h + line), j * (w + line)) for i in range(rows) for j in range(columns)]
    return [whole[i : i + h, j : j + w] for i, j in starts]


def test_filters_of_three_channels_are_pictures_around_grey():
    net = colour_network()
    found = cells(plot.filters(net), 3, 3)
    for k, w in enumerate(net.parameters["conv1.weight"].astype(float)):
        np.testing.assert_allclose(found[k], 0.5 + w.transpose(1, 2, 0) / (2 * abs(w).max()), atol=1e-7)


def test_other_filters_are_rows_of_planes_on_one_symmetric_scale():
    net = colour_network()
    W = net.parameters["conv2.weight"]
    figure = plot.filters(net, "conv2", count=21)
    found = cells(figure, 3, 3)
    assert len(found) == 21
    for number, plane in enumerate(found):
        np.testing.assert_allclose(plane, W[number // 7, number % 7])
    low, high = figure.axes[0].images[0].get_clim()
    assert -low == high == pytest.approx(abs(W).max())
    assert plot.text_of(figure).startswith("21 of 5 x 7 planes of the filters conv2.weight of 3 x 3, from -0.")
    grey = Network(models.zhang2016(), (1, 28, 28), seed=0)
    np.testing.assert_allclose(cells(plot.filters(grey), 5, 5)[4], grey.parameters["conv1.weight"][4, 0])


def test_feature_maps_are_the_values_of_the_node():
    net, x = colour_network(), images(1)[0]
    for name, low in (("conv1", True), ("relu1", False)):
        figure = plot.feature_maps(net, x, name, count=6)
        values = net.features(x, name)
        for c, picture in enumerate(cells(figure, 10, 10)):
            np.testing.assert_allclose(picture, values[c])
        limits = figure.axes[0].images[0].get_clim()
        assert limits == pytest.approx((-abs(values).max() if low else 0, abs(values).max()))
    bars = plot.feature_maps(net, x, "linear1").axes[0].patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], net.predict(x))


def test_the_worst_mistakes_are_the_wrong_images_with_the_largest_loss():
    net, x = colour_network(), images(30)
    labels = np.random.default_rng(3).integers(0, 4, 30)
    y = net.predict(x).astype(float)
    p = np.exp(y - y.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    wrong = [n for n in range(30) if y[n].argmax() != labels[n]]
    wrong.sort(key=lambda n: p[n, labels[n]])
    names = ["ant", "bee", "cat", "dog"]
    figure = plot.worst_mistakes(net, x, labels, names, count=5)
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 5
    for axes, n in zip(shown, wrong, strict=False):
        k = y[n].argmax()
        assert axes.get_title() == f"{names[labels[n]]}\n→ {names[k]} {100 * p[n, k]:.0f} %"
        low, high = x[n].min(), x[n].max()
        np.testing.assert_allclose(
            axes.images[0].get_array(), (x[n].transpose(1, 2, 0) - low) / (high - low), atol=1e-6
        )
    text = f"{len(wrong)} of 30 images are wrong ({100 * len(wrong) / 30:.1f} %). The worst: {names[labels[wrong[0]]]}"
    assert plot.text_of(figure).startswith(text)


def test_no_mistake_and_nan_are_said():
    net, x = colour_network(), images(4)
    labels = net.predict(x).argmax(1)
    figure = plot.worst_mistakes(net, x, labels)
    assert plot.text_of(figure) == "0 of 4 images are wrong (0.0 %)."
    assert figure.axes[0].texts[0].get_text() == "No mistake"
    x[2, 0, 5, 5] = np.nan
    with pytest.warns(RuntimeWarning, match="NaN"):
        text = plot.text_of(plot.worst_mistakes(net, x, labels))
    assert "1 of 4 images is wrong" in text
    assert "image 2, is taken for nothing, for its probabilities are NaN" in text


def right(figure):
    """The axes at the right of an explanation."""
    return figure.axes[1]


def test_the_explanations_show_their_maps():
    net, x = colour_network(), images(1)[0]
    k = 2
    saliency = right(plot.saliency(net, x, k)).images[0]
    np.testing.assert_allclose(saliency.get_array(), explain.saliency_map(net, x, k))
    cam = right(plot.grad_cam(net, x, k)).images[1]
    np.testing.assert_allclose(cam.get_array(), explain.grad_cam_map(net, x, k))
    assert cam.get_extent() == [-0.5, 11.5, 11.5, -0.5]  # over the whole image
    figure = plot.occlusion(net, x, k, 4, 2, 0)
    lost = explain.occlusion_map(net, x, k, 4, 2, 0)
    np.testing.assert_allclose(right(figure).images[1].get_array(), 100 * lost)
    assert f"loses up to {100 * lost.max():.1f} points" in plot.text_of(figure)
    assert figure.axes[0].get_title() == "class 2"


def test_a_saved_network_shows_raw_images_with_the_names_of_its_classes():
    net = Network(models.lenet5(3), (1, 28, 28), seed=0)
    saved = SavedNetwork(net, ("ant", "bee", "cat"), [transforms.normalize(mean=0.5, std=0.5)])
    raw = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    k = int(saved.predict(raw[:1]).argmax())
    for function in (plot.saliency, plot.grad_cam, plot.occlusion):
        assert function(saved, raw[0]).axes[0].get_title() == f"class {saved.classes[k]}"
    values = net.features(saved.prepare(raw[0])[0], "conv1")
    np.testing.assert_allclose(cells(plot.feature_maps(saved, raw[0], "conv1"), *values.shape[1:])[0], values[0])
    title = next(
        axes.get_title() for axes in plot.worst_mistakes(saved, raw, (saved.predict(raw).argmax(1) + 1) % 3).axes
    )
    assert title.split("\n")[0] in saved.classes
    assert plot.filters(saved).axes
    assert plot.graph(saved).axes
    assert plot.memory_plan(saved).axes


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_of_any_range_are_scaled_for_showing(channels):
    x = np.random.default_rng(0).standard_normal((channels, 4, 5))
    bytes_ = np.arange(20.0).reshape(1, 4, 5).repeat(channels, 0) * 12
    for image, low, high in ((x, x.min(), x.max()), (abs(x) / 9, 0, 1), (bytes_, 0, 255)):
        scaled = (image - low) / (high - low)
        wanted = scaled.transpose(1, 2, 0) if channels == 3 else scaled.mean(0)
        np.testing.assert_allclose(visible(image), wanted)
    assert np.isfinite(visible(np.full((channels, 2, 2), np.nan))).all()
    assert np.isfinite(visible(np.zeros((channels, 2, 2)))).all()


NET, X = colour_network(), images(2)
REFUSED = [
    (lambda: plot.filters(NET, "conv3"), "write 'conv"),
    (lambda: plot.filters(NET, 3), "name must be the name of a convolution, such as 'conv1', got 3"),
    (lambda: plot.filters(NET, count=0), "count must be"),
    (lambda: plot.filters(Network(layers.Linear(3), (4,))), "network must have a convolution"),
    (lambda: plot.filters(NET.freeze()), "give the Network that it was frozen from"),
    (lambda: plot.feature_maps(NET, X[0], "rel1"), "did you mean 'relu1'"),
    (lambda: plot.feature_maps(NET, X[0], ["relu1"]), "name must be the name of a node"),
    (lambda: plot.feature_maps(NET, X, "relu1"), r"image must be one image, got 2; write images\[0\]"),
    (lambda: plot.feature_maps(NET, X[0, 0], "relu1"), "image must have shape"),
    (lambda: plot.worst_mistakes(NET, X, [0]), "labels must be one class number, or one for each of 2 images"),
    (lambda: plot.worst_mistakes(NET, X, [0, 4]), "labels must be from 0 to 3, got 4"),
    (lambda: plot.worst_mistakes(NET, X, None), "labels must be class numbers"),
    (lambda: plot.worst_mistakes(NET, X, [0, 1], ["a"]), "classes must have a name for each of the 4 classes"),
    (lambda: plot.worst_mistakes(NET, X[:0], []), "images must be at least one image"),
    (lambda: plot.saliency(NET, X), "image must be one image"),
    (lambda: plot.saliency(NET, X[0], 7), "label must be from 0 to 3, got 7"),
    (lambda: plot.grad_cam(NET, X[0], name="linear1"), "name must be that of one node with maps"),
    (lambda: plot.occlusion(NET, X[0], size=40), "size must be at most"),
    (lambda: plot.text_of("figure"), "figure must be a figure of fastconv.plot"),
    (lambda: plot.graph(NET, depth=0), "depth must be"),
    (lambda: plot.graph(models.lenet5()), "network must be a Network"),
    (lambda: plot.memory_plan(NET, 0), "batch_size must be"),
    (lambda: plot.memory_plan(NET, training=1.5), "training must be"),
    (lambda: plot.memory_plan(NET.freeze(), training=True), "training must be False for a frozen network"),
    (lambda: plot.memory_plan("net"), "network must be a Network"),
]


@pytest.mark.parametrize(("call", "line"), REFUSED)
def test_a_wrong_call_gets_one_clear_line(call, line):
    with pytest.raises((TypeError, ValueError), match=line) as error:
        call()
    assert "\n" not in str(error.value)


def test_every_figure_has_a_title_on_request_and_a_white_ground():
    figures = [
        plot.filters(NET, title="Seen"),
        plot.feature_maps(NET, X[0], "relu1", title="Seen"),
        plot.worst_mistakes(NET, X, [0, 1], title="Seen"),
        plot.saliency(NET, X[0], title="Seen"),
        plot.grad_cam(NET, X[0], title="Seen"),
        plot.occlusion(NET, X[0], title="Seen"),
        plot.graph(NET, title="Seen"),
        plot.memory_plan(NET, title="Seen"),
        plot.confusion_matrix([0], [0], title="Seen"),
        plot.learning_curves([{"loss": 1.0}], title="Seen"),
    ]
    for figure in figures:
        assert figure.get_suptitle() == "Seen"
        assert figure.get_facecolor() == (1, 1, 1, 1)
        assert plot.text_of(figure).endswith(".")


def test_pyplot_is_not_touched_and_without_matplotlib_one_line_says_what_to_install(monkeypatch):
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"fastconv\.plot needs the package matplotlib.*pip install matplotlib"):
        plot.graph(NET)


@pytest.mark.filterwarnings("ignore:the prediction of image 0 is NaN")
@pytest.mark.parametrize("draw", [plot.saliency, plot.grad_cam, plot.occlusion])
def test_a_map_without_a_number_is_said(draw):
    net, x = colour_network(), images(1)[0]
    net.parameters["conv1.weight"][...] = np.nan
    assert plot.text_of(draw(net, x)).endswith(": all values are NaN.")


@pytest.mark.parametrize("draw", [plot.saliency, plot.grad_cam, plot.occlusion])
@pytest.mark.parametrize("factor", [1, 0.0123])
def test_the_numbers_of_a_scale_do_not_touch(draw, factor):
    net = colour_network()
    net.parameters["linear1.weight"][...] *= factor
    figure = draw(net, images(1)[0])
    figure._repr_png_()
    boxes = [each.get_window_extent() for each in figure.axes[2].get_xticklabels() if each.get_text()]
    inside = [box for box in boxes if figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1]
    assert all(left.x1 < right.x0 for left, right in pairwise(inside))
