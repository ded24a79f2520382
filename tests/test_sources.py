"""What the texts [2] to [5] of docs/references.md say, in their words; small whole numbers, so equal means equal."""

from itertools import product

import inputs
import numpy as np
import problems
import pytest
import reference
from problems import Conv, operands

import fastconv

RANDOM = [problems.random_conv(np.random.default_rng(seed), channels=4, size=6) for seed in range(25)]


# [3]: "after connections cutting and weights sharing we get one layer Convolutional Neural Network": a dense matrix


def connections(problem):
    """Every connection that was not cut: (output unit, input unit, the index of the weight it shares)."""
    (_, _, H, W), (K, c, kh, kw) = problem.x_shape, problem.weight_shape
    _, _, OH, OW = problem.y_shape
    taps = list(reference.Taps((H, W), (kh, kw), *problem.window[:3]))
    units = []
    for k, depth in product(range(K), range(c)):
        channel = k // (K // problem.groups) * c + depth
        for oh, ow, i, j, ih, iw in taps:
            units.append(((k * OH + oh) * OW + ow, (channel * H + ih) * W + iw, (k, depth, i, j)))
    return units


def rows(images):
    return images.reshape(len(images), -1)


@pytest.mark.parametrize("problem", RANDOM)
def test_conv2d_and_its_gradients_are_a_dense_layer_with_cut_and_shared_connections(problem):
    a = operands(problem, inputs.whole, 1)
    matrix = np.zeros((rows(a.dy).shape[1], rows(a.x).shape[1]), "float32")
    for unit, source, weight in connections(problem):
        matrix[unit, source] = a.weight[weight]
    pixels = a.dy.shape[2] * a.dy.shape[3]

    y = fastconv.linear(rows(a.x), matrix, np.repeat(a.bias, pixels))
    np.testing.assert_array_equal(rows(problem.call(fastconv, "forward", a)), y, strict=True)

    dx, dmatrix, dbias = fastconv.linear_backward(rows(a.dy), rows(a.x), matrix)
    np.testing.assert_array_equal(rows(problem.call(fastconv, "input", a)), dx, strict=True)

    dweight = np.zeros_like(a.weight)  # a shared weight gets the sum over the connections that share it
    for unit, source, weight in connections(problem):
        dweight[weight] += dmatrix[unit, source]
    np.testing.assert_array_equal(problem.call(fastconv, "weight", a), dweight, strict=True)
    np.testing.assert_array_equal(problem.call(fastconv, "bias", a), dbias.reshape(-1, pixels).sum(1), strict=True)


def test_forward_is_a_valid_and_backward_a_full_convolution_with_the_rotated_kernel():
    """[3]: ROT180(w)[x, y] = w[-x, -y]"""
    a = operands(Conv((2, 3, 7, 6), (4, 3, 3, 2)), inputs.whole, 2)
    y = fastconv.convolve2d(a.x, a.weight, "valid")
    assert y.shape == a.dy.shape
    dx = fastconv.convolve2d(a.dy, fastconv.rot180(a.weight).swapaxes(0, 1), "full")
    np.testing.assert_array_equal(fastconv.convolve2d_backward_input(a.dy, a.weight, a.x.shape, "valid"), dx)
    assert np.vdot(a.dy, y) == np.vdot(dx, a.x)


# [5]: "Stride greater than 1", "Downsampling"


