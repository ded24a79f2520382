"""Other sizes, borders and shuffles, beside ONNX's own reference."""

from itertools import product

import numpy as np
import pytest
from onnx_models import images, model_of, node, reference

import fastconv
from fastconv.onnx import OnnxError, load

IMAGE = (3, 6, 5)
PLACES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def same(nodes, arrays, shape=IMAGE, opset=17):
    """The network, after its predictions are those of the reference."""
    model = model_of(nodes, shape, arrays, opset)
    network = load(model.SerializeToString())
    x = images(2, *shape)
    np.testing.assert_allclose(network.predict(x), reference(model, x), rtol=1e-5, atol=1e-5)
    return network


def scales(*values):
    return {"s": np.array([1, 1, *values], "float32")}


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("factors", [(2, 2), (1.5, 2.4), (0.5, 0.6), (3, 1)], ids=str)
def test_linear(places, factors):
    same([node("Resize", "x  s", mode="linear", coordinate_transformation_mode=places)], scales(*factors))


RULES = [  # but for places of align_corners that are whole, which rounding in float32 moves below or above
    *product(PLACES, ROUNDINGS[:2]),
    *product(("half_pixel", "asymmetric"), ROUNDINGS[2:]),
]


@pytest.mark.parametrize(("places", "rounding"), RULES)
@pytest.mark.parametrize("factors", [(2, 2), (1.5, 2.4), (0.5, 0.6)], ids=str)
def test_nearest(places, rounding, factors):
    same([node("Resize", "x  s", coordinate_transformation_mode=places, nearest_mode=rounding)], scales(*factors))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_to_sizes(mode):
    sizes = {"z": np.array([2, 3, 7, 9], np.int64)}
    model = model_of([node("Resize", "x   z", mode=mode)], IMAGE, sizes, batch=2)
    x = images(2, *IMAGE)
    np.testing.assert_allclose(load(model.SerializeToString()).predict(x), reference(model, x), rtol=1e-5, atol=1e-5)


def test_to_sizes_that_are_computed_from_the_shape():
    """As exporters write interpolate(x, size=other.shape[2:])."""
    nodes = [
        node("MaxPool", "x", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", "x", "all"),
        node("Slice", "all two four", "hw"),
        node("Shape", "p", "small"),
        node("Slice", "small zero two", "nc"),
        node("Concat", "nc hw", "z", axis=0),
        node("Resize", "p   z", mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
    ]
    same(nodes, {name: np.array([n], np.int64) for name, n in (("zero", 0), ("two", 2), ("four", 4))})


def test_repetition_is_the_quick_layer():
    network = same([node("Resize", "x  s")], scales(2, 3))
    assert repr(network.output.layer) == "Upsample((2, 3))"


def test_older_opsets():
    x = images(2, *IMAGE)
    expected = x.repeat(2, 2).repeat(3, 3)
    for nodes, arrays, opset in (
        ([node("Upsample", "x", scales=[1.0, 1.0, 2.0, 3.0])], {}, 7),
        ([node("Upsample", "x s")], scales(2, 3), 9),
        ([node("Resize", "x s")], scales(2, 3), 10),
    ):
        assert np.array_equal(load(model_of(nodes, IMAGE, arrays, opset).SerializeToString()).predict(x), expected)


def test_signals():
    same([node("Resize", "x  s", mode="linear")], {"s": np.array([1, 1, 2.5], "float32")}, (3, 8))


@pytest.mark.parametrize("mode", ["reflect", "edge", "constant"])
def test_borders(mode):
    arrays = {"p": np.array([0, 0, 1, 2, 0, 0, 0, 3], np.int64), "v": np.array(1.5, "float32")}
    same([node("Pad", "x p v", mode=mode)], arrays)


def test_zeros_as_channels():
    same([node("Pad", "x p")], {"p": np.array([0, 2, 1, 0, 0, 1, 0, 3], np.int64)})


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_shuffles_of_pixels(mode):
    assert isinstance(
        same([node("DepthToSpace", "x", blocksize=2, mode=mode)], {}, (8, 3, 5)).output.layer, fastconv.PixelShuffle
    )


@pytest.mark.parametrize(
    ("split", "perm", "shape", "kind"),
    [
        ((4, 2, 2, 3, 5), (0, 1, 4, 2, 5, 3), (4, 6, 10), "PixelShuffle"),
        ((2, 2, 4, 3, 5), (0, 3, 4, 1, 5, 2), (4, 6, 10), "PixelShuffle"),
        ((2, 8, 3, 5), (0, 2, 1, 3, 4), (16, 3, 5), "ChannelShuffle"),
        ((16, 1, 3, 5, 1), (0, 1, 2, 4, 3, 5), (16, 5, 3), "Permute"),
        ((4, 2, 2, 3, 5), (0, 3, 1, 5, 2, 4), (16, 5, 3), "Reshape"),
    ],
)
def test_shuffles_in_pieces(split, perm, shape, kind):
    arrays = {"s": np.array([-1, *split]), "t": np.array([-1, *shape])}
    nodes = [node("Reshape", "x s", "a"), node("Transpose", "a", "b", perm=perm), node("Reshape", "b t")]
    network = same(nodes, arrays, (16, 3, 5))
    assert type(network.output.layer).__name__ == kind


def test_what_is_not_computed_is_refused():
    for attributes, rule in (
        ({"mode": "cubic"}, "must be nearest or linear"),
        ({"coordinate_transformation_mode": "tf_crop_and_resize"}, "coordinate_transformation_mode must be one of"),
        ({"antialias": 1}, "antialias"),
    ):
        with pytest.raises(OnnxError, match=rule):
            load(model_of([node("Resize", "x  s", **attributes)], IMAGE, scales(2, 2), 18).SerializeToString())
    with pytest.raises(OnnxError, match="it resizes images or channels"):
        load(model_of([node("Resize", "x  s")], IMAGE, {"s": np.array([1, 2, 1, 1], "float32")}).SerializeToString())
