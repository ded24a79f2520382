"""conv_transpose2d and its gradients: the laws of conv_laws.py, and what makes it the transpose of conv2d."""

import inputs
import numpy as np
import problems
import pytest
import reference
from conv_laws import Laws
from problems import Conv, Transposed, assert_exact, operands

import fastconv

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


class TestConvTranspose2d(Laws):
    random = staticmethod(problems.random_transposed)
    cases = (
        Transposed((2, 5, 6, 7), (5, 9, 3, 3), 1, 1),
        Transposed((2, 3, 4, 3), (3, 4, 3, 2), (2, 3), ((0, 1), (2, 0)), (1, 2), 1, (1, 2)),
        Transposed((3, 7, 3, 3), (7, 1, 3, 3), 2, 1, 1, 7),
        Transposed((1, 6, 4, 4), (6, 2, 2, 2), 2, 0, 0, 3),
        Transposed((2, 17, 4, 3), (17, 18, 1, 1)),
        Transposed((1, 20, 3, 2), (20, 33, 4, 4), 2, "multiple"),
    )


@pytest.mark.parametrize("padding", [0, 1, ((0, 3), (2, 1))])
def test_many_channels_with_a_kernel_of_twice_the_stride(padding):
    """Winograd's path, whose results are not exact."""
    problem = Transposed((2, 33, 6, 5), (33, 32, 4, 4), 2, padding)
    a = operands(problem, inputs.whole, 3, "float32")
    for which in problems.PASSES:
        exact = problem.call(reference, which, a)
        out = np.full(exact.shape, np.nan, "float32")
        problem.call(fastconv, which, a, out=out)
        assert np.abs(out - exact).max() <= 5e-6 * np.abs(exact).max()


def all_exact(problem, dtype):
    a = operands(problem, inputs.whole, 2, dtype)
    for which in problems.PASSES:
        exact = problem.call(reference, which, a)
        out = np.full(exact.shape, np.nan, dtype)
        assert_exact(problem.call(fastconv, which, a, out=out), exact, dtype)


@every_dtype
@pytest.mark.parametrize("output_padding", [0, 1, 2, (1, 2)])
@pytest.mark.parametrize("dilation", [1, 2, (3, 2)])
def test_output_padding_with_dilation(output_padding, dilation, dtype):
    """pytorch#5112, #1565, #14272: wrong values and a crash in the gradient."""
    for stride in (3, (3, 4)):
        all_exact(Transposed((2, 3, 3, 2), (3, 4, 3, 2), stride, 1, output_padding, 1, dilation), dtype)


@every_dtype
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33])
def test_channel_tails(channels, dtype):
    for K in (1, 2, 5, 8, 12, 16, 17, 33):
        all_exact(Transposed((1, channels, 2, 3), (channels, K, 3, 2), 2, 1, 1), dtype)


@every_dtype
def test_gaps_between_painted_pixels_hold_the_bias(dtype):
    """Stride above the kernel: most of the output is reached by no input."""
    x, weight, bias = np.ones((1, 2, 2, 2), dtype), np.ones((2, 3, 1, 1), dtype), np.array([5, 6, 7], dtype)
    y = fastconv.conv_transpose2d(x, weight, bias, 3, out=np.full((1, 3, 4, 4), np.nan, dtype))
    expected = np.broadcast_to(bias[:, None, None], (1, 3, 4, 4)).copy()
    expected[:, :, ::3, ::3] += 2
    np.testing.assert_array_equal(y, expected)


def resolved_pads(p):
    return reference.pads(p.padding, p.x_shape[2:], p.weight_shape[2:], *map(reference.pair, (p.stride, p.dilation)))


def test_is_the_input_gradient_of_conv2d():
    """output_padding is what the stride left over."""
    rng = np.random.default_rng(3)
    for seed in range(30):
        conv = problems.random_conv(rng)
        a, pads = operands(conv, inputs.whole, seed), resolved_pads(conv)
        left_over = [
            (size + sum(pad) - d * (kernel - 1) - 1) % s
            for size, pad, kernel, s, d in zip(
                conv.x_shape[2:],
                pads,
                conv.weight_shape[2:],
                reference.pair(conv.stride),
                reference.pair(conv.dilation),
                strict=True,
            )
        ]
        dx = fastconv.conv2d_backward_input(a.dy, a.weight, conv.x_shape, *conv.window)
        y = fastconv.conv_transpose2d(a.dy, a.weight, None, conv.stride, pads, left_over, conv.groups, conv.dilation)
        np.testing.assert_array_equal(y, dx, strict=True)


def test_its_input_gradient_is_conv2d():
    rng = np.random.default_rng(4)
    for seed in range(30):
        p = problems.random_transposed(rng)._replace(output_padding=0)
        if p.padding == "multiple" or min(p.y_shape) < 1:
            continue
        a = operands(p, inputs.whole, seed)
        dx = p.call(fastconv, "input", a)
        y = fastconv.conv2d(a.dy, a.weight, None, p.stride, resolved_pads(p), p.dilation, p.groups)
        np.testing.assert_array_equal(dx, y, strict=True)


@pytest.mark.parametrize("padding", [1, 2, (1, 1), ((0, 2), (1, 1))])
def test_an_output_without_pixels_is_refused(padding):
    """pytorch#88647: an error on one device, an empty result on the other."""
    x, weight = np.ones((1, 1, 1, 1), "float32"), np.ones((1, 1, 2, 2), "float32")
    with pytest.raises(ValueError, match="padding"):
        fastconv.conv_transpose2d(x, weight, padding=padding)


def test_an_empty_batch_leaves_no_stale_numbers():
    """pytorch#24341"""
    x, weight = np.ones((0, 3, 4, 4), "float32"), np.ones((3, 2, 3, 3), "float32")
    assert fastconv.conv_transpose2d(x, weight, stride=2).shape == (0, 2, 9, 9)
    dw = fastconv.conv_transpose2d_backward_weight(np.ones((0, 2, 9, 9), "float32"), x, weight.shape, 2)
    np.testing.assert_array_equal(dw, np.zeros(weight.shape, "float32"), strict=True)


def test_shapes_that_do_not_agree_name_both():
    x = np.ones((1, 3, 4, 4), "float32")
    with pytest.raises(ValueError, match=r"weight must have shape .*\(1, 3, 4, 4\).*\(4, 2, 3, 3\)"):
        fastconv.conv_transpose2d(x, np.ones((4, 2, 3, 3), "float32"))


def test_equals_conv2d_with_the_rotated_kernel():
    """Stride 1: painting with w is the full convolution, so conv2d with rot180(w) and padding "full"."""
    a = operands(Conv((2, 4, 5, 6), (3, 4, 3, 2)), inputs.whole, 5)
    painted = fastconv.conv_transpose2d(a.x, a.weight.swapaxes(0, 1))
    np.testing.assert_array_equal(painted, fastconv.conv2d(a.x, fastconv.rot180(a.weight), padding="full"))
