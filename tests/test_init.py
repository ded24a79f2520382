"""Initialisers: bounds, variances, the numbers of Zhang 2016."""

import numpy as np
import pytest

from fastconv import init
from fastconv.layers import Conv2D, ConvTranspose2D, DepthwiseConv2D, Linear, SeparableConv2D
from fastconv.network import Network


def weight(layer, input_shape, **options):
    network = Network(layer, input_shape, "float64", seed=0, **options)
    return network.parameters[f"{layer.kind}1.weight"]


def assert_uniform(values, bound):
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.9 * bound
    assert values.var() == pytest.approx(bound**2 / 3, rel=0.2)


def test_equations_1_to_3():
    assert_uniform(weight(Conv2D(6, 5), (1, 28, 28)), np.sqrt(6 / ((1 + 6) * 5**2)))
    assert_uniform(weight(Conv2D(12, 5), (6, 12, 12)), np.sqrt(6 / ((6 + 12) * 5**2)))
    assert_uniform(weight(Linear(10), (192,)), np.sqrt(6 / (192 + 10)))


def test_biases_start_at_zero():
    network = Network(Conv2D(6, 5), (1, 28, 28), seed=0)
    assert not network.parameters["conv1.bias"].any()


def test_fans_of_groups_and_transposed_convolutions():
    assert_uniform(weight(Conv2D(32, 3, groups=4), (16, 8, 8)), np.sqrt(6 / ((16 / 4 + 32 / 4) * 9)))
    assert_uniform(weight(ConvTranspose2D(32, 3, groups=4), (16, 8, 8)), np.sqrt(6 / ((16 / 4 + 32 / 4) * 9)))


@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        ("uniform", 2 / (30 + 50)),
        ("glorot_uniform", 2 / (30 + 50)),
        ("glorot_normal", 2 / (30 + 50)),
        ("he_uniform", 2 / 30),
        ("he_normal", 2 / 30),
        ("he_normal_out", 2 / 50),
        ("fan_in_uniform", 1 / (3 * 30)),
    ],
)
def test_variances(rule, variance):
    values = init.named(rule)(np.random.default_rng(0), (300, 300), 30, 50)
    assert values.var() == pytest.approx(variance, rel=0.02)
    assert values.mean() == pytest.approx(0, abs=0.01)


def test_constants():
    assert not init.zeros(None, (2, 3)).any()
    assert (init.ones(None, (2, 3)) == 1).all()
    assert (weight(Linear(2, init=init.constant(0.25)), (3,)) == 0.25).all()


def test_unknown_names_raise():
    with pytest.raises(ValueError, match="init must be a function or one of zeros"):
        Linear(2, init="best")


def test_a_seed_gives_the_same_weights_in_both_precisions():
    a, b, c = (Network(Linear(5), (7,), d, seed=s) for d, s in (("float64", 1), ("float32", 1), ("float64", 2)))
    name = "linear1.weight"
    np.testing.assert_array_equal(a.parameters[name].astype("float32"), b.parameters[name])
    assert (a.parameters[name] != c.parameters[name]).any()


class Own:
    """An initialiser of one's own, as an object."""

    def __call__(self, rng, shape, fan_in, fan_out):
        return np.full(shape, 0.5)


def test_names_in_any_case_and_objects_work():
    assert init.named("He_Normal") is init.he_normal
    assert (weight(Linear(2, init=Own()), (3,)) == 0.5).all()


every_layer = pytest.mark.parametrize(
    "make",
    [
        lambda **options: Linear(2, **options),
        lambda **options: Conv2D(2, 3, **options),
        lambda **options: ConvTranspose2D(2, 3, **options),
        lambda **options: DepthwiseConv2D(3, **options),
        lambda **options: SeparableConv2D(2, 3, **options),
    ],
    ids=["Linear", "Conv2D", "ConvTranspose2D", "DepthwiseConv2D", "SeparableConv2D"],
)


