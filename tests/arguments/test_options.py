"""What people write from habit as options of layers: each error says what to write instead."""

import inspect
from functools import partial

import numpy as np
import pytest

from fastconv import init, layers
from fastconv.layer import Layer, Spec
from fastconv.layers import *  # noqa: F403  # for the lines that errors say to write
from fastconv.network import Network


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


SIZE = "sizes of the input are not given, the network knows them"
OPTIONS = {  # what is typed -> what is wrong with it, and what is to be written
    "Conv2D(8, 3, strides=2)": ("Conv2D takes no strides, got strides=2", "Conv2D(8, 3, stride=2)"),
    "Conv2D(kernel_size=3, filters=8)": ("Conv2D takes no filters, got filters=8", "Conv2D(8, 3)"),
    "Conv2D(8, 3, use_bias=False)": ("takes no use_bias, got use_bias=False", "Conv2D(8, 3, bias=False)"),
    "Conv2D(8, 3, Stride=2)": ("Conv2D takes no Stride, got Stride=2", "Conv2D(8, 3, stride=2)"),
    "Conv2D(8, 3, in_channels=3)": (f"takes no in_channels, got in_channels=3 ({SIZE})", "Conv2D(8, 3)"),
    "Conv2D(8, 3, dilation_rate=2)": ("takes no dilation_rate, got dilation_rate=2", "Conv2D(8, 3, dilation=2)"),
    "Conv2D(8, 3, padding_mode='zeros')": ("takes no padding_mode, got padding_mode='zeros'", "Conv2D(8, 3)"),
    "Conv2D(8, 3, data_format='channels_last')": ("(images are (C, H, W)", "Conv2D(8, 3)"),
    "Conv2D(8, 3, input_shape=(28, 28, 1))": (f"got input_shape=(28, 28, 1) ({SIZE})", "Conv2D(8, 3)"),
    "Conv2D(8, 3, device='cuda')": ("(fastconv computes on the CPU)", "Conv2D(8, 3)"),
    "Conv2D(8, 3, dtype='float64')": ("Network(model, input_shape, dtype='float64')", "Conv2D(8, 3)"),
    "Conv2D(filters=8, kernel_size=3, strides=2, activation='relu')": (
        "takes no strides, got strides=2",
        "Conv2D(8, 3, stride=2, activation='relu')",
    ),
    "DepthwiseConv2D(3, depth_multiplier=2)": ("takes no depth_multiplier", "DepthwiseConv2D(3, multiplier=2)"),
    "Linear(units=8)": ("Linear takes no units, got units=8", "Linear(8)"),
    "Linear(in_features=4, out_features=8)": ("Linear takes no out_features, got out_features=8", "Linear(8)"),
    "Linear(8, kernel_initializer='zeros')": ("takes no kernel_initializer", "Linear(8, init='zeros')"),
    "Dense(8, input_dim=4)": (f"takes no input_dim, got input_dim=4 ({SIZE})", "Linear(8)"),
    "MaxPool2D(pool_size=2)": ("MaxPool2D takes no pool_size, got pool_size=2", "MaxPool2D(2)"),
    "MaxPool2D(2, return_indices=True)": ("(a layer has one result)", "MaxPool2D(2)"),
    "Dropout(rate=0.1)": ("Dropout takes no rate, got rate=0.1", "Dropout(0.1)"),
    "BatchNorm(epsilon=0.1)": ("BatchNorm takes no epsilon, got epsilon=0.1", "BatchNorm(eps=0.1)"),
    "BatchNorm(num_features=8)": (f"takes no num_features, got num_features=8 ({SIZE})", "BatchNorm()"),
    "BatchNorm(track_running_stats=True)": ("(BatchNorm always keeps running statistics,", "BatchNorm()"),
    "BatchNorm(axis=1)": ("takes no axis, got axis=1", "BatchNorm()"),
    "GroupNorm(num_groups=2, num_channels=8)": (f"got num_channels=8 ({SIZE})", "GroupNorm(2)"),
    "GroupNorm(groups=2)": ("GroupNorm takes no groups, got groups=2", "GroupNorm(2)"),
    "InstanceNorm(num_features=8)": (f"takes no num_features, got num_features=8 ({SIZE})", "InstanceNorm()"),
    "InstanceNorm(momentum=0.1)": ("(there are no running statistics)", "InstanceNorm()"),
    "Hardtanh(min_value=0.0)": ("Hardtanh takes no min_value, got min_value=0.0", "Hardtanh(0.0)"),
    "LayerNorm(elementwise_affine=False)": ("takes no elementwise_affine", "LayerNorm(affine=False)"),
    "Softmax(dim=1)": ("Softmax takes no dim, got dim=1", "Softmax()"),
    "LogSoftmax(dim=1)": ("LogSoftmax takes no dim, got dim=1", "LogSoftmax()"),
    "ReLU(inplace=True)": ("(the network works in place where it can)", "ReLU()"),
    "LeakyReLU(alpha=0.2)": ("LeakyReLU takes no alpha, got alpha=0.2", "LeakyReLU(0.2)"),
    "ELU(negative_slope=0.2)": ("ELU takes no negative_slope", "ELU(0.2)"),
    "PReLU(num_parameters=8)": ("PReLU takes no num_parameters", "PReLU(shared=False)"),
    "PReLU(init=0.1)": ("PReLU takes no init, got init=0.1", "PReLU(first=0.1)"),
    "Upsample(2, interpolation='bilinear')": ("takes no interpolation", "Upsample(2, mode='bilinear')"),
    "PixelShuffle(block_size=2)": ("PixelShuffle takes no block_size, got block_size=2", "PixelShuffle(2)"),
    "BatchNorm(activation='relu')": ("as in sequential(layer, ReLU())", "BatchNorm()"),
    "Flatten(start_dim=1)": ("(each image becomes one vector)", "Flatten()"),
}