@pytest.mark.parametrize("stride", [2, 3, (1, 2), (4, 3)])
@pytest.mark.parametrize("window", [(0, 1, 1), (1, 1, 1), ("full", (2, 1), 2)])
def test_a_stride_is_downsampling_after_the_convolution(stride, window):
    padding, dilation, groups = window
    dense = Conv((2, 4, 9, 8), (6, 4 // groups, 3, 2), 1, padding, dilation, groups)
    strided = dense._replace(stride=stride)
    a = operands(dense, inputs.whole, 3)
    kept = np.s_[..., :: reference.pair(stride)[0], :: reference.pair(stride)[1]]
    y = strided.call(fastconv, "forward", a)
    np.testing.assert_array_equal(y, dense.call(fastconv, "forward", a)[kept], strict=True)

    dy = inputs.whole(np.random.default_rng(4), y.shape)
    spread = np.zeros_like(a.dy)  # errors of the positions that were dropped are 0
    spread[kept] = dy
    for which in ("input", "weight", "bias"):
        result = strided.call(fastconv, which, a.replace(dy=dy))
        np.testing.assert_array_equal(result, dense.call(fastconv, which, a.replace(dy=spread)), strict=True)


def test_input_gradient_is_a_regular_convolution_of_the_shifted_map_with_the_flipped_filter():
    """[5]: "zero padding it first with L - 1 zeros on every side", "flip up down / flip left right"."""
    a = operands(Conv((2, 3, 7, 7), (4, 3, 3, 3)), inputs.whole, 5)
    flipped = np.flipud(np.fliplr(a.weight.transpose(2, 3, 0, 1))).transpose(3, 2, 0, 1)
    dx = fastconv.conv2d(a.dy, flipped, padding=3 - 1)
    np.testing.assert_array_equal(fastconv.conv2d_backward_input(a.dy, a.weight, a.x.shape), dx, strict=True)


def test_weight_gradient_is_the_error_map_sliding_over_the_input():
    """[5]: dw(m, n, x, y) = sum_{x', y'} dz(n, x', y') Y(m, x' + x, y' + y)"""
    a = operands(Conv((1, 3, 7, 6), (4, 3, 3, 2)), inputs.whole, 6)
    slid = fastconv.conv2d(a.x.swapaxes(0, 1), a.dy.swapaxes(0, 1)).swapaxes(0, 1)
    np.testing.assert_array_equal(fastconv.conv2d_backward_weight(a.dy, a.x, a.weight.shape), slid, strict=True)


# [5], transposed convolution: "Output size is typically an integer multiple of input", "+1 if filter width is odd"


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 6])
def test_transposed_output_is_a_multiple_and_one_more_where_kernel_minus_stride_is_odd(stride, kernel):
    rng = np.random.default_rng(7)
    x, weight = inputs.whole(rng, (2, 3, 4, 5)), inputs.whole(rng, (3, 2, kernel, kernel))
    y = fastconv.conv_transpose2d(x, weight, stride=stride, padding="multiple")
    one = (kernel - stride) % 2
    assert y.shape == (2, 2, 4 * stride + one, 5 * stride + one)
    np.testing.assert_array_equal(y, reference.conv_transpose2d(x, weight, None, stride, "multiple"))
    dx = fastconv.conv_transpose2d_backward_input(y, weight, x.shape, stride, "multiple")
    dw = fastconv.conv_transpose2d_backward_weight(y, x, weight.shape, stride, "multiple")
    assert np.vdot(y, y) == np.vdot(dx, x) == np.vdot(dw, weight)


@pytest.mark.parametrize("kernel", [3, 5, 2, 4])
def test_with_stride_two_one_more_if_the_filter_width_is_odd(kernel):
    y = fastconv.conv_transpose2d(np.ones((1, 8, 8)), np.ones((1, 1, kernel, kernel)), stride=2, padding="multiple")
    assert y.shape == (1, 16 + kernel % 2, 16 + kernel % 2)


# [5]: "In depth-wise convolution the convolution step is performed only once", then a weighted sum across channels


def test_depthwise_convolution_is_a_dense_one_with_products_for_weights():
    rng = np.random.default_rng(8)
    C, K = 5, 7
    x, f, w = (inputs.whole(rng, shape) for shape in ((2, C, 8, 7), (C, 1, 3, 3), (K, C, 1, 1)))
    once = fastconv.conv2d(x, f, padding=1, groups=C)
    y = fastconv.conv2d(once, w)
    dense = w * f[None, :, 0]
    np.testing.assert_array_equal(y, fastconv.conv2d(x, dense, padding=1), strict=True)

    dy = inputs.whole(rng, y.shape)
    donce = fastconv.conv2d_backward_input(dy, w, once.shape)
    dx = fastconv.conv2d_backward_input(donce, f, x.shape, padding=1, groups=C)
    np.testing.assert_array_equal(dx, fastconv.conv2d_backward_input(dy, dense, x.shape, padding=1), strict=True)
    ddense = fastconv.conv2d_backward_weight(dy, x, dense.shape, padding=1)
    dw = fastconv.conv2d_backward_weight(dy, once, w.shape)
    df = fastconv.conv2d_backward_weight(donce, x, f.shape, padding=1, groups=C)
    np.testing.assert_array_equal(dw[..., 0, 0], (ddense * f[None, :, 0]).sum((2, 3)))
    np.testing.assert_array_equal(df[:, 0], (ddense * w).sum(0))


