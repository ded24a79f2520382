"""The other networks: shapes, gradients, and that they learn."""

import numpy as np
import pytest

from fastconv import losses, models
from fastconv.network import Network
from fastconv.optim import SGD


@pytest.mark.parametrize("pool", ["max", "l2"])
def test_nielsen(pool):
    summary = Network(models.nielsen(pool=pool), (1, 28, 28), seed=0).summary()
    assert [row.shape for row in summary.rows] == [
        (1, 28, 28),
        (20, 24, 24),
        (20, 24, 24),
        (20, 12, 12),
        (2880,),
        (10,),
    ]
    assert summary.parameters == 20 * 26 + 2881 * 10
    assert summary.rows[3].kind == {"max": "MaxPool2D", "l2": "LpPool2D"}[pool]
    with pytest.raises(ValueError, match="pool must be one of 'max', 'l2'"):
        models.nielsen("mean")


@pytest.mark.parametrize("passes", [1, 2, 3, 4])
def test_chains_of_any_depth(passes):
    maps = [4, 6, 18, 5][:passes]
    net = Network(models.chain(maps, 3, padding=1, classes=7), (3, 32, 32), seed=0)
    assert net.output_shape == (7,)
    assert [p.shape[0] for name, p in net.parameters.items() if p.ndim == 4] == maps


@pytest.mark.parametrize("pool", ["mean", "max", "l2"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_the_error_passes_through_several_passes(pool, activation):
    """Central differences at the first weight of a chain of three."""
    net = Network(models.chain((2, 3, 2), 3, 1, activation, pool, classes=3), (2, 8, 8), "float64", seed=1)
    x = np.random.default_rng(0).standard_normal((2, 2, 8, 8))
    _, gradients = net.gradients(x, [0, 2], losses.CrossEntropy())
    for name in ("conv1.weight", "conv2.weight", "conv3.bias"):
        index, array, values = (0,) * net.parameters[name].ndim, net.parameters[name], []
        kept = array[index]
        for step in (1e-6, -1e-6):
            array[index] = kept + step
            values.append(net.gradients(x, [0, 2], losses.CrossEntropy())[0])
        array[index] = kept
        assert gradients[name][index] == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("name", models.known)
def test_known_models_take_a_step_downhill(name):
    build, input_shape, loss = models.known[name]
    net = Network(build(), input_shape, seed=0)
    x = np.random.default_rng(0).random((8, *input_shape)).astype("float32")
    before, gradients = net.gradients(x, np.arange(8), loss)
    SGD(0.001).step(net.parameters, gradients)
    assert net.gradients(x, np.arange(8), loss)[0] < before
