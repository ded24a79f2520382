"""ops/geometry.py: shapes and padding against counting, and what is refused."""

import numpy as np
import problems
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from fastconv import ops
from fastconv.ops import geometry

COUNT = st.integers(1, 5)


def counted(size, kernel, stride, dilation, before, after):
    """How many windows fit, counted one by one."""
    starts = range(-before, size + after, stride)
    return sum(start + dilation * (kernel - 1) < size + after for start in starts)


@settings(max_examples=200, deadline=None)
@given(
    axis=st.sampled_from(("OH", "OW")),
    size=st.integers(1, 12),
    kernel=COUNT,
    stride=COUNT,
    dilation=COUNT,
    pads=st.tuples(*[st.integers(0, 6)] * 2),
)
def test_extent_is_the_number_of_windows(axis, size, kernel, stride, dilation, pads):
    def along(this, other):
        return (this, other) if axis == "OH" else (other, this)

    x_shape, weight_shape = (1, 1, *along(size, 9)), (1, 1, *along(kernel, 1))
    window = along(stride, 1), along(pads, (0, 0)), along(dilation, 1)
    outputs = counted(size, kernel, stride, dilation, *pads)
    if outputs:
        assert getattr(geometry.conv2d(x_shape, weight_shape, *window), axis) == outputs
    else:
        with pytest.raises(ValueError, match="weight must fit into the padded image"):
            geometry.conv2d(x_shape, weight_shape, *window)


def test_random_convolutions_have_the_shapes_of_the_loops():
    rng = np.random.default_rng(1)
    for _ in range(200):
        p = problems.random_conv(rng)
        g = geometry.conv2d(p.x_shape, p.weight_shape, *p.window)
        pads = reference.pads(
            p.padding, p.x_shape[2:], p.weight_shape[2:], reference.pair(p.stride), reference.pair(p.dilation)
        )
        assert (g.x_shape, g.w_shape, g.y_shape) == (p.x_shape, p.weight_shape, p.y_shape)
        assert ((g.top, g.bottom), (g.left, g.right)) == pads


def test_random_transposed_convolutions_have_the_shapes_of_the_loops():
    rng = np.random.default_rng(2)
    for _ in range(200):
        p = problems.random_transposed(rng)
        g = geometry.conv_transpose2d(p.x_shape, p.weight_shape, *p.window)
        assert g.x_shape == p.y_shape
        assert g.y_shape == p.x_shape
        assert g.w_shape == p.weight_shape


@settings(max_examples=200, deadline=None)
@given(size=st.integers(1, 9), kernel=st.integers(1, 6), stride=st.integers(1, 6), dilation=st.integers(1, 3))
def test_multiple_is_stride_times_size_and_one_more_where_kernel_minus_stride_is_odd(size, kernel, stride, dilation):
    g = geometry.conv_transpose2d((1, 1, size, size), (1, 1, kernel, kernel), stride, "multiple", dilation=dilation)
    effective = dilation * (kernel - 1) + 1
    assert g.H == g.W == stride * size + (effective - stride) % 2


@settings(max_examples=200, deadline=None)
@given(size=st.integers(1, 9), kernel=st.integers(1, 6), stride=st.integers(1, 4), dilation=st.integers(1, 3))
def test_same_gives_one_output_per_stride_with_the_extra_row_at_the_end(size, kernel, stride, dilation):
    g = geometry.conv2d((1, 1, size, size), (1, 1, kernel, kernel), stride, "same", dilation)
    assert g.OH == g.OW == -(-size // stride)
    assert g.bottom - g.top in (0, 1)
    assert g.right - g.left in (0, 1)


def test_same_with_an_even_kernel_pads_bottom_and_right():
    g = geometry.conv2d((1, 1, 8, 8), (1, 1, 2, 4), padding="same")
    assert ((g.top, g.bottom), (g.left, g.right)) == ((0, 1), (1, 2))


def test_every_number_of_a_geometry_is_a_plain_int():
    shapes = np.array([2, 4, 9, 9]), np.array([6, 2, 3, 3])
    g = geometry.conv2d(*shapes, np.int64(2), (np.int32(1), np.int64(2)), np.array([1, 2]), np.uint8(2))
    assert {type(v) for v in g[:-1]} == {int}
    assert g.precise is False


def test_groups_errors_name_the_values():
    with pytest.raises(ValueError, match=r"groups=3.*\(1, 4, 5, 5\)"):
        geometry.conv2d((1, 4, 5, 5), (6, 2, 3, 3), groups=3)
    with pytest.raises(ValueError, match=r"groups=2.*\(5, 2, 3, 3\)|\(5, 2, 3, 3\).*groups=2"):
        geometry.conv2d((1, 4, 5, 5), (5, 2, 3, 3), groups=2)
    with pytest.raises(ValueError, match="groups must be >= 1, got 0"):
        geometry.conv2d((1, 4, 5, 5), (4, 4, 3, 3), groups=0)


@pytest.mark.parametrize("function", [geometry.conv2d, geometry.conv_transpose2d])
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("stride", 0),
        ("stride", (1, -1)),
        ("stride", 2**63),
        ("padding", -1),
        ("padding", ((0, 0), (0, -1))),
        ("padding", 2**62),
        ("padding", "valdi"),
        ("dilation", 0),
        ("dilation", 2**62),
        ("groups", -1),
        ("groups", 3),
        ("groups", 2**31),
        ("groups", 2**63 - 1),
    ],
)
def test_values_out_of_range(function, argument, value):
    with pytest.raises(ValueError, match=argument):
        function((1, 4, 9, 9), (4, 4, 3, 3), **{argument: value})


