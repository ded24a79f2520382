"""What `sequential` takes and gives: a model whose text is what one writes."""

import copy
import pickle
import re

import numpy as np
import pytest

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
        ("append", "write sequential(model, layer)"),
        ("add", "write sequential(model, layer)"),
        ("cuda", "a model has no arrays: write network = fastconv.Network(model, input_shape)"),
    ],
)
def test_what_a_network_does_is_not_asked_of_a_model(name, says):
    with pytest.raises(AttributeError, match=rf"sequential\(...\) has no attribute '{name}'; .*{re.escape(says)}"):
        getattr(sequential(ReLU()), name)
