"""Gradients of several batches in one update, and their norm: against steps on whole batches and float64 NumPy."""

import numpy as np
import pytest

from fastconv import losses
from fastconv.graph import sequential
from fastconv.layers import Flatten, Linear, Tanh
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import fit


def network():
    return Network(sequential(Flatten(), Linear(6), Tanh(), Linear(3)), (1, 3, 3), "float64", seed=4)


X = np.random.default_rng(0).standard_normal((23, 1, 3, 3))
LABELS = np.random.default_rng(1).integers(0, 3, 23)
VALUES = np.random.default_rng(2).standard_normal((23, 3))


def weights(batch_size, accumulate, loss, targets, **options):
    net = network()
    fit(
        net,
        X,
        targets,
        epochs=2,
        batch_size=batch_size,
        accumulate=accumulate,
        loss=loss,
        optimizer=SGD(0.05, momentum=0.9),
        seed=3,
        progress=False,
        **options,
    )
    return net.parameters.flat.copy()


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        (losses.CrossEntropy(), LABELS),
        (losses.MSE(), VALUES),
        (losses.MSE("mean"), VALUES),
        (losses.MSE("sum"), VALUES),
    ],
    ids=repr,
)
@pytest.mark.parametrize(("batch_size", "accumulate"), [(4, 2), (2, 4), (1, 8), (8, 1)])
def test_the_gradients_of_several_batches_make_the_step_of_one(loss, targets, batch_size, accumulate):
    """23 images in groups of 8, 8 and 7: the last group ends with a batch that is smaller."""
    found, expected = weights(batch_size, accumulate, loss, targets), weights(8, 1, loss, targets)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("max_norm", [0.01, 0.3, 1e9])
def test_gradients_are_limited(max_norm):
    """w <- w - lr g min(1, max_norm / |g|), in float64."""
    net, other = network(), network()
    loss = losses.CrossEntropy()
    fit(net, X, LABELS, batch_size=23, loss=loss, optimizer=SGD(0.5), seed=0, max_norm=max_norm, progress=False)
    order = np.random.default_rng(0).permutation(23)
    _, gradients = other.gradients(X[order], LABELS[order], loss)
    norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    for name, w in other.parameters.items():
        expected = w - 0.5 * gradients[name] * min(1.0, max_norm / norm)
        np.testing.assert_allclose(net.parameters[name], expected, rtol=1e-4, atol=1e-12)


def test_a_schedule_counts_updates():
    seen = []

    def schedule(moment):
        seen.append(moment.step)
        assert moment.steps == 6
        return 1.0

    weights(4, 2, losses.CrossEntropy(), LABELS, schedule=schedule)
    assert seen == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"accumulate": 0}, ValueError, "accumulate must be >= 1, got 0"),
        ({"accumulate": 1.5}, TypeError, "accumulate must be an integer"),
        ({"accumulate": None}, TypeError, "accumulate must be an integer, got None; leave it out for 1"),
        ({"max_norm": 0}, ValueError, "max_norm must be > 0"),
        ({"max_norm": float("nan")}, ValueError, "max_norm must be > 0"),
        ({"max_norm": "1"}, TypeError, "max_norm must be a number"),
        ({"max_norm": 1.0, "lean": True}, ValueError, r"max_norm=1\.0 needs all gradients .*: leave out lean=True"),
        ({"accumulate": 2, "lean": True}, ValueError, "accumulate=2 needs all gradients .*: leave out lean=True"),
    ],
)
def test_settings_that_do_not_fit_change_nothing(options, error, says):
    net = network()
    before = net.parameters.flat.copy()
    with pytest.raises(error, match=says):
        fit(net, X, LABELS, progress=False, **options)
    assert (net.parameters.flat == before).all()


def test_an_infinite_gradient_stops_before_the_update():
    """The loss is finite; its gradient is not."""

    class Steep(losses.CrossEntropy):
        def bind(self, y, targets, value, dy):
            call = super().bind(y, targets, value, dy)

            def steep():
                call()
                if dy is not None:
                    dy[0, 0] = np.inf

            return steep

    net = network()
    before = net.parameters.flat.copy()
    with pytest.raises(
        FloatingPointError, match=r"epoch 1, step 1: a gradient is NaN or infinite \(learning rate 0.1\)"
    ):
        fit(net, X, LABELS, loss=Steep(), progress=False)
    assert (net.parameters.flat == before).all()
