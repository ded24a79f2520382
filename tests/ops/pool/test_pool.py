"""Pooling: values and gradients against loops, the bits, odd arrays, bad arguments, and the bugs others had."""

import itertools

import inputs
import numpy as np
import pool_reference as reference
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import fastconv
from fastconv.ops import pool

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.ascontiguousarray, inputs.channels_last, inputs.channel_slice])
CASES = (  # x shape, kernel, stride, padding, dilation, ceil_mode
    ((2, 3, 6, 8), 2, None, 0, 1, False),
    ((1, 17, 7, 9), 3, 2, 1, 1, False),
    ((2, 5, 7, 36), 3, 2, 1, 1, True),
    ((1, 8, 5, 41), (2, 3), (1, 1), (1, 0), 1, False),
    ((2, 16, 9, 5), (3, 2), (2, 3), ((1, 0), (0, 1)), 1, True),
    ((1, 4, 11, 12), (3, 2), (2, 1), 1, (2, 3), False),
    ((1, 33, 4, 4), 1, 2, 0, 1, False),
    ((1, 1, 6, 75), 2, 2, 0, 1, True),
    ((1, 9, 5, 6), (5, 6), None, 0, 1, False),
    ((1, 2, 9, 40), 2, 3, 1, 1, True),
    ((3, 2, 1, 1), 1, 1, 0, 1, False),
)
every_case = pytest.mark.parametrize("case", CASES, ids=str)
undilated = pytest.mark.parametrize("case", [case for case in CASES if case[4] == 1], ids=str)
PADLESS = [case for case in CASES if case[3] == 0]


def pooling_of(case):
    return reference.Pooling(case[0][2:], *case[1:])


def data(case, dtype, make=inputs.whole, seed=0):
    rng = np.random.default_rng(seed)
    x = make(rng, case[0], dtype)
    return x, make(rng, (*case[0][:2], *pooling_of(case).out), dtype)


def nan_like(shape, dtype, layout=np.ascontiguousarray):
    return layout(np.full(shape, np.nan, dtype))


# ---------------------------------------------------------------- against loops


@every_dtype
@every_layout
@every_case
def test_max_pool_is_exact(case, layout, dtype):
    x, dy = data(case, dtype)
    y, indices = reference.max_pool(x, pooling_of(case))
    out = nan_like(y.shape, dtype, layout)
    given_y, given_indices = fastconv.max_pool2d(layout(x), *case[1:], return_indices=True, out=out)
    assert given_y is out
    np.testing.assert_array_equal(given_y, y.astype(dtype))
    np.testing.assert_array_equal(given_indices, indices)
    np.testing.assert_array_equal(fastconv.max_pool2d(layout(x), *case[1:]), given_y)
    dx = reference.max_pool_backward(dy, x, pooling_of(case)).astype(dtype)
    for remembered in (None, given_indices):
        out = nan_like(dx.shape, dtype, layout)
        fastconv.max_pool2d_backward(layout(dy), layout(x), *case[1:], indices=remembered, out=out)
        np.testing.assert_array_equal(out, dx)


@every_dtype
@every_layout
@pytest.mark.parametrize(("include", "override"), [(True, None), (False, None), (True, 3), (False, -2)])
@undilated
def test_mean_pool(case, include, override, layout, dtype):
    x, dy = data(case, dtype)
    window = (*case[1:4], case[5], include, override)
    y = reference.mean_pool(x, pooling_of(case), include, override)
    out = nan_like(y.shape, dtype, layout)
    np.testing.assert_array_equal(fastconv.avg_pool2d(layout(x), *window, out=out), y.astype(dtype))
    dx = reference.mean_pool_backward(dy, x.shape, pooling_of(case), include, override)
    out = nan_like(dx.shape, dtype, layout)
    fastconv.avg_pool2d_backward(layout(dy), x.shape, *window, out=out)
    np.testing.assert_allclose(out, dx, rtol=8 * np.finfo(dtype).eps, atol=16 * np.finfo(dtype).eps)


@every_dtype
@every_layout
@pytest.mark.parametrize("p", [2, 1, 3, 2.5, 0.5])
@pytest.mark.parametrize("case", PADLESS, ids=str)
def test_lp_pool(case, p, layout, dtype):
    x, dy = data(case, dtype, inputs.real)
    window = (case[1], case[2], case[5])
    eps = np.finfo(dtype).eps
    y = reference.lp_pool(x, pooling_of(case), p)
    out = nan_like(y.shape, dtype, layout)
    np.testing.assert_allclose(fastconv.lp_pool2d(layout(x), p, *window, out=out), y, rtol=32 * eps)
    dx = reference.lp_pool_backward(dy, x, pooling_of(case), p)
    for known in (None, layout(y.astype(dtype))):
        out = nan_like(dx.shape, dtype, layout)
        fastconv.lp_pool2d_backward(layout(dy), layout(x), p, *window, y=known, out=out)
        np.testing.assert_allclose(out, dx, rtol=100 * eps, atol=100 * eps)


