"""Dense kernels: every tail and block against float64 products, and the same bits whatever the call."""

import sys

import child
import inputs
import numpy as np
import pytest
from guarded import between_pages
from inputs import DTYPES
from problems import assert_exact, assert_rounded

import fastconv
from fastconv import kernels

every_dtype = pytest.mark.parametrize("dtype", DTYPES)
PASSES = ("forward", "input", "weight", "bias")
BLOCKS = [  # (N, I, O): several blocks of I, of O, of N; rows where they lie, and copied; jobs of several tiles
    (1, 1000, 700),
    (1, 40, 600),
    (3, 1553, 517),
    (5, 769, 35),
    (6, 768, 4),
    (24, 400, 3),
    (25, 1601, 66),
    (64, 33, 259),
    (257, 130, 70),
    (400, 800, 9),
    (600, 20, 300),
]


def operands(N, I, O, dtype="float32", fill=inputs.whole, seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: fill(rng, shape, dtype)
        for name, shape in {"x": (N, I), "weight": (O, I), "bias": (O,), "dy": (N, O)}.items()
    }


def run(which, a, activation=0, out=None):
    """One pass by the kernel, into an array of NaN unless `out` is given."""
    dense, x, weight, dy = kernels.load(a["x"].dtype).dense.linear, a["x"], a["weight"], a["dy"]
    shape = {"forward": dy.shape, "input": x.shape, "weight": weight.shape, "bias": dy.shape[1:]}[which]
    out = np.full(shape, np.nan, x.dtype) if out is None else out
    if which == "forward":
        dense.forward(x, weight, a["bias"], out, activation)
    elif which == "input":
        dense.backward_input(dy, weight, out)
    elif which == "weight":
        dense.backward_weight(dy, x, out)
    else:
        dense.backward_bias(dy, out)
    return out


def activated(y, activation):
    return [y, np.maximum(y, 0), np.clip(y, 0, 6)][activation]


def expected(which, a, activation=0):
    """In float64 by NumPy's products: exact for small whole numbers."""
    x, weight, dy = (a[name].astype("float64") for name in ("x", "weight", "dy"))
    if which == "forward":
        bias = 0 if a["bias"] is None else a["bias"].astype("float64")
        return activated(x @ weight.T + bias, activation)
    return {"input": dy @ weight, "weight": dy.T @ x, "bias": dy.sum(0)}[which]


@every_dtype
@pytest.mark.parametrize("part", range(4))
def test_sizes_that_end_in_any_part_of_a_vector_are_exact(part, dtype):
    rng = np.random.default_rng(part)
    for case in range(400):
        N, I, O = (int(n) for n in rng.integers(1, 42, 3))
        a, activation = operands(N, I, O, dtype, seed=case), case % 3
        if case % 5 == 0:
            a["bias"] = None
        for which in PASSES:
            assert_exact(run(which, a, activation), expected(which, a, activation), dtype)


@every_dtype
@pytest.mark.parametrize("size", BLOCKS)
def test_several_blocks_are_exact(size, dtype):
    a = operands(*size, dtype)
    for activation in range(3):
        assert_exact(run("forward", a, activation), expected("forward", a, activation), dtype)
    for which in PASSES[1:]:
        assert_exact(run(which, a), expected(which, a), dtype)


@every_dtype
@pytest.mark.parametrize("size", [*BLOCKS, (7, 31, 65), (2, 6000, 2), (2, 2, 6000)])
def test_real_numbers_differ_by_rounding_only(size, dtype):
    N, I, O = size
    a = operands(*size, dtype, inputs.real)
    sizes = {name: np.abs(v) for name, v in a.items()}
    for which, terms in zip(PASSES, (I + 1, O, N, N), strict=True):
        exact = expected(which, a) if dtype == "float32" else longer(which, a)
        assert_rounded(run(which, a), exact, expected(which, sizes), terms)


def longer(which, a):
    """In more than float64."""
    x, weight, bias, dy = (a[name].astype(np.longdouble) for name in ("x", "weight", "bias", "dy"))
    ones = np.ones((len(x), 1))
    left, right = {"forward": (x, weight.T), "input": (dy, weight), "weight": (dy.T, x), "bias": (dy.T, ones)}[which]
    result = np.stack([(row[:, None] * right).sum(0) for row in left]) + (bias if which == "forward" else 0)
    return result[:, 0] if which == "bias" else result


@every_dtype
@pytest.mark.parametrize(("I", "O"), [(1, 1), (7, 5), (192, 10), (40, 300), (1700, 67), (1024, 513)])
def test_a_sample_has_the_same_bits_alone_and_in_any_batch(I, O, dtype):
    a = operands(430, I, O, dtype, inputs.real)
    for which, name in (("forward", "dy"), ("input", "x")):
        alone = np.concatenate([run(which, a | {k: a[k][n : n + 1] for k in ("x", "dy")}) for n in range(30)])
        for N in (1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 23, 24, 25, 30, 64, 383, 385, 430):
            together = run(which, a | {k: a[k][:N] for k in ("x", "dy")})
            assert together.shape[1:] == a[name].shape[1:]
            assert together[:30].tobytes() == alone[:N].tobytes()
        assert run(which, a)[400:].tobytes() == run(which, a | {k: a[k][400:] for k in ("x", "dy")}).tobytes()


