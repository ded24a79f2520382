"""Losses with settings: values and gradients beside formulas in float64, through a network that changes nothing."""

import numpy as np
import pytest

from fastconv import losses, sequential
from fastconv.layers import Conv2D, Linear, LogSoftmax, Sigmoid
from fastconv.network import Network
from fastconv.training import evaluate, fit

RNG = np.random.default_rng(0)
Y = RNG.normal(size=(6, 3))
CLASSES = np.array([0, 2, 1, 1, 0, 2])
SOFT = RNG.dirichlet(np.ones(3), size=6)
MAPS = RNG.normal(size=(2, 3, 4, 5))
OF_PIXELS = RNG.integers(0, 3, (2, 4, 5))


def bound(loss, y, targets):
    """(loss, gradient) of float64 outputs."""
    value, dy = np.zeros(()), np.empty_like(y)
    loss.bind(y, loss.prepare(targets, y.shape, y.dtype), value, dy)()
    return float(value), dy


def slope(function, y, step=1e-6):
    """Central differences of a function of y."""
    found = np.empty_like(y)
    for i in np.ndindex(y.shape):
        up, down = y.copy(), y.copy()
        up[i] += step
        down[i] -= step
        found[i] = (function(up) - function(down)) / (2 * step)
    return found


def log_softmax(y):
    return y - np.log(np.exp(y).sum(1, keepdims=True))


def vectors(classes, count=3):
    """One-hot vectors along axis 1."""
    return np.moveaxis(np.eye(count)[classes], -1, 1)


def entropy(y, t, weight=None, smoothing=0.0, counted=None, reduction="mean", by_weight=True):
    """Cross entropy with targets t (N, K, ...): the equation of the documentation."""
    w = np.ones(y.shape[1]) if weight is None else np.array(weight, float)
    w = w.reshape(-1, *(1,) * (y.ndim - 2))
    rows = -(w * ((1 - smoothing) * t + smoothing / y.shape[1]) * log_softmax(y)).sum(1)
    counted = np.ones(rows.shape, bool) if counted is None else counted
    each = (w * t).sum(1) if by_weight else np.ones(rows.shape)
    return (rows * counted).sum() / ((each * counted).sum() if reduction == "mean" else 1)