@every_dtype
def test_l2_of_whole_numbers_is_exact(dtype):
    x = inputs.whole(np.random.default_rng(0), (2, 19, 6, 8), dtype)
    y = reference.lp_pool(x, reference.Pooling((6, 8), 2)).astype(dtype)
    np.testing.assert_array_equal(fastconv.lp_pool2d(x, kernel_size=2), y)
    np.testing.assert_array_equal(fastconv.lp_pool2d(inputs.channels_last(x), 2.0, 2), y)


@every_dtype
@every_layout
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 4), (7, 1), (9, 50)])
def test_adaptive_pool(size, layout, dtype):
    rng = np.random.default_rng(1)
    x, dy = inputs.whole(rng, (2, 18, 7, 37), dtype), inputs.whole(rng, (2, 18, *size), dtype)
    pooling = reference.Adaptive((7, 37), size)
    y = fastconv.adaptive_avg_pool2d(layout(x), size, out=nan_like(dy.shape, dtype, layout))
    np.testing.assert_array_equal(y, reference.mean_pool(x, pooling).astype(dtype))
    dx = fastconv.adaptive_avg_pool2d_backward(layout(dy), x.shape, out=nan_like(x.shape, dtype, layout))
    near = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(dx, reference.mean_pool_backward(dy, x.shape, pooling), rtol=near, atol=near)
    y, indices = fastconv.adaptive_max_pool2d(layout(x), size, True, out=nan_like(dy.shape, dtype, layout))
    expected, expected_indices = reference.max_pool(x, pooling)
    np.testing.assert_array_equal(y, expected.astype(dtype))
    np.testing.assert_array_equal(indices, expected_indices)
    for remembered in (None, indices):
        dx = nan_like(x.shape, dtype, layout)
        fastconv.adaptive_max_pool2d_backward(layout(dy), layout(x), indices=remembered, out=dx)
        np.testing.assert_array_equal(dx, reference.max_pool_backward(dy, x, pooling).astype(dtype))


@every_layout
def test_global_pooling_is_adaptive_pooling_to_one(layout):
    x = layout(inputs.real(np.random.default_rng(0), (3, 20, 7, 9), "float32"))
    dy = layout(inputs.real(np.random.default_rng(1), (3, 20, 1, 1), "float32"))
    pairs = (
        (fastconv.global_avg_pool2d(x), fastconv.adaptive_avg_pool2d(x, 1)),
        (fastconv.global_max_pool2d(x), x.max((2, 3), keepdims=True)),
        (fastconv.global_max_pool2d(x, True)[1], fastconv.adaptive_max_pool2d(x, 1, True)[1]),
        (fastconv.global_avg_pool2d_backward(dy, x.shape), np.broadcast_to(dy / np.float32(63), x.shape)),
        (fastconv.global_max_pool2d_backward(dy, x), fastconv.adaptive_max_pool2d_backward(dy, x)),
    )
    for ours, expected in pairs:
        np.testing.assert_array_equal(ours, expected)


@every_dtype
@every_layout
def test_unpooling_puts_back_what_pooling_took(layout, dtype):
    x = inputs.real(np.random.default_rng(2), (2, 19, 6, 10), dtype)
    y, indices = fastconv.max_pool2d(layout(x), 2, return_indices=True)
    out = nan_like(x.shape, dtype, layout)
    back = fastconv.max_unpool2d(y, indices, 2, out=out)
    assert back is out
    np.testing.assert_array_equal(back, np.where(np.isin(x, y), x, 0))
    np.testing.assert_array_equal(fastconv.max_unpool2d_backward(layout(x), indices), y)
    larger = fastconv.max_unpool2d(y, indices, output_size=(7, 11))
    np.testing.assert_array_equal(larger.reshape(2, 19, -1)[..., :60].reshape(x.shape), back)
    assert fastconv.max_unpool2d(y, indices, 2, output_size=x.shape).shape == x.shape


def test_unpooling_keeps_the_later_of_two():
    y = fastconv.max_unpool2d(np.array([[[1.0, 2.0, 3.0]]]), np.array([[[2, 0, 2]]]), output_size=(1, 4))
    np.testing.assert_array_equal(y, [[[2, 0, 3, 0]]])


