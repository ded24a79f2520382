"""What holds for a convolution and for a transposed one alike: the laws, once; each family's test file runs them.

A subclass sets `random` (rng -> problem) and `cases` (named problems: one for each kind of geometry and path).
"""

import inputs
import numpy as np
import problems
import pytest
import reference
from problems import Operands, assert_exact, assert_rounded, operands

import fastconv

READS = {  # the operands of each pass
    "forward": ("x", "weight", "bias"),
    "input": ("dy", "weight"),
    "weight": ("dy", "x"),
    "bias": ("dy",),
}
RESULT = {"forward": "dy", "input": "x", "weight": "weight", "bias": "bias"}  # whose shape the result has
every_pass = pytest.mark.parametrize("which", problems.PASSES)
every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.array, inputs.channels_last], ids=["planar", "channels_last"])


def in_layout(a, layout):
    """Images in this layout; weight and bias stay as they are."""
    return a.replace(x=layout(a.x), dy=layout(a.dy))


def is_channels_last(y):
    return np.moveaxis(y, -3, -1).flags.c_contiguous and not y.flags.c_contiguous


class Laws:
    random = None
    cases = ()

    examples = 40

    def agree(self, result, exact, dtype):
        assert_exact(result, exact, dtype)

    def rounded(self, result, exact, magnitude, terms):
        assert_rounded(result, exact, magnitude, terms)

    # Values

    @every_pass
    @every_dtype
    @every_layout
    def test_whole_numbers_are_exact(self, which, dtype, layout):
        rng = np.random.default_rng(11)
        for seed in range(self.examples):
            problem = self.random(rng)
            a = operands(problem, inputs.whole, seed, dtype)
            exact = problem.call(reference, which, a)
            self.agree(problem.call(fastconv, which, in_layout(a, layout)), exact, dtype)

    @every_pass
    @every_dtype
    @every_layout
    def test_real_numbers_are_rounded_only(self, which, dtype, layout):
        rng = np.random.default_rng(12)
        for seed in range(self.examples // 2):
            problem = self.random(rng)
            a = operands(problem, inputs.real, seed, dtype)
            exact, magnitude = (problem.call(reference, which, b) for b in (a, a.absolute()))
            result = problem.call(fastconv, which, in_layout(a, layout))
            self.rounded(result, exact, magnitude, problem.terms(which))

    def test_central_differences(self):
        rng = np.random.default_rng(13)
        for seed in range(6):
            problem = self.random(rng, channels=4, size=4)
            a = operands(problem, inputs.real, seed, "float64")
            for which in ("input", "weight", "bias"):
                name = RESULT[which]
                numbers = reference.central_difference(
                    lambda v, p=problem, a=a, name=name: p.call(fastconv, "forward", a.replace(**{name: v})),
                    getattr(a, name),
                    a.dy,
                )
                np.testing.assert_allclose(problem.call(fastconv, which, a), numbers, rtol=1e-6, atol=1e-6)

    def test_gradients_are_adjoints(self):
        """<dy, f(x)> = <dx, x> = <dw, w> for the linear part, and <db, b> for the bias."""
        rng = np.random.default_rng(14)
        for seed in range(self.examples // 2):
            problem = self.random(rng)
            a = operands(problem, inputs.real, seed, "float64")
            without_bias = problem.call(fastconv, "forward", a.replace(bias=None))
            bias_alone = problem.call(fastconv, "forward", a.replace(x=np.zeros_like(a.x)))
            size = np.linalg.norm(a.dy) * np.linalg.norm(without_bias) + 1
            for which, y in (("input", without_bias), ("weight", without_bias), ("bias", bias_alone)):
                gradient = problem.call(fastconv, which, a)
                assert abs(np.vdot(a.dy, y) - np.vdot(gradient, getattr(a, RESULT[which]))) < 1e-12 * size

    @pytest.mark.parametrize(("which", "name"), [("forward", "x"), ("input", "dy")])
    def test_a_nan_in_an_image_reaches_exactly_the_results_that_read_it(self, which, name):
        """For kernels and channels this small there is no path that spreads it."""
        for problem in self.cases:
            a = operands(problem, inputs.whole, 15, "float32")
            poisoned = np.array(getattr(a, name))
            poisoned.flat[poisoned.size // 2] = np.nan
            a = a.replace(**{name: poisoned})
            expected, result = (np.isnan(problem.call(module, which, a)) for module in (reference, fastconv))
            np.testing.assert_array_equal(result, expected)

    # Memory

    @every_pass
    @every_dtype
    @pytest.mark.parametrize("odd", inputs.ODD)
    def test_operands_in_any_memory(self, which, dtype, odd):
        for problem in self.cases:
            a = operands(problem, inputs.whole, 16, dtype)
            for name in READS[which]:
                given = a.replace(**{name: odd(getattr(a, name))})
                before = [np.array(operand) for operand in given]
                result = problem.call(fastconv, which, given)
                self.agree(result, problem.call(reference, which, given), dtype)
                for operand, copy in zip(given, before, strict=True):
                    np.testing.assert_array_equal(operand, copy)
                    assert not np.may_share_memory(result, operand)

    @every_pass
    @pytest.mark.parametrize("odd", inputs.ODD)
    def test_all_operands_in_any_memory_at_once(self, which, odd):
        problem = self.cases[0]
        given = Operands(*map(odd, operands(problem, inputs.whole, 17, "float32")))
        self.agree(problem.call(fastconv, which, given), problem.call(reference, which, given), "float32")

    @pytest.mark.parametrize("which", ["forward", "input"])
    @every_dtype
    @every_layout
    def test_results_come_in_the_layout_given(self, which, dtype, layout):
        problem = self.cases[0]
        a = in_layout(operands(problem, inputs.whole, 18, dtype), layout)
        result = problem.call(fastconv, which, a)
        assert is_channels_last(result) == (layout is inputs.channels_last)
        assert result.flags.c_contiguous != is_channels_last(result)

    @every_pass
    @pytest.mark.parametrize(
        "memory", [np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second, inputs.negative,
                   inputs.fortran, inputs.inside, inputs.misaligned]
    )  # fmt: skip
    def test_out_is_filled_whatever_it_held(self, which, memory):
        for problem, layout in ((p, f) for p in self.cases for f in (np.array, inputs.channels_last)):
            a = in_layout(operands(problem, inputs.whole, 19, "float32"), layout)
            exact = problem.call(reference, which, a)
            out = memory(np.full(exact.shape, np.nan, "float32"))
            around = None if out.base is None else np.array(out.base)
            assert problem.call(fastconv, which, a, out=out) is out
            self.agree(out, exact, "float32")
            if around is not None and around.dtype == out.dtype:  # nothing beside it was written
                out[...] = np.nan
                np.testing.assert_array_equal(out.base, around)

    @every_pass
    def test_out_may_not_overlap_an_operand(self, which):
        problem = self.cases[0]
        a = operands(problem, inputs.whole, 20, "float32")
        shape = getattr(a, RESULT[which]).shape
        for name in READS[which]:
            operand = getattr(a, name)
            buffer = np.zeros(operand.size + np.prod(shape), "float32")
            view = buffer[: operand.size].reshape(operand.shape)
            overlapping = buffer[operand.size - 1 :][: np.prod(shape)].reshape(shape)
            with pytest.raises(ValueError, match="out must not share memory"):
                problem.call(fastconv, which, a.replace(**{name: view}), out=overlapping)
            beside = buffer[operand.size :].reshape(shape)
            assert problem.call(fastconv, which, a.replace(**{name: view}), out=beside) is beside

    @every_pass
    def test_out_of_wrong_shape_dtype_or_kind(self, which):
        problem = self.cases[0]
        a = operands(problem, inputs.whole, 21, "float32")
        shape = getattr(a, RESULT[which]).shape
        frozen = inputs.readonly(np.zeros(shape, "float32"))
        for out in (np.zeros((*shape[:-1], shape[-1] + 1), "float32"), frozen):
            with pytest.raises(ValueError, match="out must"):
                problem.call(fastconv, which, a, out=out)
        for out in (np.zeros(shape), np.zeros(shape, ">f4"), [1.0], "out"):
            with pytest.raises(TypeError, match="out must"):
                problem.call(fastconv, which, a, out=out)

    def test_channel_slices_of_one_buffer_in_and_out(self):
        """What concat does: read some channels of a buffer, write others of the same."""
        for problem in self.cases:
            a = operands(problem, inputs.whole, 22, "float32")
            if a.dy.shape[2:] != a.x.shape[2:]:
                continue
            C, K = a.x.shape[1], a.dy.shape[1]
            N, _, H, W = a.x.shape
            buffer = np.full((N, H, W, C + K), np.nan, "float32").transpose(0, 3, 1, 2)
            x, out = buffer[:, :C], buffer[:, C:]
            x[...] = a.x
            problem.call(fastconv, "forward", a.replace(x=x), out=out)
            self.agree(out, problem.call(reference, "forward", a), "float32")
            np.testing.assert_array_equal(x, a.x)
        assert any(p.y_shape[2:] == p.x_shape[2:] for p in self.cases)

    # Batches

    @every_dtype
    @every_layout
    def test_empty_batch(self, dtype, layout):
        for case in self.cases:
            problem = case._replace(x_shape=(0, *case.x_shape[1:]))
            a = in_layout(operands(problem, inputs.whole, 23, dtype), layout)
            for which in ("forward", "input"):
                assert problem.call(fastconv, which, a).shape == getattr(a, RESULT[which]).shape
            for which in ("weight", "bias"):
                shape = getattr(a, RESULT[which]).shape
                self.agree(problem.call(fastconv, which, a), np.zeros(shape), dtype)
                out = np.full(shape, np.nan, dtype)
                self.agree(problem.call(fastconv, which, a, out=out), np.zeros(shape), dtype)

    @every_dtype
    @every_layout
    def test_without_a_batch_axis(self, dtype, layout):
        for case in self.cases:
            problem = case._replace(x_shape=(1, *case.x_shape[1:]))
            a = operands(problem, inputs.whole, 24, dtype)
            alone = a.replace(x=layout(a.x[0]), dy=layout(a.dy[0]))
            for which in problems.PASSES:
                exact = problem.call(reference, which, a)
                exact = exact[0] if which in ("forward", "input") else exact
                self.agree(problem.call(fastconv, which, alone), exact, dtype)
                out = np.full(exact.shape, np.nan, dtype)
                assert problem.call(fastconv, which, alone, out=out) is out
                self.agree(out, exact, dtype)

    @every_pass
    def test_twice_gives_the_same(self, which):
        a = operands(self.cases[0], inputs.real, 25, "float32")
        results = [self.cases[0].call(fastconv, which, a) for _ in range(2)]
        assert results[0].tobytes() == results[1].tobytes()
        assert not np.may_share_memory(*results)