def made(code):
    return eval(code, {**globals(), **vars(layers)})


@pytest.mark.parametrize("code", OPTIONS)
def test_options_of_other_libraries_say_the_line_to_write_and_it_works(code):
    wrong, line = OPTIONS[code]
    with pytest.raises(TypeError) as caught:
        made(code)
    assert wrong in str(caught.value)
    assert str(caught.value).endswith(f"; write {line}")
    assert repr(made(line)) == line


def test_unknown_options_are_answered_with_the_nearest_and_with_all():
    with pytest.raises(TypeError, match=r"Conv2D takes no colour, got colour='red'; .*takes channels, kernel_size"):
        layers.Conv2D(8, 3, colour="red")
    with pytest.raises(TypeError, match=r"takes no strid, got strid=2; did you mean stride?"):
        layers.Conv2D(8, 3, strid=2)


def test_layers_of_your_own_have_what_they_like():
    class Own(layers.ReLU):
        def __init__(self, rate):
            super().__init__()
            self.rate = rate
            self.strides = 3

    assert Own(2).rate == Own(rate=2).rate == 2


POSITIONS = {  # what is typed -> what may be given by position, and what is to be written
    "Conv2D(3, 16, 3, 1, 1)": ("channels and kernel_size", "Conv2D(16, 3, stride=1, padding=1)"),
    "Conv2D(3, 16, 3)": ("channels and kernel_size", "Conv2D(16, 3), or Conv2D(3, 16, stride=3)"),
    "Conv2D(3, 16, 3, padding=1)": (
        "channels and kernel_size",
        "Conv2D(16, 3, padding=1), or Conv2D(3, 16, stride=3, padding=1)",
    ),
    "Conv2D(3, 16, kernel_size=3)": ("channels and kernel_size", "Conv2D(16, 3)"),
    "Conv2D(16, (3, 3), 2)": ("channels and kernel_size", "Conv2D(16, 3, stride=2)"),
    "Conv2D(16, 3, 2, 'same')": ("channels and kernel_size", "Conv2D(16, 3, stride=2, padding='same')"),
    "ConvTranspose2D(16, 8, 3, 2, 1, 1)": (
        "channels and kernel_size",
        "ConvTranspose2D(8, 3, stride=2, padding=1, output_padding=1)",
    ),
    "DepthwiseConv2D(3, 2)": ("kernel_size", "DepthwiseConv2D(3, stride=2), or DepthwiseConv2D(2)"),
    "Conv2D(16, 3, 'same')": ("channels and kernel_size", "Conv2D(16, 3, padding='same')"),
    "Conv2D(16, 3, 'relu')": ("channels and kernel_size", "Conv2D(16, 3, activation='relu')"),
    "ZeroPad2D(1, 2, 3, 4)": ("padding", "ZeroPad2D((1, 2, 3, 4))"),
    "AdaptiveAvgPool2D(7, 5)": ("output_size", "AdaptiveAvgPool2D((7, 5))"),
    "Linear(192, 10)": ("outputs", "Linear(10)"),
    "Linear(192, 10, True)": ("outputs", "Linear(10, bias=True)"),
    "Linear(10, 'relu')": ("outputs", "Linear(10, activation='relu')"),
    "Linear(10, False)": ("outputs", "Linear(10, bias=False)"),
    "BatchNorm(64)": ("nothing", "BatchNorm()"),
    "BatchNorm(64, 0.001, 0.01)": ("nothing", "BatchNorm(eps=0.001, momentum=0.01)"),
    "GroupNorm(3, 8)": ("num_groups", "GroupNorm(3)"),
    "GroupNorm(3, 0.001)": ("num_groups", "GroupNorm(3, eps=0.001)"),
    "InstanceNorm(8)": ("nothing", "InstanceNorm()"),
    "InstanceNorm(8, 0.001, 0.1, True)": ("nothing", "InstanceNorm(eps=0.001, affine=True)"),
    "Hardtanh(-2.0, 2.0, True)": ("min_val and max_val", "Hardtanh(-2.0, 2.0)"),
    "CELU(0.5, False)": ("alpha", "CELU(0.5)"),
    "LayerNorm((3, 8, 8))": ("nothing", "LayerNorm()"),
    "ReLU(True)": ("nothing", "ReLU()"),
    "Sigmoid(True)": ("nothing", "Sigmoid()"),
    "LeakyReLU(0.1, True)": ("negative_slope", "LeakyReLU(0.1)"),
    "Softmax(1)": ("nothing", "Softmax(), or Softmax(axis=1)"),
    "PReLU(64)": ("nothing", "PReLU(shared=False)"),
    "PReLU(1, 0.1)": ("nothing", "PReLU(first=0.1)"),
    "Flatten(1)": ("nothing", "Flatten()"),
    "Flatten('column')": ("nothing", "Flatten(order='column')"),
    "MaxPool2D(2, 2, 0, 1)": ("kernel_size, stride and padding", "MaxPool2D(2, 2, 0, dilation=1)"),
    "AvgPool2D(2, 2, 0, True)": ("kernel_size, stride and padding", "AvgPool2D(2, 2, 0, ceil_mode=True)"),
    "LpPool2D(2, 3)": ("kernel_size", "LpPool2D(3, norm_type=2), or LpPool2D(2, stride=3)"),
    "GlobalAvgPool2D(1)": ("nothing", "GlobalAvgPool2D()"),
    "Upsample(2, 'nearest')": ("scale_factor", "Upsample(2, mode='nearest')"),
}