# Pooling


@pytest.mark.parametrize(("kernel", "m"), [(2, 4), ((2, 3), 6), (3, 9)])
def test_mean_pooling_spreads_the_error_with_one_over_m(kernel, m):
    """[4]: "what is the value of beta, is it 1/4 or 1?" It is 1/m for windows of m."""
    rng = np.random.default_rng(9)
    x = inputs.real(rng, (2, 3, 6, 6))
    y = fastconv.avg_pool2d(x, kernel)
    dy = inputs.real(rng, y.shape)
    upsampled = np.kron(dy, np.ones(reference.pair(kernel)))
    dx = fastconv.avg_pool2d_backward(dy, x.shape, kernel)
    np.testing.assert_allclose(dx, upsampled / m, rtol=1e-14)
    numbers = reference.central_difference(lambda v: fastconv.avg_pool2d(v, kernel), x, dy)
    np.testing.assert_allclose(dx, numbers, atol=1e-8)


def test_max_pooling_gives_the_error_to_the_largest_alone():
    """[5]: d/dY(k, l) = d/dU(i, j) if (k, l) = P(i, j), otherwise 0"""
    rng = np.random.default_rng(10)
    x = rng.permutation(2 * 3 * 6 * 8).reshape(2, 3, 6, 8).astype("float32")
    u, where = fastconv.max_pool2d(x, 2, return_indices=True)
    du = inputs.whole(rng, u.shape)
    expected = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*u.shape):
        block = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        k, l = np.unravel_index(block.argmax(), (2, 2))
        assert where[n, c, i, j] == (2 * i + k) * 8 + 2 * j + l
        assert u[n, c, i, j] == block.max()
        expected[n, c, 2 * i + k, 2 * j + l] = du[n, c, i, j]
    np.testing.assert_array_equal(fastconv.max_pool2d_backward(du, x, 2), expected, strict=True)


def test_l2_pooling_in_two_steps():
    """[2]: s = ... + x^2 + ..., then the activation sqrt(s); backwards dx = (1 / (2 sqrt s)) (2 x) dy"""
    rng = np.random.default_rng(11)
    x = inputs.real(rng, (2, 3, 6, 8))
    windows = x.reshape(2, 3, 3, 2, 4, 2)
    s = (windows**2).sum((3, 5))
    np.testing.assert_allclose(fastconv.lp_pool2d(x, kernel_size=2), np.sqrt(s), rtol=1e-14)
    dy = inputs.real(rng, s.shape)
    ds = dy / (2 * np.sqrt(s))
    dx = (2 * windows * ds[:, :, :, None, :, None]).reshape(x.shape)
    np.testing.assert_allclose(fastconv.lp_pool2d_backward(dy, x, kernel_size=2), dx, rtol=1e-13)


# [4]: "how should I back-propagate error from the l layer to l-1 layer, in order to chain several conv-pooling passes"


@pytest.mark.parametrize("pool", ["avg_pool2d", "max_pool2d", "lp_pool2d"])
def test_a_chain_of_three_passes(pool):
    rng = np.random.default_rng(12)
    x = inputs.real(rng, (2, 1, 14, 14))
    kernels = [inputs.real(rng, shape) for shape in ((2, 1, 3, 3), (3, 2, 3, 3), (2, 3, 1, 1))]
    pooled, pooled_backward = getattr(fastconv, pool), getattr(fastconv, f"{pool}_backward")

    def forward(x):
        values = [x]
        for k in kernels:
            z = fastconv.convolve2d(values[-1], k, "valid")
            a = fastconv.sigmoid(z)
            values += [a, pooled(a, kernel_size=2)]
        return values

    values = forward(x)
    d = dy = inputs.real(rng, values[-1].shape)
    for k in reversed(kernels):
        _, a, source = values.pop(), values.pop(), values[-1]
        before = a.shape if pool == "avg_pool2d" else a
        d = fastconv.sigmoid_backward(pooled_backward(d, before, kernel_size=2), y=a)
        d = fastconv.convolve2d_backward_input(d, k, source.shape, "valid")
    numbers = reference.central_difference(lambda v: forward(v)[-1], x, dy)
    np.testing.assert_allclose(d, numbers, atol=1e-7)
