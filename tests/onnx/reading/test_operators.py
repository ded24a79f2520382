"""Each operation gives what ONNX's own reference in NumPy gives."""

import numpy as np
import pytest
from onnx_models import images, model_of, node, reference

from fastconv.onnx import OnnxError, load

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype("float32")


def ints(*values):
    return np.array(values, np.int64)


def number(value):
    return np.array(value, "float32")


IMAGE, ROW, SIGNAL = (4, 8, 9), (6,), (4, 9)
BN = {"s": normal(4), "b": normal(4), "m": normal(4), "v": np.abs(normal(4)) + 0.5}
W, W1, WT = {"w": normal(6, 4, 3, 3)}, {"w": normal(6, 2, 3, 3)}, {"w": normal(4, 3, 3, 3)}
M = {"w": normal(6, 5), "b": normal(5)}
C4 = {"c": normal(4, 1, 1)}
SHUFFLE = {"s": ints(-1, 2, 2, 8, 9), "t": ints(-1, 4, 8, 9), "i": ints(1), "j": ints(2), "k": ints(3)}
SHUFFLED = [node("Reshape", "x s", "a"), node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]), node("Reshape", "b t", "z")]

CASES = {  # name: (nodes, shape of one image, arrays[, opset])
    "conv": ([node("Conv", "x w")], IMAGE, W),
    "conv strided": ([node("Conv", "x w", strides=[2, 1], pads=[1, 0, 2, 1])], IMAGE, W),
    "conv groups": ([node("Conv", "x w b", group=2, dilations=[2, 1])], IMAGE, {**W1, "b": normal(6)}),
    "conv same upper": ([node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])], IMAGE, {"w": normal(6, 4, 3, 4)}),
    "conv same lower": ([node("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 2])], IMAGE, {"w": normal(6, 4, 3, 4)}),
    "conv valid": ([node("Conv", "x w", auto_pad="VALID", kernel_shape=[3, 3])], IMAGE, W),
    "conv, then its bias": ([node("Conv", "x w", "z"), node("Add", "z b")], IMAGE, {**W, "b": normal(6, 1, 1)}),
    "conv 1d": ([node("Conv", "x w b", strides=[2], pads=[1, 2])], SIGNAL, {"w": normal(6, 4, 3), "b": normal(6)}),
    "transposed 1d": ([node("ConvTranspose", "x w", strides=[2], pads=[1, 0])], SIGNAL, {"w": normal(4, 6, 3)}),
    "transposed": ([node("ConvTranspose", "x w")], IMAGE, WT),
    "transposed strided": (
        [node("ConvTranspose", "x w", strides=[3, 2], pads=[1, 0, 0, 1], output_padding=[1, 0])],
        IMAGE,
        WT,
    ),
    "max pool": ([node("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1])], IMAGE, {}),
    "max pool ceil": ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], (2, 8, 8), {}),
    "max pool dilated": ([node("MaxPool", "x", kernel_shape=[2, 2], dilations=[2, 3])], IMAGE, {}),
    "max pool 1d": ([node("MaxPool", "x", kernel_shape=[3], strides=[2])], SIGNAL, {}),
    "average pool": ([node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 0, 1])], IMAGE, {}),
    "average pool, border counted": (
        [node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 0, 1], count_include_pad=1)],
        IMAGE,
        {},
    ),
    "average pool 1d": ([node("AveragePool", "x", kernel_shape=[3], pads=[1, 0])], SIGNAL, {}),
    "lp pool": ([node("LpPool", "x", kernel_shape=[2, 2], strides=[2, 2], p=2)], IMAGE, {}, 18),
    "global average": ([node("GlobalAveragePool", "x")], IMAGE, {}),
    "global max": ([node("GlobalMaxPool", "x")], IMAGE, {}),
    "mean of pixels": ([node("ReduceMean", "x", axes=[2, 3], keepdims=0)], IMAGE, {}),
    "mean of pixels, axes as input": ([node("ReduceMean", "x a")], IMAGE, {"a": ints(-1, -2)}, 18),
    "mean of channels": ([node("ReduceMean", "x", axes=[1])], IMAGE, {}),
    "max of rows": ([node("ReduceMax", "x", axes=[2], keepdims=0)], IMAGE, {}),
    "sum of all": ([node("ReduceSum", "x a", keepdims=1)], IMAGE, {"a": ints(1, 3)}),
    "min": ([node("ReduceMin", "x", axes=[1, 2])], IMAGE, {}),
    "norm of pixels": ([node("ReduceL2", "x", axes=[2, 3])], IMAGE, {}),
    "batch norm": ([node("BatchNormalization", "x s b m v", epsilon=1e-3)], IMAGE, BN),
    "batch norm of rows": ([node("BatchNormalization", "x s b m v")], (4,), BN),
    "instance norm": ([node("InstanceNormalization", "x s b", epsilon=1e-2)], IMAGE, {"s": BN["s"], "b": BN["b"]}),
    "group norm": ([node("GroupNormalization", "x s b", num_groups=2)], IMAGE, {"s": BN["s"], "b": BN["b"]}, 21),
    "layer norm": ([node("LayerNormalization", "x s b", axis=1)], IMAGE, {"s": normal(*IMAGE), "b": normal(*IMAGE)}),
    "layer norm of rows": ([node("LayerNormalization", "x s", axis=-1)], SIGNAL, {"s": normal(9)}),
    "layer norm of pixels": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("LayerNormalization", "t s b", "n", axis=-1),
            node("Transpose", "n", perm=[0, 3, 1, 2]),
        ],
        IMAGE,
        {"s": BN["s"], "b": BN["b"]},
    ),
    "gemm": ([node("Gemm", "x w b", alpha=0.5, beta=2.0)], ROW, M),
    "gemm transposed": ([node("Gemm", "x w", transB=1)], ROW, {"w": normal(5, 6)}),
    "gemm, one bias": ([node("Gemm", "x w b")], ROW, {"w": M["w"], "b": normal(1)}),
    "matmul": ([node("MatMul", "x w")], ROW, M),
    "matmul, then its bias": ([node("MatMul", "x w", "z"), node("Add", "b z")], ROW, M),
    "matmul of tokens": ([node("MatMul", "x w", "z"), node("Add", "z b")], (7, 6), M),
    "matmul along the last of three axes": ([node("MatMul", "x w")], (3, 4, 6), M),
    "matmul along the last of three axes, then its bias": (
        [node("MatMul", "x w", "z"), node("Add", "z b", "a"), node("Relu", "a")],
        (3, 4, 6),
        M,
    ),
    "leaky relu": ([node("LeakyRelu", "x", alpha=0.3)], IMAGE, {}),
    "elu": ([node("Elu", "x", alpha=0.7)], IMAGE, {}),
    "hard sigmoid": ([node("HardSigmoid", "x")], IMAGE, {}),
    "hard swish": ([node("HardSwish", "x")], IMAGE, {}),
    "gelu": ([node("Gelu", "x")], IMAGE, {}, 20),
    "gelu tanh": ([node("Gelu", "x", approximate="tanh")], IMAGE, {}, 20),
    "selu": ([node("Selu", "x")], IMAGE, {}),
    "selu of other numbers": ([node("Selu", "x", alpha=1.2, gamma=0.8)], IMAGE, {}),
    "celu": ([node("Celu", "x", alpha=0.6)], IMAGE, {}),
    "mish": ([node("Mish", "x")], IMAGE, {}, 18),
    "softsign": ([node("Softsign", "x")], IMAGE, {}),
    "thresholded relu": ([node("ThresholdedRelu", "x", alpha=0.4)], IMAGE, {}),
    "max with a number": ([node("Max", "x c")], IMAGE, {"c": number(0.2)}),
    "min with a number": ([node("Min", "c x")], IMAGE, {"c": number(0.2)}),
    "prelu": ([node("PRelu", "x w")], IMAGE, {"w": normal(4, 1, 1)}),
    "prelu shared": ([node("PRelu", "x w")], IMAGE, {"w": normal(1)}),
    "clip": ([node("Clip", "x l h")], IMAGE, {"l": number(-0.5), "h": number(0.7)}),
    "clip below": ([node("Clip", "x l")], IMAGE, {"l": number(-0.5)}),
    "clip above": ([node("Clip", "x  h")], IMAGE, {"h": number(0.5)}),
    "clip, opset 7": ([node("Clip", "x", min=-0.5, max=6.0)], IMAGE, {}, 7),
    "abs": ([node("Abs", "x")], IMAGE, {}),
    "neg": ([node("Neg", "x")], IMAGE, {}),
    "softmax": ([node("Softmax", "x", axis=1)], IMAGE, {}, 13),
    "softmax of columns": ([node("Softmax", "x", axis=-1)], IMAGE, {}, 13),
    "log softmax": ([node("LogSoftmax", "x")], ROW, {}),
    "dropout": ([node("Dropout", "x")], IMAGE, {}),
    "sum with a constant": ([node("Add", "x c")], IMAGE, C4),
    "constant minus": ([node("Sub", "c x")], IMAGE, C4),
    "minus one number": ([node("Sub", "x c")], IMAGE, {"c": np.array(0.5, "f4")}),
    "factors of channels": ([node("Mul", "x c")], IMAGE, C4),
    "factor": ([node("Mul", "c x")], IMAGE, {"c": number(3)}),
    "quotient": ([node("Div", "x c")], IMAGE, C4),
    "product of nodes": ([node("Sigmoid", "x", "s"), node("Mul", "x s")], IMAGE, {}),
    "gate of channels": ([node("GlobalAveragePool", "x", "s"), node("Mul", "s x")], IMAGE, {}),
    "sum with one per channel": ([node("GlobalMaxPool", "x", "s"), node("Add", "s x")], IMAGE, {}),
    "difference with one per pixel": ([node("ReduceMean", "x", "s", axes=[1]), node("Sub", "x s")], IMAGE, {}),
    "sum with one per token": ([node("ReduceMax", "x", "s", axes=[2]), node("Add", "s x")], SIGNAL, {}),
    "sum of three": ([node("Relu", "x", "a"), node("Tanh", "x", "b"), node("Sum", "a x b")], IMAGE, {}),
    "mean of two": ([node("Relu", "x", "a"), node("Mean", "a x")], IMAGE, {}),
    "square": ([node("Pow", "x c")], IMAGE, {"c": number(2)}),
    "concat": ([node("Relu", "x", "a"), node("Concat", "x a", axis=1)], IMAGE, {}),
    "concat of columns": ([node("Relu", "x", "a"), node("Concat", "x a", axis=-1)], IMAGE, {}),
    "split": ([node("Split", "x s", "a b", axis=1), node("Concat", "b a", axis=1)], IMAGE, {"s": ints(1, 3)}),
    "split in halves, opset 11": ([node("Split", "x", "a b", axis=1), node("Sub", "a b")], IMAGE, {}, 11),
    "split of columns": ([node("Split", "x s", "a y", axis=3)], IMAGE, {"s": ints(2, 7)}),
    "slice": ([node("Slice", "x f t a")], IMAGE, {"f": ints(1, -6), "t": ints(99, -1), "a": ints(1, 2)}),
    "slice, opset 9": ([node("Slice", "x", starts=[1], ends=[3], axes=[1])], IMAGE, {}, 9),
    "slice with steps": (
        [node("Slice", "x f t a s")],
        IMAGE,
        {"f": ints(1, 0), "t": ints(9, 99), "a": ints(2, 3), "s": ints(2, 3)},
    ),
    "gather": ([node("Gather", "x i", axis=1)], IMAGE, {"i": ints(3, 0, 1, -1)}),
    "gather one": ([node("Gather", "x i", axis=1)], IMAGE, {"i": ints(2).reshape(())}),
    "expand": ([node("Expand", "x s")], (3, 1, 4), {"s": ints(1, 1, 5, 4)}),
    "reshape": ([node("Reshape", "x s")], IMAGE, {"s": ints(0, 2, -1)}),
    "flatten": ([node("Flatten", "x")], IMAGE, {}),
    "transpose": ([node("Transpose", "x", perm=[0, 3, 1, 2])], IMAGE, {}),
    "squeeze": ([node("Squeeze", "x a")], (3, 1, 4), {"a": ints(2)}),
    "unsqueeze": ([node("Unsqueeze", "x a")], (3, 4), {"a": ints(-1)}),
    "shuffle of channels": ([*SHUFFLED, node("Identity", "z")], IMAGE, SHUFFLE),
    "parts of shuffled channels": ([*SHUFFLED, node("Split", "z", "c d", axis=1), node("Sub", "c d")], IMAGE, SHUFFLE),
    "slices of shuffled channels": (
        [*SHUFFLED, node("Slice", "z i j i", "c"), node("Slice", "z j k i", "d"), node("Sub", "c d")],
        IMAGE,
        SHUFFLE,
    ),
    "depth to space": ([node("DepthToSpace", "x", blocksize=2)], (8, 3, 2), {}),
    "depth to space, CRD": ([node("DepthToSpace", "x", blocksize=2, mode="CRD")], (8, 3, 2), {}),
    "space to depth": ([node("SpaceToDepth", "x", blocksize=2)], (3, 4, 6), {}),
    "average pool dilated": (
        [node("AveragePool", "x", kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2], pads=[1, 0, 2, 1])],
        IMAGE,
        {},
        19,
    ),
    "average pool dilated, padding counted": (
        [node("AveragePool", "x", kernel_shape=[2, 2], dilations=[3, 2], pads=[1, 1, 1, 1], count_include_pad=1)],
        IMAGE,
        {},
        19,
    ),
    "average pool 1d dilated": ([node("AveragePool", "x", kernel_shape=[3], dilations=[2])], SIGNAL, {}, 19),
    "slice backwards": (
        [node("Slice", "x f t a s")],
        IMAGE,
        {"f": ints(-1, 6), "t": ints(-99, 1), "a": ints(3, 2), "s": ints(-1, -2)},
    ),
    "pad by the other side": ([node("Pad", "x p", mode="wrap")], IMAGE, {"p": ints(0, 0, 1, 2, 0, 0, 8, 0)}, 19),
    "pad of rows by the other side": (
        [node("Pad", "x p", mode="wrap")],
        IMAGE,
        {"p": ints(0, 0, 0, 0, 0, 0, 3, 0)},
        19,
    ),
    "where, of images": (
        [node("Where", "c x o", "z"), node("Relu", "x", "r"), node("Where", "d r z")],
        IMAGE,
        {"c": normal(1, 1, 8, 9) > 0, "o": number(-3), "d": normal(4, 1, 1) > 0},
    ),
    "where, of a map": ([node("Where", "c o x")], IMAGE, {"c": normal(8, 1) > 0, "o": normal(4, 8, 9)}),
    "where, a mask before softmax": (
        [node("Where", "c x o", "z"), node("Softmax", "z", axis=-1)],
        IMAGE,
        {"c": np.tril(np.ones((8, 9))) > 0, "o": number(-1e9)},
    ),
    "pad": ([node("Pad", "x p")], IMAGE, {"p": ints(0, 0, 1, 2, 0, 0, 0, 3)}),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_the_reference_computes(name):
    nodes, shape, arrays, *opset = CASES[name]
    model = model_of(nodes, shape, arrays, *opset)
    network = load(model.SerializeToString())
    for count in (1, 3):
        x = images(count, *shape)
        np.testing.assert_allclose(network.predict(x), reference(model, x), rtol=2e-5, atol=2e-5)


