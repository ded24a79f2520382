"""Bad input of gradcheck gets one clear line."""

import threading

import numpy as np
import pytest

import fastconv
from fastconv import layers
from fastconv.differences import gradcheck

X = np.random.default_rng(0).standard_normal((2, 3, 6, 6))
NETWORK = fastconv.Network(fastconv.models.nielsen(), (1, 28, 28), seed=0)
IMAGES = np.ones((2, 1, 28, 28))
SQUARE = (np.square, lambda dy, x: 2 * x * dy)


def locked():
    layer = Locked()
    layer.lock = threading.Lock()
    return layer


class Locked(fastconv.Layer):
    lock = None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradcheck("conv2d", X), "gradcheck cannot check 'conv2d'; write gradcheck"),
        (lambda: gradcheck(None), "gradcheck cannot check None"),
        (lambda: gradcheck(layers.ReLU, (3, 4, 4)), "gradcheck cannot check the class ReLU"),
        (lambda: gradcheck(fastconv.conv2d), "fastconv.conv2d: missing a required argument: 'x'"),
        (lambda: gradcheck(fastconv.conv2d, X, X, pading=1), "unexpected keyword argument 'pading'"),
        (lambda: gradcheck(fastconv.conv2d, X, np.ones((4, 2, 3, 3))), "weight must have shape"),
        (lambda: gradcheck(fastconv.conv2d, X, X, activation="relu"), "know no activation; leave it out"),
        (lambda: gradcheck(fastconv.add, X, X), "fastconv.add has no backward function"),
        (lambda: gradcheck(fastconv.relu, np.arange(3)), "x must be an array of floats, got int64"),
        (lambda: gradcheck(fastconv.relu, [1.0, 2.0]), "x must be an array of floats, got a list"),
        (lambda: gradcheck(fastconv.relu, np.array([1, np.nan])), "x must hold finite numbers, got 1 that are not"),
        (lambda: gradcheck(fastconv.relu, np.zeros((0, 3))), "relu has no entries to check"),
        (lambda: gradcheck(fastconv.conv2d, X[:0], X), "conv2d has no entries to check in x; give it arrays"),
        (lambda: gradcheck(layers.ReLU()), "needs images or the shape of one"),
        (lambda: gradcheck(layers.ReLU(), np.ones(6)), r"of one image make a batch: x\[None\]"),
        (lambda: gradcheck(layers.Conv2D(3, 3), (3,)), r"needs images \(C, H, W\)"),
        (lambda: gradcheck(lambda x: x**2, np.ones((2, 3))), r"write gradcheck\(\(forward, backward\), x\)"),
        (lambda: gradcheck(locked(), (3,)), "gradcheck works on a copy, and .* cannot be copied"),
        (lambda: gradcheck(NETWORK, IMAGES[0]), r"x must have shape \(N, 1, 28, 28\)"),
        (lambda: gradcheck(NETWORK, IMAGES[:0]), r"x must have shape \(N, 1, 28, 28\)"),
        (lambda: gradcheck(NETWORK, IMAGES * np.nan), "x must hold finite numbers"),
        (lambda: gradcheck(NETWORK, IMAGES, [1, 2]), "a loss and targets belong together"),
        (lambda: gradcheck(NETWORK, IMAGES, fastconv.CrossEntropy(), [1, 2]), "targets come before the loss"),
        (lambda: gradcheck(NETWORK, IMAGES, [1, 2, 3], fastconv.CrossEntropy()), r"targets must have shape \(2,\)"),
        (lambda: gradcheck(NETWORK, IMAGES, [1, 2], "mse"), "loss must be a loss object"),
        (lambda: gradcheck(NETWORK, IMAGES, training="yes"), "training must be True or False"),
        (lambda: gradcheck(NETWORK, IMAGES, mode=1), "takes no mode; it takes x, targets, loss, training"),
        (lambda: gradcheck(NETWORK, IMAGES, x=IMAGES), "x is given twice"),
        (lambda: gradcheck(NETWORK, IMAGES, 1, 2, 3), "takes x, targets and loss by position, got 4"),
        (lambda: gradcheck(fastconv.relu, X, entries=0), "entries must be >= 1, got 0"),
        (lambda: gradcheck(fastconv.relu, X, tolerance=-1), "tolerance must be above 0 and below 1"),
        (lambda: gradcheck(fastconv.relu, X, seed="a"), "seed must be an integer"),
        (lambda: gradcheck(fastconv.relu, X, raise_exception=None), "raise_exception must be True or False"),
        (lambda: gradcheck((np.square, None), X), r"two functions, \(forward, backward\), got \(the function square"),
        (lambda: gradcheck(SQUARE), "write at least one array of floats, which forward gets; got none"),
        (lambda: gradcheck(SQUARE, np.arange(3)), "got int64"),
        (lambda: gradcheck((lambda x: x, SQUARE[1]), X, power=2), r"forward cannot be called with \(x, power=...\)"),
        (lambda: gradcheck((np.square, lambda: 1), X), r"backward must take \(dy, x\), or dy alone"),
        (lambda: gradcheck((np.square, lambda dy, x: None), X), "must return the gradient of at least one of x"),
        (lambda: gradcheck((np.square, lambda dy, x: "a"), X), "must return arrays of real numbers, got 'a'"),
        (lambda: gradcheck((np.square, lambda dy, x: {"w": x}), X), "must return a gradient for each of x"),
        (lambda: gradcheck((lambda x: None, SQUARE[1]), X), "forward must return an array of real numbers, got None"),
        (lambda: gradcheck((np.log, lambda dy, x: dy / x), np.array([-1.0, 1])), "log gives NaN or infinity here"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_read_only_strided_float32_and_single_arrays_are_fine():
    assert gradcheck(SQUARE, np.broadcast_to(np.ones(3), (2, 3)))
    assert gradcheck(SQUARE, np.array(3.0)).rows[0].shape == ()
    assert gradcheck(fastconv.relu, X.astype("float32")[:, ::-1, ::2])
    assert gradcheck(fastconv.cross_entropy, np.ones((1, 1)), np.array([0]))


def test_integers_and_numbers_among_the_arguments_are_passed_on():
    def taken(x, places, factor=1):
        return factor * x[places]

    def backward(dy, x, places, factor=1):
        dx = np.zeros_like(x)
        np.add.at(dx, places, factor * dy)
        return dx

    assert gradcheck((taken, backward), np.arange(4.0), np.array([1, 1, 3]), factor=2.5)