@st.composite
def poolings(draw):
    shape = draw(st.tuples(*(st.integers(1, n) for n in (2, 20, 9, 40))))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(st.just((1, 1)) | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    padding = draw(st.tuples(*(st.tuples(st.integers(0, r), st.integers(0, r)) for r in reach)))
    case = (shape, kernel, stride, padding, dilation, draw(st.booleans()))
    assume(all(n + sum(p) > r for n, p, r in zip(shape[2:], padding, reach, strict=True)))
    pooling = pooling_of(case)
    assume(all(pooling.line(axis, o) for axis in range(2) for o in range(pooling.out[axis])))
    return case


@settings(max_examples=120, deadline=None)
@given(case=poolings(), dtype=st.sampled_from(inputs.DTYPES), last=st.booleans(), include=st.booleans())
def test_any_pooling(case, dtype, last, include):
    layout = inputs.channels_last if last else np.ascontiguousarray
    x, dy = data(case, dtype)
    pooling = pooling_of(case)
    y, indices = fastconv.max_pool2d(layout(x), *case[1:], return_indices=True)
    expected, expected_indices = reference.max_pool(x, pooling)
    np.testing.assert_array_equal(y, expected.astype(dtype))
    np.testing.assert_array_equal(indices, expected_indices)
    dx = fastconv.max_pool2d_backward(layout(dy), layout(x), *case[1:])
    np.testing.assert_array_equal(dx, reference.max_pool_backward(dy, x, pooling).astype(dtype))
    if case[4] != (1, 1):
        return
    window = (*case[1:4], case[5], include)
    y = fastconv.avg_pool2d(layout(x), *window)
    np.testing.assert_array_equal(y, reference.mean_pool(x, pooling, include).astype(dtype))
    dx = fastconv.avg_pool2d_backward(layout(dy), x.shape, *window)
    near = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(dx, reference.mean_pool_backward(dy, x.shape, pooling, include), rtol=near, atol=near)


# ---------------------------------------------------------------- gradients by their definition

LINEAR = {  # forward, backward(dy, x)
    "mean": (
        lambda x: fastconv.avg_pool2d(x, 3, 2, 1, True),
        lambda dy, x: fastconv.avg_pool2d_backward(dy, x.shape, 3, 2, 1, True),
    ),
    "adaptive mean": (
        lambda x: fastconv.adaptive_avg_pool2d(x, (3, 4)),
        lambda dy, x: fastconv.adaptive_avg_pool2d_backward(dy, x.shape),
    ),
}
SMOOTH = {
    **LINEAR,
    "max": (lambda x: fastconv.max_pool2d(x, 3, 2, 1), lambda dy, x: fastconv.max_pool2d_backward(dy, x, 3, 2, 1)),
    "adaptive max": (
        lambda x: fastconv.adaptive_max_pool2d(x, (3, 4)),
        lambda dy, x: fastconv.adaptive_max_pool2d_backward(dy, x),
    ),
    "L2": (
        lambda x: fastconv.lp_pool2d(x, 2, 3, 2, True),
        lambda dy, x: fastconv.lp_pool2d_backward(dy, x, 2, 3, 2, True),
    ),
    "L3": (lambda x: fastconv.lp_pool2d(x, 3, 2, 1), lambda dy, x: fastconv.lp_pool2d_backward(dy, x, 3, 2, 1)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_is_the_central_difference(name):
    forward, backward = SMOOTH[name]
    rng = np.random.default_rng(3)
    x = rng.permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7) / 10 + 1  # all differ by more than the step
    dy = rng.standard_normal(forward(x).shape)
    dx, h = backward(dy, x), 1e-5
    for position in itertools.islice(np.ndindex(x.shape), 0, None, 5):
        step = np.zeros_like(x)
        step[position] = h
        slope = np.sum(dy * (forward(x + step) - forward(x - step))) / (2 * h)
        assert slope == pytest.approx(dx[position], rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", LINEAR)
def test_backward_is_the_adjoint(name):
    forward, backward = LINEAR[name]
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, 5, 8, 9))
    y = forward(x)
    dy = rng.standard_normal(y.shape)
    assert np.vdot(dy, y) == pytest.approx(np.vdot(backward(dy, x), x), rel=1e-12)


def test_the_mean_gives_one_over_m():
    """The factor of mean pooling is 1/m, m the size of the window, and not 1."""
    np.testing.assert_array_equal(
        fastconv.avg_pool2d_backward(np.ones((1, 1, 2, 2)), (1, 1, 4, 4), 2), np.full((1, 1, 4, 4), 1 / 4)
    )


# ---------------------------------------------------------------- the same bits

PASSES = {
    "max": lambda x: fastconv.max_pool2d(x, 3, 2, 1, return_indices=True),
    "max backward": lambda x: fastconv.max_pool2d_backward(x[..., :6, :18], x, 3, 2, 1),
    "mean": lambda x: fastconv.avg_pool2d(x, 3, 2, 1),
    "mean backward": lambda x: fastconv.avg_pool2d_backward(x[..., :6, :18], x.shape, 3, 2, 1),
    "L2": lambda x: fastconv.lp_pool2d(x, 2, 2),
    "L2 backward": lambda x: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 2, 3, 2),
    "L3": lambda x: fastconv.lp_pool2d(x, 3, 2),
    "L3 backward": lambda x: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 3, 3, 2),
    "adaptive mean": lambda x: fastconv.adaptive_avg_pool2d(x, 5),
    "adaptive max": lambda x: fastconv.adaptive_max_pool2d(x, 5),
    "global mean": fastconv.global_avg_pool2d,
    "unpool": lambda x: fastconv.max_unpool2d(*fastconv.max_pool2d(x, 2, return_indices=True), output_size=(12, 36)),
}
every_pass = pytest.mark.parametrize("name", PASSES)