@pytest.mark.parametrize("code", POSITIONS)
def test_too_many_arguments_by_position_say_the_line_to_write_and_it_works(code):
    names, lines = POSITIONS[code]
    with pytest.raises(TypeError) as caught:
        made(code)
    assert f" takes {names} by position" in str(caught.value)
    assert f", got {code}: " in str(caught.value)
    assert str(caught.value).endswith(f"; write {lines}")
    for line in lines.split(", or "):
        made(line)


@pytest.mark.parametrize("code", ["Conv2D(3, 16, 3, 1, 1)", "Linear(192, 10)", "BatchNorm(64)", "GroupNorm(3, 8)"])
def test_the_error_says_that_sizes_of_the_input_are_not_given(code):
    with pytest.raises(TypeError, match=SIZE):
        made(code)


@pytest.mark.parametrize("code", ["Linear(10, 20, 30)", "ReLU(6)", "Conv2D(1, 2, 3, 4, 5, 6, 7, 8, 9)", "Tanh(0.5)"])
def test_what_makes_no_sense_in_any_order_is_answered_with_all_options(code):
    layer = code.partition("(")[0]
    with pytest.raises(TypeError) as caught:
        made(code)
    assert str(caught.value).endswith(f"; {layer} takes {', '.join(inspect.signature(made(layer)).parameters)}")


