"""Every layer with its settings, written as ONNX and run by the reference of onnx: what the network predicts."""

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference

import fastconv.onnx
from fastconv import Network, concat, layers, sequential, split
from fastconv.models.resnet_cifar import Shortcut
from fastconv.onnx.writing.table import LAYERS

IMAGE, VECTOR, TOKENS = (4, 7, 6), (12,), (6, 4)
AXES = ("channels", "last")
NEWEST = onnx.defs.onnx_opset_version()
OPSETS = (13, 17, 20, NEWEST)  # between them the operators that some layers use come in
SIZES = (1, (7, 3), (3, 4), (9, 8))  # of the result: one that divides the plane, others that do not
PADDING = ((1, 0), (2, 1))
NO_YES = (False, True)


def images(*layers):
    """For images alone."""
    return [(layer, IMAGE) for layer in layers]


def both(*layers):
    """For images and for vectors."""
    return [(layer, shape) for layer in layers for shape in (IMAGE, VECTOR)]


CASES = [
    *both(layers.ReLU(), layers.ReLU6(), layers.SiLU(), layers.HardSwish(), layers.Softmax(), layers.LogSoftmax()),
    *images(layers.HardSigmoid(), layers.Sigmoid(), layers.Tanh(), layers.Dropout(0.3)),
    *images(
        layers.GELU(), layers.GELU("tanh"), layers.ELU(), layers.ELU(0.3), layers.LeakyReLU(), layers.LeakyReLU(-4)
    ),
    *both(layers.PReLU(), layers.PReLU(shared=False)),
    *images(layers.Softplus(), layers.Softplus(2.5), layers.Softplus(0.7, 0.5), layers.Softplus(1, -1)),
    *images(
        layers.Conv2D(6, 3),
        layers.Conv2D(6, (3, 2), stride=(2, 1), padding=PADDING, dilation=(1, 2), bias=False),
        *(layers.Conv2D(6, (3, 4), stride=2, padding=padding, groups=2) for padding in ("same", "full", "valid")),
        layers.Conv2D(6, 3, padding=1, rotate=True),
        layers.Conv2D(6, 3, stride=100, padding=1),
        layers.Conv2D(6, 3, activation="relu"),
        layers.DepthwiseConv2D(3, stride=2, padding=1, multiplier=2),
        layers.DepthwiseConv2D(3, rotate=True, bias=False),
        layers.SeparableConv2D(5, 3, padding="same", dilation=2),
        layers.SeparableConv2D(5, (2, 3), stride=2, bias=False),
    ),
    *images(
        layers.ConvTranspose2D(6, 3),
        layers.ConvTranspose2D(6, (3, 4), stride=(3, 2), padding=PADDING, output_padding=(2, 1), groups=2),
        layers.ConvTranspose2D(6, 2, stride=2, padding="multiple", bias=False),
        layers.ConvTranspose2D(6, 1, stride=(2, 3), padding="multiple"),  # an output padding as large as the stride
        layers.ConvTranspose2D(6, 2, dilation=3, output_padding=2),
        layers.ConvTranspose2D(6, 2, dilation=4, padding=1, output_padding=(3, 1)),
        layers.ConvTranspose2D(6, 3, stride=2, dilation=5, padding=(0, 3), output_padding=(4, 3)),
    ),
    *((layers.Linear(5, bias=bias), shape) for bias in NO_YES for shape in (VECTOR, TOKENS)),
    *images(
        layers.MaxPool2D(2),
        layers.MaxPool2D((3, 2), (2, 1), PADDING[::-1]),
        layers.MaxPool2D(2, 3, ceil_mode=True),
        layers.MaxPool2D(3, 2, 1, ceil_mode=True),
        layers.MaxPool2D(2, 1, 2, dilation=3),  # padding of the size of the undilated window
    ),
    *images(
        layers.AvgPool2D(2),
        *(layers.AvgPool2D(3, 2, 1, ceil_mode=up, count_include_pad=pad) for up in NO_YES for pad in NO_YES),
        layers.AvgPool2D((2, 4), 3, (1, 2), ceil_mode=True),
        layers.AvgPool2D(3, 2, 1, ceil_mode=True, divisor_override=5),
        layers.AvgPool2D(3, 2, 1, count_include_pad=False, divisor_override=4),
    ),
    *images(
        *(layers.LpPool2D(3, stride=2, norm_type=p) for p in (1, 2, 3, 2.5)),
        layers.LpPool2D(2, stride=3, ceil_mode=True),
        layers.LpPool2D((2, 3), stride=2, norm_type=1.5, ceil_mode=True),
    ),
    *images(*(layers.AdaptiveAvgPool2D(size) for size in SIZES), *(layers.AdaptiveMaxPool2D(size) for size in SIZES)),
    *images(layers.GlobalAvgPool2D(), layers.GlobalMaxPool2D()),
    *both(*(layers.BatchNorm(affine=affine, eps=0.01, momentum=0.3) for affine in NO_YES)),
    *both(*(layers.GroupNorm(groups, affine=affine, eps=0.01) for groups in (1, 2, 4) for affine in NO_YES)),
    *both(*(layers.LayerNorm(affine=affine, eps=0.01) for affine in NO_YES)),
    *both(*(layers.LayerNorm(axis=axis, affine=affine, eps=0.01) for axis in AXES for affine in NO_YES)),
    *((layers.LayerNorm(axis=axis, eps=0.01), TOKENS) for axis in AXES),
    *both(*(layers.LocalResponseNorm(size, 0.5, 0.6, 1.5) for size in (1, 2, 3, 4, 5, 99))),
    *both(layers.ChannelScale(), layers.Affine(), layers.Affine(2), layers.Affine(1, 0.5), layers.Affine(-0.5, 3)),
    *images(layers.Affine((1, 2, 3, 4), -1), layers.Affine(0.5, (1, 2, 3, 4))),
    *both(layers.Flatten(), layers.Flatten(order="column")),
    *images(layers.Reshape((6, -1)), layers.Reshape(168), layers.Permute((1, 2, 0))),
    *((layer, TOKENS) for layer in (layers.Reshape((2, 3, 4)), layers.Permute((1, 0)))),
    *images(layers.ZeroPad2D((1, 2, 0, 3)), layers.Upsample((2, 3))),
    (layers.MainHead(4), VECTOR),
    *images(Shortcut(6, 2), Shortcut(4, 3)),
]


