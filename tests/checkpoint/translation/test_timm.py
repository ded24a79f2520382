"""timm's names: every array goes where it went when both networks gave the same outputs.

`timm.txt` holds the layers of timm 1.0's networks and those of torchvision 0.28's. With random weights, running means
and variances moved from one to the other by these names, both gave the same outputs to 1e-9 in float64.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import fastconv
from fastconv import Network, models
from fastconv.checkpoint import Mismatch, load
from fastconv.layers import BatchNorm

LINES = (Path(__file__).parent / "timm.txt").read_text().splitlines()
PAIRS = {
    head.split()[2]: [tuple(pair.split("=")) for pair in line.split()]
    for head, line in zip(LINES[::2], LINES[1::2], strict=True)
}
NORMS = {"running_mean", "running_var", "num_batches_tracked"}


def dummies(model):
    """({name of timm: its own number}, {name of torchvision: the number that it must get})"""
    theirs, ours = {}, {}
    for layer, here in PAIRS[model]:
        whole = layer.endswith("gamma")
        ends = [""] if whole else [".weight", ".bias", *(f".{end}" for end in NORMS if ".bn" in layer)]
        for end in ends:
            theirs[layer + end] = ours[here + end] = np.float32(len(theirs))
    return theirs, ours


@pytest.mark.parametrize("model", PAIRS)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_array_finds_its_place(model, prefix):
    theirs, ours = dummies(model)
    found = {name: np.full((), -1, "float32") for name in ours}
    arrays = {prefix + name: np.array(value) for name, value in theirs.items()}
    load(arrays, found, model={"name": "made_up", "arguments": {"eps": 1e-5}})
    assert found == ours


@pytest.mark.parametrize("model", ["mobilenet_v3_large", "mobilenet_v3_small"])
def test_mobilenet_v3_has_another_eps_there(model):
    """1e-5, or 1e-3 with TensorFlow's padding; torchvision has 1e-3 with its own."""
    back = model.replace("_v3", "v3") + "_100"
    make = partial(getattr(models, model), width_mult=0.25)
    arrays, _ = timm_of(Network(make(), (3, 32, 32), seed=0), back)
    with pytest.warns(UserWarning, match=rf"timm's mobilenetv3; .* fastconv.models.{model}\(eps=1e-05\)"):
        Network(make(), (3, 32, 32)).load(arrays)
    for options in ({"eps": 1e-5}, {"eps": 1e-3, "same_padding": True}):
        network = Network(make(**options), (3, 32, 32))
        network.load(arrays)
        assert {node.layer.eps for node in network.nodes if isinstance(node.layer, BatchNorm)} == {options["eps"]}


def timm_of(network, model):
    """The arrays of a network, drawn anew, under timm's names."""
    rng = np.random.default_rng(1)
    back = {here: layer for layer, here in PAIRS[model]}
    arrays = {}
    for name, array in network.arrays().items():
        layer, _, end = name.rpartition(".")
        if layer in back:
            arrays[f"{back[layer]}.{end}"] = rng.uniform(0.5, 1.5, array.shape).astype(array.dtype)
    return arrays, {
        f"{layer}.{end}": f"{here}.{end}" for layer, here in PAIRS[model] for end in ("weight", "bias", *NORMS)
    }


def small(classes=5):
    return Network(models.mobilenet_v2(classes, width_mult=0.25), (3, 32, 32), seed=0)


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_a_file_of_timm_loads_as_it_is(tmp_path, kind):
    arrays, names = timm_of(small(), "mobilenetv2_100")
    fastconv.checkpoint.save(tmp_path / f"a.{kind}", arrays)
    network = small()
    assert network.load(tmp_path / f"a.{kind}") == {}
    for name, array in arrays.items():
        np.testing.assert_array_equal(network.arrays()[names[name]], array)


def test_another_number_of_classes_and_a_missing_head():
    arrays, _ = timm_of(small(), "mobilenetv2_100")
    other = small(3)
    with pytest.raises(Mismatch, match=r"2 of another shape or dtype: classifier.1.weight is \(5, 1280\)"):
        other.load(arrays)
    report = other.load(arrays, strict=False)
    assert list(report.misshapen) == ["classifier.1.weight", "classifier.1.bias"]
    headless = {name: array for name, array in arrays.items() if not name.startswith("classifier")}
    other = small(3)
    with pytest.raises(Mismatch, match=r"network: 2 missing: classifier.1.weight, classifier.1.bias; load"):
        other.load(headless)
    assert other.load(headless, strict=False).missing == ["classifier.1.weight", "classifier.1.bias"]
    np.testing.assert_array_equal(other.parameters["features.0.0.weight"], arrays["conv_stem.weight"])


def test_a_part_of_a_network_is_not_translated():
    """Two layers are missing: the file may be of another network, so its names stay as they are."""
    arrays, _ = timm_of(small(), "mobilenetv2_100")
    arrays = {name: array for name, array in arrays.items() if not name.startswith(("classifier", "conv_head"))}
    before = small().parameters.flat.copy()
    network = small()
    with pytest.raises(Mismatch, match=r"unknown: conv_stem.weight.*nothing fits"):
        network.load(arrays, strict=False)
    np.testing.assert_array_equal(network.parameters.flat, before)


def test_what_no_rule_knows_is_reported_under_its_own_name():
    arrays, _ = timm_of(small(), "mobilenetv2_100")
    report = small().load({**arrays, "blocks.0.0.other.weight": np.ones(3)}, strict=False)
    assert report.unknown == ["blocks.0.0.other.weight"]


def test_rename_comes_before_the_table():
    arrays, _ = timm_of(small(), "mobilenetv2_100")
    theirs = {name.replace("conv_stem", "stem"): array for name, array in arrays.items()}
    network = small()
    network.load(theirs, rename=lambda name: name.replace("stem", "conv_stem"))
    np.testing.assert_array_equal(network.parameters["features.0.0.weight"], arrays["conv_stem.weight"])


def test_the_dense_layers_of_vgg_are_convolutions_there():
    """(K, C, h, w) filters become (K, C h w): channel c at row h and column w is input 9 c + 3 h + w."""
    theirs, ours = dummies("vgg11_bn")
    filters = np.random.default_rng(0).standard_normal((4, 2, 3, 3)).astype("float32")
    theirs |= {"pre_logits.fc1.weight": filters, "pre_logits.fc2.weight": np.ones((5, 4, 1, 1), "float32")}
    shapes = {"classifier.0.weight": (4, 18), "classifier.3.weight": (5, 4)}
    found = {name: np.zeros(shapes.get(name, ()), "float32") for name in ours}
    load(theirs, found)
    for k, c, h, w in np.ndindex(4, 2, 3, 3):
        assert found["classifier.0.weight"][k, 9 * c + 3 * h + w] == filters[k, c, h, w]
    assert found["classifier.3.weight"].all()
    theirs["pre_logits.fc1.weight"] = filters[:, :, :2]
    with pytest.raises(Mismatch, match=r"classifier.0.weight is \(4, 2, 2, 3\) float32, must be \(4, 18\)"):
        load(theirs, found)


def test_the_factors_of_convnext_get_two_axes():
    theirs, ours = dummies("convnext_tiny")
    scale, factors = "features.1.0.layer_scale", np.arange(6, dtype="float32")
    found = {name: np.full((6, 1, 1) if name == scale else (), -1, "float32") for name in ours}
    load({**theirs, "stages.0.blocks.0.gamma": factors}, found)
    np.testing.assert_array_equal(found[scale][:, 0, 0], factors)