def bits(value):
    if isinstance(value, tuple):
        return b"".join(map(bits, value))
    return np.ascontiguousarray(value).tobytes()


@every_dtype
@every_layout
@every_pass
def test_bits_do_not_depend_on_threads(name, layout, dtype, all_threads):
    x = layout(inputs.real(np.random.default_rng(5), (3, 21, 12, 36), dtype))
    seen = set()
    for count in (1, 2, 3, 4, 8):
        fastconv.set_num_threads(count)
        seen |= {bits(PASSES[name](x)) for _ in range(3)}
    assert len(seen) == 1


@every_dtype
@every_layout
@every_pass
def test_bits_do_not_depend_on_the_batch(name, layout, dtype):
    x = layout(inputs.real(np.random.default_rng(6), (64, 5, 12, 36), dtype))
    whole = PASSES[name](x)
    whole = whole if isinstance(whole, tuple) else (whole,)
    for n in (1, 2, 7):
        part = PASSES[name](x[3 : 3 + n])
        for a, b in zip(part if isinstance(part, tuple) else (part,), whole, strict=True):
            np.testing.assert_array_equal(a, b[3 : 3 + n])
    np.testing.assert_array_equal(PASSES[name](x[5])[0] if name == "max" else PASSES[name](x[5]), whole[0][5])


@every_dtype
@every_pass
def test_bits_do_not_depend_on_the_layout(name, dtype):
    x = inputs.real(np.random.default_rng(7), (2, 21, 12, 36), dtype)
    assert bits(PASSES[name](x)) == bits(PASSES[name](inputs.channels_last(x)))


@every_layout
def test_results_have_the_layout_they_were_given(layout):
    x = layout(np.ones((2, 6, 8, 8), "float32"))
    wanted = fastconv.ops.check.layout_of(x)
    y, indices = fastconv.max_pool2d(x, 2, return_indices=True)
    results = [y, indices, fastconv.avg_pool2d(x, 2), fastconv.max_pool2d_backward(y, x, 2)]
    results += [fastconv.avg_pool2d_backward(y, x.shape, 2), fastconv.lp_pool2d_backward(y, x, 2, 2)]
    assert {fastconv.ops.check.layout_of(r) for r in results} == {wanted}


# ---------------------------------------------------------------- arrays as people hand them in


@every_dtype
@pytest.mark.parametrize("odd", inputs.ODD)
@every_pass
def test_odd_arrays(name, odd, dtype):
    x = odd(inputs.real(np.random.default_rng(8), (2, 6, 12, 36), dtype))
    before = x.tobytes()
    given_ = PASSES[name](x)
    expected = PASSES[name](np.array(x, dtype, order="C"))
    assert bits(given_) == bits(expected)
    assert x.tobytes() == before


@pytest.mark.parametrize("odd", inputs.ODD)
def test_odd_gradients_and_indices(odd):
    rng = np.random.default_rng(9)
    x = inputs.real(rng, (2, 6, 8, 10), "float32")
    y, indices = fastconv.max_pool2d(x, 2, return_indices=True)
    if odd not in (inputs.broadcast, inputs.constant):
        plain = fastconv.max_pool2d_backward(y, x, 2, indices=indices)
        with np.errstate(invalid="ignore"):  # NaN as filling
            odd_indices = odd(indices)
        assert bits(fastconv.max_pool2d_backward(y, x, 2, indices=odd_indices)) == bits(plain)
        assert bits(fastconv.max_unpool2d(y, odd_indices, 2)) == bits(fastconv.max_unpool2d(y, indices, 2))
    dy, dy_plain = odd(y), np.array(odd(y), "float32", order="C")
    for backward in (
        lambda dy: fastconv.max_pool2d_backward(dy, inputs.channels_last(x), 2, indices=indices),
        lambda dy: fastconv.avg_pool2d_backward(dy, x.shape, 2),
        lambda dy: fastconv.lp_pool2d_backward(dy, inputs.channels_last(x), 2, 2),
        lambda dy: fastconv.adaptive_avg_pool2d_backward(dy, x.shape),
    ):
        assert bits(backward(dy)) == bits(backward(dy_plain))


