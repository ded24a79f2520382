"""Other sequential networks: the same steps with the nearest equation; kinks; what is refused."""

import numpy as np
import pytest

from fastconv import Network, layers, losses, models, optim, sequential
from fastconv.derivation import derive

NETWORKS = {
    "as LeNet": (
        [layers.Conv2D(4, 5, activation="tanh"), layers.AvgPool2D(2), layers.Conv2D(6, 3), layers.Tanh()],
        (1, 14, 14),
    ),
    "strides and padding": (
        [layers.Conv2D(4, 3, stride=2, padding=1, activation="relu"), layers.Conv2D(3, (2, 3), stride=(1, 2))],
        (2, 11, 12),
    ),
    "dilation and groups": (
        [layers.Conv2D(4, 3, dilation=2, groups=2, rotate=True, bias=False), layers.LeakyReLU(0.2)],
        (2, 9, 9),
    ),
    "same and asymmetric padding": (
        [layers.Conv2D(3, 4, padding="same"), layers.Conv2D(2, 3, padding=((0, 1), (2, 0))), layers.Softplus()],
        (1, 7, 8),
    ),
    "depth-wise": ([layers.DepthwiseConv2D(3, multiplier=2), layers.ReLU6(), layers.GlobalAvgPool2D()], (3, 8, 8)),
    "max pooling": ([layers.MaxPool2D(3, stride=2, padding=1, ceil_mode=True), layers.GELU()], (2, 10, 9)),
    "mean pooling": (
        [layers.AvgPool2D(3, 2, 1, count_include_pad=False, ceil_mode=True), layers.AvgPool2D(2, divisor_override=3)],
        (2, 11, 12),
    ),
    "mean pooling over the edge": ([layers.AvgPool2D(3, 2, 1, ceil_mode=True), layers.SiLU()], (2, 10, 12)),
    "L2 pooling": ([layers.LpPool2D(2), layers.LpPool2D(2, stride=1, norm_type=3), layers.ELU(0.5)], (2, 8, 8)),
    "adaptive pooling": ([layers.AdaptiveAvgPool2D((3, 2)), layers.AdaptiveMaxPool2D(2)], (2, 7, 5)),
    "padding": ([layers.ZeroPad2D((1, 2, 0, 3)), layers.HardSwish(), layers.HardSigmoid()], (2, 4, 5)),
    "bounds": ([layers.Hardtanh(-0.5, 0.8), layers.Softsign(), layers.Threshold(-0.2, 0.1)], (2, 4, 5)),
    "exponentials": ([layers.SELU(), layers.CELU(0.7), layers.Mish(), layers.LogSigmoid()], (2, 4, 5)),
    "PReLU and dropout": ([layers.PReLU(), layers.Dropout(0.5), layers.GELU(approximate="tanh")], (3, 4, 4)),
}
ENDS = {
    "classes": ([layers.Linear(4)], losses.CrossEntropy()),
    "log of probabilities": ([layers.Linear(4), layers.LogSoftmax()], losses.NLL()),
    "probabilities": ([layers.Linear(4, bias=False), layers.Softmax()], losses.MSE("mean")),
    "outputs": ([layers.Linear(4), layers.Sigmoid()], losses.MSE()),
}


def built(name, end="classes", **options):
    parts, shape = NETWORKS[name]
    parts = [*parts, layers.Flatten(order="column")] if len(parts[-1:]) and name != "depth-wise" else parts
    return Network(sequential(*parts, *ENDS[end][0]), shape, seed=1, **options)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_step_of_other_networks_has_a_check_that_passed(name):
    found = derive(built(name), label=1)
    assert found.passed, found.summary()
    assert all(step.checks for step in found.steps)
    assert all(step.number is None and step.cites for step in found.steps)


@pytest.mark.parametrize("end", ENDS)
def test_every_loss_has_its_formula(end):
    found = derive(built("as LeNet", end), label=2, loss=ENDS[end][1])
    assert found.passed, found.summary()
    (loss,) = [step for step in found.steps if step.symbol == "L"]
    assert [check.against for check in loss.checks] == ["loops in float64 NumPy"]


def test_the_loss_that_fits_the_last_layer_is_chosen():
    chosen = {end: derive(built("padding", end)).about["loss"] for end in ENDS}
    assert chosen["classes"] == "CrossEntropy()"
    assert chosen["log of probabilities"] == "NLL()"
    assert chosen["outputs"] == chosen["probabilities"] == repr(losses.MSE())


