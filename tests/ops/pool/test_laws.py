"""Laws of every pooling: any geometry, gradients by their definition, the same bits."""

import itertools

import inputs
import numpy as np
import pool_reference as reference
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pool_cases import (
    PASSES,
    bits,
    data,
    every_dtype,
    every_layout,
    every_pass,
    pooling_of,
)

import fastconv


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