@pytest.mark.parametrize("wild", [inputs.every_second, inputs.negative, inputs.fortran, inputs.misaligned])
@every_pass
def test_out_of_any_strides(name, wild):
    x = inputs.real(np.random.default_rng(10), (2, 6, 12, 36), "float32")
    expected = PASSES[name](x)
    expected = expected[0] if isinstance(expected, tuple) else expected
    out = wild(np.full(expected.shape, np.nan, "float32"))
    into = {
        "max": lambda: fastconv.max_pool2d(x, 3, 2, 1, out=out),
        "max backward": lambda: fastconv.max_pool2d_backward(x[..., :6, :18], x, 3, 2, 1, out=out),
        "mean": lambda: fastconv.avg_pool2d(x, 3, 2, 1, out=out),
        "mean backward": lambda: fastconv.avg_pool2d_backward(x[..., :6, :18], x.shape, 3, 2, 1, out=out),
        "L2": lambda: fastconv.lp_pool2d(x, 2, 2, out=out),
        "L2 backward": lambda: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 2, 3, 2, out=out),
        "L3": lambda: fastconv.lp_pool2d(x, 3, 2, out=out),
        "L3 backward": lambda: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 3, 3, 2, out=out),
        "adaptive mean": lambda: fastconv.adaptive_avg_pool2d(x, 5, out=out),
        "adaptive max": lambda: fastconv.adaptive_max_pool2d(x, 5, out=out),
        "global mean": lambda: fastconv.global_avg_pool2d(x, out=out),
        "unpool": lambda: fastconv.max_unpool2d(
            *fastconv.max_pool2d(x, 2, return_indices=True), output_size=(12, 36), out=out
        ),
    }
    assert into[name]() is out
    np.testing.assert_array_equal(out, expected)


@every_dtype
def test_empty_batches(dtype):
    x = np.empty((0, 3, 12, 36), dtype)
    for name, call in PASSES.items():
        result = call(x)
        result = result[0] if isinstance(result, tuple) else result
        assert result.shape[:2] == (0, 3), name
        assert result.dtype == dtype, name
    assert fastconv.max_pool2d(np.empty((2, 0, 4, 4), dtype), 2).shape == (2, 0, 2, 2)


# ---------------------------------------------------------------- NaN, infinities, extreme values


@every_dtype
@every_layout
@pytest.mark.parametrize("C", [1, 3, 8, 17])
@pytest.mark.parametrize("k", [2, 3])
def test_nan_at_each_position(k, C, layout, dtype):
    for row, column in np.ndindex(k, k):
        x = inputs.real(np.random.default_rng(11), (1, C, k, 17 * k), dtype)
        x[..., row, column::k] = np.nan
        y, indices = fastconv.max_pool2d(layout(x), k, return_indices=True)
        assert np.isnan(y).all()
        assert np.isnan(fastconv.max_pool2d(layout(x), k)).all()
        np.testing.assert_array_equal(indices, np.broadcast_to(row * 17 * k + column + np.arange(17) * k, y.shape))
        dx = fastconv.max_pool2d_backward(np.ones_like(y), layout(x), k)
        np.testing.assert_array_equal(dx, np.isnan(x))
        assert np.isnan(fastconv.avg_pool2d(layout(x), k)).all()
        assert np.isnan(fastconv.lp_pool2d(layout(x), 2, k)).all()
        assert np.isnan(fastconv.lp_pool2d(layout(x), 3, k)).all()


@every_layout
@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf, -0.0])
def test_windows_of_one_value(value, layout):
    x = layout(np.full((2, 17, 5, 35), value, "float32"))
    y, indices = fastconv.max_pool2d(x, 3, 2, 1, return_indices=True)
    np.testing.assert_array_equal(y, np.full(y.shape, value, "float32"))
    expected = reference.max_pool(x, reference.Pooling((5, 35), 3, 2, 1))[1]
    np.testing.assert_array_equal(indices, expected)
    dx = fastconv.max_pool2d_backward(np.ones_like(y), x, 3, 2, 1)
    assert dx.sum() == y.size


