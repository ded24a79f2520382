"""A fault in a backward pass is found, and the step where it lies is named."""

import numpy as np
import pytest

from fastconv import Layer, Network, Spec, layers, models, sequential
from fastconv.derivation import derive


def turned(call, change):
    """A prepared call, and then a change of its result."""

    def both():
        call()
        change()

    return both


def scaled(name, factor):
    """A change of the gradient `name` of a layer."""

    def change(self, b, original):
        calls = original(self, b)
        target = b.dx if name == "dx" else getattr(b.grads, name, None)
        return calls if target is None else [*calls, lambda: np.multiply(target, factor, target)]

    return change


def planted(monkeypatch, kind, method, change):
    original = getattr(kind, method)
    monkeypatch.setattr(kind, method, lambda self, b: change(self, b, original))


FAULTS = {  # layer, method, gradient, factor -> the first equation that fails
    "the weight of FC": (layers.Linear, "backward", "weight", -1, 14),
    "the bias of FC": (layers.Linear, "backward", "bias", 1.01, 20),
    "the error that FC hands back": (layers.Linear, "backward", "dx", 2, 25),
    "pooling without the quarter": (layers.AvgPool2D, "backward_input", "dx", 4, 32),
    "the kernels of the convolutions": (layers.Conv2D, "backward", "weight", -1, 33),
    "the biases of the convolutions": (layers.Conv2D, "backward", "bias", 0.5, 41),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_backward_pass_is_found_in_the_step_where_it_lies(name, monkeypatch):
    kind, method, gradient, factor, number = FAULTS[name]
    planted(monkeypatch, kind, method, scaled(gradient, factor))
    found = derive()
    assert not found.passed
    assert found.failed[0].number == number
    assert f"({number})" in found.summary()
    assert "✗ differs from central differences of L" in str(found)
    assert [row.passed for row in found.check].index(False) == number - 4


def test_kernels_that_are_not_rotated_are_found(monkeypatch):
    def rotated(self, b, original):
        calls = original(self, b)
        dw = b.grads.weight
        return [*calls, lambda: np.copyto(dw, dw[..., ::-1, ::-1].copy())]

    planted(monkeypatch, layers.Conv2D, "backward", rotated)
    assert derive().failed[0].number == 33


def test_one_wrong_entry_is_found(monkeypatch):
    def one(self, b, original):
        def spoil():
            b.grads.weight.flat[7] += 1e-3

        return [*original(self, b), spoil]

    planted(monkeypatch, layers.Linear, "backward", one)
    assert derive().failed[0].number == 14


def test_a_wrong_forward_pass_is_found(monkeypatch):
    original = layers.AvgPool2D.forward
    monkeypatch.setattr(
        layers.AvgPool2D, "forward", lambda self, b: [*original(self, b), lambda: np.add(b.y, 1e-6, b.y)]
    )
    assert derive().failed[0].number == 6


class Wrong(Layer):
    """y = x^2, with a backward pass that forgets the 2."""

    kind = "wrong"
    saves = frozenset({"x"})

    def spec(self, x_shape, dtype):
        return Spec(x_shape)

    def forward(self, b):
        return [lambda: np.multiply(b.x, b.x, b.y)]

    def backward(self, b):
        return [] if b.dx is None else [lambda: np.multiply(b.dy, b.x, b.dx)]


def test_a_fault_in_a_layer_of_ones_own_is_found():
    model = sequential(layers.Conv2D(2, 3, name="first"), Wrong(), layers.Flatten(), layers.Linear(3))
    found = derive(Network(model, (1, 6, 6), seed=0))
    assert not found.passed
    assert "Back through wrong1" in found.failed[0].title
    assert "Back through wrong1" in found.summary()


def test_a_fault_beside_kinks_is_found(monkeypatch):
    planted(monkeypatch, layers.MaxPool2D, "backward_input", scaled("dx", 1.01))
    model = sequential(layers.Conv2D(2, 3), layers.ReLU(), layers.MaxPool2D(2), layers.Flatten(), layers.Linear(3))
    found = derive(Network(model, (1, 10, 10), seed=0), np.zeros((1, 10, 10)))
    assert derive(Network(models.lenet5(), (1, 28, 28), seed=0)).passed
    assert found.passed  # a black image: each value is tied with its neighbours, there is nothing to compare
    found = derive(Network(model, (1, 10, 10), seed=0))
    assert "Back through pool1" in found.failed[0].title
