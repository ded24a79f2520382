"""Attention, layer norm in pieces, constants of any shape, and axes of images elsewhere: as ONNX has them."""

import numpy as np
import pytest
from onnx_models import images, model_of, node, reference

from fastconv import layers
from fastconv.onnx import OnnxError, load

TOKENS, IMAGE = (6, 8), (4, 5, 6)


def normal(*shape, seed=3):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def ints(*values):
    return np.array(values, "int64")


def agree(nodes, shape, arrays=None, opset=17, within=1e-5, **options):
    """The network of the file, which gives what the reference gives, for several batches."""
    model = model_of(nodes, shape, arrays, opset=opset, **options)
    network = load(model.SerializeToString())
    for n in (1, 3):
        x = images(n, *shape)
        np.testing.assert_allclose(network.predict(x), reference(model, x), rtol=0, atol=within)
    return network


def kinds(network):
    return [type(each.layer).__name__ if each.layer else each.kind for each in network.nodes]


def attention(parts):
    """Two heads of 4 features; `parts`: nodes that make q, k, v (N, heads, tokens, 4) of z (3, N, heads, tokens, 4)."""
    return [
        node("MatMul", "x qkv", "a"),
        node("Reshape", "a five", "b"),
        node("Transpose", "b", "z", perm=[2, 0, 3, 1, 4]),
        *parts,
        node("Transpose", "k", "kt", perm=[0, 1, 3, 2]),
        node("Mul", "q half", "scaled"),
        node("MatMul", "scaled kt", "scores"),
        node("Softmax", "scores", "p", axis=-1),
        node("MatMul", "p v", "heads"),
        node("Transpose", "heads", "t", perm=[0, 2, 1, 3]),
        node("Reshape", "t three", "y"),
    ]


ARRAYS = {"qkv": normal(8, 24) / 3, "five": ints(0, 6, 3, 2, 4), "three": ints(0, 6, 8), "half": np.float32(0.5)}


def test_attention_by_slices_and_squeezes():
    parts = [node("Slice", f"z i{i} i{i + 1} i0", f"z{i}") for i in range(3)]
    parts += [node("Squeeze", f"z{i} i0", "qkv"[i]) for i in range(3)]
    network = agree(attention(parts), TOKENS, ARRAYS | {f"i{i}": ints(i) for i in range(4)})
    assert kinds(network).count("matmul") == 2
    assert kinds(network).count("slice") == 3


def test_attention_by_gathers():
    parts = [node("Gather", f"z i{i}", "qkv"[i], axis=0) for i in range(3)]
    agree(attention(parts), TOKENS, ARRAYS | {f"i{i}": np.int64(i) for i in range(3)})


def test_attention_by_a_split():
    parts = [node("Split", "z", "z0 z1 z2", axis=0)]
    parts += [node("Squeeze", f"z{i} zero", "qkv"[i]) for i in range(3)]
    network = agree(attention(parts), TOKENS, ARRAYS | {"zero": ints(0)})
    x = images(3, *TOKENS)
    np.testing.assert_allclose(network.freeze().predict(x), network.predict(x), rtol=0, atol=1e-6)
    assert network.predict(x)[1].tobytes() == network.predict(x[1]).tobytes()


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_softmax_along_an_axis(axis):
    agree([node("Softmax", "x", axis=axis)], IMAGE)


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_softmax_over_all_axes_from_one_on(axis):
    """As opsets before 13 have it; the reference has the newer rule alone."""
    x = images(3, *IMAGE)
    y = load(model_of([node("Softmax", "x", axis=axis)], IMAGE, opset=11).SerializeToString()).predict(x)
    e = np.exp(x.astype("float64"))
    np.testing.assert_allclose(y, e / e.sum(tuple(range(axis, 4)), keepdims=True), rtol=0, atol=1e-6)


def test_softmax_of_four_axes():
    for axis in (1, 3, 4):
        nodes = [node("Reshape", "x shape", "a"), node("Softmax", "a", "b", axis=axis), node("Reshape", "b back")]
        agree(nodes, IMAGE, {"shape": ints(0, 2, 2, 5, 6), "back": ints(0, 4, 30)})