def predicted(nodes, arrays, x, opset=17):
    return load(model_of(nodes, IMAGE, arrays, opset).SerializeToString()).predict(x)


# Where ONNX's reference is not right.


def test_groups_of_a_transposed_convolution_are_such_convolutions_side_by_side():
    x, weight, bias = images(2, *IMAGE), normal(4, 3, 3, 3), normal(6)
    found = predicted([node("ConvTranspose", "x w b", group=2, dilations=[1, 2])], {"w": weight, "b": bias}, x)
    one = [node("ConvTranspose", "x w b", dilations=[1, 2])]
    halves = [
        reference(model_of(one, (2, 8, 9), {"w": weight[2 * i : 2 * i + 2], "b": bias[3 * i : 3 * i + 3]}), half)
        for i, half in enumerate((x[:, :2], x[:, 2:]))
    ]
    np.testing.assert_allclose(found, np.concatenate(halves, 1), rtol=1e-5, atol=1e-5)


def test_output_shape_of_a_transposed_convolution_takes_the_place_of_its_pads():
    x = images(2, *IMAGE)
    found = predicted([node("ConvTranspose", "x w", strides=[2, 2], output_shape=[17, 18])], WT, x)
    padded = model_of([node("ConvTranspose", "x w", strides=[2, 2], pads=[0, 1, 0, 0])], IMAGE, WT)
    np.testing.assert_allclose(found, reference(padded, x), rtol=1e-5, atol=1e-5)