def test_batch_norm_takes_its_running_statistics():
    network = Network(sequential(layers.Conv2D(3, 3), layers.BatchNorm(), layers.Tanh()), (1, 6, 6), seed=0)
    rng = np.random.default_rng(0)
    for name, array in network.arrays().items():
        if name.startswith("bn1.") and array.ndim:
            array[...] = rng.uniform(0.5, 2, array.shape)
    before = {name: array.copy() for name, array in network.arrays().items()}
    found = derive(network, label=rng.normal(size=(3, 4, 4)), loss=losses.MSE())
    assert found.passed, found.summary()
    assert {step.title for step in found.steps} >= {"Gradient of bn1.weight", "Gradient of bn1.bias"}
    assert all(np.array_equal(array, before[name]) for name, array in network.arrays().items())


def test_layers_without_loops_here_are_compared_in_their_gradients():
    parts = [
        layers.ConvTranspose2D(2, 3, stride=2),
        layers.GroupNorm(2),
        layers.Upsample(2),
        layers.SeparableConv2D(3, 3),
    ]
    found = derive(Network(sequential(*parts, layers.Flatten(), layers.Linear(3)), (2, 4, 4), seed=0))
    assert found.passed, found.summary()
    without = [step.title.partition(":")[0] for step in found.steps if not step.checks]
    assert len(without) == 4
    assert "no loops of its own" in next(step for step in found.steps if not step.checks).note


def test_the_steps_go_forward_and_back_and_name_the_nearest_equation():
    model = sequential(layers.Conv2D(4, 3, stride=2, rotate=True), layers.ReLU(), layers.Flatten(), layers.Linear(3))
    found = derive(Network(model, (1, 9, 9), seed=0))
    lines = [(step.cites, step.title, step.equation) for step in found.steps]
    assert lines[0] == (
        "as (38), stride 2",
        "conv1: Conv2D(4, 3, stride=2, rotate=True)",
        "x¹_q(i,j) = Σ_p Σ_{u=0..2} Σ_{v=0..2} x⁰_p(2i+u, 2j+v) · w¹_{q,p}(2−u, 2−v) + b¹_q",
    )
    cites = [line[0].partition(",")[0] for line in lines]
    forward, backward = (
        ["as (38)", "as (4)", "as (10)", "as (12)", "as (13)"],
        ["as (15)", "as (19)", "as (24)", "as (30)"],
    )
    assert cites[:9] == forward + backward
    assert cites[9:] == ["as (31)", "as (37)", "as (39)", "as (45)", "as (65)", "as (66)", "as (69)", "as (70)"]


def test_gradients_and_update_are_those_of_the_network():
    network = built("dilation and groups", "outputs", dtype="float64")
    x = np.random.default_rng(0).normal(size=(2, 9, 9))
    found = derive(network, x, 3, learning_rate=0.25)
    _, gradients = network.gradients(x[None], [3], losses.MSE(), training=False)
    values = {step.title: step.values for step in found.steps}
    for name, gradient in gradients.items():
        np.testing.assert_allclose(values[f"Gradient of {name}"], gradient, rtol=1e-12, atol=1e-15)
    optim.SGD(0.25).step(network.parameters, gradients)
    for name, array in network.parameters.items():
        np.testing.assert_allclose(values[f"Update of {name}"], array, rtol=1e-12)
    assert found.losses[1] == pytest.approx(float(((network.predict(x) - np.eye(4)[3]) ** 2).sum() / 2))


def test_kinks_and_ties_are_counted_and_are_no_fault():
    """On a black image every window is tied and every ReLU stands at 0."""
    model = sequential(layers.Conv2D(3, 3), layers.ReLU(), layers.MaxPool2D(2), layers.Flatten(), layers.Linear(3))
    found = derive(Network(model, (1, 8, 8), seed=0), np.zeros((1, 8, 8)))
    assert found.passed
    kinks = sum(check.kinks for step in found.steps for check in step.checks)
    assert kinks > 100
    assert f"{kinks} entries at a kink or a tie do not count" in found.summary()
    assert "at a kink" in str(found)


def test_a_kink_that_is_only_near_is_looked_at_from_nearer():
    network = Network(sequential(layers.ReLU(), layers.Linear(2)), (4,), seed=0)
    found = derive(network, np.array([1e-5, -1e-5, 2e-6, 1.0]))
    assert found.passed
    assert sum(check.kinks for step in found.steps for check in step.checks) == 0