@pytest.mark.parametrize("shape", [(5, 6), (1, 4, 5, 6), (4, 1, 6), (6,), (1, 1, 5, 1), (4, 1, 1), ()], ids=str)
@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
def test_constants_of_any_shape(kind, shape):
    array = {"c": normal(*shape) + 4}
    agree([node(kind, "x c")], IMAGE, array)
    away = [node("Relu", "x", "a"), node("Add", "a two", "b"), node(kind, "c b")]
    agree(away, IMAGE, array | {"two": np.float32(2)})


def test_a_scale_and_a_shift_for_each_value_are_one_layer():
    arrays = {"a": normal(1, 4, 5, 6), "b": normal(5, 6)}
    network = agree([node("Mul", "x a", "z"), node("Add", "z b")], IMAGE, arrays)
    assert kinds(network) == ["input", "Affine"]


def test_a_constant_larger_than_the_value_repeats_it():
    agree([node("GlobalAveragePool", "x", "a"), node("Add", "a c")], IMAGE, {"c": normal(4, 5, 6)})


def test_quotients_roots_and_powers():
    above = [node("Abs", "x", "a"), node("Add", "a one", "p")]
    one = {"one": np.float32(1), "half": np.float32(0.5), "minus": np.float32(-2)}
    agree([*above, node("Div", "x p")], IMAGE, one)
    agree([*above, node("Sqrt", "p", "r"), node("Div", "x r")], IMAGE, one)
    agree([*above, node("Pow", "p half", "r"), node("Pow", "p minus", "s"), node("Mul", "r s")], IMAGE, one)
    agree([*above, node("Reciprocal", "p", "r"), node("Exp", "r")], IMAGE, one)
    agree([node("ReduceMean", "x", "m", axes=[2, 3]), node("Sub", "x m", "d"), node("Exp", "d")], IMAGE)


def norm(axes, square="Pow"):
    power = node("Pow", "d two", "s") if square == "Pow" else node("Mul", "d d", "s")
    return [
        node("ReduceMean", "x", "m", axes=axes),
        node("Sub", "x m", "d"),
        power,
        node("Identity", "s", "s_"),
        node("ReduceMean", "s_", "v", axes=axes),
        node("Add", "v eps", "e"),
        node("Sqrt", "e", "r"),
        node("Div", "d r", "z"),
    ]


