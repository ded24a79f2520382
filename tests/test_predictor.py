"""NaN in a prediction: one warning, at the caller's line, that says whose it is."""

import pickle
import warnings

import numpy as np
import pytest

from fastconv import Network, layers, models, sequential
from fastconv.arguments.finite import first_image_with_nan
from fastconv.layers import Conv2D, Flatten, Linear, Tanh


def small(dtype="float32"):
    return Network(sequential(Conv2D(4, 3), Tanh(), Flatten(), Linear(5, name="out")), (1, 6, 6), dtype, seed=0)


def images(n=600, dtype="float32"):
    return np.random.default_rng(0).standard_normal((n, 1, 6, 6)).astype(dtype)


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(w.category is RuntimeWarning and w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


KINDS = {
    "network": lambda net: net.predict,
    "frozen": lambda net: net.freeze().predict,
    "frozen, called": lambda net: net.freeze(),
    "thawed": lambda net: pickle.loads(pickle.dumps(net.freeze())).predict,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 256, 1000])
def test_a_nan_in_an_image_is_reported_once_with_the_image(kind, dtype, batch_size):
    predict, x = KINDS[kind](small(dtype)), images(dtype=dtype)
    assert warned(lambda: predict(x, batch_size=batch_size)) == []
    x[[512, 540], 0, 3, 3] = np.nan
    assert warned(lambda: predict(x, batch_size=batch_size)) == ["the prediction of image 512 is NaN: x[512] holds NaN"]
    assert warned(lambda: predict(x[512])) == ["the prediction is NaN: x holds NaN"]
    assert warned(lambda: predict(x[:512])) == []
    assert warned(lambda: predict(x[:0])) == []


def test_an_infinity_in_an_image():
    net = Network(Linear(2, init="ones"), (2,), seed=0)
    x = np.array([[1, 2], [np.inf, -np.inf]], "float32")
    assert warned(lambda: net.predict(x)) == ["the prediction of image 1 is NaN: x[1] holds infinity"]


def test_a_nan_in_the_network_is_named():
    net, x = small(), images(3)
    net.parameters["out.weight"][2, 3] = np.nan
    assert warned(lambda: net.predict(x)) == [
        "the prediction of image 0 is NaN: x[0] is finite, but network.parameters['out.weight'] holds NaN"
    ]
    norm = Network(sequential(layers.BatchNorm(), Flatten()), (1, 6, 6), seed=0)
    norm.buffers["bn1.running_mean"][...] = np.inf
    assert warned(lambda: norm.predict(np.full((1, 1, 6, 6), 1, "float32"))) == []
    norm.buffers["bn1.running_var"][...] = np.inf
    assert warned(lambda: norm.predict(x[0])) == [
        "the prediction is NaN: x is finite, but network.buffers['bn1.running_mean'] holds infinity"
    ]
    assert warned(lambda: net.freeze().predict(x[0])) == [
        "the prediction is NaN: x is finite, but weights of the network hold NaN, or values in it grow beyond float32"
    ]
    net = Network(sequential(Linear(2, init="ones"), layers.Softmax()), (2,), seed=0)
    x = np.full((1, 2), 3e38, "float32")
    assert warned(lambda: net.predict(x)) == [
        "the prediction of image 0 is NaN: x[0] is finite, but weights of the network hold NaN, or values in it grow "
        "beyond float32"
    ]


def test_infinities_alone_are_no_reason_to_warn():
    net = Network(models.googlenet(3, aux_logits=True), (3, 32, 32), seed=0)
    assert warned(lambda: net.predict(np.ones((2, 3, 32, 32), "float32"))) == []
    same = Network(lambda x: x, (2,))
    for row in ([np.inf, -np.inf], [3e38, -3e38], [np.inf, 0], [-np.inf, -np.inf]):
        assert warned(lambda row=row: same.predict(np.array([row] * 2, "float32"))) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 7, 4096, 100_003])
def test_a_nan_is_found_wherever_it_is(size, dtype):
    rng = np.random.default_rng(size)
    for values in (rng.standard_normal(size), np.full(size, np.inf), np.resize([np.inf, -np.inf, 0], size)):
        y = values.astype(dtype)
        with np.errstate(all="raise"):
            assert first_image_with_nan(y) is None
            for place in {0, size - 1, size // 2, int(rng.integers(size))}:
                broken = np.stack([y, y, y])
                broken[2, 0] = broken[1, place] = np.nan
                assert first_image_with_nan(broken) == 1
    assert first_image_with_nan(np.empty((0, 5), dtype)) is None
