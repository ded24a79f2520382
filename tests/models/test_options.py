"""Options that other programs need: eps of batch normalisation, and the padding of TensorFlow."""

from inspect import signature

import numpy as np
import pytest

from fastconv import Network, conv2d, graph, models
from fastconv.layers import BatchNorm, Conv2D
from fastconv.models.blocks import conv_bn_block

TAKES = {name: signature(getattr(models, name)).parameters for name in models.__all__ if name not in ("Entry", "known")}
WITH_EPS = [name for name, parameters in TAKES.items() if "eps" in parameters]
PADDED = [name for name, parameters in TAKES.items() if "same_padding" in parameters]
DEFAULTS = {"mobilenet_v3_large": 1e-3, "mobilenet_v3_small": 1e-3}  # torchvision's; of all others 1e-5


def layers_of(model, kind):
    nodes = graph.ancestors(graph.build(model, (3, 64, 64), "float32"))
    return [node.layer for node in nodes if isinstance(node.layer, kind)]


def test_families_with_weights_of_keras_or_another_eps_in_timm_take_eps():
    assert {name.rstrip("0123456789") for name in WITH_EPS} == {
        *("densenet", "resnet", "efficientnet_b", "mobilenet_v", "mobilenet_v3_large", "mobilenet_v3_small")
    }
    assert len(PADDED) == 9


@pytest.mark.parametrize("name", WITH_EPS)
def test_all_batch_norms_get_eps(name):
    make = getattr(models, name)
    assert {norm.eps for norm in layers_of(make(), BatchNorm)} == {DEFAULTS.get(name, 1e-5)}
    assert {norm.eps for norm in layers_of(make(eps=0.25), BatchNorm)} == {0.25}


@pytest.mark.parametrize("name", PADDED)
def test_all_convolutions_with_a_stride_are_padded_at_the_bottom_and_right(name):
    make = getattr(models, name)
    for same in (False, True):
        strided = [conv.padding for conv in layers_of(make(same_padding=same), Conv2D) if conv.stride == (2, 2)]
        assert len(strided) >= 5
        assert {padding == "same" for padding in strided} == {same}


@pytest.mark.parametrize("size", [8, 9])
def test_the_padding_of_tensorflow(size):
    """An even size gets a row of zeros at the bottom alone, an odd one at the top too."""
    network = Network(conv_bn_block(4, 3, 2, 1, same_padding=True, activation=None), (2, size, size), "float64", seed=0)
    x = np.random.default_rng(0).standard_normal((2, 2, size, size))
    above = size % 2
    y = conv2d(np.pad(x, [(0, 0), (0, 0), (above, 1), (above, 1)]), network.parameters["0.weight"], stride=2)
    np.testing.assert_allclose(network.predict(x), y / np.sqrt(1 + 1e-5), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: models.resnet50(eps=0), "eps must be > 0, got 0"),
        (lambda: models.mobilenet_v2(eps="1e-3"), "eps must be a number"),
        (lambda: models.efficientnet_b3(same_padding="same"), "same_padding must be True or False, got 'same'"),
    ],
)
def test_options_are_checked(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()
