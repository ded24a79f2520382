"""No kernel reads or writes beyond an operand: each one ends, then starts, at a page that may not be touched.

oneDNN#6035 wrote past a workspace; cython#4467 read past misaligned data. A fault would end the process, so this module
runs itself in another one.
"""

import sys

import child
import inputs
import numpy as np
import problems
import pytest
import reference
from guarded import between_pages
from problems import DEPTHWISE, TAILS, WINOGRAD, Conv, Operands, operands

import fastconv
from fastconv.ops import conv, geometry, memory


def check(problem, dtype, layout, at_end, seed):
    a = operands(problem, inputs.whole, seed, dtype)
    a = a.replace(x=layout(a.x), dy=layout(a.dy))
    fenced = Operands(*(between_pages(v, at_end) for v in a))
    for which, like in (("forward", a.dy), ("input", a.x), ("weight", a.weight), ("bias", a.bias)):
        out = between_pages(np.full_like(like, np.nan), at_end)
        problem.call(fastconv, which, fenced, out=out)
        exact = problem.call(reference, which, a)
        tolerance = 5e-6 * np.abs(exact).max() if problem in WINOGRAD else 0
        np.testing.assert_allclose(out, exact, rtol=0, atol=tolerance)
    if isinstance(problem, Conv):
        check_residual(problem, fenced, a, at_end)
        check_known(problem, fenced, a, at_end)


def check_residual(problem, fenced, a, at_end):
    """The residual ends at the page too, and is overwritten."""
    residual = between_pages(a.dy, at_end)
    out = fastconv.conv2d(fenced.x, fenced.weight, fenced.bias, *problem.window, residual=residual)
    plain = fastconv.conv2d(fenced.x, fenced.weight, fenced.bias, *problem.window)
    np.testing.assert_allclose(out, plain + a.dy, rtol=0, atol=1e-5 * np.abs(plain).max())
    fastconv.conv2d(fenced.x, fenced.weight, fenced.bias, *problem.window, residual=residual, out=residual)
    np.testing.assert_array_equal(residual, out)


def check_known(problem, fenced, a, at_end):
    """So does what is known of dx, where the kernel adds to it."""
    g = geometry.conv2d(a.x.shape, a.weight.shape, *problem.window)
    if conv.accumulates_dx(g, a.x.dtype):
        known, alone = between_pages(a.x, at_end), between_pages(np.full_like(a.x, np.nan), at_end)
        conv.conv2d_backward_input_call(fenced.dy, fenced.weight, alone, g)()
        conv.conv2d_backward_input_call(fenced.dy, fenced.weight, known, g, dx_accumulate=known)()
        np.testing.assert_allclose(known, a.x + alone, rtol=0, atol=1e-5 * np.abs(alone).max())


def all_cases():
    rng = np.random.default_rng(1)
    some = [problems.random_conv(rng) for _ in range(40)] + [problems.random_transposed(rng) for _ in range(40)]
    for seed, problem in enumerate(TAILS + DEPTHWISE + WINOGRAD + some):
        dtype, layout = inputs.DTYPES[seed % 2], (np.array, inputs.channels_last)[seed // 2 % 2]
        for at_end in (True, False):
            check(problem, dtype, layout, at_end, seed)
            check(problem, "float32", inputs.channels_last, at_end, seed)


def check_copies():
    """Copies that pick every |step|-th value read nothing beyond the first and the last."""
    for step in (1, 2, 3, 8, -1, -2, -3):
        for rows, columns in ((64, 16), (33, 19), (16, 8)):
            count = (rows * columns - 1) * abs(step) + 1
            for dtype, at_end in ((dtype, at_end) for dtype in inputs.DTYPES for at_end in (True, False)):
                x = between_pages(np.arange(count, dtype=dtype), at_end)[::step].reshape(rows, columns)
                for view in (x, x.T):
                    y = between_pages(np.full(view.shape, np.nan, dtype), at_end)
                    memory.assign(y, view)
                    np.testing.assert_array_equal(y, view)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
@pytest.mark.parametrize("off", ["", "winograd,planar,depthwise,narrow,pointwise"])
def test_no_access_beyond_an_operand(off):
    child.run(__file__, FASTCONV_PATHS_OFF=off, OMP_NUM_THREADS="1")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_the_guard_catches_a_read():
    program = """
import ctypes
import numpy as np
from guarded import between_pages
ctypes.string_at(between_pages(np.ones(5), True).ctypes.data, 41)
"""
    result = child.start("-c", program)
    assert result.returncode < 0 or "AddressSanitizer" in result.stderr


if __name__ == "__main__":
    all_cases()
    check_copies()
