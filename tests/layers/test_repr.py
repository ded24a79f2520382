"""A layer is shown as one would type it, and what is shown makes an equal layer."""

import inspect

import pytest

from fastconv import Layer, init, layers
from tests.layers.test_docstrings import REQUIRED

LINES = [
    "Conv2D(16, 3)",
    "Conv2D(16, 3, stride=2, padding='same', activation='relu')",
    "Conv2D(16, (3, 5), stride=(1, 2), padding=((0, 1), (2, 3)), dilation=2, groups=2, bias=False, rotate=True)",
    "Conv2D(16, 3, padding=(1, 2), activation=LeakyReLU(0.2), init='he_normal', bias_init='ones', precise=True)",
    "ConvTranspose2D(4, 4, stride=2, padding='multiple')",
    "ConvTranspose2D(4, 3, stride=2, padding=1, output_padding=1, activation='sigmoid')",
    "DepthwiseConv2D(3, padding=1, multiplier=2, activation='silu')",
    "SeparableConv2D(8, 3, stride=2, bias=False)",
    "Linear(10)",
    "Linear(10, bias=False, activation='gelu', name='fc')",
    "MaxPool2D(2)",
    "MaxPool2D(3, 2, 1, ceil_mode=True)",
    "MaxPool2D(3, padding='same', dilation=2)",
    "AvgPool2D((2, 3), 1, count_include_pad=False, divisor_override=5)",
    "LpPool2D(3, stride=2, norm_type=3.0)",
    "AdaptiveAvgPool2D((7, 5))",
    "AdaptiveMaxPool2D(7, name='pool')",
    "GlobalAvgPool2D()",
    "BatchNorm(eps=0.001, momentum=0.5, affine=False, name='bn')",
    "GroupNorm(3, eps=0.1)",
    "LayerNorm(affine=False)",
    "LayerNorm(axis='channels', eps=1e-06)",
    "Reshape((3, 3, 3))",
    "Reshape((-1,), name='r')",
    "Permute((2, 0, 1))",
    "LocalResponseNorm(5, 0.5)",
    "LocalResponseNorm(5, beta=0.5)",
    "InstanceNorm(affine=True)",
    "LeakyReLU(0.3)",
    "ELU(1.5)",
    "CELU(0.5)",
    "Hardtanh(0.0, 6.0)",
    "Hardtanh(max_val=float('inf'))",
    "Threshold(0.5, -1.0)",
    "GELU('tanh')",
    "Softplus(2.0)",
    "Softplus(threshold=3.0)",
    "PReLU(shared=False, first=0.1)",
    "ReLU()",
    "ReLU(name='act')",
    "Softmax()",
    "Affine((0.5, 1.0, 2.0), -1.0)",
    "Affine(shift=0.5)",
    "ChannelScale(1e-06)",
    "ChannelScale('ones', name='layer_scale')",
    "Flatten(order='column')",
    "Dropout(0.3)",
    "StochasticDepth(0.3)",
    "MainHead(3)",
    "Upsample((2, 3))",
    "ZeroPad2D((0, 1, 2, 3))",
    "ZeroPad2D(1)",
]


def values(layer):
    """The attributes, those of an activation among them."""
    return {name: values(v) if isinstance(v, Layer) else v for name, v in {**vars(layer), "": type(layer)}.items()}


@pytest.mark.parametrize("line", LINES)
def test_what_is_typed_is_shown_and_makes_an_equal_layer(line):
    layer = eval(line, vars(layers))
    assert repr(layer) == line
    assert values(eval(repr(layer), vars(layers))) == values(layer)


@pytest.mark.parametrize("name", layers.__all__)
def test_every_layer_shows_what_is_not_at_its_default(name):
    kind = getattr(layers, name)
    parameters = inspect.signature(kind).parameters
    needed = {p: REQUIRED[p] for p, parameter in parameters.items() if parameter.default is parameter.empty}
    layer = kind(**needed)
    assert repr(layer) == f"{kind.__name__}({', '.join(map(repr, needed.values()))})"
    named = kind(**needed, name="n")
    assert repr(named).endswith("name='n')")
    for each in (layer, named):
        assert values(eval(repr(each), vars(layers))) == values(each)


def test_first_values_by_a_function_are_shown_by_its_name():
    def mine(rng, shape, fan_in, fan_out):
        return 0

    assert repr(layers.Linear(2, init=mine)) == "Linear(2, init=mine)"
    assert repr(layers.Linear(2, init=init.constant(3))) == "Linear(2, init=fastconv.init.constant(3.0))"


def test_a_layer_of_your_own_shows_the_arguments_that_it_keeps_under_their_names():
    class Scaled(Layer):
        def __init__(self, factor, shift=0, *, hidden=3, name=None):
            super().__init__(name)
            self.factor, self.shift, self._hidden = factor, shift, hidden

    assert repr(Scaled(2)) == "Scaled(2)"
    assert repr(Scaled(2, 5, hidden=4, name="s")) == "Scaled(2, 5, name='s')"


@pytest.mark.parametrize("name", layers.__all__)
def test_every_argument_is_an_attribute(name):
    kind = getattr(layers, name)
    needed = {p: REQUIRED[p] for p, v in inspect.signature(kind).parameters.items() if v.default is v.empty}
    layer = kind(**needed)
    for argument in inspect.signature(kind).parameters:
        setattr(layer, argument, getattr(layer, argument))


@pytest.mark.parametrize("name", layers.__all__)
def test_the_signature_of_a_class_is_that_of_its_constructor(name):
    kind = getattr(layers, name)
    parameters = inspect.signature(kind).parameters
    assert [*parameters] == [*inspect.signature(kind.__init__).parameters][1:]
    assert parameters["name"].kind is inspect.Parameter.KEYWORD_ONLY
    assert f"help({kind.__name__})" in kind.__init__.__doc__ or kind.__init__ is layers.ReLU.__init__