@every_dtype
@pytest.mark.parametrize("size", [*BLOCKS, (1, 5000, 70), (2, 2500, 9), (800, 7, 12)])
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(size, dtype):
    a, results = operands(*size, dtype, inputs.real), []
    for threads in (1, 2, 3, 7):
        fastconv.set_num_threads(threads)
        results.append([run(which, a).tobytes() for which in PASSES])
    assert results[1:] == results[:1] * 3


@every_dtype
@pytest.mark.parametrize("N", [1, 2, 5, 30])
@pytest.mark.parametrize("odd", [o for o in inputs.ODD if o not in (inputs.swapped, inputs.misaligned)])
def test_operands_may_have_any_strides(odd, N, dtype):
    a = operands(N, 19, 13, dtype)
    for names in ("x", "weight", "bias", "dy", ("x", "weight", "bias", "dy")):
        given = a | {name: odd(a[name]) for name in ([names] if isinstance(names, str) else names)}
        for which in PASSES:
            assert_exact(run(which, given), expected(which, given), dtype)


@pytest.mark.parametrize("odd", [inputs.negative, inputs.fortran, inputs.every_second, inputs.inside])
@pytest.mark.parametrize("size", [(1, 37, 21), (5, 21, 37), (40, 800, 9)])
def test_results_may_have_any_strides_and_nothing_around_them_is_written(odd, size):
    a = operands(*size)
    for which in PASSES:
        exact = expected(which, a)
        out = odd(np.full(exact.shape, np.nan, "float32"))
        around = out if out.base is None else out.base
        untouched = np.isnan(around).sum() - exact.size
        assert_exact(run(which, a, out=out), exact, "float32")
        assert np.isnan(around).sum() == untouched


@pytest.mark.parametrize("shift", [0, 1, 16])
@pytest.mark.parametrize("N", [1, 7, 300])
def test_a_weight_gradient_larger_than_the_caches_is_exact(N, shift):
    """Memory that starts on a cache line or beside one; and rows that are not whole cache lines."""
    for O, I in ((1101, 2048), (1400, 1531)):
        a = operands(N, I, O)
        memory = np.full(O * I + 64, np.nan, "float32")
        start = -memory.ctypes.data % 64 // 4 + shift
        out = memory[start : start + O * I].reshape(O, I)
        run("weight", a, out=out)
        np.testing.assert_array_equal(out, a["dy"].T @ a["x"])
        assert np.isnan(memory[:start]).all()
        assert np.isnan(memory[start + O * I :]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("size", [(1, 20, 9), (4, 37, 21), (30, 800, 70)])
def test_a_nan_or_infinity_reaches_what_it_is_part_of_and_nothing_else(size, value):
    N, I, O = size
    a = {name: np.abs(v) + 1 for name, v in operands(*size).items()}
    n, i, o = N - 1, I - 1, O - 1
    cases = {
        "forward": (("x", (n, i), np.s_[n, :]), ("weight", (o, i), np.s_[:, o]), ("bias", (o,), np.s_[:, o])),
        "input": (("dy", (n, o), np.s_[n, :]), ("weight", (o, i), np.s_[:, i])),
        "weight": (("x", (n, i), np.s_[:, i]), ("dy", (n, o), np.s_[o, :])),
        "bias": (("dy", (n, o), np.s_[o]),),
    }
    for which, operand, place, reached in ((w, *case) for w, some in cases.items() for case in some):
        changed = a[operand].copy()
        changed[place] = value
        result = run(which, a | {operand: changed})
        right = expected(which, a)
        right[reached] = value
        np.testing.assert_array_equal(result, right)


@pytest.mark.parametrize("activation", [1, 2])
def test_a_nan_comes_through_the_activation(activation):
    a = operands(3, 5, 6)
    a["x"][1, 2] = np.nan
    y = run("forward", a, activation)
    assert np.isnan(y[1]).all()
    assert not np.isnan(y[[0, 2]]).any()


@every_dtype
def test_no_samples_give_empty_results_and_zero_gradients(dtype):
    a = operands(0, 5, 4, dtype)
    assert run("forward", a).shape == (0, 4)
    assert run("input", a).shape == (0, 5)
    np.testing.assert_array_equal(run("weight", a), np.zeros((4, 5), dtype), strict=True)
    np.testing.assert_array_equal(run("bias", a), np.zeros(4, dtype), strict=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_nothing_beyond_an_operand_is_touched():
    child.run(__file__, OMP_NUM_THREADS="1")


def all_sizes():
    """Every operand ends, then starts, at a page that may not be touched."""
    rng = np.random.default_rng(1)
    sizes = [*BLOCKS[:8], *(tuple(int(n) for n in rng.integers(1, 40, 3)) for _ in range(60))]
    for seed, size in enumerate(sizes):
        dtype = DTYPES[seed % 2]
        a = operands(*size, dtype, seed=seed)
        for at_end in (True, False):
            fenced = {name: between_pages(v, at_end) for name, v in a.items()}
            for which in PASSES:
                exact = expected(which, a)
                out = between_pages(np.full(exact.shape, np.nan, dtype), at_end)
                assert_exact(run(which, fenced, out=out), exact, dtype)


if __name__ == "__main__":
    all_sizes()
