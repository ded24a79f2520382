"""What the architectures share: models that show what they are, under torchvision's names, and arguments by name."""

import copy
import re

import numpy as np
import pytest

from fastconv import Linear, Network, ReLU, models
from fastconv.models.blocks import numbered, scoped

NAMES = [name for name in models.__all__ if name.islower() and name not in ("build", "described", "known")]


@pytest.mark.parametrize("name", NAMES)
def test_every_model_shows_its_layers_and_blocks_in_words(name):
    text = repr(getattr(models, name)())
    assert not any(word in text for word in ("0x", "inside", "<"))
    assert len(text) > 5


def test_stages_are_shown_with_their_names_and_blocks():
    assert "    layer2: sequential(0: basic(128, 2), 1: basic(128, 1)),\n" in repr(models.resnet18())
    assert repr(models.googlenet(10, aux_logits=True)) == "googlenet(10, aux_logits=True)"


def test_a_part_of_a_model_keeps_the_names_of_the_whole():
    features = models.vgg11(10)[0]
    assert len(features) == 21
    assert list(Network(features[:4], (3, 16, 16)).parameters)[::2] == ["features.0.weight", "features.3.weight"]
    stage = models.resnet18(10)[4]
    assert next(iter(Network(stage[1], (128, 4, 4)).parameters)) == "layer2.1.conv1.weight"


def test_numbers_are_names():
    model = numbered(Linear(3), ReLU(), scoped("deep", Linear(2)))
    assert list(Network(model, (4,)).parameters) == [
        "0.weight",
        "0.bias",
        "2.deep.linear1.weight",
        "2.deep.linear1.bias",
    ]
    assert repr(model) == "sequential(Linear(3, name='0'), ReLU(name='1'), 2: deep: Linear(2))"


def test_copies_of_models_compute_the_same():
    model = models.resnet20()
    x = np.ones((1, 3, 8, 8), "float32")
    first, second = (Network(each, (3, 8, 8), seed=0).predict(x) for each in (model, copy.deepcopy(model)))
    assert (first == second).all()


@pytest.mark.parametrize("option", [{"pretrained": True}, {"weights": "DEFAULT"}])
def test_weights_are_loaded_into_a_network(option):
    with pytest.raises(TypeError, match=r"^resnet18 takes no .*Network\(model, input_shape\), then network\.load"):
        models.resnet18(**option)


def test_the_number_of_classes_is_named_as_typed():
    for arguments, options in (("10",), {}), ((), {"num_classes": 10.5}):
        with pytest.raises(TypeError, match=r"^num_classes must be an integer, got"):
            models.mobilenet_v2(*arguments, **options)
    with pytest.raises(ValueError, match=r"^num_classes must be >= 1, got 0"):
        models.googlenet(0)
    with pytest.raises(TypeError, match=r"^vgg16 takes no classes, got classes=10; write num_classes=10$"):
        models.vgg16(classes=10)
    with pytest.raises(TypeError, match=r"^chain takes no num_classes, got num_classes=10; write classes=10$"):
        models.chain(num_classes=10)
    with pytest.raises(TypeError, match=r"^resnet18 takes only num_classes by position, got also True; write fastconv"):
        models.resnet18(10, True)


OPTIONS = {
    "models.vgg16_bn(10, dropout='0.5')": "dropout must be a number, got '0.5'",
    "models.vgg16_bn(10, 1.5)": "dropout must be >= 0 and < 1, got 1.5",
    "models.googlenet(dropout_aux=-1)": "dropout_aux must be >= 0 and < 1, got -1",
    "models.mobilenet_v2(width_mult='1')": "width_mult must be a number, got '1'",
    "models.mobilenet_v1(10, 0)": "width_mult must be > 0, got 0",
    "models.vgg16(batch_norm=True)": "models with it have another name, such as models.vgg16_bn()",
    "models.googlenet(transform_input=True)": "googlenet takes no transform_input, got transform_input=True; it takes",
}


@pytest.mark.parametrize("call", OPTIONS)
def test_options_of_models_are_named_as_typed(call):
    with pytest.raises((TypeError, ValueError), match=re.escape(OPTIONS[call])):
        eval(call, {"models": models})
    assert models.googlenet(dropout=None)


def test_a_function_with_branches_is_no_list():
    with pytest.raises(TypeError, match=r"googlenet\(\) has no parts by number"):
        models.googlenet()[0]
    with pytest.raises(AttributeError, match=r"googlenet\(\) has no attribute 'parameters'; .*then network.parameters"):
        models.googlenet().parameters()