@pytest.mark.parametrize("value", [-1, 2, (0, 1), 2**62])
def test_output_padding_out_of_range(value):
    with pytest.raises(ValueError, match="output_padding"):
        geometry.conv_transpose2d((1, 4, 9, 9), (4, 4, 3, 3), output_padding=value)


@pytest.mark.parametrize("function", [geometry.conv2d, geometry.conv_transpose2d])
@pytest.mark.parametrize("argument", ["stride", "padding", "dilation", "groups"])
@pytest.mark.parametrize("value", [1.5, None, "1", (1, 2, 3), (1,), True, {}])
def test_values_of_another_type(function, argument, value):
    error = ValueError if argument == "padding" and value == "1" else TypeError
    with pytest.raises(error, match=argument):
        function((1, 4, 9, 9), (4, 4, 3, 3), **{argument: value})


@pytest.mark.parametrize("kernel", [(10, 3), (3, 10), (2**40, 1), (1, 2**62), (0, 3)])
def test_kernels_that_do_not_fit(kernel):
    with pytest.raises(ValueError, match=r"weight must (have a kernel|fit)"):
        geometry.conv2d((1, 4, 9, 9), (4, 4, *kernel))


def test_a_filter_of_one_channel_for_images_of_several_is_told_the_groups():
    """Whatever the caller calls the images: in conv2d_backward_input they are only a shape."""
    x, weight, dy = (1, 4, 8, 8), np.ones((4, 1, 3, 3)), np.ones((1, 4, 6, 6))
    said = r"weight must have shape .*got images \(1, 4, 8, 8\), weight \(4, 1, 3, 3\) and groups=1; write groups=4$"
    with pytest.raises(ValueError, match=said):
        ops.conv2d_backward_input(dy, weight, x)
    assert ops.conv2d_backward_input(dy, weight, x, groups=4).shape == x
    with pytest.raises(ValueError, match=r"and groups=1$"):  # no number of groups would do
        ops.conv2d_backward_input(dy, np.ones((4, 3, 3, 3)), x)


def test_output_padding_must_stay_below_stride_or_dilation():
    assert geometry.conv_transpose2d((1, 1, 3, 3), (1, 1, 3, 3), 1, 0, (1, 2), 1, (2, 3)).x_shape == (1, 1, 8, 11)
    with pytest.raises(ValueError, match="output_padding must be smaller than stride or dilation"):
        geometry.conv_transpose2d((1, 1, 3, 3), (1, 1, 3, 3), 2, 0, 2)
    with pytest.raises(ValueError, match="output_padding must be 0 with padding='multiple'"):
        geometry.conv_transpose2d((1, 1, 3, 3), (1, 1, 3, 3), 2, "multiple", 1)


def test_a_transposed_output_without_a_row_is_refused():
    with pytest.raises(ValueError, match="padding"):
        geometry.conv_transpose2d((1, 1, 1, 1), (1, 1, 2, 2), padding=1)


@pytest.mark.parametrize("stride", [9, 10**5, 2**31 - 1, (2**31 - 1, 12), (1, 2**31 - 1)])
def test_a_stride_beyond_the_padded_image_is_one_as_large_as_it(stride):
    """So no kernel ever counts to it, or takes memory for it."""
    pair = stride if isinstance(stride, tuple) else (stride, stride)
    x, w = (1, 3, 5, 6), (4, 3, 3, 3)
    assert geometry.conv2d(x, w, stride, 1) == geometry.conv2d(x, w, tuple(map(min, pair, (7, 8))), 1)
    back = geometry.conv_transpose2d((1, 4, 1, 1), (4, 3, 3, 3), stride)
    assert back == geometry.conv_transpose2d((1, 4, 1, 1), (4, 3, 3, 3), tuple(map(min, pair, (3, 3))))


def test_padding_that_makes_too_many_pixels_is_named():
    with pytest.raises(ValueError, match=r"padding must make .* at most 2\*\*40 pixels, got 1000000000: \(5, 6\)"):
        geometry.conv2d((1, 3, 5, 6), (4, 3, 3, 3), 10**9 - 1, 10**9)
    huge = (1, 1, 2**31, 2**31)
    assert geometry.conv2d(huge, (1, 1, 1, 1)).y_shape == huge
