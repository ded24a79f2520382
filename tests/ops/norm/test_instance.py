"""Instance normalisation is group normalisation with a group for each channel."""

import inputs
import numpy as np
import pytest
from norm_cases import every_dtype, group, instance, operands

import fastconv


@every_dtype
@pytest.mark.parametrize("shape", [(2, 5, 4, 3), (3, 18, 7), (1, 3, 2, 3, 4), (0, 3, 2, 2)])
def test_bits_of_group_norm(shape, dtype):
    x, w, b, dy = operands(shape, "instance", dtype)
    for layout in (np.array, inputs.channels_last) if len(shape) == 4 else (np.array,):
        got = instance(layout(x), w, b, layout(dy))
        want = group(lambda C: C)(layout(x), w, b, layout(dy))
        for one, other in zip(got, want, strict=True):
            np.testing.assert_array_equal(one, other)


def test_each_channel_of_each_image_has_its_own_mean_and_variance():
    x = 5 + 3 * np.random.default_rng(0).standard_normal((2, 3, 8, 9))
    y, mean, invstd = fastconv.instance_norm(x, eps=1e-12, return_saved=True)
    np.testing.assert_allclose(y.mean((2, 3)), 0, atol=1e-14)
    np.testing.assert_allclose(y.var((2, 3)), 1, rtol=1e-11)
    np.testing.assert_allclose(mean, x.mean((2, 3)), rtol=1e-14)
    np.testing.assert_allclose(invstd, 1 / x.std((2, 3)), rtol=1e-11)
    w, b = np.array([2.0, 0.0, -1.0]), np.array([0.5, 1.0, 0.0])
    np.testing.assert_allclose(
        fastconv.instance_norm(x, w, b, 1e-12), y * w[:, None, None] + b[:, None, None], rtol=1e-13, atol=1e-13
    )


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1), (2, 3, 1, 1), (2, 3, 0, 4)])
def test_one_value_in_each_channel_is_refused(shape):
    x = np.ones(shape)
    with pytest.raises(ValueError, match=r"^x must have shape \(N, C, \.\.\.\) with two or more values per channel"):
        fastconv.instance_norm(x)
    with pytest.raises(ValueError, match=r"^dy must have shape \(N, C, \.\.\.\) with two or more values per channel"):
        fastconv.instance_norm_backward(x, x, np.ones((2, 3)), np.ones((2, 3)))


def test_statistics_of_groups_are_refused():
    x = np.ones((2, 4, 3, 3))
    with pytest.raises(ValueError, match=r"^mean must have shape \(2, 4\) \(one for each channel of each sample"):
        fastconv.instance_norm_backward(x, x, np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"^weight must have shape \(4,\)"):
        fastconv.instance_norm(x, np.ones(3))
    with pytest.raises(ValueError, match="eps must be > 0, got 0"):
        fastconv.instance_norm(x, eps=0)
    with pytest.raises(TypeError, match="mean must be an array, got None"):
        fastconv.instance_norm_backward(x, x, None, None)
