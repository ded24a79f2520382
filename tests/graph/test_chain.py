"""What `sequential` takes and gives: a model whose text is what one writes."""

import copy
import pickle
import re

import numpy as np
import pytest

import fastconv
from fastconv import Network, models, sequential
from fastconv.layers import Flatten, Linear, ReLU, Tanh


def double(x):
    return x + x


class Own:
    def __call__(self, x):
        return x


@pytest.mark.parametrize("given", [lambda p: (p,), lambda p: (tuple(p),), lambda p: (iter(p),), lambda p: tuple(p)])
def test_layers_or_one_list_of_them(given):
    parts = [Flatten(), Linear(5), ReLU()]
    model = sequential(*given(parts))
    assert list(model) == list(model.parts) == parts
    assert Network(model, (1, 4, 4)).output_shape == (5,)


def test_parts_are_found_by_their_places():
    parts = Flatten(), Linear(5), ReLU()
    model = sequential(*parts)
    assert (len(model), model[0], model[-1]) == (3, parts[0], parts[2])
    assert model[:2].parts == parts[:2]
    assert sequential()


def test_a_short_model_is_shown_in_one_line():
    assert repr(sequential(ReLU(), Tanh(), double, Own())) == "sequential(ReLU(), Tanh(), double, Own)"
    assert repr(sequential()) == "sequential()"


def test_a_long_model_is_shown_in_lines_and_what_is_in_it_is_indented():
    text = repr(sequential(Flatten(), sequential(*[ReLU()] * 12), sequential(Tanh())))
    inside = "        ReLU(),\n" * 12
    expected = f"sequential(\n    Flatten(),\n    sequential(\n{inside}    ),\n    sequential(Tanh()),\n)"
    assert text == expected


def test_the_models_that_are_sequential_show_their_layers():
    lines = repr(models.lenet5()).splitlines()
    assert len(lines) == 14
    assert lines[0] == "sequential("


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_compute_the_same(way):
    model = sequential(Flatten(), double, Linear(3))
    x = np.ones((2, 1, 2, 2), "float32")
    first, second = (Network(each, (1, 2, 2), seed=0) for each in (model, way(model)))
    np.testing.assert_array_equal(first.predict(x), second.predict(x))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fit", "then fastconv.fit(network, x, labels)"),
        ("predict", "then network.predict(x)"),
        ("summary", "then network.summary()"),
        ("state_dict", "then network.parameters"),
        ("append", "write fastconv.sequential(model, layer)"),
        ("add", "write fastconv.sequential(model, layer)"),
        ("cuda", "a model has no arrays: write network = fastconv.Network(model, input_shape)"),
    ],
)
def test_what_a_network_does_is_not_asked_of_a_model(name, says):
    with pytest.raises(AttributeError, match=rf"sequential\(...\) has no attribute '{name}'; .*{re.escape(says)}"):
        getattr(sequential(ReLU()), name)


def followed(message, **names):
    """The model that the line after "write" makes."""
    line = message.partition("write ")[2].removeprefix("model = ")
    return eval(line, {"fastconv": fastconv, **names})


def test_another_last_layer_is_made_by_the_line_that_the_error_says():
    model = sequential(Flatten(), Linear(7, name="fc"))
    with pytest.raises(AttributeError, match=r"sequential\(...\)\.fc cannot be set: a model does not change") as byname:
        model.fc = Linear(3)
    with pytest.raises(TypeError, match=r"sequential\(...\)\[-1\] cannot be set: a model does not change") as byplace:
        model[-1] = Linear(3)
    for error in (byname, byplace):
        network = Network(followed(str(error.value), model=model), (1, 2, 2))
        assert [network.parameters[name].shape for name in network.parameters] == [(3, 4), (3,)]
        assert list(network.parameters) == ["fc.weight", "fc.bias"]
    assert Network(model, (1, 2, 2)).output_shape == (7,)


def test_another_first_layer_and_one_more():
    model = sequential(ReLU(), Flatten())
    with pytest.raises(TypeError) as error:
        model[0] = Tanh()
    assert repr(followed(str(error.value), model=model)) == "sequential(Tanh(), Flatten())"
    with pytest.raises(AttributeError) as error:
        model.head = Linear(5)
    assert Network(followed(str(error.value), model=model), (2,)).output_shape == (5,)
    with pytest.raises(TypeError, match=r"write fastconv.sequential\(model, layer\)"):
        model += Tanh()


def test_parts_asked_for_by_name_are_said_by_place():
    model = models.resnet18(10)
    with pytest.raises(AttributeError, match=r"no attribute 'layer1'; write model\[3\]$"):
        model.layer1  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'fc'; write model\[9\]$"):
        model.fc  # noqa: B018
    assert model[9].outputs == 10


@pytest.mark.parametrize("name", ["layers", "modules", "children"])
def test_lists_of_layers_are_the_parts(name):
    with pytest.raises(AttributeError, match=r"write model\.parts$"):
        getattr(sequential(ReLU()), name)
