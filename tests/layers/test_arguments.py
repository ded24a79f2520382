"""What people write from habit in a layer's arguments: it works, or the error says what to write."""

import numpy as np
import pytest

from fastconv import layers, losses
from fastconv.network import Network

WINDOWS = {
    "Conv2D": lambda **options: layers.Conv2D(4, 3, **options),
    "ConvTranspose2D": lambda **options: layers.ConvTranspose2D(4, 3, **options),
    "DepthwiseConv2D": lambda **options: layers.DepthwiseConv2D(3, **options),
    "SeparableConv2D": lambda **options: layers.SeparableConv2D(4, 3, **options),
    "MaxPool2D": lambda **options: layers.MaxPool2D(3, **options),
    "AvgPool2D": lambda **options: layers.AvgPool2D(3, **options),
}


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("padding", ["causal", "reflect", None, 1.5, {}])
def test_paddings_that_are_not_known(kind, padding):
    with pytest.raises((TypeError, ValueError), match=rf"^padding must be .*got {padding!r}"):
        WINDOWS[kind](padding=padding)


@pytest.mark.parametrize("kind", WINDOWS)
@pytest.mark.parametrize("padding", ["VALID", "Full"])
def test_words_are_taken_in_any_case(kind, padding):
    layer = WINDOWS[kind](padding=padding)
    assert layer.padding == padding.lower()
    assert (
        Network(layer, (4, 8, 8)).output_shape
        == Network(WINDOWS[kind](padding=padding.lower()), (4, 8, 8)).output_shape
    )


@pytest.mark.parametrize(
    ("name", "value"), [("stride", 0), ("stride", "2"), ("dilation", -1), ("padding", (1, 2, 3)), ("kernel_size", 0)]
)
@pytest.mark.parametrize("kind", ["Conv2D", "ConvTranspose2D", "DepthwiseConv2D", "SeparableConv2D", "MaxPool2D"])
def test_what_depends_on_no_image_is_refused_by_the_constructor(kind, name, value):
    needed = {"channels": 4} if kind in ("Conv2D", "ConvTranspose2D", "SeparableConv2D") else {}
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be"):
        getattr(layers, kind)(**needed, **{"kernel_size": 3} | {name: value})


def test_arguments_that_contradict_each_other_are_refused_by_the_constructor():
    cases = [
        (lambda: layers.Conv2D(5, 3, groups=2), "groups must divide channels, got groups=2 and channels=5"),
        (lambda: layers.ConvTranspose2D(5, 3, groups=2), "groups must divide channels, got groups=2 and channels=5"),
        (
            lambda: layers.ConvTranspose2D(4, 3, stride=2, output_padding=2),
            "output_padding must be smaller",
        ),
        (lambda: layers.ConvTranspose2D(4, 3, padding="multiple", output_padding=1), "output_padding must be 0 with"),
        (lambda: layers.ConvTranspose2D(4, 3, padding="SAME"), "write padding='multiple'"),
        (lambda: layers.MaxPool2D(2, padding=2), "padding must be below the effective kernel"),
    ]
    for make, says in cases:
        with pytest.raises(ValueError, match=says):
            make()


@pytest.mark.parametrize("padding", ["same", "SAME", None, (1, 1, 1)])
def test_paddings_of_zeros_alone(padding):
    with pytest.raises(TypeError, match=r"padding must be an integer or \(left, right, top, bottom\), got"):
        layers.ZeroPad2D(padding)


@pytest.mark.parametrize(("padding", "line"), [((1, 2), "(2, 2, 1, 1)"), (((1, 2), (3, 4)), "(3, 4, 1, 2)")])
def test_pairs_of_zeros_as_in_keras_say_the_four_sides(padding, line):
    with pytest.raises(TypeError) as caught:
        layers.ZeroPad2D(padding)
    assert str(caught.value).endswith(f"got {padding}; write padding={line}")
    assert layers.ZeroPad2D(eval(line)).padding == eval(line)


@pytest.mark.parametrize("flag", [10, 1, 0, None, "zeros"])
def test_a_number_is_no_bias(flag):
    with pytest.raises(TypeError, match=f"bias must be True or False, got {flag!r}"):
        layers.Linear(784, bias=flag)
    for kind in ("Conv2D", "ConvTranspose2D", "DepthwiseConv2D", "SeparableConv2D"):
        with pytest.raises(TypeError, match="bias must be True or False"):
            WINDOWS[kind](bias=flag)


def test_a_number_of_channels_is_neither_eps_nor_a_flag():
    for make in (layers.BatchNorm, layers.LayerNorm, lambda eps: layers.GroupNorm(2, eps=eps)):
        with pytest.raises(ValueError, match="eps must be below 1, got 64; the number of channels is not given"):
            make(eps=64)
        assert Network(make(eps=0.5), (4, 2, 2)).output_shape == (4, 2, 2)
    for make in (layers.BatchNorm, layers.LayerNorm, lambda affine: layers.GroupNorm(2, affine=affine)):
        with pytest.raises(TypeError, match="affine must be True or False, got 1"):
            make(affine=1)
    with pytest.raises(TypeError, match="shared must be True or False, got 64"):
        layers.PReLU(shared=64)


@pytest.mark.parametrize("name", [True, 1, "", b"relu", ("a", "b")])
def test_names_are_texts(name):
    for make in (layers.ReLU, layers.Softmax, layers.Sigmoid, layers.GlobalAvgPool2D):
        with pytest.raises(TypeError, match=r"^name must be a str, the prefix of the layer's parameters, got "):
            make(name=name)


@pytest.mark.parametrize("layer", [layers.Softmax, layers.LogSoftmax])
def test_an_axis_from_the_end_is_answered_with_the_one_to_write(layer):
    with pytest.raises(ValueError, match=r"axis must be >= 0, got -1: it counts .* last of \(tokens, features\) is 1"):
        layer(axis=-1)


@pytest.mark.parametrize("divisor", [2**31, 10**30])
def test_a_divisor_beyond_what_kernels_count_with(divisor):
    with pytest.raises(ValueError, match=f"divisor_override must not be 0, and below 2..31, got {divisor}"):
        layers.AvgPool2D(2, divisor_override=divisor)


@pytest.mark.parametrize("channels", [3, 40])
@pytest.mark.parametrize("kind", WINDOWS)
def test_a_stride_beyond_the_image_is_one_that_leaves_it(kind, channels):
    """The window stands in one place, however far its next step would lead."""
    shape = (channels, 1, 1) if kind == "ConvTranspose2D" else (channels, 5, 6)
    results = []
    for stride in (9, 2**31 - 1):
        network = Network(WINDOWS[kind](stride=stride), shape, seed=0)
        x = np.random.default_rng(0).standard_normal((2, *shape)).astype("float32")
        _, gradients = network.gradients(x, np.zeros((2, *network.output_shape), "float32"), losses.MSE())
        arrays = (network.predict(x), network.freeze().predict(x), *gradients.values())
        results.append([array.tobytes() for array in arrays])
    assert results[0] == results[1]


NUMBERS = {
    "alpha": layers.ELU,
    "negative_slope": layers.LeakyReLU,
    "beta": layers.Softplus,
    "eps": lambda value: layers.BatchNorm(eps=value),
    "p": layers.Dropout,
    "norm_type": lambda value: layers.LpPool2D(2, norm_type=value),
    "first": lambda value: layers.PReLU(first=value),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_integers_beyond_all_floats(name):
    with pytest.raises(ValueError, match=f"{name} must be a number that a float can hold"):
        NUMBERS[name](10**400)
