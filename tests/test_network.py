"""What people hold: predictions, gradients, names, the summary, weights on disk."""

import numpy as np
import pytest

from fastconv import layers, losses
from fastconv.checkpoint import CheckpointError
from fastconv.graph import sequential
from fastconv.layers import Conv2D, Dropout, Flatten, Linear, ReLU, Sigmoid
from fastconv.network import Network


def small(seed=0, dtype="float32"):
    return Network(sequential(Conv2D(4, 3), ReLU(), Flatten(), Linear(5, name="out")), (1, 6, 6), dtype, seed=seed)


def images(n, dtype="float32", seed=0):
    return np.random.default_rng(seed).standard_normal((n, 1, 6, 6)).astype(dtype)


def test_one_image_and_many():
    network, x = small(), images(600)
    y = network.predict(x)
    assert y.shape == (600, 5)
    assert y.dtype == np.float32
    assert y.flags.c_contiguous
    assert network.predict(x[3]).shape == (5,)
    for batch_size in (1, 100, 599, 1000):
        np.testing.assert_array_equal(network.predict(x, batch_size), y)


def test_a_channels_last_network_returns_ordinary_arrays():
    network = Network(Conv2D(20, 3), (3, 6, 6), seed=0)
    y = network.predict(np.ones((2, 3, 6, 6), "float32"))
    assert y.shape == (2, 20, 4, 4)
    assert y.flags.c_contiguous


@pytest.mark.parametrize(
    "odd",
    [
        lambda x: np.asfortranarray(x),
        lambda x: x.astype(">f4"),
        lambda x: np.repeat(x, 2, axis=3)[..., ::2],
        lambda x: x[::-1, :, ::-1][::-1, :, ::-1],
        lambda x: x.tolist() and np.frombuffer(b"0" + x.tobytes(), np.uint8)[1:].view("f4").reshape(x.shape),
    ],
    ids=["fortran", "swapped", "strided", "negative", "misaligned, read-only"],
)
@pytest.mark.parametrize("channels", [4, 20])
def test_any_memory_of_the_images(odd, channels):
    network, x = Network(Conv2D(channels, 3), (1, 6, 6), seed=0), images(3)
    np.testing.assert_array_equal(network.predict(odd(x)), network.predict(x))


@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (np.zeros((2, 1, 6, 6)), TypeError, r"astype\('float32'\)"),
        (np.zeros((2, 1, 6, 6), "uint8"), TypeError, "x must be float32 like the network, got uint8"),
        (np.zeros((2, 1, 6, 7), "float32"), ValueError, r"\(N, 1, 6, 6\)"),
        (np.zeros((2, 36), "float32"), ValueError, r"got \(2, 36\)"),
        (np.float32(0), ValueError, r"got \(\)"),
    ],
)
def test_wrong_images(x, error, says):
    with pytest.raises(error, match=says):
        small().predict(x)
    with pytest.raises(ValueError, match="batch_size must be >= 1"):
        small().predict(images(1), 0)


def test_parameters_are_live():
    network, x = small(), images(2)
    assert list(network.parameters) == ["conv1.weight", "conv1.bias", "out.weight", "out.bias"]
    y = network.predict(x)
    network.parameters["out.bias"] += 1
    np.testing.assert_allclose(network.predict(x), y + 1, rtol=1e-5)
    array = network.parameters["out.bias"]
    network.parameters["out.bias"] = np.arange(5)
    assert network.parameters["out.bias"] is array
    np.testing.assert_array_equal(array, np.arange(5))
    with pytest.raises(ValueError, match=r"out.bias must have shape \(5,\)"):
        network.parameters["out.bias"] = 0
    with pytest.raises(KeyError):
        network.parameters["unknown"] = np.zeros(5)
    assert repr(network.buffers) == "<>"
    assert repr(network.parameters).startswith("<'conv1.weight': (4, 1, 3, 3) float32, ")