def filled(model, shape, dtype):
    """A network whose parameters and running statistics are random, and four images; infinities among no values."""
    network, rng = Network(model, shape, dtype, seed=0), np.random.default_rng(1)
    for array in network.arrays().values():
        if array.dtype.kind == "f":
            array[...] = rng.uniform(0.3, 1.5, array.shape)
    return network, rng.standard_normal((4, *shape)).astype(dtype)


def agree(network, x, path, within=None, **options):
    """The file gives what the network predicts."""
    fastconv.onnx.save(network, path, **options)
    result, expected = onnx_reference.run(path, x), network.predict(x)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    within = within or {"float32": 1e-5, "float64": 1e-6}[expected.dtype.name]  # numbers of operators are float32
    np.testing.assert_allclose(result, expected, rtol=within, atol=within)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(("layer", "shape"), CASES, ids=[f"{layer}-{shape}" for layer, shape in CASES])
def test_a_layer_gives_what_it_predicts(layer, shape, opset, tmp_path):
    for dtype in ("float32", "float64"):
        network, x = filled(layer, shape, dtype)
        agree(network, x, tmp_path / "layer.onnx", opset=opset)


def test_every_layer_has_a_translation_and_a_case():
    known = {getattr(layers, name) for name in layers.__all__}
    assert set(LAYERS) - known == {Shortcut}
    assert {type(layer) for layer, _ in CASES} == set(LAYERS)


@pytest.mark.parametrize("opset", range(13, NEWEST + 1))
def test_products_and_slices(opset, tmp_path):
    def model(x):
        left, right = split(x, 2)
        gate, rows = layers.AdaptiveAvgPool2D(1)(x), layers.Conv2D(1, 1)(x)
        return concat(left * right, right - left, x[1:2] * rows, x * gate * rows, 1 - x / 2)

    network, x = filled(model, IMAGE, "float32")
    agree(network, x, tmp_path / "joints.onnx", opset=opset)


@pytest.mark.parametrize("opset", range(13, NEWEST + 1))
def test_joints_and_a_layer_that_is_used_twice(opset, tmp_path):
    conv = layers.Conv2D(4, 3, padding=1)

    def model(x):
        y = conv(x)
        return concat(conv(y) + x, y, x)

    network, x = filled(model, IMAGE, "float32")
    agree(network, x, tmp_path / "joints.onnx", 1e-4, opset=opset)
    assert len(onnx.load(tmp_path / "joints.onnx").graph.initializer) == 2


@pytest.mark.parametrize(
    "model", [layers.Dropout(), lambda x: x, sequential()], ids=["dropout", "nothing", "no layers"]
)
def test_a_network_that_does_nothing(model, tmp_path):
    network, x = filled(model, IMAGE, "float32")
    agree(network, x, tmp_path / "same.onnx")
