"""The paper's network, in the paper's own numbers, and as NumPy loops over its equations."""

import numpy as np
import pytest
from scipy.signal import convolve2d

from fastconv import losses, models
from fastconv.network import Network
from fastconv.optim import SGD


def network(dtype="float64"):
    return Network(models.zhang2016(), (1, 28, 28), dtype, seed=0)


def test_3898_parameters():
    summary = network().summary()
    assert summary.parameters == 3898
    assert (5 * 5 + 1) * 6 + (5 * 5 * 6 + 1) * 12 + 10 * 192 + 10 == 3898
    shapes = {name: p.shape for name, p in network().parameters.items()}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv1.bias": (6,),
        "conv2.weight": (12, 6, 5, 5),
        "conv2.bias": (12,),
        "fc.weight": (10, 192),
        "fc.bias": (10,),
    }
    maps = [row.shape for row in summary.rows]
    assert maps == [
        (1, 28, 28),
        *[(6, 24, 24)] * 2,
        (6, 12, 12),
        *[(12, 8, 8)] * 2,
        (12, 4, 4),
        (192,),
        (10,),
        (10,),
    ]


def test_equations_1_to_3():
    parameters = network().parameters
    for name, c_in, c_out in (("conv1", 1 * 25, 6 * 25), ("conv2", 6 * 25, 12 * 25), ("fc", 192, 10)):
        bound = np.sqrt(6 / (c_in + c_out))
        assert 0.9 * bound < np.abs(parameters[f"{name}.weight"]).max() <= bound
        assert not parameters[f"{name}.bias"].any()


def sigma(x):
    return 1 / (1 + np.exp(-x))


def mean_2x2(c):
    return (c[:, ::2, ::2] + c[:, 1::2, ::2] + c[:, ::2, 1::2] + c[:, 1::2, 1::2]) / 4


def up(ds):
    return ds.repeat(2, 1).repeat(2, 2) / 4


def paper_step(p, image, y):
    """(loss, gradients) by the paper's equations, one image, true convolutions by scipy."""
    k1, k2 = p["conv1.weight"], p["conv2.weight"]
    c1 = sigma(np.array([convolve2d(image, k1[i, 0], "valid") + p["conv1.bias"][i] for i in range(6)]))  # 4
    s1 = mean_2x2(c1)  # 6
    c2 = sigma(
        np.array([sum(convolve2d(s1[i], k2[j, i], "valid") for i in range(6)) + p["conv2.bias"][j] for j in range(12)])
    )  # 7
    s2 = mean_2x2(c2)  # 9
    f = np.concatenate([s.ravel(order="F") for s in s2])  # 10
    out = sigma(p["fc.weight"] @ f + p["fc.bias"])  # 12
    loss = ((out - y) ** 2).sum() / 2  # 13
    dy = (out - y) * out * (1 - out)  # 17
    df = p["fc.weight"].T @ dy  # 30
    ds2 = np.array([part.reshape(4, 4, order="F") for part in np.split(df, 12)])  # 31
    dc2 = up(ds2) * c2 * (1 - c2)  # 32, 37
    turned = s1[:, ::-1, ::-1]
    dk2 = np.array([[convolve2d(turned[i], dc2[j], "valid") for i in range(6)] for j in range(12)])  # 40
    ds1 = np.array([sum(convolve2d(dc2[j], k2[j, i, ::-1, ::-1], "full") for j in range(12)) for i in range(6)])  # 51
    dc1 = up(ds1) * c1 * (1 - c1)  # 52, 57
    dk1 = np.array([[convolve2d(image[::-1, ::-1], dc1[i], "valid")] for i in range(6)])  # 59
    return loss, {
        "fc.weight": np.outer(dy, f),  # 19
        "fc.bias": dy,  # 24
        "conv2.weight": dk2,
        "conv2.bias": dc2.sum((1, 2)),  # 45
        "conv1.weight": dk1,
        "conv1.bias": dc1.sum((1, 2)),  # 64
    }


def test_a_training_step_is_the_papers():
    net, rng = network(), np.random.default_rng(1)
    images, targets = rng.random((3, 1, 28, 28)), np.eye(10)[[4, 0, 9]]
    steps = [paper_step(net.parameters, image[0], y) for image, y in zip(images, targets, strict=True)]
    loss, gradients = net.gradients(images, targets, losses.MSE())
    assert loss == pytest.approx(np.mean([step[0] for step in steps]), rel=1e-12)
    before = {name: p.copy() for name, p in net.parameters.items()}
    SGD(0.5).step(net.parameters, gradients)
    for name, gradient in gradients.items():
        expected = np.mean([step[1][name] for step in steps], axis=0)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-13, err_msg=name)
        np.testing.assert_allclose(net.parameters[name], before[name] - 0.5 * expected, rtol=1e-12)


def test_the_plan_is_short():
    """A handful of prepared calls: what a training step costs beyond them is a loop."""
    bound = network("float32").executor.bound_plan(1, losses.MSE()).bound
    assert sum(len(calls) for _, calls in bound) <= 30
