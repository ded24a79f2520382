"""Laws of every normalisation: plain NumPy in float64, central differences, the same bits."""

import numpy as np
import pytest
import reference
from norm_cases import (
    CASES,
    OF_ONE_SAMPLE,
    SHAPES,
    assert_close,
    batch,
    every_case,
    every_dtype,
    every_layout,
    group,
    operands,
    terms,
    wide,
    without,
)

import fastconv
from fastconv.ops import norm


@every_dtype
@every_layout
@every_case
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients(shape, case, layout, dtype):
    if case == "instance" and shape[2:] in ((), (1, 1)):
        shape = (*shape[:2], 3, 1)  # one value has no variance
    ours, textbook = CASES[case]
    a = operands(shape, case, dtype, layout)
    out, dout = (layout(np.full(shape, np.nan, dtype)) for _ in range(2))
    before = [v.tobytes() for v in a]
    got = ours(*a, out, dout)
    assert (got[0] is out, got[1] is dout) == (True, True)
    few = 20 if 2 in (shape[0], np.prod(shape[2:], dtype=int)) else 1  # small deviations magnify rounding
    assert_close(got, textbook(*wide(*a)), dtype, factor=few * terms(shape))
    assert [v.tobytes() for v in a] == before


@every_layout
@every_case
@pytest.mark.parametrize("shape", [(4, 3), (2, 6, 3, 2), (2, 18, 1, 2)])
def test_gradients_against_central_differences(shape, case, layout):
    if case == "instance" and len(shape) == 2:
        shape = (*shape, 3, 1)
    ours, _ = CASES[case]
    x, w, b, dy = operands(shape, case, "float64", layout, seed=3)
    _, dx, *parameters = ours(x, w, b, dy)
    numbers = reference.central_difference(lambda v: ours(v, w, b, dy)[0], x, dy)
    np.testing.assert_allclose(dx, numbers, rtol=1e-6, atol=1e-7)
    if parameters:
        for gradient, f, at in (
            (parameters[0], lambda v: ours(x, v, b, dy)[0], w),
            (parameters[1], lambda v: ours(x, w, v, dy)[0], b),
        ):
            np.testing.assert_allclose(gradient, reference.central_difference(f, at, dy), rtol=1e-6, atol=1e-7)


@every_dtype
@every_layout
@pytest.mark.parametrize("case", ["batch", "group", "layer"])
def test_without_weight_and_bias(case, layout, dtype):
    ours, textbook = CASES[case]
    x, w, b, dy = operands((3, 6, 4, 5), case, dtype, layout)
    assert_close(ours(x, None, None, dy), textbook(*wide(x, np.ones_like(w), np.zeros_like(b), dy)), dtype, factor=3)
    assert_close(ours(x, w, None, dy), textbook(*wide(x, w, np.zeros_like(b), dy)), dtype, factor=3)


@every_layout
@pytest.mark.parametrize("shape", [(8, 5, 12, 11), (4, 33, 30, 30), (500, 7)])
@pytest.mark.parametrize("case", ["batch", "group", "layer"])
def test_variance_far_from_zero(case, shape, layout):
    """Mean 1e4, deviation 1 in float32: E[x^2] - E[x]^2 would lose everything (flax#1491, caffe#3963)."""
    ours, textbook = CASES[case]
    x, w, b, dy = operands(shape, case, "float32", layout)
    x = layout((x - 3) / 2 + np.float32(1e4))
    got, want = ours(x, w, b, dy)[0], textbook(*wide(x, w, b, dy))[0]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
    m, v = np.zeros(shape[1], "float32"), np.zeros(shape[1], "float32")
    norm.batch_norm(x, m, v, training=True, momentum=1.0)
    np.testing.assert_allclose(m, wide(x)[0].mean(without(1, x)), rtol=1e-7)
    np.testing.assert_allclose(v, wide(x)[0].var(without(1, x), ddof=1), rtol=1e-5)


@every_layout
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_stays_with_what_shares_its_statistics(bad, layout):
    x, w, b, dy = operands((3, 18, 5, 4), "batch", "float32", layout)
    x[1, 4, 2, 3] = bad
    y, dx, dw, _ = batch(x, w, b, dy)
    for result in (y, dx):
        assert np.isnan(result[:, 4]).all()
        assert np.isfinite(np.delete(result, 4, 1)).all()
    assert np.flatnonzero(np.isnan(dw)).tolist() == [4]
    y, dx, *_ = group(lambda C: 6)(x, w, b, dy)
    for result in (y, dx):
        assert np.isnan(result[1, 3:6]).all()
        result[1, 3:6] = 0
        assert np.isfinite(result).all()
    with np.errstate(invalid="ignore"):
        y = norm.local_response_norm(x, 3)
    assert np.isnan(y[1, 4, 2, 3])
    assert np.isfinite(np.delete(y, [3, 4, 5], 1)).all()


@every_dtype
@every_layout
@every_case
@pytest.mark.parametrize("shape", [(5, 36, 9, 11), (300, 6)])
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(shape, case, layout, dtype):
    ours, _ = CASES[case]
    a = operands(shape, case, dtype, layout)
    results = []
    for threads in (1, 2, 4):
        fastconv.set_num_threads(threads)
        results.append([r.tobytes() for r in ours(*a)])
    assert results[1:] == results[:1] * 2


@every_dtype
@every_layout
@pytest.mark.parametrize("case", OF_ONE_SAMPLE)
def test_a_sample_alone_or_in_any_batch(case, layout, dtype):
    ours, _ = CASES[case]
    x, w, b, dy = operands((7, 18, 9, 5), case, dtype, layout)
    y, dx, *_ = ours(x, w, b, dy)
    for part in (slice(0, 1), slice(6, 7), slice(2, 5)):
        alone = ours(layout(x[part]), w, b, layout(dy[part]))
        assert alone[0].tobytes() == y[part].tobytes()
        assert alone[1].tobytes() == dx[part].tobytes()


@every_dtype
@every_case
@pytest.mark.parametrize("shape", [(0, 6, 3, 4), (0, 6), (3, 6, 0, 4)])
def test_empty(shape, case, dtype):
    if case == "layer" and 0 in shape[1:]:
        shape = (0, 6, 3, 4)
    ours, _ = CASES[case]
    y, dx, *gradients = ours(*operands(shape, case, dtype))
    assert y.shape == dx.shape == shape
    for g in gradients:
        assert g.dtype == dtype
        assert not g.any()
