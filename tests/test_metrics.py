"""Metrics beside counts in plain Python."""

import math

import numpy as np
import pytest

from fastconv import metrics

RNG = np.random.default_rng(0)
nan = np.nan


def random_case(shape, K, seed, ignored=None):
    """Outputs with ties and some NaN, and targets of which some are ignored."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, (shape[0], K, *shape[1:])).astype("float32")
    y[rng.random(y.shape) < 0.02] = nan
    targets = rng.integers(0, K, shape)
    if ignored is not None:
        targets[rng.random(shape) < 0.2] = ignored
    return y, targets


def pairs(y, targets, ignored):
    """(outputs, true class) of every image and pixel that counts."""
    rows = np.moveaxis(y, 1, -1).reshape(-1, y.shape[1]).tolist()
    return [(row, t) for row, t in zip(rows, targets.reshape(-1).tolist(), strict=True) if t != ignored]


def best(row):
    return -1 if any(map(math.isnan, row)) else max(range(len(row)), key=lambda k: (row[k], -k))


CASES = [((40,), 3, None), ((40,), 7, -100), ((3, 5, 4), 4, 255), ((1,), 2, None)]


@pytest.mark.parametrize(("shape", "K", "ignored"), CASES)
@pytest.mark.parametrize("seed", range(5))
def test_all_counts_are_those_of_plain_loops(shape, K, ignored, seed):
    y, targets = random_case(shape, K, seed, ignored)
    found = [(best(row), t) for row, t in pairs(y, targets, ignored)]
    matrix = [[sum(f == (j, i) for f in found) for j in range(K)] for i in range(K)]
    options = {"ignore_index": ignored}
    assert metrics.confusion_matrix(y, targets, **options).tolist() == matrix
    assert metrics.accuracy(y, targets, **options) == sum(p == t for p, t in found) / len(found)
    for k in (1, 2, K):
        hits = 0
        for row, true in pairs(y, targets, ignored):
            order = sorted(range(K), key=lambda c, row=row: (-row[c], c))
            hits += best(row) >= 0 and true in order[:k]
        assert metrics.top_k_accuracy(y, targets, k, **options) == hits / len(found)
    right = [matrix[i][i] for i in range(K)]
    true = [sum(t == i for _, t in found) for i in range(K)]
    taken = [sum(p == i for p, _ in found) for i in range(K)]

    def shares(part, whole):
        return [p / w if w else nan for p, w in zip(part, whole, strict=True)]

    for function, expected in (
        (metrics.precision, shares(right, taken)),
        (metrics.recall, shares(right, true)),
        (metrics.f1, shares([2 * r for r in right], np.add(true, taken))),
        (metrics.intersection_over_union, shares(right, np.add(true, taken) - right)),
    ):
        np.testing.assert_allclose(function(y, targets, average="none", **options), expected, rtol=1e-15)
        there = [share for share in expected if not math.isnan(share)]
        mean = sum(there) / len(there) if there else nan
        assert function(y, targets, **options) == pytest.approx(mean, rel=1e-15, nan_ok=True)


def test_class_indices_are_predictions_too():
    assert metrics.accuracy(np.array([1, 2, 0], "uint8"), [1, 2, 2]) == 2 / 3
    assert metrics.confusion_matrix([0, 1], [1, 1], num_classes=3).tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert metrics.f1([0, 1, 2], [0, 1, 2]) == 1


def test_differences_of_values_are_taken_in_double():
    y, t = np.float32([1e8, 3]), np.array([1e8 + 1, 5])
    assert metrics.mean_squared_error(y, t) == (1 + 4) / 2
    assert metrics.mean_absolute_error(y, t) == (1 + 2) / 2
    with pytest.raises(ValueError, match=r"targets must have the shape of y, \(2,\), got \(1, 2\)"):
        metrics.mean_absolute_error(y, t[None])


def test_a_mean_over_nothing_is_nan():
    nothing = np.empty((0, 3), "float32")
    for function in (metrics.accuracy, metrics.recall, metrics.intersection_over_union):
        assert math.isnan(function(nothing, np.empty(0, int)))
    assert metrics.confusion_matrix(nothing, np.empty(0, int)).tolist() == [[0] * 3] * 3
    assert math.isnan(metrics.accuracy([[0.0, 1.0]], [-100]))
    assert math.isnan(metrics.mean_squared_error([], []))


def test_inputs_do_not_change():
    y, targets = random_case((30,), 4, 1, -100)
    y.flags.writeable = targets.flags.writeable = False
    before = y.tobytes(), targets.tobytes()
    metrics.top_k_accuracy(y[::-1], targets[::-1], 2)
    metrics.f1(y[::2], targets[::2])
    assert before == (y.tobytes(), targets.tobytes())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: metrics.accuracy(np.eye(3), np.eye(3)),
            r"targets must be integers .* got float64; use targets.argmax\(1\)",
        ),
        (lambda: metrics.accuracy(np.eye(3), [0, 1]), r"targets must have shape \(3,\), .* got \(2,\)"),
        (lambda: metrics.accuracy([0.5, 1.0], [0, 1]), r"y must be outputs \(N, K, \.\.\.\) or class indices"),
        (lambda: metrics.accuracy(np.eye(3), [0, 1, 3]), r"class indices from 0 to 2, or ignored, got 0 to 3"),
        (lambda: metrics.recall([0, 1], [0, -1]), r"class indices >= 0, or ignored, got -1 to 0"),
        (lambda: metrics.top_k_accuracy([0, 1], [0, 1]), r"y must be an array \(N, K, \.\.\.\) of outputs"),
        (
            lambda: metrics.top_k_accuracy(np.eye(3), [0, 1, 2], k=4),
            "k must be at most the number of classes, 3, got 4",
        ),
        (lambda: metrics.confusion_matrix([0, 4], [0, 1], num_classes=3), "num_classes must be at least 5"),
        (lambda: metrics.f1([0], [0], average="weighted"), "average must be"),
        (lambda: metrics.accuracy(None, [0]), "y must be an array, got None"),
        (lambda: metrics.mean_squared_error(["1.5"], [1.0]), "y must be real numbers, got <U3"),
        (lambda: metrics.mean_absolute_error([1.0], [1j]), "targets must be real numbers, got complex128"),
    ],
)
def test_what_does_not_fit_is_named(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()
