"""The names and layouts of Keras: every array goes where it went when both networks gave the same outputs.

`keras.txt` holds the layers of networks of `keras.applications` (Keras 3) and those here. With random weights, running
means and variances moved by these names, the outputs of VGG16, DenseNet121, 169 and 201, ResNet50, 101 and 152,
MobileNet, MobileNetV2 and EfficientNetB0 and B1 agreed to 1e-9 in float64, with the arguments in OPTIONS, and those of
VGG19 and EfficientNetB2 to B4 to 2e-6 in float32.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from fastconv import Network, models
from fastconv.checkpoint import Mismatch, load
from fastconv.layers import BatchNorm
from fastconv.ops import conv2d

LINES = (Path(__file__).parent / "keras.txt").read_text().splitlines()
PAIRS = {
    head.split()[-1]: [tuple(pair.split("=")) for pair in line.split()]
    for head, line in zip(LINES[::2], LINES[1::2], strict=True)
}
SAME = {"eps": 1e-3, "same_padding": True}
OPTIONS = {
    "VGG16": {},
    "DenseNet121": {"eps": 1e-5},  # near enough to 1.001e-5
    "ResNet50": {"stride_first": True, "eps": 1.001e-5},
    **dict.fromkeys(("MobileNet", "MobileNetV2", "EfficientNetB0"), SAME),
}
NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
LAYER = {"kernel": "weight", "bias": "bias"}


def is_norm(layer):
    return layer.lower().endswith("bn") or layer == "bn_Conv1"


def dummies(model):
    """({name of Keras: its own number}, {name here: the number that it must get}), arrays of one axis."""
    theirs, ours = {}, {}
    for layer, here in PAIRS[model]:
        for end, own in (NORM if is_norm(layer) else LAYER).items():
            if not (model == "ResNet50" and end == "bias" and layer != "predictions"):
                theirs[f"{layer}/{end}"] = ours[f"{here}.{own}"] = np.float32(len(theirs))
    return theirs, ours


@pytest.mark.parametrize("model", PAIRS)
@pytest.mark.parametrize("change", [lambda name: name, lambda name: f"{name.split('/')[0]}/{name}:0"])
def test_every_array_finds_its_place(model, change):
    """Also with the groups and numbers of older versions: conv1/conv1/kernel:0."""
    theirs, ours = dummies(model)
    found = {name: np.full((), -1, "float32") for name in ours}
    arrays = {change(name): np.array(value) for name, value in theirs.items()}
    load(arrays, found, model={"name": "made_up", "arguments": OPTIONS[model]})
    assert found == ours


@pytest.mark.parametrize("model", [model for model in OPTIONS if OPTIONS[model]])
def test_where_outputs_differ_a_warning_says_what_to_write(model):
    theirs, ours = dummies(model)
    found = {name: np.full((), -1, "float32") for name in ours}
    wanted = {"DenseNet121": "eps=1.001e-05", "ResNet50": "stride_first=True, eps=1.001e-05"}
    wanted = wanted.get(model, "eps=0.001, same_padding=True")
    other = {"name": "made_up", "arguments": {**OPTIONS[model], "eps": 2e-3}}
    says = f"{model.rstrip('0125')} of Keras; the outputs are the same with "
    says = says.replace("MobileNetV of", "MobileNetV2 of").replace("EfficientNetB of", "EfficientNet of")
    with pytest.warns(UserWarning, match=re.escape(f"{says}fastconv.models.made_up({wanted})")):
        load(theirs, found, model=other)
    with pytest.warns(UserWarning, match=re.escape(f"{says}{wanted} in the model")):
        load(theirs, found)
    assert found == ours


def keras_of(network, model):
    """New numbers for the arrays of a network, and the same as Keras lays them out, by loops."""
    rng, theirs, ours = np.random.default_rng(1), {}, {}
    for layer, here in PAIRS[model]:
        for end, own in (NORM if is_norm(layer) else LAYER).items():
            if f"{here}.{own}" not in network.arrays():
                continue
            values = rng.uniform(0.5, 1.5, network.arrays()[f"{here}.{own}"].shape).astype("float32")
            ours[f"{here}.{own}"] = values
            theirs[f"{layer}/{end}"] = laid_out(values, "depthwise" in layer or "_dw_" in layer)
    return theirs, ours


def laid_out(values, depthwise):
    """(K, C, h, w) as (h, w, C, K), or (h, w, K, 1) for filters of one channel each; (out, in) as (in, out)."""
    if values.ndim == 2:
        return np.array([[row[j] for row in values] for j in range(values.shape[1])])
    if values.ndim < 4:
        return values
    k, c, h, w = values.shape
    result = np.empty((h, w, k, 1) if depthwise else (h, w, c, k), values.dtype)
    for place in np.ndindex(*values.shape):
        result[place[2], place[3], *((place[0], 0) if depthwise else (place[1], place[0]))] = values[place]
    return result


def mobilenet(model):
    make = {"MobileNet": models.mobilenet_v1, "MobileNetV2": models.mobilenet_v2}[model]
    return Network(make(5, width_mult=0.25), (3, 32, 32), seed=0)


@pytest.mark.filterwarnings("ignore:.*of Keras")
@pytest.mark.parametrize("model", ["MobileNet", "MobileNetV2"])
def test_filters_and_matrices_are_turned(tmp_path, model):
    network = mobilenet(model)
    theirs, ours = keras_of(network, model)
    np.savez(tmp_path / "a.npz", **theirs)
    network.load(tmp_path / "a.npz")
    assert len(ours) == len([array for array in network.arrays().values() if array.dtype == "float32"])
    for name, values in ours.items():
        np.testing.assert_array_equal(network.arrays()[name], values, err_msg=name)
    other = mobilenet(model)
    name = next(name for name in theirs if theirs[name].ndim == 4)
    with pytest.raises(Mismatch, match=r"features.0.0.weight is \(3, 3, 8, 3\) float32, must be \(8, 3, 3, 3\)"):
        other.load({**theirs, name: theirs[name].T.copy()})


def test_the_last_layer_of_mobilenet_is_a_convolution_there():
    network = mobilenet("MobileNet")
    theirs, ours = keras_of(network, "MobileNet")
    theirs["conv_preds/kernel"] = theirs["conv_preds/kernel"][None, None]
    with pytest.warns(UserWarning, match="of Keras"):
        network.load(theirs)
    np.testing.assert_array_equal(network.parameters["classifier.weight"], ours["classifier.weight"])


def test_what_the_warning_says_can_be_written():
    """No warning then, the outputs are others, and those of the first layers are those that their equations give."""
    given = mobilenet("MobileNetV2")
    theirs, _ = keras_of(given, "MobileNetV2")
    network = Network(models.mobilenet_v2(5, width_mult=0.25, **SAME), (3, 32, 32), seed=0)
    network.load(theirs)
    assert {node.layer.eps for node in network.nodes if isinstance(node.layer, BatchNorm)} == {1e-3}
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32), "float32")
    y = conv2d(x, network.parameters["features.0.0.weight"], stride=2, padding=((0, 1), (0, 1)))
    p = {name: network.arrays()[f"features.0.1.{name}"][:, None, None] for name in (*NORM.values(), "bias")}
    y = (y - p["running_mean"]) / np.sqrt(p["running_var"] + 1e-3) * p["weight"] + p["bias"]
    found = network.features(x, network.nodes[2].name)
    np.testing.assert_allclose(found, y, rtol=0, atol=1e-5)


def test_a_warning_that_is_an_error_changes_nothing():
    network = mobilenet("MobileNetV2")
    theirs, _ = keras_of(network, "MobileNetV2")
    before = network.parameters.flat.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="of Keras"):
            network.load(theirs)
    np.testing.assert_array_equal(network.parameters.flat, before)


@pytest.mark.parametrize("layer", ["normalization", "normalization_1"])
def test_the_numbers_that_normalise_images_are_left_out(layer):
    theirs, ours = dummies("EfficientNetB0")
    theirs |= {f"{layer}/{name}": np.zeros(3) for name in ("mean", "variance")} | {f"{layer}/count": 0}
    found = {name: np.full((), -1, "float32") for name in ours}
    with pytest.warns(UserWarning, match="of Keras"):
        load(theirs, found)
    assert found == ours


@pytest.mark.filterwarnings("ignore:.*of Keras")
def test_biases_before_batch_norm_are_taken_from_its_running_mean():
    theirs, ours = dummies("ResNet50")
    for layer, bn, value in (
        ("conv1_conv", "bn1", 0.5),
        ("conv3_block2_3_conv", "layer2.1.bn3", 0.25),
        ("conv4_block1_0_conv", "layer3.0.downsample.1", -2.0),
    ):
        theirs[f"{layer}/bias"] = np.array(value, "float32")
        ours[f"{bn}.running_mean"] -= np.float32(value)
    found = {name: np.full((), -1, "float32") for name in ours}
    load(theirs, found)
    assert found == ours
    for bad in (np.zeros(3, "float32"), np.array("text")):
        with pytest.raises(Mismatch, match=r"bn1.running_mean is"):
            load({**theirs, "conv1_conv/bias": bad}, found)


@pytest.mark.filterwarnings("ignore:.*of Keras")
def test_a_bias_in_the_mean_leaves_the_output_as_it_is():
    """A convolution with a bias and batch norm, and the same without the bias after loading: in float64."""
    rng = np.random.default_rng(0)
    arrays = {
        name: array.copy() for name, array in Network(models.resnet50(3), (3, 32, 32), "float64").arrays().items()
    }
    back = {here: layer for layer, here in PAIRS["ResNet50"]}
    theirs = {}
    for name, values in arrays.items():
        layer, _, end = name.rpartition(".")
        if end != "num_batches_tracked":
            values = rng.uniform(0.5, 1.5, values.shape) / (values[0].size if values.ndim > 1 else 1)
            names = {own: key for key, own in (NORM if is_norm(back[layer]) else LAYER).items()}
            theirs[f"{back[layer]}/{names[end]}"] = laid_out(values, False) if values.size < 20000 else turned(values)
    b = theirs["conv1_conv/bias"] = rng.standard_normal(64)
    network = Network(models.resnet50(3, stride_first=True), (3, 32, 32), "float64", seed=0)
    network.load(theirs)
    x = rng.standard_normal((1, 3, 32, 32))
    p, s = network.parameters, network.buffers
    y = network.features(x, "conv1") + b[:, None, None] - theirs["conv1_bn/moving_mean"][:, None, None]
    y = y * (p["bn1.weight"] / np.sqrt(s["bn1.running_var"] + 1e-5))[:, None, None] + p["bn1.bias"][:, None, None]
    np.testing.assert_allclose(network.features(x, "bn1"), y, rtol=1e-9, atol=1e-12)


def turned(values):
    """As `laid_out`, for large arrays."""
    return values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T
