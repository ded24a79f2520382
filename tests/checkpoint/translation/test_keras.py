"""The names and layouts of Keras: every array goes where it went when both networks gave the same outputs.

`keras.txt` holds the layers of networks of `keras.applications` (Keras 3) and those here. With random weights, running
means and variances moved by these names, outputs of VGG16 and DenseNet121 agreed to 3e-6 of the largest as they are,
and those of MobileNet, MobileNetV2 and EfficientNetB0 to 1e-6 once eps and padding were changed as the warning says.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest

from fastconv import Network, models
from fastconv.checkpoint import Mismatch, load
from fastconv.layers import BatchNorm, Conv2D

LINES = (Path(__file__).parent / "keras.txt").read_text().splitlines()
PAIRS = {
    head.split()[-1]: [tuple(pair.split("=")) for pair in line.split()]
    for head, line in zip(LINES[::2], LINES[1::2], strict=True)
}
AGREES = ("VGG16", "DenseNet121")
NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
LAYER = {"kernel": "weight", "bias": "bias"}


def is_norm(layer):
    return layer.lower().endswith("bn") or layer == "bn_Conv1"


def dummies(model):
    """({name of Keras: its own number}, {name here: the number that it must get}), arrays of one axis."""
    theirs, ours = {}, {}
    for layer, here in PAIRS[model]:
        for end, own in (NORM if is_norm(layer) else LAYER).items():
            theirs[f"{layer}/{end}"] = ours[f"{here}.{own}"] = np.float32(len(theirs))
    return theirs, ours


@pytest.mark.parametrize("model", PAIRS)
@pytest.mark.parametrize("change", [lambda name: name, lambda name: f"{name.split('/')[0]}/{name}:0"])
def test_every_array_finds_its_place(model, change):
    """Also with the groups and numbers of older versions: conv1/conv1/kernel:0."""
    theirs, ours = dummies(model)
    found = {name: np.full((), -1, "float32") for name in ours}
    arrays = {change(name): np.array(value) for name, value in theirs.items()}
    if model in AGREES:
        load(arrays, found)
    else:
        with pytest.warns(UserWarning, match=r"of Keras, which has eps=1e-3 in batch norms and padding='same'"):
            load(arrays, found)
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
    """With eps and padding changed, the outputs are those of a network built so."""
    network = mobilenet("MobileNetV2")
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32), "float32")
    before = network.predict(x)
    for node in network.nodes:
        if isinstance(node.layer, BatchNorm):
            node.layer.eps = 1e-3
        if isinstance(node.layer, Conv2D) and node.layer.stride == (2, 2):
            node.layer.padding = "same"
    first = network.nodes[1].layer
    conv = Network(Conv2D(first.channels, 3, stride=2, padding="same", bias=False), (3, 32, 32))
    conv.load({"conv1.weight": network.parameters["features.0.0.weight"]})
    found = network.features(x, network.nodes[1].name)
    np.testing.assert_allclose(conv.predict(x), found, rtol=0, atol=3e-6)
    assert not np.allclose(network.predict(x), before)


def test_a_warning_that_is_an_error_changes_nothing():
    network = mobilenet("MobileNetV2")
    theirs, _ = keras_of(network, "MobileNetV2")
    before = network.parameters.flat.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="of Keras"):
            network.load(theirs)
    np.testing.assert_array_equal(network.parameters.flat, before)


def test_the_numbers_that_normalise_images_are_left_out():
    theirs, ours = dummies("EfficientNetB0")
    theirs |= {f"normalization/{name}": np.zeros(3) for name in ("mean", "variance")} | {"normalization/count": 0}
    found = {name: np.full((), -1, "float32") for name in ours}
    with pytest.warns(UserWarning, match="of Keras"):
        load(theirs, found)
    assert found == ours