@every_layout
def test_padding_is_below_every_value(layout):
    x = layout(-1 - np.abs(inputs.real(np.random.default_rng(12), (2, 9, 6, 20), "float32")) * 1e37)
    y = fastconv.max_pool2d(x, 3, 1, 1)
    np.testing.assert_array_equal(y, reference.max_pool(x, reference.Pooling((6, 20), 3, 1, 1))[0].astype("float32"))


@every_dtype
@every_layout
@pytest.mark.parametrize("p", [2, 3])
@pytest.mark.parametrize("scale", [1e20, 1e-30, 3e-39, 0.0])
def test_lp_neither_overflows_nor_vanishes(scale, p, layout, dtype):
    if dtype == "float64":
        scale = {1e20: 1e300, 1e-30: 1e-300, 3e-39: 5e-310}.get(scale, 0.0)
    sample = inputs.real(np.random.default_rng(13), (2, 19, 6, 36)) * scale
    sample[:, :, :2, ::3] = 0
    sample[:, 1] = inputs.real(np.random.default_rng(14), (2, 6, 36))  # lanes beside it stay ordinary
    x = layout(sample.astype(dtype))
    tiny = np.finfo(dtype).smallest_subnormal
    near = 16 * np.finfo(dtype).eps
    y = fastconv.lp_pool2d(x, p, 2)
    expected = reference.lp_pool(x, reference.Pooling((6, 36), 2), p)
    np.testing.assert_allclose(y, expected, rtol=near, atol=4 * tiny)
    dx = fastconv.lp_pool2d_backward(np.ones_like(y), x, p, 2)
    assert np.isfinite(dx).all()
    assert (dx[x == 0] == 0).all()
    assert np.abs(dx).max() <= 1 + near


def test_lp_of_infinities():
    x = np.array([[[np.inf, 1.0, -np.inf, np.nan]]], "float32")
    np.testing.assert_array_equal(fastconv.lp_pool2d(x, 2, (1, 2)), np.array([[[np.inf, np.nan]]], "float32"))


def test_backward_twice_gives_the_same_and_leaves_its_arguments():
    x = inputs.real(np.random.default_rng(15), (2, 5, 8, 8), "float32")
    y, indices = fastconv.max_pool2d(x, 3, 2, return_indices=True)
    before = bits((x, y, indices))
    first = fastconv.max_pool2d_backward(y, x, 3, 2, indices=indices)
    assert bits(first) == bits(fastconv.max_pool2d_backward(y, x, 3, 2, indices=indices))
    assert bits((x, y, indices)) == before


@every_layout
def test_strides_beyond_the_kernel_leave_zeros(layout):
    x = layout(inputs.real(np.random.default_rng(16), (2, 18, 7, 37), "float32"))
    y = fastconv.max_pool2d(x, 1, 2)
    np.testing.assert_array_equal(y, x[..., ::2, ::2])
    dx = fastconv.avg_pool2d_backward(y, x.shape, 1, 2)
    np.testing.assert_array_equal(dx[..., ::2, ::2], y)
    assert not dx[..., 1::2, :].any()
    assert not dx[..., 1::2].any()


def test_planes_beyond_32_bits():
    """A view of 2**31 + elements that repeats one row: indices need 64 bits."""
    x = np.broadcast_to(np.float32([[[[1, 2, 3, 4, 5, 6, 7, 8]]]]), (1, 1, 2**28 + 1, 8))
    y, indices = fastconv.max_pool2d(x, (1, 8), (2**28, 1), return_indices=True)
    np.testing.assert_array_equal(y.ravel(), [8, 8])
    np.testing.assert_array_equal(indices.ravel(), [7, 2**31 + 7])


# ---------------------------------------------------------------- bad arguments

