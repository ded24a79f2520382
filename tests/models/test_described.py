"""Models as names and arguments, as a file holds them, and back."""

import copy
import json
import pickle

import numpy as np
import pytest

from fastconv import Network, graph, models, sequential
from fastconv.layers import Linear
from fastconv.models.blocks import architecture

MAKERS = [name for name in models.__all__ if name.islower() and name not in ("build", "described", "known")]
SHAPES = dict.fromkeys(("zhang2016", "nielsen", "chain", "lenet5"), (1, 28, 28)) | {"inception_v3": (3, 75, 75)}


def shapes(model, input_shape):
    params, states = graph.declared(graph.ancestors(graph.build(model, input_shape, "float32")))
    return {name: entry.shape for name, entry in {**params, **states}.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_a_description_builds_the_same_arrays_again(name):
    model = getattr(models, name)()
    description = models.described(model)
    assert description["name"] == name
    again = models.build(json.loads(json.dumps(description)))
    assert models.described(again) == description
    assert repr(again).partition("(")[0] == repr(model).partition("(")[0]
    shape = SHAPES.get(name, (3, 64, 64))
    assert shapes(again, shape) == shapes(model, shape)


def test_arguments_by_position_and_by_name_and_those_not_given_are_in_it():
    given = models.described(models.mobilenet_v2(7, dropout=0.5))["arguments"]
    assert given == {"num_classes": 7, "width_mult": 1.0, "dropout": 0.5, "eps": 1e-5, "same_padding": False}
    assert models.described(models.googlenet(5, aux_logits=True))["arguments"]["aux_logits"] is True


def test_tuples_and_numbers_of_numpy_become_what_json_holds():
    model = models.chain((np.int64(3), 4), (3, 3), padding=((1, 1), (1, 1)))
    description = models.described(model)
    assert description["arguments"]["maps"] == [3, 4]
    assert description["arguments"]["padding"] == [[1, 1], [1, 1]]
    again = models.build(json.loads(json.dumps(description)))
    assert repr(again) == repr(models.chain((3, 4), 3, padding=1))


def test_the_models_of_the_command_line_are_described_with_their_arguments():
    assert models.described(models.known["nielsen-l2"].build())["arguments"]["pool"] == "l2"
    for entry in models.known.values():
        assert models.described(entry.build())["name"] in MAKERS


def test_models_of_ones_own_and_parts_have_no_description():
    @architecture
    def mine(num_classes: int = 3):
        return sequential(Linear(num_classes))

    own = (Linear(3), sequential(Linear(3)), lambda x: x, mine(), models.resnet18, models.lenet5()[:-1], None, 5)
    assert [models.described(model) for model in own] == [None] * len(own)
    assert models.described(models.chain(iter((3, 4)))) is None


@pytest.mark.parametrize(
    ("description", "error", "says"),
    [
        (5, TypeError, 'description must be a dict such as {"name": "resnet20"'),
        ({"name": "lenet5", "other": 1}, TypeError, "description must be a dict"),
        ({}, ValueError, "name must be a model of fastconv.models, got None: alexnet, "),
        ({"name": "resnet21"}, ValueError, "got 'resnet21'; did you mean resnet"),
        ({"name": "known"}, ValueError, "name must be a model of fastconv.models, got 'known'"),
        ({"name": "Entry"}, ValueError, "name must be a model of fastconv.models, got 'Entry'"),
        ({"name": "lenet5", "arguments": [1]}, TypeError, "arguments of lenet5 must be a dict"),
        ({"name": "lenet5", "arguments": {"pad": 1}}, TypeError, "lenet5 takes no pad, got pad=1; write padding=1"),
        ({"name": "lenet5", "arguments": {"num_classes": 0}}, ValueError, "num_classes must be >= 1, got 0"),
    ],
)
def test_a_wrong_description_says_what_is_wrong(description, error, says):
    with pytest.raises(error) as caught:
        models.build(description)
    assert says in str(caught.value)


def test_a_network_and_its_copies_know_the_model():
    network = Network(models.nielsen("l2"), (1, 28, 28), seed=0)
    description = {"name": "nielsen", "arguments": {"pool": "l2", "maps": 20, "classes": 10}}
    assert network.model == description
    assert copy.deepcopy(network).model == description
    assert pickle.loads(pickle.dumps(network)).model == description
    assert Network(Linear(3), (4,)).model is None
    with pytest.raises(AttributeError, match=r"Network.model cannot be replaced: .*build another Network"):
        network.model = None