def test_a_layer_that_is_used_twice_has_one_gradient():
    twice = layers.Linear(5, name="twice")
    found = derive(Network(sequential(twice, layers.Tanh(), twice, layers.Tanh()), (5,), seed=0), loss=losses.MSE())
    assert found.passed, found.summary()
    assert [step.title for step in found.steps if step.direction == "update"] == [
        "Update of twice.weight",
        "Update of twice.bias",
    ]


def test_of_a_large_array_some_entries_are_compared():
    found = derive(Network(sequential(layers.Flatten(), layers.Linear(10)), (3, 24, 24), seed=0))
    (check,) = next(step for step in found.steps if step.title == "Gradient of linear1.weight").checks
    assert (check.entries, check.size) == (1024, 17280)
    assert "1,024 of 17,280 entries" in str(found)


def test_scopes_and_models_by_name():
    assert derive(Network(models.nielsen(), (1, 28, 28), seed=0)).passed
    found = derive(Network(models.zhang2016(), (1, 28, 28), seed=0), loss=losses.MSE("mean"))
    assert found.passed
    assert found.steps[0].number is None  # another loss than the paper's


@pytest.fixture
def network():
    return Network(sequential(layers.Flatten(), layers.Linear(3)), (1, 4, 4), seed=0)


IMAGE = np.zeros((1, 4, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (
            (IMAGE.astype("uint8"),),
            {},
            TypeError,
            r"floating-point numbers, got uint8; write image.astype\('float64'\) / 255",
        ),
        ((np.zeros((1, 5, 4)),), {}, ValueError, r"image must have shape \(1, 4, 4\), .*, got \(1, 5, 4\)"),
        ((np.full((1, 4, 4), np.nan),), {}, ValueError, "image must hold finite numbers"),
        ((np.zeros((0, 1, 4, 4)),), {}, ValueError, r"image must have shape \(1, 4, 4\)"),
        (("a.png",), {}, TypeError, "image must hold floating-point numbers"),
        ((IMAGE, 3), {}, ValueError, "label, as the targets of a batch of one image: targets .*3"),
        ((IMAGE, -1), {}, ValueError, "-1"),
        ((IMAGE, "boot"), {}, TypeError, "label must be a number or an array of numbers, got 'boot'"),
        ((IMAGE, 0.5), {}, TypeError, "label, as the targets"),
        ((), {"loss": "mse"}, TypeError, "loss must be a loss of fastconv.losses, got 'mse'"),
        ((), {"loss": losses.MSE}, TypeError, "loss must be a loss"),
        ((), {"learning_rate": 0}, ValueError, "learning_rate must be a number > 0, got 0"),
        ((), {"learning_rate": "0.1"}, TypeError, "learning_rate must be a number, got '0.1'"),
        ((), {"values": 0}, ValueError, "values must be >= 1, got 0"),
        ((), {"seed": -1}, ValueError, "seed must be >= 0, got -1"),
    ],
)
def test_what_is_refused(network, arguments, options, error, words):
    with pytest.raises(error, match=words):
        derive(network, *arguments, **options)


def test_networks_that_are_none_or_not_sequential_are_refused():
    with pytest.raises(
        TypeError, match=r"network must be a Network, got the model Chain; write fastconv.Network\(model, input_shape\)"
    ):
        derive(models.zhang2016())
    with pytest.raises(TypeError, match="network must be a Network, got 3; write"):
        derive(3)
    with pytest.raises(ValueError, match=r"network must be sequential, .* but add1 joins relu1 and input"):
        derive(Network(lambda x: layers.ReLU()(x) + x, (1, 4, 4)))
    with pytest.raises(ValueError, match="network must have at least one layer"):
        derive(Network(sequential(), (1, 4, 4)))


def test_nan_in_the_parameters_is_said(network):
    network.parameters["linear1.weight"][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        derive(network)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8"])
def test_images_of_each_float_dtype_read_only_and_strided(network, dtype):
    wide = np.random.default_rng(0).uniform(size=(4, 8)).astype(dtype)
    image = wide[::-1, ::2]
    image.flags.writeable = False
    for given in (image, image[None], image[None, None]):
        found = derive(network, given, np.int64(1))
        assert found.passed
        np.testing.assert_array_equal(found.image[0], image.astype("float64"))
