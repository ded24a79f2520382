"""Normalisation of arrays in every kind of memory, in place, and beside pages that may not be touched."""

import sys

import child
import inputs
import numpy as np
import pytest
from guarded import between_pages
from norm_cases import (
    CASES,
    a_divisor,
    assert_close,
    every_case,
    every_dtype,
    every_layout,
    operands,
    over_channels,
    wide,
)

from fastconv.ops import norm
from fastconv.ops.norm.batch import batch_norm_call


@every_dtype
@every_case
@pytest.mark.parametrize("odd", inputs.ODD)
@pytest.mark.parametrize("shape", [(4, 6, 5, 3), (4, 6, 5)])
def test_any_memory(shape, odd, case, dtype):
    ours, _ = CASES[case]
    a = operands(shape, case, dtype)
    plain = [np.array(odd(v)) for v in a]
    got = ours(*map(odd, a))
    for g, e in zip(got, ours(*(v.astype(dtype) for v in plain)), strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=2e-4 if dtype == "float32" else 1e-11)


@every_dtype
@every_case
@pytest.mark.parametrize("odd", [inputs.negative, inputs.every_second, inputs.inside, inputs.misaligned])
def test_out_of_any_memory(odd, case, dtype):
    ours, _ = CASES[case]
    a = operands((3, 6, 5, 4), case, dtype)
    out, dout = (odd(np.full((3, 6, 5, 4), np.nan, dtype)) for _ in range(2))
    got = ours(*a, out, dout)
    assert got[0] is out
    assert got[1] is dout
    for g, e in zip(got, ours(*a), strict=True):
        np.testing.assert_array_equal(g, e)


@every_case
@pytest.mark.parametrize("size", [6, 19])
def test_channels_of_a_larger_buffer(size, case):
    """As inside a concatenation: the same bits, and the neighbours stay as they are."""
    ours, _ = CASES[case]
    a = operands((3, size, 5, 4), case, "float32")
    for layout in (inputs.channels_last, np.array):
        x, w, b, dy = layout(a[0]), *a[1:3], layout(a[3])
        whole = layout(np.full((3, size + 5, 5, 4), np.nan, "float32"))
        x_in, dy_in, out, dout = (whole.copy("K")[:, 2:-3] for _ in range(4))
        x_in[...], dy_in[...] = x, dy
        got = ours(x_in, w, b, dy_in, out, dout)
        for g, e in zip(got, ours(x, w, b, dy), strict=True):
            assert g.tobytes() == e.tobytes()
        for result in (out, dout):
            assert np.isnan(result.base).sum() == 3 * 5 * 4 * 5


@every_dtype
@every_layout
@pytest.mark.parametrize("case", ["batch", "group", "layer"])
def test_in_place(case, layout, dtype):
    ours, _ = CASES[case]
    x, w, b, dy = operands((3, 6, 5, 4), case, dtype, layout)
    want = ours(x, w, b, dy)
    dout = dy.copy("K")
    assert ours(x, w, b, dout, None, dout)[1].tobytes() == want[1].tobytes()
    out = x.copy("K")
    y = {
        "batch": lambda: norm.batch_norm(out, None, None, w, b, training=True, out=out),
        "group": lambda: norm.group_norm(out, a_divisor(6), w, b, out=out),
        "layer": lambda: norm.layer_norm(out, out.shape[1:], w, b, out=out),
    }[case]()
    assert y is out
    assert out.tobytes() == want[0].tobytes()


@every_case
def test_inputs_stay_as_they_are(case):
    ours, _ = CASES[case]
    a = operands((3, 6, 5, 4), case)
    before = [v.tobytes() for v in a]
    first = [r.tobytes() for r in ours(*a)]
    assert [v.tobytes() for v in a] == before
    assert [r.tobytes() for r in ours(*a)] == first


@every_layout
def test_gradients_of_parameters_without_dx(layout):
    x, _, _, dy = operands((3, 6, 5, 4), "batch", layout=layout)
    for backward, saved, shape in (
        (lambda *a: norm.batch_norm_backward_call(*a[:-2], a[-2:], True), (6,), (6,)),
        (norm.group_norm_backward_call, (3, 2), (6,)),
        (norm.layer_norm_backward_call, (3,), x.shape[1:]),
    ):
        mean, invstd = np.full(saved, 0.5), np.full(saved, 2.0)
        weight = np.ones(shape)
        with_dx, alone = np.full((2, *shape), np.nan), np.full((2, *shape), np.nan)
        backward(dy, x, np.empty_like(x), weight, mean, invstd, *with_dx)()
        backward(dy, x, None, weight, mean, invstd, *alone)()
        np.testing.assert_array_equal(alone, with_dx)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_no_access_beyond_an_operand():
    """A fault would end the process, so this runs in another one."""
    child.run(__file__, OMP_NUM_THREADS="1")


def beside_forbidden_pages():
    shapes = [(2, 1, 3, 3), (3, 18, 2, 1), (2, 35, 3, 5), (5, 6), (2, 3, 5, 7), (3, 72, 1, 1)]
    for seed, shape in enumerate(shapes * 2):
        dtype, layout = inputs.DTYPES[seed % 2], (np.array, inputs.channels_last)[seed // len(shapes)]
        for case in CASES:
            if case == "instance" and shape[2:] in ((), (1, 1)):
                continue
            a = operands(shape, case, dtype, layout)
            expected = CASES[case][0](*a)
            for at_end in (True, False):
                out, dout = (between_pages(np.full_like(a[0], np.nan), at_end) for _ in range(2))
                got = CASES[case][0](*(between_pages(v, at_end) for v in a), out, dout)
                for g, e in zip(got, expected, strict=True):
                    np.testing.assert_array_equal(g, e)


if __name__ == "__main__":
    beside_forbidden_pages()


@every_dtype
@pytest.mark.parametrize("channels", [1, 2, 3, 5, 12, 24, 40, 100, 101])
def test_pixels_side_by_side_have_the_bits_of_pixels_apart(channels, dtype):
    """Channels that do not fill vectors are taken several pixels at a time where these are neighbours."""
    rng = np.random.default_rng(channels)
    shape = (2, 9, 7, channels)
    x, residual, y = (inputs.real(rng, shape, dtype).transpose(0, 3, 1, 2) for _ in range(3))
    apart = [np.full((2, 9, 7, channels + 3), np.nan, dtype)[..., :channels].transpose(0, 3, 1, 2) for _ in range(3)]
    for a, b in zip(apart, (x, residual, y), strict=True):
        a[:] = b
    mean, var, w, b = (rng.uniform(0.5, 2, channels).astype(dtype) for _ in range(4))
    rest = (w, b, (mean, var), None, None, 0.0, 1e-5, False, "relu")
    batch_norm_call(x, y, *rest, residual)()
    batch_norm_call(apart[0], apart[2], *rest, apart[1])()
    np.testing.assert_array_equal(y, apart[2])
    X, R, M, V, W, B = wide(x, residual, mean, var, w, b)
    z = (X - over_channels(M, X)) / np.sqrt(over_channels(V, X) + 1e-5)
    wanted = np.maximum(z * over_channels(W, X) + over_channels(B, X) + R, 0)
    assert_close((y,), (wanted,), dtype)