X = np.zeros((2, 3, 8, 8), "float32")
Y = np.zeros((2, 3, 4, 4), "float32")
INDICES = np.zeros((2, 3, 4, 4), "int64")
BAD = (
    (lambda: fastconv.max_pool2d(X, 0), ValueError, "kernel_size must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, 0), ValueError, "stride must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, -1), ValueError, "stride must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, dilation=0), ValueError, "dilation must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, padding=-1), ValueError, "padding must be >= 0"),
    (lambda: fastconv.max_pool2d(X, 2, padding=2), ValueError, "padding must be below"),
    (lambda: fastconv.max_pool2d(X[..., :1, :1], 2, 1, 2, 3), ValueError, "lies in padding only"),
    (lambda: fastconv.max_pool2d_backward(Y, X[..., :1, :1], 2, 1, 2, 3), ValueError, "lies in padding only"),
    (lambda: fastconv.max_pool2d(X, 9), ValueError, "kernel_size must fit"),
    (lambda: fastconv.max_pool2d(X, 2, dilation=8), ValueError, "kernel_size must fit"),
    (lambda: fastconv.max_pool2d(X, 2**40, dilation=2**40), ValueError, "kernel_size must be below"),
    (lambda: fastconv.max_pool2d(X, 2.0), TypeError, "kernel_size must be an integer"),
    (lambda: fastconv.max_pool2d(X, True), TypeError, "kernel_size must be an integer"),
    (lambda: fastconv.max_pool2d(X, (2, 2, 2)), TypeError, "kernel_size must be an integer or a pair"),
    (lambda: fastconv.max_pool2d(X.astype(int), 2), TypeError, "x must be float32 or float64"),
    (lambda: fastconv.max_pool2d(X[0, 0], 2), ValueError, "x must have 3 or 4 dimensions"),
    (lambda: fastconv.max_pool2d(X[..., :0], 1), ValueError, "kernel_size must fit"),
    (lambda: fastconv.max_pool2d(X, 2, out=X[..., :4, :4]), ValueError, "out must not share memory with x"),
    (lambda: fastconv.max_pool2d(X, 2, out=Y[:1]), ValueError, "out must have shape"),
    (lambda: fastconv.max_pool2d(X, 2, out=Y.astype("float64")), TypeError, "out must have dtype"),
    (lambda: fastconv.max_pool2d_backward(Y[:1], X, 2), ValueError, "dy must have shape"),
    (lambda: fastconv.max_pool2d_backward(Y[0], X, 2), ValueError, "dy must have a batch axis"),
    (lambda: fastconv.max_pool2d_backward(Y.astype("float64"), X, 2), TypeError, "dy and x must have the same dtype"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES - 1), ValueError, r"got -1 at \(0, 0, 0, 0\)"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES), ValueError, r"got 0 at \(0, 0, 0, 1\)"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES + 64), ValueError, "indices must be in"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES[:1]), ValueError, "indices must have shape"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES.astype("i4")), TypeError, "indices must be int64"),
    (lambda: fastconv.avg_pool2d(X, 2, divisor_override=0), ValueError, "divisor_override must not be 0"),
    (lambda: fastconv.avg_pool2d(X, 2, divisor_override=1.5), TypeError, "divisor_override must be an integer"),
    (lambda: fastconv.avg_pool2d(X, 9), ValueError, "kernel_size must fit"),
    (lambda: fastconv.avg_pool2d(X, 2, 0), ValueError, "stride must be >= 1"),
    (lambda: fastconv.avg_pool2d_backward(Y, (2, 3, 8), 2), ValueError, "input_shape must be 4 integers"),
    (lambda: fastconv.avg_pool2d_backward(Y, (2, 3, 9, 12), 2), ValueError, "dy must have shape"),
    (lambda: fastconv.lp_pool2d(X, 0, 2), ValueError, "norm_type must be a finite number > 0"),
    (lambda: fastconv.lp_pool2d(X, np.inf, 2), ValueError, "norm_type must be a finite number > 0"),
    (lambda: fastconv.lp_pool2d(X, np.nan, 2), ValueError, "norm_type must be a finite number > 0"),
    (lambda: fastconv.lp_pool2d(X, "2", 2), TypeError, "norm_type must be a number"),
    (lambda: fastconv.lp_pool2d(X), TypeError, "kernel_size must be an integer"),
    (lambda: fastconv.lp_pool2d_backward(Y, X, 2, 2, y=Y[:1]), ValueError, "y must have shape"),
    (lambda: fastconv.lp_pool2d_backward(Y, X, 2, 2, y=Y.astype("f8")), TypeError, "x and y must have the same dtype"),
    (lambda: fastconv.adaptive_avg_pool2d(X, 0), ValueError, "output_size must be >= 1"),
    (lambda: fastconv.adaptive_avg_pool2d(X, (2, 2.5)), TypeError, "output_size must be an integer"),
    (lambda: fastconv.adaptive_avg_pool2d(X[..., :0], 1), ValueError, "x must have H and W of at least 1"),
    (lambda: fastconv.adaptive_avg_pool2d_backward(Y, (2, 4, 8, 8)), ValueError, "the N and C of dy"),
    (lambda: fastconv.adaptive_max_pool2d_backward(Y, X[:1]), ValueError, "dy must have shape"),
    (lambda: fastconv.adaptive_max_pool2d_backward(Y, X, indices=INDICES + 63), ValueError, "in its window"),
    (lambda: fastconv.global_avg_pool2d_backward(Y, X.shape), ValueError, "dy must have shape"),
    (lambda: fastconv.global_max_pool2d_backward(Y, X), ValueError, "dy must have shape"),
    (lambda: fastconv.max_unpool2d(Y, INDICES), TypeError, "kernel_size or output_size"),
    (lambda: fastconv.max_unpool2d(Y, INDICES + 64, 2), ValueError, r"in \[0, 64\)"),
    (lambda: fastconv.max_unpool2d(Y, INDICES - 1, 2), ValueError, r"in \[0, 64\)"),
    (lambda: fastconv.max_unpool2d(Y, INDICES[0], 2), ValueError, "indices must have shape"),
    (lambda: fastconv.max_unpool2d(Y, INDICES, 2, padding=5), ValueError, "at least 1 x 1"),
    (lambda: fastconv.max_unpool2d_backward(Y, INDICES + 16), ValueError, r"in \[0, 16\)"),
    (lambda: fastconv.max_unpool2d_backward(Y, INDICES[:, :1]), ValueError, "indices must have shape"),
)


