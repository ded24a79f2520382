"""What people write from habit as options of layers: each error says what to write instead."""

from functools import partial

import numpy as np
import pytest

from fastconv import layers
from fastconv.layer import Layer, Spec
from fastconv.network import Network

X, LABELS = np.ones((6, 4), "float32"), np.arange(6) % 3


@pytest.mark.parametrize("name", ["Conv2D", "ConvTranspose2D", "DepthwiseConv2D", "SeparableConv2D", "Linear"])
def test_an_activation_by_name(name):
    with pytest.raises(TypeError, match=rf"{name} takes no activation, got activation='relu': .* ReLU\(\)\)"):
        getattr(layers, name)(3, activation="relu")


class Scaled(Layer):
    """A layer of your own may take an activation."""

    def __init__(self, activation=None, **options):
        super().__init__(**options)
        self.activation = activation

    def spec(self, x_shape, dtype):
        return Spec(x_shape)

    def forward(self, b):
        return [partial(np.copyto, b.y, b.x)]


def test_a_layer_of_your_own_may_take_an_activation():
    assert Scaled(activation="relu").activation == "relu"
    assert Network(Scaled(activation="relu", name="s"), (2,)).predict(np.ones(2, "float32")).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: layers.Conv2D(8, 3, strides=2), "Conv2D takes no strides, got strides=2; write stride=2"),
        (lambda: layers.Conv2D(kernel_size=3, filters=8), "takes no filters, got filters=8; write channels=8"),
        (lambda: layers.Conv2D(8, 3, use_bias=False), "takes no use_bias, got use_bias=False; write bias=False"),
        (lambda: layers.Linear(units=8), "Linear takes no units, got units=8; write outputs=8"),
        (lambda: layers.Linear(8, kernel_initializer="zeros"), "write init='zeros'"),
        (lambda: layers.MaxPool2D(pool_size=2), "MaxPool2D takes no pool_size, got pool_size=2; write kernel_size=2"),
        (lambda: layers.Dropout(rate=0.5), "Dropout takes no rate, got rate=0.5; write p=0.5"),
        (lambda: layers.BatchNorm(epsilon=0.1), "BatchNorm takes no epsilon, got epsilon=0.1; write eps=0.1"),
    ],
)
def test_options_of_other_libraries_say_ours(make, code):
    with pytest.raises(TypeError) as caught:
        make()
    assert code in str(caught.value)


def test_unknown_options_stay_python_s_own_error_and_layers_of_your_own_have_what_they_like():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        layers.Conv2D(8, 3, colour="red")

    class Own(layers.ReLU):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate

    assert Own(rate=2).rate == 2