def test_an_array_in_the_place_of_arguments_is_told_where_layers_compute():
    with pytest.raises(TypeError, match=r"inside a network: Network\(Tanh\(...\), input_shape\).predict\(x\)$"):
        layers.Tanh(np.zeros(3))


MISSING = {
    "Conv2D(16)": ("kernel_size", "Conv2D(16, 3)"),
    "Conv2D(16, padding=1)": ("kernel_size", "Conv2D(16, 3, padding=1)"),
    "Conv2D()": ("channels and kernel_size", "Conv2D(16, 3)"),
    "Linear()": ("outputs", "Linear(10)"),
    "GroupNorm()": ("num_groups", "GroupNorm(4)"),
    "MaxPool2D()": ("kernel_size", "MaxPool2D(3)"),
    "AdaptiveAvgPool2D()": ("output_size", "AdaptiveAvgPool2D(1)"),
    "ZeroPad2D()": ("padding", "ZeroPad2D(1)"),
    "LocalResponseNorm()": ("size", "LocalResponseNorm(5)"),
    "StochasticDepth()": ("p", "StochasticDepth(0.1)"),
    "Threshold(0.5)": ("value", "Threshold(0.5, 0.0)"),
    "Threshold()": ("threshold and value", "Threshold(1.0, 0.0)"),
    "MainHead()": ("num_classes", "MainHead(10)"),
}


@pytest.mark.parametrize("code", MISSING)
def test_what_is_missing_is_named_with_a_line_that_works(code):
    names, line = MISSING[code]
    with pytest.raises(TypeError) as caught:
        made(code)
    assert f" needs {names}, got {code}; write {line}, for example" in str(caught.value)
    assert repr(made(line)) == line


def test_a_class_of_your_own_is_checked_as_the_class_whose_constructor_it_has_or_calls():
    class Same(layers.Conv2D):
        pass

    class Calls(layers.Conv2D):
        def __init__(self, *sizes):
            super().__init__(*sizes)

    class Bare(Layer):
        def __init__(self, name):
            super().__init__(name)

    assert repr(Same(4, 3)) == "Same(4, 3)"
    with pytest.raises(TypeError, match=r"Same takes channels and kernel_size by .*; write Same\(16, 3, stride=1\)"):
        Same(3, 16, 3, 1)
    assert Calls(4, 3).channels == 4
    with pytest.raises(TypeError, match=r"Conv2D takes .*; write Conv2D\(16, 3, stride=1, padding=1\)"):
        Calls(3, 16, 3, 1, 1)
    assert Bare("n").name == "n"
    with pytest.raises(TypeError, match="a layer of your own that takes arguments has a method __init__"):
        type("Own", (Layer,), {})(3)


def test_attributes_that_a_layer_does_not_have_cannot_be_set():
    conv = layers.Conv2D(8, 3)
    for name, says in (
        ("strides", "did you mean stride?"),
        ("paddng", "did you mean padding?"),
        ("foo", "it has"),
    ):
        with pytest.raises(AttributeError, match=f"Conv2D has no {name}; {says}"):
            setattr(conv, name, 2)
    with pytest.raises(AttributeError, match=r"Conv2D has no weight: the arrays are the network's, network.parameters"):
        conv.weight = np.zeros(3)
    with pytest.raises(AttributeError, match=r"Conv2D has no weight: the arrays are the network's, network.parameters"):
        assert conv.weight
    with pytest.raises(AttributeError, match=r"Conv2D has no strides; did you mean stride?"):
        assert conv.strides
    conv._note = 3
    assert conv._note == 3
    assert not hasattr(conv, "foo")


@pytest.mark.parametrize(
    ("line", "name"),
    [("DepthwiseConv2D(3)", "groups"), ("GlobalAvgPool2D()", "output_size"), ("AvgPool2D(2)", "dilation")],
)
def test_what_a_layer_does_not_take_cannot_be_set_though_its_base_has_it(line, name):
    layer = made(line)
    with pytest.raises(AttributeError, match=f"has no {name}"):
        setattr(layer, name, 2)
    assert repr(layer) == line


def test_functions_of_first_values_are_shown_by_their_names():
    layer = layers.Linear(3, init=init.normal(0.01), bias_init=init.ones)
    assert repr(layer) == "Linear(3, init=fastconv.init.normal(0.01), bias_init=fastconv.init.ones)"