@pytest.mark.parametrize(("call", "error", "message"), BAD, ids=[message for _, _, message in BAD])
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


WAYS_BACK = ((2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 1), (2, 1, 0, 2), (5, 3, 2, 1))


@every_layout
@pytest.mark.parametrize("case", WAYS_BACK, ids=str)
@pytest.mark.parametrize("size", [(2, 17, 9, 10), (9, 33, 10, 11)])
def test_every_way_back_finds_the_first_bad_index(case, size, layout):
    rng = np.random.default_rng(0)
    x = layout(rng.standard_normal(size).astype("float32"))
    y, indices = fastconv.max_pool2d(x, *case, return_indices=True)
    n, c, i, j = where = tuple(axis // 2 for axis in y.shape)
    kernel, stride, padding, dilation = case
    h, w = (stride * at - padding for at in (i, j))
    reach = dilation * (kernel - 1)
    outside = [(h - 1, w), (h, w - 1), (h + reach + 1, w), (h, w + reach + 1)]
    values = [row * size[3] + column for row, column in outside] + [-1, indices[where] + 2**32]
    for value in values:
        bad = indices.copy(order="K")
        bad[where] = value
        bad[-1, -1, -1, -1] = -7
        with pytest.raises(ValueError, match=rf"in its window, got {value} at \({n}, {c}, {i}, {j}\)"):
            fastconv.max_pool2d_backward(layout(y), x, *case, indices=bad)


def test_giant_broadcast_arrays_are_refused_before_anything_is_allocated():
    x = np.broadcast_to(np.float32(1), (2**20, 2**20, 2**20, 1))
    with pytest.raises(ValueError, match=r"2\*\*40"):
        fastconv.max_pool2d(x, 1)


def test_the_names_networks_use():
    assert all(callable(getattr(pool, f"{name}_call")) for name in ("max_pool2d", "avg_pool2d_backward", "lp_pool2d"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_means_of_pairs_have_the_bits_of_other_windows(dtype):
    """2 x 2 windows side by side go a quick way; the same windows inside padding go the general one."""
    for width in (4, 6, 8, 24, 62, 130):
        x = np.random.default_rng(width).standard_normal((2, 3, 10, width)).astype(dtype)
        x[0, 0, 3, 2], x[0, 1, 4, 3] = np.nan, np.inf
        quick = fastconv.avg_pool2d(x, 2)
        general = fastconv.avg_pool2d(x[:, :, 1:-1, 1:-1], 2, padding=1)
        np.testing.assert_array_equal(quick[:, :, 1:-1, 1:-1], general[:, :, 1:-1, 1:-1])


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "lp_pool2d"])
def test_a_large_gradient_has_the_same_bits_on_any_address(name):
    """16 MB and more, on whole vectors, are stored past the caches; on other addresses they are not."""
    rng = np.random.default_rng(0)
    x = inputs.channels_last(rng.standard_normal((3, 16, 300, 301)).astype("float32"))
    arguments = (2, 2) if name == "lp_pool2d" else (2,)
    y = getattr(fastconv, name)(x, *arguments)
    dy = inputs.channels_last(rng.standard_normal(y.shape).astype("float32"))
    backward = getattr(fastconv, f"{name}_backward")
    source = x.shape if name == "avg_pool2d" else x
    beside = np.empty(x.size + 1, "float32")[1:].reshape(3, 300, 301, 16).transpose(0, 3, 1, 2)
    dx = backward(dy, source, *arguments)
    backward(dy, source, *arguments, out=beside)
    assert dx.nbytes >= 16 << 20
    np.testing.assert_array_equal(dx, beside)
    if name != "avg_pool2d":  # the layout of x, else of dy
        source = np.ascontiguousarray(x)
    planar = backward(np.ascontiguousarray(dy), source, *arguments)
    assert planar.flags.c_contiguous
    np.testing.assert_array_equal(dx, planar)