@every_layer
@pytest.mark.parametrize("argument", ["init", "bias_init"])
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("he", "a function or one of .* he_uniform, he_normal, he_normal_out, got 'he'$"),
        ("zero", "a function or one of zeros, ones, .*, got 'zero'; did you mean 'zeros'?"),
        ("he_norm", "a function or one of zeros, ones, .*, got 'he_norm'; did you mean 'he_normal'?"),
        ("Random_Normal", r".*, got 'Random_Normal'; write {}=fastconv.init.normal\(0.05\)$"),
        ("constant", r".*, got 'constant'; write {}=fastconv.init.constant\(0.1\)$"),
        (Own, r".*, got the class Own; for an object of it write {}=Own\(\)$"),
        (None, "a function or one of .*, got None$"),
        (0.5, r".*got 0.5; to fill with this number write {}=fastconv.init.constant\(0.5\)$"),
        (np.zeros(3), r"a function or one of .*, got array\(\[0., 0., 0.\]\)$"),
        (["zeros"], r"a function or one of .*, got \['zeros'\]$"),
        (init.normal, r".*, got normal itself; write {}=fastconv.init.normal\(0.1\)"),
        (init.constant, r".*, got constant itself; write {}=fastconv.init.constant\(0.1\)"),
    ],
)
def test_what_is_no_initialiser_is_refused_by_the_name_of_its_argument(make, argument, value, says):
    with pytest.raises(ValueError, match=f"^{argument} must be {says.format(argument)}"):
        make(**{argument: value})


def gives_nothing(rng, shape, fan_in, fan_out):
    return None


def gives_text(rng, shape, fan_in, fan_out):
    return np.full(shape, "0")


def gives_another_shape(rng, shape, fan_in, fan_out):
    return np.zeros(1234)


@pytest.mark.parametrize("argument", ["init", "bias_init"])
@pytest.mark.parametrize(
    "function", [np.zeros, np.ones, np.random.standard_normal, gives_nothing, gives_text, gives_another_shape]
)
def test_functions_that_are_no_initialisers_are_named_with_the_parameter(argument, function):
    name = {"init": "linear1.weight", "bias_init": "linear1.bias"}[argument]
    says = (
        rf"{name}: init must be a function of \(rng, shape, fan_in, fan_out\) that returns an array .*init='zeros'; got"
    )
    with pytest.raises((TypeError, ValueError), match=says):
        Network(Linear(2, **{argument: function}), (3,))


def test_initialisers_of_your_own():
    def rows(rng, shape, fan_in, fan_out):
        return np.arange(shape[0])[:, None].repeat(shape[1], 1)

    network = Network(Linear(2, init=rows, bias_init=lambda rng, shape, fan_in, fan_out: 0.5), (3,))
    assert network.parameters["linear1.weight"].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert network.parameters["linear1.bias"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("xavier_uniform_", "glorot_uniform"),
        ("XavierNormal", "glorot_normal"),
        ("kaiming_uniform", "he_uniform"),
        ("kaiming_normal_", "he_normal"),
        ("GlorotUniform", "glorot_uniform"),
        ("HeNormal", "he_normal"),
    ],
)
def test_a_name_of_another_library_tells_the_name_here(name, right):
    with pytest.raises(ValueError, match=f"got '{name}'; write bias_init='{right}'$"):
        Linear(3, bias_init=name)
    Linear(3, bias_init=right)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: init.normal(-1), ValueError, "deviation must be >= 0 and finite, got -1.0"),
        (lambda: init.normal(np.nan), ValueError, "deviation must be >= 0 and finite, got nan"),
        (lambda: init.normal(np.inf), ValueError, "deviation must be >= 0 and finite, got inf"),
        (lambda: init.normal("a"), TypeError, "deviation must be a number, got 'a'"),
        (lambda: init.constant("a"), TypeError, "value must be a number, got 'a'"),
        (lambda: init.constant([1, 2]), TypeError, r"value must be a number, got \[1, 2\]"),
        (lambda: init.constant(None), TypeError, "value must be a number, got None"),
    ],
)
def test_settings_of_initialisers_are_checked_where_they_are_given(make, error, says):
    with pytest.raises(error, match=says):
        make()
