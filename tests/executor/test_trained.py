"""A step whose loss is not finite ends before the update."""

import numpy as np
import pytest

from fastconv import SGD, Adam, CrossEntropy, Network, losses, sequential
from fastconv.layers import BatchNorm, Flatten, Linear


class Own:
    """A rule that is no Optimizer of fastconv."""

    def step(self, parameters, gradients):
        for name, array in parameters.items():
            array -= 0.1 * gradients[name]


def network():
    return Network(sequential(Flatten(), BatchNorm(), Linear(300, name="a"), Linear(3, name="b")), (1, 6, 6), seed=0)


def images(n=4):
    return np.random.default_rng(0).standard_normal((n, 1, 6, 6)).astype("float32")


def step(net, x, optimizer, fused_update, loss=None, targets=None):
    with net.training():
        return net.train_batch(x, np.array([0, 1, 2, 0]) if targets is None else targets, loss or CrossEntropy(),
                               optimizer, fused_update)  # fmt: skip


every_way = pytest.mark.parametrize("fused_update", [False, True], ids=["plain", "lean"])
every_optimizer = pytest.mark.parametrize("make", [lambda: SGD(0.1, 0.9), Adam, Own], ids=["sgd", "adam", "own"])


@every_way
@every_optimizer
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_the_step_before_the_update(make, fused_update, bad):
    net, twin, x, optimizer, other = network(), network(), images(), make(), make()
    broken = x.copy()
    broken[2, 0, 3, 3] = bad
    for one, rule in ((net, optimizer), (twin, other)):
        step(one, x, rule, fused_update)
    before = net.parameters.flat.tobytes()
    with pytest.raises(FloatingPointError, match=r"^the loss is nan; no parameter has changed$") as error:
        step(net, broken, optimizer, fused_update)
    assert type(error.value) is FloatingPointError
    assert net.parameters.flat.tobytes() == before
    for name, buffer in twin.buffers.items():
        net.buffers[name] = buffer
    for one, rule in ((net, optimizer), (twin, other)):  # the optimizer goes on as if the step had never been tried
        step(one, x, rule, fused_update)
    assert net.parameters.flat.tobytes() == twin.parameters.flat.tobytes()


@every_way
@pytest.mark.parametrize("sign", [1, -1])
def test_a_loss_that_is_infinite_stops_the_step_too(fused_update, sign):
    net = Network(Linear(2), (3,), seed=0)
    before = net.parameters.flat.tobytes()
    with pytest.raises(FloatingPointError, match=r"^the loss is inf; no parameter has changed$"):
        step(net, np.ones((4, 3), "f4"), SGD(0.1), fused_update, losses.MSE("sum"), np.full((4, 2), sign * 3e38, "f4"))
    assert net.parameters.flat.tobytes() == before


def test_an_error_of_the_optimizer_stays_its_own():
    class Strict:
        def step(self, parameters, gradients):
            raise FloatingPointError("mine")

    with pytest.raises(FloatingPointError, match=r"^mine$"):
        step(network(), images(), Strict(), False)


def test_gradients_give_back_a_loss_that_is_not_finite():
    x = images()
    x[0] = np.nan
    assert np.isnan(network().gradients(x, [0, 1, 2, 0], CrossEntropy())[0])
    assert np.isnan(network().gradients(x, [0, 1, 2, 0], CrossEntropy(), training=False)[0])
