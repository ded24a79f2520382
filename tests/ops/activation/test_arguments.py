"""Bad arguments of activations are refused with a message that names them."""

import inputs
import numpy as np
import pytest
from activation_cases import (
    TEXTBOOK,
    every_activation,
    function,
    gradient,
)

import fastconv


@every_activation
def test_wrong_arrays(case):
    f, df, arguments = function(case), gradient(case), TEXTBOOK[case][1]
    x = np.zeros((2, 3))
    for wrong in (np.zeros(3, int), np.zeros(3, complex), np.zeros(3, "float16")):
        with pytest.raises(TypeError, match=r"x must be float32 or float64, got .*astype"):
            f(wrong, *arguments)
    for wrong in ([None], ["a"]):
        with pytest.raises(TypeError, match=r"x must be float32 or float64, got [^;]*$"):
            f(wrong, *arguments)
    with pytest.raises(TypeError, match=r"same dtype, got float64 and float32"):
        df(x, x.astype("float32"), *arguments)
    with pytest.raises(ValueError, match=r"must have shape \(2, 3\) .*got \(3, 2\)"):
        df(x, x.T, *arguments)
    with pytest.raises(ValueError, match=r"out must have shape \(2, 3\)"):
        f(x, *arguments, out=np.zeros((3, 2)))
    with pytest.raises(TypeError, match=r"out must have dtype float64, got float32"):
        f(x, *arguments, out=np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match="out must be writable"):
        f(x, *arguments, out=inputs.readonly(x))
    with pytest.raises(ValueError, match="out must not share memory with x"):
        f(x[:, :2], *arguments, out=x[:, 1:])
    with pytest.raises(ValueError, match="out must not overlap itself"):
        f(x, *arguments, out=np.lib.stride_tricks.as_strided(np.zeros(9), (2, 3), (8, 8)))


def test_wrong_numbers():
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"beta must be > 0, got -1\.0"):
        fastconv.softplus(x, -1)
    with pytest.raises(ValueError, match="beta must be > 0, got nan"):
        fastconv.softplus_backward(x, x, np.nan)
    with pytest.raises(ValueError, match="approximate must be one of 'none', 'tanh', got 'erf'"):
        fastconv.gelu(x, "erf")
    with pytest.raises(ValueError, match="approximate must be one of"):
        fastconv.gelu_backward(x, x, None)
    with pytest.raises(TypeError, match="negative_slope must be a number, got 'a'"):
        fastconv.leaky_relu(x, "a")
    with pytest.raises(TypeError, match="alpha must be a number"):
        fastconv.elu(x, None)
    with pytest.raises(TypeError, match="threshold must be a number, got None"):
        fastconv.threshold(x, None, 0)
    with pytest.raises(TypeError, match="value must be a number, got 'a'"):
        fastconv.threshold(x, 1, "a")
    with pytest.raises(ValueError, match="alpha must be > 0, got 0"):
        fastconv.celu(x, 0)
    with pytest.raises(ValueError, match="alpha must be > 0, got -1"):
        fastconv.celu_backward(x, x, -1)
    for low, high in ((1, -1), (np.nan, 1), (0, np.nan), (np.inf, -np.inf)):
        rule = f"min_val must be at most max_val, got min_val={float(low)} and max_val={float(high)}"
        for call in (lambda *both: fastconv.hardtanh(x, *both), lambda *both: fastconv.hardtanh_backward(x, x, *both)):
            with pytest.raises(ValueError, match=rule):
                call(low, high)
        with pytest.raises(ValueError, match=rule):
            fastconv.layers.Hardtanh(low, high)
    layer = fastconv.layers.Hardtanh(0, 1)
    layer.min_val = 2
    with pytest.raises(ValueError, match=r"min_val must be at most max_val, got min_val=2\.0 and max_val=1\.0"):
        fastconv.Network(layer, (3,))