def test_gradients_of_a_training_step_in_plain_numpy():
    """Dense, sigmoid, dense and the half squared error, in float64, against the equations written out."""
    network = Network(sequential(Linear(6, name="a"), Sigmoid(), Linear(3, name="b")), (4,), "float64", seed=1)
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((5, 4)), rng.standard_normal((5, 3))
    p = network.parameters
    z = 1 / (1 + np.exp(-(x @ p["a.weight"].T + p["a.bias"])))
    y = z @ p["b.weight"].T + p["b.bias"]
    dy = (y - t) / 5
    dz = (dy @ p["b.weight"]) * z * (1 - z)
    expected = {"b.weight": dy.T @ z, "b.bias": dy.sum(0), "a.weight": dz.T @ x, "a.bias": dz.sum(0)}
    loss, gradients = network.gradients(x, t, losses.MSE())
    assert loss == pytest.approx(((y - t) ** 2).sum() / 2 / 5, rel=1e-13)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("loss", [losses.MSE(), losses.MSE("mean"), losses.MSE("sum"), losses.CrossEntropy()])
def test_gradients_against_central_differences(loss):
    network, x = small(dtype="float64"), images(3, "float64")
    targets = np.array([4, 0, 2])
    _, gradients = network.gradients(x, targets, loss)
    for name in ("conv1.weight", "out.bias"):
        array = network.parameters[name]
        for index in ((0, 0, 1, 2), (3, 0, 2, 0)) if array.ndim == 4 else ((0,), (4,)):
            kept, value = array[index], []
            for step in (1e-5, -1e-5):
                array[index] = kept + step
                value.append(network.gradients(x, targets, loss)[0])
            array[index] = kept
            assert gradients[name][index] == pytest.approx((value[0] - value[1]) / 2e-5, rel=1e-6, abs=1e-9)


def test_gradients_change_no_parameter_and_twice_are_the_same_bits():
    network, x = small(), images(4)
    before = network.parameters.flat.tobytes()
    first = network.gradients(x, [1, 2, 3, 4], losses.CrossEntropy())
    second = network.gradients(x, [1, 2, 3, 4], losses.CrossEntropy())
    assert first[0] == second[0]
    assert first[1].flat.tobytes() == second[1].flat.tobytes()
    assert network.parameters.flat.tobytes() == before


@pytest.mark.parametrize(
    ("targets", "error", "says"),
    [
        ([0, 5], ValueError, "from 0 to 4, got 0 to 5"),
        ([0, -1], ValueError, "got -1 to 0"),
        ([0], ValueError, r"must have shape \(2,\)"),
        ([0.0, 1.0], TypeError, "class indices"),
    ],
)
def test_wrong_targets(targets, error, says):
    with pytest.raises(error, match=says):
        small().gradients(images(2), targets, losses.CrossEntropy())


def test_wrong_targets_of_squares():
    for targets in (np.zeros((2, 4), "float32"), np.zeros(2, "float32")):
        with pytest.raises(ValueError, match=r"must have shape \(2, 5\)"):
            small().gradients(images(2), targets, losses.MSE())
    with pytest.raises(TypeError, match="must be float32 like the network, got float64"):
        small().gradients(images(2), np.zeros((2, 5)), losses.MSE())
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.MSE("half")
    with pytest.raises(ValueError, match="at least one image"):
        small().gradients(images(1)[0], [0], losses.CrossEntropy())


def test_dropout_is_random_in_training_and_reproducible():
    def network():
        return Network(sequential(Flatten(), Dropout(0.5), Linear(5)), (1, 6, 6), seed=7)

    def steps(network, count):
        return [network.gradients(images(4), [0, 1, 2, 3], losses.CrossEntropy())[0] for _ in range(count)]

    a, b = network(), network()
    first = steps(a, 3)
    assert len(set(first)) == 3
    assert first == steps(b, 3)
    assert list(a.buffers) == ["dropout1.counter"]
    assert a.buffers["dropout1.counter"][1] == 3
    before = a.buffers["dropout1.counter"].copy()
    np.testing.assert_array_equal(a.predict(images(4)), a.predict(images(4)))
    np.testing.assert_array_equal(a.buffers["dropout1.counter"], before)


def test_dropout_keeps_the_mean():
    network = Network(Dropout(0.25, seed=1), (1, 100, 100), "float64")
    kept = network.executor.bound_plan(2, losses.MSE())
    kept.write(np.ones((2, 1, 100, 100)))
    kept.run()
    assert set(np.unique(kept.y)) == {0, 1 / (1 - 0.25)}
    assert kept.y.mean() == pytest.approx(1, abs=0.02)
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\)"):
        Dropout(1.0)