NUMBERS = {"two": np.float32(2), "eps": np.float32(1e-3)}
CASES = {
    "last": (TOKENS, [-1], (8,)),
    "channels": (IMAGE, [1], (4, 1, 1)),
    "all": (IMAGE, [1, 2, 3], (4, 5, 6)),
    "last of images": (IMAGE, [3], (6,)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("square", ["Pow", "Mul"])
def test_layer_norm_in_pieces(case, square):
    shape, axes, weights = CASES[case]
    arrays = NUMBERS | {"w": normal(*weights), "b": normal(*weights, seed=4)}
    network = agree([*norm(axes, square), node("Mul", "w z", "t"), node("Add", "t b")], shape, arrays)
    assert "LayerNorm" in kinds(network)
    assert sorted(name.rpartition(".")[2] for name in network.parameters) == ["bias", "weight"]
    alone = agree([*norm(axes, square), node("Identity", "z")], shape, NUMBERS)
    assert not alone.parameters
    half = agree([*norm(axes, square), node("Mul", "z w")], shape, arrays)
    assert "LayerNorm" in kinds(half)


def test_what_only_looks_like_a_layer_norm():
    nodes = [*norm([-1])[:-1], node("Div", "x r")]
    assert "LayerNorm" not in kinds(agree(nodes, TOKENS, NUMBERS))
    other = norm([-1])
    other[4] = node("ReduceMean", "s_", "v", axes=[-2])
    assert "LayerNorm" not in kinds(agree([*other, node("Identity", "z")], TOKENS, NUMBERS))


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_parts_along_any_axis_are_joined_along_any_axis(axis):
    nodes = [node("Slice", "x one three axis", "a"), node("Slice", "x zero one axis", "b"), node("Relu", "b", "r")]
    arrays = {"zero": ints(0), "one": ints(1), "three": ints(3), "axis": ints(axis)}
    agree([*nodes, node("Concat", "a r a", axis=axis)], IMAGE, arrays)
    agree([node("Gather", "x places", axis=axis)], IMAGE, {"places": ints(2, 3, 0)})


def test_the_axis_of_the_images_may_be_elsewhere_on_the_way():
    nodes = [
        node("Transpose", "x", "a", perm=[1, 2, 0, 3]),
        node("Relu", "a", "b"),
        node("Unsqueeze", "b zero", "c"),
        node("Mul", "c two", "d"),
        node("Squeeze", "d zero", "e"),
        node("Transpose", "e", "y", perm=[2, 3, 0, 1]),
    ]
    agree(nodes, IMAGE, {"zero": ints(0), "two": np.float32(2)})


def test_a_matrix_before_the_values():
    network = agree([node("MatMul", "w x")], TOKENS, {"w": normal(5, 6)})
    assert [*network.parameters]


def strided(size=120, order=None):
    """`as_strided` as PyTorch's newer exporter writes it."""
    places = np.arange(size)[order].reshape(1, *IMAGE) if order else np.arange(size).reshape(1, *IMAGE)
    arrays = {"minus": ints(-1), "zero": np.int64(0), "one": np.int64(1), "size": np.int64(size)}
    nodes = [
        node("Relu", "x", "a"),
        node("Reshape", "a minus", "flat"),
        node("Shape", "x", "shape", end=1),
        node("Squeeze", "shape", "n"),
        node("Range", "zero n one", "numbers"),
        node("Mul", "numbers size", "starts"),
        node("Unsqueeze", "starts axes", "s"),
        node("Add", "s places", "p"),
        node("Gather", "flat p"),
    ]
    return nodes, arrays | {"axes": ints(1, 2, 3), "places": places}


def test_all_images_in_one_axis_seen_as_images_again():
    assert kinds(agree(*strided()[:1], IMAGE, strided()[1])) == ["input", "ReLU"]


def test_all_images_in_another_order_are_refused():
    nodes, arrays = strided(order=slice(None, None, -1))
    with pytest.raises(OnnxError, match="in another order than they are"):
        load(model_of(nodes, IMAGE, arrays).SerializeToString())
    nodes, arrays = strided()
    with pytest.raises(OnnxError, match="reads numbers of images"):
        load(model_of([*nodes[:-2], node("Relu", "s")], IMAGE, arrays).SerializeToString())
    with pytest.raises(OnnxError, match="values of all images in one axis"):
        load(model_of(nodes[:2], IMAGE, arrays, outputs=("flat",)).SerializeToString())


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(OnnxError, match="needs matrices with the same axes before them"):
        load(model_of([node("MatMul", "x x")], TOKENS).SerializeToString())


def test_the_layers_of_attention_train():
    parts = [node("Split", "z", "z0 z1 z2", axis=0)] + [node("Squeeze", f"z{i} zero", "qkv"[i]) for i in range(3)]
    model = model_of(attention(parts), TOKENS, ARRAYS | {"zero": ints(0)})
    network = load(model.SerializeToString(), dtype="float64")
    assert [type(each.layer) for each in network.nodes if each.spec and each.spec.params] == [layers.Linear]
    from fastconv import gradcheck, losses

    x = images(2, *TOKENS).astype("float64")
    assert gradcheck(network, x, np.zeros((2, *network.output_shape)), losses.MSE()).passed


def test_a_head_of_five_axes_with_a_grid_and_anchors():
    """As YOLO v5 has it: (N, anchors, H, W, values), of which some are moved by a grid, and some scaled by anchors."""
    nodes = [
        node("Reshape", "x five", "a"),
        node("Transpose", "a", "b", perm=[0, 1, 3, 4, 2]),
        node("Sigmoid", "b", "s"),
        node("Split", "s sizes", "xy wh rest", axis=4),
        node("Mul", "xy two", "c"),
        node("Add", "c grid", "d"),
        node("Mul", "d stride", "e"),
        node("Mul", "wh two", "f"),
        node("Pow", "f two", "g"),
        node("Mul", "g anchors", "h"),
        node("Mul", "e h", "i"),
        node("Concat", "i h rest", "j", axis=4),
        node("Reshape", "j three", "y"),
    ]
    arrays = {"five": ints(0, 2, 5, 3, 4), "sizes": ints(2, 2, 1), "three": ints(0, -1, 5)}
    arrays |= {"two": np.float32(2), "stride": np.float32(8)}
    arrays |= {"grid": normal(1, 2, 3, 4, 2), "anchors": normal(1, 2, 1, 1, 2)}
    agree(nodes, (10, 3, 4), arrays, within=1e-4)
