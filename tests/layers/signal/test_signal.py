"""Networks of signals (C, L): layers on two axes, the numbers of images of one row, training, files, errors."""

import numpy as np
import pytest

import fastconv
from fastconv import SGD, CrossEntropy, Network, layers, losses, sequential, train_step
from fastconv.layers import (
    GELU,
    AvgPool1D,
    BatchNorm,
    Conv1D,
    ConvTranspose1D,
    Dropout,
    Flatten,
    GlobalAvgPool1D,
    GroupNorm,
    LayerNorm,
    Linear,
    MaxPool1D,
    PReLU,
    ReLU,
)

SUM = losses.MSE("sum")


def signals(shape, n=3, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(dtype)


LAYERS = {  # the layer of signals, and the layer of images with H = 1
    "conv": (
        lambda: Conv1D(20, 5, stride=2, padding=(1, 3), dilation=2, groups=2),
        lambda: layers.Conv2D(20, (1, 5), stride=(1, 2), padding=((0, 0), (1, 3)), dilation=(1, 2), groups=2),
    ),
    "same": (
        lambda: Conv1D(17, 4, padding="SAME", bias=False, precise=True),
        lambda: layers.Conv2D(17, (1, 4), padding="same", bias=False, precise=True),
    ),
    "conv transpose": (
        lambda: ConvTranspose1D(5, 3, stride=2, padding=1, output_padding=1),
        lambda: layers.ConvTranspose2D(5, (1, 3), stride=(1, 2), padding=(0, 1), output_padding=(0, 1)),
    ),
    "max": (
        lambda: MaxPool1D(3, 2, 1, ceil_mode=True),
        lambda: layers.MaxPool2D((1, 3), (1, 2), (0, 1), ceil_mode=True),
    ),
    "mean": (lambda: AvgPool1D(3, 2), lambda: layers.AvgPool2D((1, 3), (1, 2))),
    "adaptive mean": (lambda: layers.AdaptiveAvgPool1D(5), lambda: layers.AdaptiveAvgPool2D((1, 5))),
    "adaptive max": (lambda: layers.AdaptiveMaxPool1D(5), lambda: layers.AdaptiveMaxPool2D((1, 5))),
    "global mean": (GlobalAvgPool1D, layers.GlobalAvgPool2D),
    "global max": (layers.GlobalMaxPool1D, layers.GlobalMaxPool2D),
}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("frozen", [False, True])
def test_values_and_gradients_are_those_of_images_of_one_row(kind, frozen):
    one, two = LAYERS[kind]
    network, other = Network(one(), (6, 14), seed=0), Network(two(), (6, 1, 14), seed=0)
    for name, array in network.parameters.items():
        assert array.ndim == (3 if name.endswith("weight") else 1)
        np.testing.assert_array_equal(array.ravel(), other.parameters[name].ravel())
    x = signals((6, 14))
    y, expected = ((n.freeze() if frozen else n) for n in (network, other))
    y, expected = y.predict(x), expected.predict(x[:, :, None])
    np.testing.assert_allclose(y.ravel(), expected.ravel(), rtol=0, atol=1e-5)
    _, found, dx = network.gradients(x, np.zeros_like(y), SUM, inputs=True)
    _, wanted, other_dx = other.gradients(x[:, :, None], np.zeros_like(expected), SUM, inputs=True)
    np.testing.assert_allclose(dx, other_dx[:, :, 0], rtol=0, atol=1e-4)
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient.ravel(), wanted[name].ravel(), rtol=1e-4, atol=1e-3)


def model(x):
    """Every kind of layer that takes signals, with a sum and a concatenation of them."""
    x = MaxPool1D(2)(ReLU()(BatchNorm()(Conv1D(12, 5, padding=2)(x))))
    y = GELU()(GroupNorm(3)(Conv1D(12, 3, padding="same", groups=3, bias=False)(x)))
    x = ReLU()(BatchNorm()(Conv1D(12, 1)(y)) + x)
    y = ConvTranspose1D(8, 2, stride=2)(AvgPool1D(2)(PReLU(shared=False)(x)))
    x = fastconv.concat(x, LayerNorm(axis="channels")(y), layers.Softmax()(y))
    x = Dropout(0.1, seed=0)(layers.LocalResponseNorm(3)(layers.HardSwish()(x)))
    return Linear(3)(Flatten()(layers.AdaptiveAvgPool1D(4)(x)))


def labelled(n=24):
    """Signals whose class is a frequency."""
    rng, t = np.random.default_rng(0), np.arange(32)
    labels = np.arange(n) % 3
    waves = np.sin(t * (0.3 + 0.5 * labels[:, None]) + rng.uniform(0, 6, (n, 1)))
    return (waves[:, None] + 0.1 * rng.standard_normal((n, 2, 32))).astype("float32"), labels


@pytest.mark.parametrize("lean", [False, True])
def test_a_network_learns_to_tell_frequencies_with_the_same_bits_on_any_threads(lean, all_threads):
    (x, labels), results = labelled(), []
    for threads in (1, 2):
        all_threads(threads)
        network, optimizer = Network(model, (2, 32), seed=0), SGD(0.05, momentum=0.9)
        values = [train_step(network, x, labels, optimizer, CrossEntropy(), lean=lean) for _ in range(30)]
        assert values[-1] < 0.3 * values[0]
        results.append((values, network.predict(x).tobytes()))
        np.testing.assert_allclose(network.freeze().predict(x), network.predict(x), rtol=0, atol=1e-4)
        assert network.predict(x[3]).tobytes() == network.predict(x)[3].tobytes()
    assert results[0] == results[1]