def test_lrn_divides_by_the_squares_of_the_channels_around():
    x = images(2, *IMAGE)
    squares = np.pad(x.astype("float64") ** 2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    sums = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    found = predicted([node("LRN", "x", size=3, alpha=0.1, beta=0.5, bias=2.0)], {}, x)
    np.testing.assert_allclose(found, x / (2 + 0.1 / 3 * sums) ** 0.5, rtol=1e-5)


def test_softmax_before_opset_13_is_over_all_axes_from_its_own_on():
    x = images(2, *IMAGE)
    e = np.exp(x.astype("float64"))
    found = predicted([node("Softmax", "x", axis=1)], {}, x, 11)
    np.testing.assert_allclose(found, e / e.sum((1, 2, 3), keepdims=True), rtol=1e-5)


REFUSED = {
    "no such operation": [node("Det", "x")],
    "training_mode=1": [node("BatchNormalization", "x s b m v", training_mode=1)],
    "its axis 0": [node("Softmax", "x", axis=0)],
    "it must be the first": [node("Transpose", "x")],
    "mix the images": [node("ReduceMean", "x", axes=[0])],
    "known as a part of GELU": [node("Erf", "x", "e"), node("Relu", "e")],
    "must be a constant": [node("Relu", "x", "w"), node("Conv", "x w")],
    "the number 2, is not computed": [node("MaxPool", "x", "a i", kernel_shape=[2, 2]), node("Add", "a i")],
    "its dilations": [node("LpPool", "x", kernel_shape=[2, 2], dilations=[2, 2])],
    "its dilations ": [node("AveragePool", "x", kernel_shape=[2, 2], dilations=[2, 2], ceil_mode=1)],
    "takes images out of a batch": [node("Slice", "x f t f")],
    "divides by a constant that is 0": [node("Div", "x f")],
    "must be equally many": [node("Slice", "x two f f")],
    "its steps .0,. must not be 0": [node("Slice", "x f t t f")],
    "its num_outputs must be from 1 to 8, got 0": [node("Split", "x", axis=2, num_outputs=0)],
    "must be two for each of the axes": [node("Pad", "x f")],
    "has the axis of the images": [node("Transpose", "x", "turned"), node("MatMul", "turned turned")],
    "is not one for each image": [node("Add", "x many")],
    "its attribute alpha": [node("LeakyRelu", "x", alpha="a")],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_not_known_is_refused_with_the_reason(reason):
    arrays = {**BN, "f": ints(0), "t": ints(1), "two": ints(0, 1), "many": normal(2, 1, 1, 1)}
    with pytest.raises(OnnxError, match=reason):
        load(model_of(REFUSED[reason], IMAGE, arrays).SerializeToString())


def test_all_that_is_not_known_is_listed_once():
    nodes = [node("Det", "x", "a"), node("Relu", "a", "b"), node("Inverse", "b", "c"), node("Hann", "x", "d")]
    nodes += [node("Sum", "a b c d")]
    with pytest.raises(OnnxError) as error:
        load(model_of(nodes, IMAGE).SerializeToString())
    found = [line.partition(":")[0].strip() for line in str(error.value).splitlines()[1:]]
    assert found == [
        "Det 'Det_a'",
        "Inverse 'Inverse_c'",
        "Hann 'Hann_d'",
    ]