def test_the_summary_counts():
    summary = small().summary()
    assert summary.parameters == 4 * 9 + 4 + 64 * 5 + 5
    assert summary.neurons == 4 * 4 * 4 + 5
    assert summary.multiply_adds == 64 * 9 + 64 * 5
    rows = {row.name: row for row in summary.rows}
    assert rows["conv1"] == ("conv1", "Conv2D", (4, 4, 4), 40, 64, 576)
    text = str(summary)
    assert "4 x 4 x 4" in text
    assert text.splitlines()[-1].split() == ["total", "365", "69", "896"]


@pytest.mark.parametrize(
    ("layer", "multiply_adds"),
    [
        (Conv2D(6, 3, stride=2, groups=2, padding=1), 6 * 3 * 3 * 2 * 9),
        (layers.DepthwiseConv2D(3), 4 * 4 * 4 * 9),
        (layers.SeparableConv2D(7, 3), 16 * 4 * (9 + 7)),
        (layers.ConvTranspose2D(5, 2, stride=2), 36 * 4 * 5 * 4),
        (layers.MaxPool2D(2), 0),
        (layers.LocalResponseNorm(3), 36 * 4 * 3),
    ],
)
def test_multiply_adds(layer, multiply_adds):
    assert Network(layer, (4, 6, 6)).summary().multiply_adds == multiply_adds


def test_shared_parameters_are_counted_once():
    layer = Conv2D(3, 3, padding=1)
    summary = Network(sequential(layer, layer), (3, 4, 4)).summary()
    assert summary.parameters == 84
    assert summary.neurons == 96


def test_save_and_load(tmp_path):
    path = tmp_path / "weights.npz"
    a, b, x = small(seed=1), small(seed=2), images(3)
    assert (a.predict(x) != b.predict(x)).any()
    a.save(path, {"model": "small", "epochs": 3})
    assert b.load(path) == {"model": "small", "epochs": 3}
    np.testing.assert_array_equal(a.predict(x), b.predict(x))
    with np.load(path, allow_pickle=False) as file:  # plain NumPy reads it too
        np.testing.assert_array_equal(file["conv1.weight"], a.parameters["conv1.weight"])


def test_buffers_are_saved_too(tmp_path):
    def network(seed):
        return Network(sequential(Flatten(), Dropout(0.5), Linear(5)), (1, 6, 6), seed=seed)

    a, b = network(1), network(2)
    a.gradients(images(2), [0, 1], losses.CrossEntropy())
    a.save(tmp_path / "a")
    b.load(tmp_path / "a")
    one, two = (n.gradients(images(2), [0, 1], losses.CrossEntropy()) for n in (a, b))
    assert one[0] == two[0]


def test_a_file_of_another_network(tmp_path):
    small().save(tmp_path / "w")
    other = Network(sequential(Conv2D(4, 5), Flatten(), Linear(5)), (1, 6, 6), "float32", seed=0)
    before = other.parameters.flat.copy()
    with pytest.raises(CheckpointError) as caught:
        other.load(tmp_path / "w")
    text = str(caught.value)
    assert "2 missing: linear1.weight, linear1.bias; 2 unknown: out.weight, out.bias; 1 of another shape" in text
    assert "conv1.weight is (4, 1, 3, 3) float32, must be (4, 1, 5, 5) float32" in text
    np.testing.assert_array_equal(other.parameters.flat, before)
    wide = small(dtype="float64")
    wide.load(tmp_path / "w")
    np.testing.assert_array_equal(wide.parameters["conv1.weight"], small().parameters["conv1.weight"])


def test_repr():
    assert repr(small()) == "<Network (1, 6, 6) -> (5,), 365 parameters, float32>"


@pytest.mark.parametrize("name", [name for name in dir(Network) if name[0] != "_" and callable(getattr(Network, name))])
def test_errors_about_arguments_name_no_base_class(name):
    with pytest.raises(TypeError) as caught:
        getattr(small(), name)(unheard_of=1)
    assert name in str(caught.value)
    for base in Network.__bases__:
        assert base.__name__ not in str(caught.value)
