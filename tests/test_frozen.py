"""Frozen networks: the network's own predictions, for any batch, from any number of threads, whatever comes later."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastconv.executor.rewrites import use_rewrite
from fastconv.frozen import KEPT
from fastconv.graph import sequential
from fastconv.layers import BatchNorm, Conv2D, DepthwiseConv2D, Flatten, Linear, ReLU, ReLU6
from fastconv.losses import CrossEntropy
from fastconv.network import Network
from fastconv.ops import PackedWeight
from fastconv.optim import SGD
from fastconv.training import train_step


def network(dtype="float32", channels=24):
    model = sequential(
        Conv2D(channels, 3, padding=1, bias=False),
        BatchNorm(),
        ReLU6(),
        DepthwiseConv2D(3, stride=2, padding=1, bias=False),
        BatchNorm(affine=False),
        ReLU(),
        Conv2D(channels, 3, padding=1, rotate=True),
        BatchNorm(),
        Flatten(),
        Linear(6, bias=False),
        BatchNorm(),
    )
    made = Network(model, (3, 12, 11), dtype, seed=0)
    rng = np.random.default_rng(0)
    for _ in range(3):
        train_step(made, rng.standard_normal((4, 3, 12, 11)).astype(dtype), rng.integers(0, 6, 4), SGD(0.1))
    return made


def images(n, dtype="float32"):
    return np.random.default_rng(5).standard_normal((n, 3, 12, 11)).astype(dtype)


@pytest.mark.parametrize("channels", [8, 24], ids=["planar", "channels_last"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-12)])
def test_it_predicts_what_the_network_predicts(dtype, tolerance, channels):
    made, x = network(dtype, channels), images(5, dtype)
    expected = made.predict(x)
    frozen = made.freeze(2)
    np.testing.assert_allclose(frozen.predict(x), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(frozen(x[0]), frozen(x)[0])
    assert frozen.predict(x).dtype == dtype


def test_an_image_has_the_same_bits_in_every_batch():
    frozen, x = network().freeze(), images(7)
    whole = frozen.predict(x)
    for n in (1, 2, 3):
        np.testing.assert_array_equal(frozen.predict(x[:n]), whole[:n])
        np.testing.assert_array_equal(frozen.predict(x, batch_size=n), whole)
    assert frozen.predict(x[:0]).shape == (0, 6)


def test_frozen_for_one_image_or_for_many():
    """The same network: small patches of Winograd's convolution, less memory, or large ones."""
    made = Network(sequential(Conv2D(40, 3, padding=1), ReLU(), Conv2D(36, 3, padding=1)), (33, 7, 8), seed=0)
    x = np.random.default_rng(0).standard_normal((9, 33, 7, 8)).astype("float32")
    one, many = made.freeze(), made.freeze(9)
    assert one.nbytes < 0.6 * many.nbytes
    np.testing.assert_array_equal(many.predict(x), made.predict(x))
    np.testing.assert_allclose(one.predict(x), many.predict(x), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(one.predict(x[3]), one.predict(x)[3])


def test_later_training_does_not_reach_it():
    made, x = network(), images(3)
    frozen = made.freeze()
    before = frozen.predict(x)
    train_step(made, x, [0, 1, 2], SGD(0.5), CrossEntropy())
    np.testing.assert_array_equal(frozen.predict(x), before)
    np.testing.assert_array_equal(frozen.predict(images(2)), before[:2])
    assert np.abs(made.predict(x) - before).max() > 1e-3


def test_later_training_does_not_reach_a_norm_that_stands_alone():
    """Its statistics are read where it runs, for no weights lie before it."""
    made = Network(sequential(BatchNorm(), ReLU()), (3, 4, 5), seed=0)
    x = np.random.default_rng(0).standard_normal((4, 3, 4, 5)).astype("float32")
    frozen = made.freeze()
    before = frozen.predict(x)
    train_step(made, x, np.zeros((4, 4, 5), int), SGD(0.5), CrossEntropy())
    np.testing.assert_array_equal(frozen.predict(x), before)
    assert np.abs(made.predict(x) - before).max() > 1e-3


def test_layers_without_a_bias_have_a_size():
    made = Network(Conv2D(4, 3, bias=False), (1, 8, 8), seed=0)
    frozen = made.freeze()
    assert frozen.nbytes == made.parameters["conv1.weight"].nbytes
    assert f"{frozen.nbytes:,} bytes" in repr(frozen)


def test_many_threads_at_once():
    frozen, x = network().freeze(), images(16)
    expected = frozen.predict(x)

    def work(number):
        n = 1 + number % 4
        return n, frozen.predict(x[:n])

    with ThreadPoolExecutor(8) as pool:
        for n, y in pool.map(work, range(200)):
            np.testing.assert_array_equal(y, expected[:n])


def test_the_plans_used_last_are_kept():
    made, x = network().freeze(), images(12)
    for n in range(1, 13):
        made.predict(x[:n])
    assert [plan.images for plan in made.idle.plans] == list(range(13 - KEPT, 13))
    made.predict(x[:7])
    assert [plan.images for plan in made.idle.plans][-2:] == [12, 7]
    assert len(made.idle.plans) == KEPT


def test_bad_images_are_refused():
    frozen = network().freeze()
    with pytest.raises(ValueError, match=r"x must have shape \(N, 3, 12, 11\)"):
        frozen.predict(np.zeros((2, 3, 12, 12), "float32"))
    with pytest.raises(TypeError, match="x must be float32 like the network, got float64"):
        frozen.predict(np.zeros((2, 3, 12, 11)))
    with pytest.raises(ValueError, match="batch_size must be >= 1"):
        frozen.predict(images(1), batch_size=0)
    with pytest.raises(ValueError, match="batch_size"):
        network().freeze(0)


def test_its_plan_and_its_size():
    made = network()
    frozen = made.freeze()
    lines = [line.step for line in frozen.plan(3).lines]
    assert lines == ["conv1 + bn1 + relu61", "conv2 + bn2 + relu1", "conv3 + bn3", "flatten1", "linear1 + bn4"]
    assert frozen.nbytes >= sum(array.nbytes for array in made.parameters.values() if array.ndim > 1)
    assert "Frozen" in repr(frozen)
    assert "conv1 + bn1" in str(frozen.plan())


def test_weights_are_packed_unless_the_rewrite_is_off():
    network, x = Network(sequential(Conv2D(20, 3), Flatten()), (20, 6, 6), seed=0), np.ones((2, 20, 6, 6), "float32")
    before = use_rewrite("pack", False)
    try:
        plain = network.freeze()
    finally:
        use_rewrite("pack", before)
    packed = network.freeze()
    kinds = [type(frozen.weights.of[1][0].weight) for frozen in (plain, packed)]
    assert kinds == [np.ndarray, PackedWeight]
    np.testing.assert_allclose(plain.predict(x), packed.predict(x), rtol=1e-5, atol=1e-6)
    layer = Conv2D(3, 3)
    assert layer.pack
    assert not layer.unpacked().pack
