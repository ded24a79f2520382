"""A step whose loss is not finite ends before the update."""

import numpy as np
import pytest

from fastconv import SGD, Adam, CrossEntropy, Network, layers, losses, sequential
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
    what = "NaN" if np.isnan(bad) else "infinity"
    with pytest.raises(
        FloatingPointError, match=rf"^the loss is nan: x\[2\] holds {what}; no parameter has changed$"
    ) as e:
        step(net, broken, optimizer, fused_update)
    assert type(e.value) is FloatingPointError
    assert net.parameters.flat.tobytes() == before
    for name, buffer in twin.buffers.items():
        net.buffers[name] = buffer
    for one, rule in ((net, optimizer), (twin, other)):  # the optimizer goes on as if the step had never been tried
        step(one, x, rule, fused_update)
    assert net.parameters.flat.tobytes() == twin.parameters.flat.tobytes()


@every_way
def test_the_message_names_what_is_not_finite(fused_update):
    x, net = images(), network()
    net.parameters["a.weight"][5, 7] = np.inf
    with pytest.raises(FloatingPointError, match=r"^the loss is nan: a.weight holds infinity; no parameter"):
        step(net, x, SGD(0.1), fused_update)
    net = network()
    net.buffers["bn1.running_mean"][0] = np.nan  # not read in training
    net.parameters["b.weight"][...] = 3e38
    net.parameters["a.weight"][...] = 3e38
    with pytest.raises(FloatingPointError, match=r"^the loss is (nan|inf)"):
        step(net, x, SGD(0.1), fused_update)
    net, targets = Network(Linear(2), (3,), seed=0), np.ones((4, 2), "float32")
    targets[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"^the loss is nan: targets\[3\] holds NaN; no parameter"):
        step(net, np.ones((4, 3), "float32"), SGD(0.1), fused_update, losses.MSE("mean"), targets)
    with pytest.raises(FloatingPointError, match=r"^the loss is inf; no parameter has changed$"):
        step(net, np.ones((4, 3), "float32"), SGD(0.1), fused_update, losses.MSE("sum"), np.full((4, 2), 3e38, "f4"))


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


def test_dropout_in_a_prediction_is_left_out_of_gradients():
    net = Network(sequential(layers.Dropout(0.9, seed=0), Linear(1, bias=False)), (4,), "float64", seed=0)
    x, loss = np.ones((2, 4)), losses.MSE("sum")
    value, gradients, dx = net.gradients(x, np.zeros((2, 1)), loss, training=False, inputs=True)
    w = net.parameters["linear1.weight"][0]
    assert value == pytest.approx(2 * w.sum() ** 2)
    np.testing.assert_allclose(dx, 2 * w.sum() * np.array([w, w]))
    np.testing.assert_allclose(gradients["linear1.weight"], np.full((1, 4), 4 * w.sum()))
    assert net.buffers["dropout1.counter"][1] == 0