def test_gradients_of_the_whole_network_pass_central_differences():
    x, labels = labelled(4)
    network = Network(model, (2, 32), "float64", seed=0)
    assert fastconv.gradcheck(network, x.astype("float64"), labels, CrossEntropy()).passed


@pytest.mark.parametrize("loss", [CrossEntropy(), losses.MSE(), losses.L1(), losses.Huber(), losses.BCEWithLogits()])
def test_losses_of_signals(loss):
    """A class for each place of the signal, or a value for each."""
    network, x = Network(Conv1D(3, 3, padding=1), (2, 9), "float64", seed=0), signals((2, 9), 4, "float64")
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 3, (4, 9)) if loss == CrossEntropy() else rng.random((4, 3, 9))
    assert fastconv.gradcheck(network, x, targets, loss).passed
    loss_of_training, _ = network.gradients(x, targets, loss)
    assert fastconv.evaluate(network, x, targets, loss=loss)[0] == pytest.approx(loss_of_training)


def test_weights_have_pytorchs_shapes_and_are_saved(tmp_path):
    network = Network(sequential(Conv1D(4, 3, groups=2, name="c"), ConvTranspose1D(6, 5, name="t")), (2, 9), seed=0)
    assert {name: array.shape for name, array in network.parameters.items()} == {
        "c.weight": (4, 1, 3),
        "c.bias": (4,),
        "t.weight": (4, 6, 5),
        "t.bias": (6,),
    }
    network.save(tmp_path / "n.safetensors")
    other = Network(sequential(Conv1D(4, 3, groups=2, name="c"), ConvTranspose1D(6, 5, name="t")), (2, 9), seed=1)
    other.load(tmp_path / "n.safetensors")
    x = signals((2, 9))
    assert other.predict(x).tobytes() == network.predict(x).tobytes()


def test_fitting_with_validation_and_a_summary():
    x, labels = labelled()
    network = Network(sequential(Conv1D(4, 5, activation="relu"), GlobalAvgPool1D(), Linear(3)), (2, 32), seed=0)
    history = fastconv.fit(network, x, labels, epochs=2, batch_size=8, validation=0.25, progress=False, seed=0)
    assert len(history) == 2
    assert "4 x 28" in str(network.summary())
    assert network.summary().multiply_adds == 4 * 28 * 2 * 5 + 4 * 3


def test_a_changed_number_counts_at_once_or_is_refused():
    layer = Conv1D(4, 3, padding=1)
    network, x = Network(layer, (2, 9), seed=0), signals((2, 9))
    before = network.predict(x)
    layer.dilation, layer.padding = 2, 2
    after = network.predict(x)
    assert np.abs(after - before).max() > 0.01
    expected = fastconv.conv1d(x, *network.parameters.values(), padding=2, dilation=2)
    np.testing.assert_allclose(after, expected, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="kernel_size must be >= 1, got 0"):
        layer.kernel_size = 0
    layer.kernel_size = 5
    with pytest.raises(RuntimeError, match="was changed after the network was built"):
        network.predict(x)


@pytest.mark.parametrize(
    ("make", "shape", "says"),
    [
        (lambda: Conv1D(4, 3), (3, 8, 8), r"needs signals \(C, L\), got shape \(3, 8, 8\); for images there are the"),
        (lambda: Conv1D(4, 3), (8,), r"needs signals \(C, L\), got shape \(8,\); put Reshape\(\(1, -1\)\) before it"),
        (lambda: Conv1D(4, 9), (3, 8), "weight must fit into the padded signal: .* a length of 9, the signal's is 8"),
        (lambda: Conv1D(4, 3, groups=2), (3, 8), "groups must divide the channels, got groups=2 and 3 channels"),
        (lambda: MaxPool1D(9), (3, 8), "the window's length is 9, the signal's 8"),
        (
            lambda: MaxPool1D(2, padding=2),
            (3, 8),
            r"padding must be below the effective kernel, got padding \(2, 2\)|ng 2",
        ),
        (lambda: Conv1D(5, 3, groups=2), (4, 8), "groups must divide channels, got groups=2 and channels=5"),
        (lambda: Conv1D(5, (3, 3)), (4, 8), r"kernel_size must be an integer, got \(3, 3\)"),
        (lambda: Conv1D(5, 3, padding="mirror"), (4, 8), "padding must be"),
        (lambda: ConvTranspose1D(4, 3, stride=2, output_padding=2), (4, 8), "output_padding must be smaller"),
        (lambda: ConvTranspose1D(4, 3, padding="same"), (4, 8), "write padding='multiple'"),
        (
            lambda: layers.Conv2D(4, 3),
            (3, 8),
            r"needs images .* got shape \(3, 8\); .*input_shape \(1, 3, 8\), for",
        ),
    ],
)
def test_what_is_refused(make, shape, says):
    with pytest.raises((TypeError, ValueError), match=says) as caught:
        Network(make(), shape)
    assert "width" not in str(caught.value)


def test_names_of_layers_of_other_libraries():
    with pytest.raises(AttributeError, match=r"write fastconv.Conv1D\(16, 3, padding=1\)"):
        _ = fastconv.Conv1d
    with pytest.raises(AttributeError, match=r"3-D images are not supported: there are layers of images \(C, H"):
        _ = fastconv.Conv3d