IGNORING = np.where(CLASSES == 1, 255, CLASSES)
PIXELS_IGNORING = np.where(OF_PIXELS == 2, -100, OF_PIXELS)
CASES = {
    "plain": (losses.CrossEntropy(), Y, CLASSES, lambda y: entropy(y, vectors(CLASSES))),
    "sum": (losses.CrossEntropy(reduction="sum"), Y, CLASSES, lambda y: entropy(y, vectors(CLASSES), reduction="sum")),
    "weights": (
        losses.CrossEntropy(weight=[1, 0, 2.5]),
        Y,
        CLASSES,
        lambda y: entropy(y, vectors(CLASSES), weight=[1, 0, 2.5]),
    ),
    "smoothing": (
        losses.CrossEntropy(label_smoothing=0.1),
        Y,
        CLASSES,
        lambda y: entropy(y, vectors(CLASSES), smoothing=0.1),
    ),
    "smoothing and weights of pixels": (
        losses.CrossEntropy(weight=(3, 1, 0.5), label_smoothing=0.3),
        MAPS,
        OF_PIXELS,
        lambda y: entropy(y, vectors(OF_PIXELS), weight=(3, 1, 0.5), smoothing=0.3),
    ),
    "ignored": (
        losses.CrossEntropy(ignore_index=255),
        Y,
        IGNORING,
        lambda y: entropy(y, vectors(CLASSES), counted=CLASSES != 1),
    ),
    "ignored pixels": (
        losses.CrossEntropy(),
        MAPS,
        PIXELS_IGNORING,
        lambda y: entropy(y, vectors(OF_PIXELS), counted=OF_PIXELS != 2),
    ),
    "soft": (losses.CrossEntropy(soft_targets=True), Y, SOFT, lambda y: entropy(y, SOFT, by_weight=False)),
    "soft, of indices": (
        losses.CrossEntropy(soft_targets=True),
        MAPS,
        OF_PIXELS,
        lambda y: entropy(y, vectors(OF_PIXELS)),
    ),
    "soft, weights and smoothing": (
        losses.CrossEntropy(soft_targets=True, weight=[1, 2, 3], label_smoothing=0.2),
        Y,
        SOFT,
        lambda y: entropy(y, SOFT, weight=[1, 2, 3], smoothing=0.2, by_weight=False),
    ),
    "nll": (losses.NLL(), Y, CLASSES, lambda y: -y[np.arange(6), CLASSES].mean()),
    "nll, weights": (
        losses.NLL(weight=[1, 2, 4], ignore_index=255),
        Y,
        IGNORING,
        lambda y: -(np.array([1, 2, 4])[CLASSES] * (CLASSES != 1) * y[np.arange(6), CLASSES]).sum() / 10,
    ),
    "l1": (losses.L1(), Y, SOFT, lambda y: np.abs(y - SOFT).mean()),
    "l1, sum of vectors": (losses.L1("sum"), Y, CLASSES, lambda y: np.abs(y - vectors(CLASSES)).sum()),
    "huber": (
        losses.Huber(0.7),
        Y,
        SOFT,
        lambda y: np.where(abs(y - SOFT) <= 0.7, (y - SOFT) ** 2 / 2, 0.7 * (abs(y - SOFT) - 0.35)).mean(),
    ),
    "binary": (
        losses.BCEWithLogits(),
        Y,
        SOFT,
        lambda y: -(SOFT * np.log(1 / (1 + np.exp(-y))) + (1 - SOFT) * np.log(1 / (1 + np.exp(y)))).mean(),
    ),
    "binary, weights of maps": (
        losses.BCEWithLogits([1, 2, 0.5], reduction="sum"),
        MAPS,
        vectors(OF_PIXELS),
        lambda y: (
            -(
                np.array([1, 2, 0.5])[:, None, None] * vectors(OF_PIXELS) * np.log(1 / (1 + np.exp(-y)))
                + (1 - vectors(OF_PIXELS)) * np.log(1 / (1 + np.exp(y)))
            ).sum()
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradient_are_those_of_the_formula(name):
    loss, y, targets, formula = CASES[name]
    value, dy = bound(loss, y, targets)
    assert value == pytest.approx(formula(y), rel=1e-12)
    np.testing.assert_allclose(dy, slope(formula, y), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_network_trains_with_ignored_pixels_and_does_not_count_them(channels_last):
    x = RNG.normal(size=(8, 2, 4, 4)).astype("float32")
    labels = (x[:, 0] > x[:, 1]).astype("int64")
    hidden = np.where(RNG.random(labels.shape) < 0.3, 255, labels)
    if channels_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    loss = losses.CrossEntropy(ignore_index=255)
    network = Network(Conv2D(2, 1), (2, 4, 4), seed=0)
    last = fit(network, x, hidden, epochs=60, batch_size=4, loss=loss, seed=0, progress=False)[-1]
    assert last.accuracy > 0.95
    y = network.predict(x)
    found, accuracy = evaluate(network, x, hidden, loss)
    counted = hidden != 255
    assert accuracy == np.mean(y.argmax(1)[counted] == labels[counted])
    assert found == pytest.approx(entropy(y.astype(float), vectors(labels, 2), counted=counted), rel=1e-5)


def test_soft_targets_are_scored_by_their_most_probable_class():
    x = np.eye(3, dtype="float32")
    network = Network(Linear(3, init="zeros"), (3,))
    network.parameters["linear1.weight"][...] = 4 * np.eye(3)
    targets = np.array([[0.8, 0.2, 0], [0.4, 0.6, 0], [0.9, 0, 0.1]], "float32")
    _, accuracy = evaluate(network, x, targets, losses.CrossEntropy(soft_targets=True))
    assert accuracy == pytest.approx(2 / 3)
    _, accuracy = evaluate(network, x, [0, 1, 2], losses.CrossEntropy(soft_targets=True))
    assert accuracy == 1


@pytest.mark.parametrize(
    "targets", [[0, 1, 1, 0], [[0], [1], [1], [0]], np.array([[0], [1], [1], [0]], "float32")], ids=str
)
def test_yes_or_no_in_all_its_forms(targets):
    x = np.array([[-1], [1], [-1], [1]], "float32")
    network = Network(Linear(1, init="ones", bias_init="zeros"), (1,))
    found, accuracy = evaluate(network, x, targets, losses.BCEWithLogits())
    assert found == pytest.approx(np.mean([np.log1p(np.exp(-1)), np.log1p(np.exp(1))]), rel=1e-6)
    assert accuracy == 0.5


def test_several_questions_are_counted_each_by_itself():
    loss = losses.BCEWithLogits()
    y = np.array([[1.0, -1, np.nan], [-2, 3, 0]])
    assert loss.predicted_classes(y).tolist() == [[1, 0, -1], [0, 1, 0]]
    assert loss.target_classes([[0.5, 0.4, 1], [0, 0, 0]], (2, 3)).tolist() == [[1, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("loss", "targets", "says"),
    [
        (losses.CrossEntropy(weight=[1, 2]), CLASSES, r"weight must be one number for each of the 3 classes, got 2: "),
        (losses.NLL(weight=[1]), CLASSES, r"weight must be one number for each of the 3 classes, got 1: \(1\.0,\)$"),
        (losses.BCEWithLogits([1]), SOFT, r"pos_weight must be one number for each of the 3 outputs, got 1"),
        (
            losses.CrossEntropy(soft_targets=True),
            3 * SOFT,
            r"targets must be probabilities, from 0 to 1, got 0\.\d+ to",
        ),
        (losses.BCEWithLogits(), 2 * vectors(CLASSES) - 1, r"got -1 to 1; for -1 and 1 write \(targets \+ 1\) / 2$"),
        (losses.BCEWithLogits(), 255 * vectors(CLASSES), r"got 0 to 255; write targets / 255$"),
        (losses.CrossEntropy(), IGNORING, r"write fastconv\.CrossEntropy\(ignore_index=255\)$"),
        (losses.CrossEntropy(), SOFT, r"for probabilities use loss=fastconv\.CrossEntropy\(soft_targets=True\)"),
    ],
    ids=str,
)
def test_targets_that_do_not_fit_the_settings(loss, targets, says):
    with pytest.raises((ValueError, TypeError), match=says):
        loss.prepare(targets, (6, 3), np.dtype("float64"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: losses.CrossEntropy(weight=[1, -1]),
            r"weight must be one number >= 0 for each class, got \(1\.0, -1\.0\)",
        ),
        (lambda: losses.CrossEntropy(weight=[]), r"weight must be one number >= 0 for each class, got \(\)"),
        (lambda: losses.CrossEntropy(weight=[np.nan, 1]), "weight must be numbers up to"),
        (lambda: losses.CrossEntropy(label_smoothing=1.5), "label_smoothing must be from 0 to 1, got 1.5"),
        (lambda: losses.CrossEntropy(label_smoothing=np.nan), "label_smoothing must be"),
        (lambda: losses.CrossEntropy(reduction="none"), "reduction must be one of 'mean', 'sum', got 'none'"),
        (lambda: losses.Huber(0), "delta must be > 0, got 0"),
        (lambda: losses.Huber(np.inf), "delta must be numbers up to"),
        (lambda: losses.L1("half_sum"), "reduction must be"),
    ],
)
def test_settings_that_make_no_sense(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_the_logits_of_a_binary_loss_pass_no_sigmoid():
    network = Network(sequential(Linear(1), Sigmoid()), (2,), seed=0)
    with pytest.warns(
        UserWarning, match=r"BCEWithLogits takes logits and computes the sigmoid itself.*fastconv\.sigmoid"
    ):
        evaluate(network, np.ones((2, 2), "float32"), [0, 1], losses.BCEWithLogits())


def test_nll_after_log_softmax_is_cross_entropy():
    x = RNG.normal(size=(5, 4)).astype("float32")
    a, b = Network(sequential(Linear(3), LogSoftmax()), (4,), seed=0), Network(Linear(3), (4,), seed=0)
    one, of_one = a.gradients(x, [0, 1, 2, 0, 1], losses.NLL())
    two, of_two = b.gradients(x, [0, 1, 2, 0, 1], losses.CrossEntropy())
    assert one == pytest.approx(two, rel=1e-6)
    np.testing.assert_allclose(of_one["linear1.weight"], of_two["linear1.weight"], rtol=1e-4, atol=1e-7)


def test_weights_are_equal_whatever_they_were_given_as():
    assert losses.CrossEntropy(weight=np.array([1, 2])) == losses.CrossEntropy(weight=[1.0, 2.0])
    assert len({losses.CrossEntropy(weight=(1, 2)), losses.CrossEntropy(weight=[1, 2]), losses.CrossEntropy()}) == 2


def test_a_batch_in_which_all_is_ignored_is_named():
    network = Network(Linear(3), (2,), seed=0)
    x, loss = np.ones((4, 2), "float32"), losses.CrossEntropy(ignore_index=7)
    with pytest.raises(FloatingPointError, match=r"step \d: .*all labels of the batch are ignored \(ignore_index=7\)"):
        fit(network, x, [7, 7, 7, 0], batch_size=1, loss=loss, seed=0, progress=False)
