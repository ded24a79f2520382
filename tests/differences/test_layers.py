"""All layers pass in both modes, at random points and at points made of kinks and ties; nothing of them changes."""

import numpy as np
import pytest

import fastconv
from fastconv import layers
from fastconv.differences import gradcheck
from tests.differences.test_ops import POINTS

IMAGES, VECTORS, TOKENS = (3, 6, 6), (6,), (3, 6)
CASES = [
    *((kind, IMAGES) for kind in ("ELU", "GELU", "HardSigmoid", "HardSwish", "LeakyReLU", "LogSoftmax", "PReLU")),
    *((kind, IMAGES) for kind in ("ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "Flatten")),
    *((kind, IMAGES) for kind in ("BatchNorm", "LayerNorm", "Dropout", "GlobalAvgPool2D", "GlobalMaxPool2D")),
    *((kind, IMAGES) for kind in ("SELU", "CELU", "Softsign", "Mish", "LogSigmoid", "Hardtanh", "InstanceNorm")),
    (lambda: layers.Threshold(0.0, 0.0), IMAGES),
    ("Exp", IMAGES),
    (lambda: layers.Softmax(axis=1), TOKENS),
    (lambda: layers.Affine(np.arange(36.0).reshape(6, 6)), IMAGES),
    (lambda: layers.ELU(0.5), IMAGES),
    (lambda: layers.GELU("tanh"), IMAGES),
    (lambda: layers.PReLU(shared=False), IMAGES),
    (lambda: layers.Flatten(order="column"), IMAGES),
    (lambda: layers.BatchNorm(affine=False), IMAGES),
    ("BatchNorm", VECTORS),
    (lambda: layers.Affine(-2.0, [1, 2, 3]), IMAGES),
    (lambda: layers.Affine(np.arange(6.0)), VECTORS),
    ("ChannelScale", IMAGES),
    ("ChannelScale", VECTORS),
    (lambda: layers.LayerNorm(axis="channels"), IMAGES),
    (lambda: layers.LayerNorm(axis="last"), TOKENS),
    (lambda: layers.Linear(4), TOKENS),
    (lambda: layers.Reshape((2, -1)), IMAGES),
    (lambda: layers.Permute((2, 0, 1)), IMAGES),
    (lambda: layers.GroupNorm(3), IMAGES),
    (lambda: layers.GroupNorm(1), IMAGES),
    (lambda: layers.LocalResponseNorm(3), IMAGES),
    (lambda: layers.AdaptiveAvgPool2D(4), IMAGES),
    (lambda: layers.AdaptiveMaxPool2D(4), IMAGES),
    (lambda: layers.AvgPool2D(3, 2, 1), IMAGES),
    (lambda: layers.MaxPool2D(2), IMAGES),
    (lambda: layers.MaxPool2D(3, 1), IMAGES),
    (lambda: layers.LpPool2D(2), IMAGES),
    (lambda: layers.LpPool2D(3, stride=1, norm_type=1.5, ceil_mode=True), IMAGES),
    (lambda: layers.LpPool2D(2, norm_type=3), IMAGES),
    (lambda: layers.Upsample(2), IMAGES),
    (lambda: layers.Upsample(size=(5, 9), mode="bilinear"), IMAGES),
    (lambda: layers.ZeroPad2D(1), IMAGES),
    (lambda: layers.ReflectionPad2D((1, 0, 1, 1)), IMAGES),
    (lambda: layers.ReplicationPad2D(2), IMAGES),
    (lambda: layers.ChannelShuffle(3), IMAGES),
    (lambda: layers.PixelShuffle(1), IMAGES),
    (lambda: layers.PixelUnshuffle(2), IMAGES),
    (lambda: layers.Conv2D(4, 3), IMAGES),
    (lambda: layers.Conv2D(4, 3, activation="relu", rotate=True, stride=2, padding="same"), IMAGES),
    (lambda: layers.Conv2D(6, 3, groups=3, dilation=2), IMAGES),
    (lambda: layers.DepthwiseConv2D(3), IMAGES),
    (lambda: layers.SeparableConv2D(4, 3, activation="relu"), IMAGES),
    (lambda: layers.ConvTranspose2D(4, 3, stride=2), IMAGES),
    (lambda: layers.Linear(4), VECTORS),
    (lambda: layers.Dense(4, activation="relu"), VECTORS),
    (lambda: layers.MainHead(2), VECTORS),
    (lambda: layers.Conv1D(4, 3, stride=2, padding=1), TOKENS),
    (lambda: layers.ConvTranspose1D(2, 3, stride=2), TOKENS),
    (lambda: layers.MaxPool1D(2), TOKENS),
    (lambda: layers.AvgPool1D(3, 2, 1), TOKENS),
    (lambda: layers.AdaptiveAvgPool1D(4), TOKENS),
    (lambda: layers.AdaptiveMaxPool1D(4), TOKENS),
    ("GlobalAvgPool1D", TOKENS),
    ("GlobalMaxPool1D", TOKENS),
    (lambda: layers.StochasticDepth(0.3), IMAGES),
]


def made(case):
    return getattr(layers, case)() if isinstance(case, str) else case()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_layer_gives_a_false_alarm(point, seed):
    rng = np.random.default_rng(seed)
    for case, shape in CASES:
        layer = made(case)
        report = gradcheck(layer, POINTS[point](rng, (2, *shape)), entries=8, seed=seed, raise_exception=False)
        assert report, f"{layer}: {report.message()}"


def test_these_are_all_layers():
    tried = {type(made(case)) for case, _ in CASES} | {layers.Sqrt, layers.Reciprocal}
    assert tried == {getattr(layers, name) for name in layers.__all__}


@pytest.mark.parametrize("layer", [layers.Sqrt(), layers.Reciprocal()])
def test_layers_of_values_above_zero(layer):
    assert gradcheck(layer, np.random.default_rng(0).uniform(0.5, 2, (2, *IMAGES)))


def test_a_shape_stands_for_random_images():
    report = gradcheck(layers.Conv2D(8, 3), (3, 8, 8))
    assert [(row.name, row.shape) for row in report.rows] == [
        ("dx", (3, 3, 8, 8)),
        ("dweight", (8, 3, 3, 3)),
        ("dbias", (8,)),
    ]
    assert gradcheck(layers.Linear(3), 5)


def test_both_modes_are_checked_where_they_differ():
    assert {row.note for row in gradcheck(layers.Dropout(), VECTORS).rows} == {"training=True", "training=False"}
    assert {row.note for row in gradcheck(layers.ReLU(), VECTORS).rows} == {""}
    assert {row.note for row in gradcheck(layers.Dropout(), VECTORS, training=False).rows} == {""}


def test_the_layer_stays_as_it_is():
    layer = layers.Dropout(0.25, seed=3)
    before = dict(vars(layer))
    gradcheck(layer, VECTORS)
    assert vars(layer) == before


def test_models_pass_like_layers():
    assert gradcheck(fastconv.sequential(layers.Conv2D(2, 3), layers.ReLU(), layers.MaxPool2D(2)), (1, 6, 6))
    assert gradcheck(lambda x: fastconv.concat(x, x + layers.Tanh()(x)), np.ones((2, 1, 3, 3)))
