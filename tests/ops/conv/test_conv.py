"""conv2d and its three gradients: the laws of conv_laws.py, and the cases in which others had bugs."""

import sys
from itertools import product
from pathlib import Path

import inputs
import numpy as np
import problems
import pytest
import reference
from conv_laws import Laws
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from problems import Conv, assert_exact, assert_rounded, operands

import fastconv

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


class TestConv2d(Laws):
    random = staticmethod(problems.random_conv)
    cases = (
        Conv((2, 5, 6, 7), (9, 5, 3, 3), 1, 1),
        Conv((2, 3, 9, 8), (4, 3, 3, 2), (2, 1), ((0, 1), (2, 0)), (1, 2)),
        Conv((1, 1, 9, 9), (6, 1, 5, 5)),
        Conv((3, 7, 5, 5), (7, 1, 3, 3), 2, 1, 1, 7),
        Conv((1, 6, 4, 4), (9, 2, 3, 3), 1, "same", 1, 3),
        Conv((2, 17, 4, 3), (18, 17, 1, 1)),
        Conv((1, 20, 5, 6), (33, 20, 3, 3), 1, "full"),
    )


class TestGeneralPath(TestConv2d):
    """The same with every fast path switched off."""

    @pytest.fixture(autouse=True)
    def _general_path_alone(self):
        with problems.paths_off(*fastconv.ops.path.OPTIONAL):
            yield


class TestWinograd(Laws):
    """2x2, 3x3 and 5x5 with many channels: float32 within 5e-6 of the largest result, float64 exact."""

    cases = (
        Conv((2, 32, 8, 7), (33, 32, 3, 3), 1, 1),
        Conv((1, 40, 9, 12), (32, 40, 5, 5), 1, ((0, 3), (2, 1))),
        Conv((1, 32, 6, 6), (32, 32, 3, 3)),
        Conv((2, 33, 11, 9), (32, 33, 2, 2), 1, ((1, 0), (0, 1))),
    )
    examples = 10
    tile = 5  # pixels along a side of the largest
    test_central_differences = None  # in float64 this would be the general path once more

    @staticmethod
    def random(rng):
        side = int(rng.choice([2, 3, 5]))
        C, K = (int(n) for n in rng.integers(32, 50, 2))
        shape = int(rng.integers(1, 3)), C, *(int(n) for n in rng.integers(side, 14, 2))
        pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 5, (2, 2)))
        return Conv(shape, (K, C, side, side), 1, pads)

    def agree(self, result, exact, dtype):
        if np.dtype(dtype) == np.float64:
            assert_exact(result, exact, dtype)
        else:
            assert (result.shape, result.dtype) == (exact.shape, np.dtype(dtype))
            assert np.abs(result - exact).max(initial=0) <= 5e-6 * np.abs(exact).max(initial=0)

    def rounded(self, result, exact, magnitude, terms):
        if result.dtype == np.float64:
            assert_rounded(result, exact, magnitude, terms)
        else:
            self.agree(result, exact, result.dtype)

    @pytest.mark.parametrize(("which", "name"), [("forward", "x"), ("input", "dy")])
    def test_a_nan_in_an_image_reaches_exactly_the_results_that_read_it(self, which, name):
        """Here it may spread over the tiles of results that read it."""
        for problem in self.cases:
            a = operands(problem, inputs.whole, 15, "float32")
            poisoned = np.array(getattr(a, name))
            poisoned.flat[poisoned.size // 2] = np.nan
            a = a.replace(**{name: poisoned})
            expected, result = (np.isnan(problem.call(module, which, a)) for module in (reference, fastconv))
            assert result[expected].all()
            n, _, h, w = np.nonzero(expected)
            near, more = np.zeros_like(result), self.tile - 1
            rows, columns = (slice(max(0, i.min() - more), i.max() + more + 1) for i in (h, w))
            near[n.min() : n.max() + 1, :, rows, columns] = True
            assert not result[~near].any()


class TestWinogradOfBlocks(TestWinograd):
    """A kernel of twice the stride, of whole blocks and of others, which the direct path takes."""

    cases = (
        Conv((2, 32, 10, 8), (33, 32, 4, 4), 2, 1),
        Conv((1, 48, 9, 13), (32, 48, 4, 4), 2, ((0, 3), (2, 1))),
        Conv((1, 32, 12, 15), (40, 32, 6, 6), 3, ((3, 0), (2, 1))),
        Conv((1, 32, 6, 6), (32, 32, 4, 4), 2, ((3, 5), (3, 5))),
    )
    tile = 15

    @staticmethod
    def random(rng):
        stride = int(rng.choice([2, 3]))
        C, K = int(rng.choice([32, 48])), int(rng.integers(32, 50))
        shape = int(rng.integers(1, 3)), C, *(int(n) for n in rng.integers(2 * stride, 15, 2))
        pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 7, (2, 2)))
        return Conv(shape, (K, C, 2 * stride, 2 * stride), stride, pads)

    def test_packed_weights_have_the_same_bits(self):
        for problem in self.cases:
            a = operands(problem, inputs.real, 3, "float32")
            packed = fastconv.pack_weight(a.weight, a.x.shape, *problem.window)
            assert (packed.path, packed.input_path) == ("winograd", "winograd")
            for which in ("forward", "input"):
                result = problem.call(fastconv, which, a.replace(weight=packed))
                np.testing.assert_array_equal(result, problem.call(fastconv, which, a), strict=True)

    def test_unread_rows_have_no_gradient(self):
        problem = Conv((1, 32, 19, 12), (32, 32, 4, 4), 2)
        a = operands(problem, inputs.real, 4, "float32")
        assert not problem.call(fastconv, "input", a)[:, :, 18:].any()


@st.composite
def convolutions(draw):
    groups = draw(st.integers(1, 3))
    C, K = groups * draw(st.integers(1, 6)), groups * draw(st.integers(1, 6))
    small = st.tuples(st.integers(1, 4), st.integers(1, 4))
    side = st.integers(0, 5)
    padding = st.tuples(st.tuples(side, side), st.tuples(side, side)) | st.sampled_from(["valid", "same", "full"])
    problem = Conv(
        (draw(st.integers(1, 3)), C, draw(st.integers(1, 9)), draw(st.integers(1, 20))),
        (K, C // groups, *draw(small)),
        *(draw(small), draw(padding), draw(small), groups),
    )
    assume(min(problem.y_shape) > 0)
    return problem


@settings(max_examples=120, deadline=None)
@given(problem=convolutions(), dtype=st.sampled_from(inputs.DTYPES), last=st.booleans())
def test_any_convolution_is_exact(problem, dtype, last):
    a = operands(problem, inputs.whole, 1, dtype)
    given_ = a.replace(x=inputs.channels_last(a.x), dy=inputs.channels_last(a.dy)) if last else a
    for which in problems.PASSES:
        assert_exact(problem.call(fastconv, which, given_), problem.call(reference, which, a), dtype)


def all_exact(problem, dtype, seed=2, off=((),)):
    """Every pass in both layouts, into memory that held NaN; `off`: the paths switched off in each round."""
    a = operands(problem, inputs.whole, seed, dtype)
    last = a.replace(x=inputs.channels_last(a.x), dy=inputs.channels_last(a.dy))
    for which in problems.PASSES:
        exact = problem.call(reference, which, a)
        for given_, names in product((a, last), off):
            out = np.full(exact.shape, np.nan, dtype)
            with problems.paths_off(*names):
                assert_exact(problem.call(fastconv, which, given_, out=out), exact, dtype)


@every_dtype
@pytest.mark.parametrize("C", [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65])
def test_channel_tails(C, dtype):
    for K in (1, 2, 5, 8, 12, 16, 17, 33):
        all_exact(Conv((1, C, 3, 4), (K, C, 2, 3), 1, 1), dtype)


@every_dtype
@pytest.mark.parametrize("channels", range(1, 18))
def test_strided_1x1_at_every_channel_tail(channels, dtype):
    """oneDNN#6035: the weight gradient wrote past its workspace. Also stride above the kernel (ncnn#116)."""
    for K in (1, 3, 16, 17):
        all_exact(Conv((2, channels, 5, 4), (K, channels, 1, 1), 2), dtype)
    all_exact(Conv((2, channels, 6, 7), (3, channels, 2, 1), (4, 3)), dtype)


@every_dtype
@pytest.mark.parametrize("stride", [(3, 3), (4, 4), (5, 6), (8, 7), (13, 12)])
def test_few_channels_with_large_strides(stride, dtype):
    """Blocks of a whole stride of the input gradient take several tiles of columns, from some stride on too many."""
    kernel = 2 * stride[0] + 3, 2 * stride[1] + 1
    for channels in (1, 3):
        for padding in (0, (3, 2)):
            size = kernel[0] + 3 * stride[0] + 1, kernel[1] + 2 * stride[1]
            all_exact(Conv((2, channels, *size), (17, channels, *kernel), stride, padding), dtype)


@every_dtype
@pytest.mark.parametrize("channels", [1, 3, 8, 16, 17, 24, 33])
def test_depthwise_strided(channels, dtype):
    """oneDNN#4124 and pytorch#68868: the weight gradient of a strided grouped convolution was wrong."""
    for stride in (1, 2, 3):
        all_exact(Conv((2, channels, 7, 8), (channels, 1, 3, 3), stride, 1, 1, channels), dtype)
        all_exact(Conv((1, channels, 5, 6), (2 * channels, 1, 2, 3), stride, (0, 1), (2, 1), channels), dtype)


@every_dtype
def test_row_tails(dtype):
    for width in range(1, 36):
        all_exact(Conv((1, 2, 2, width), (3, 2, 1, 3), 1, 1), dtype)
        all_exact(Conv((1, 9, 2, width), (17, 9, 2, 2), 1, 1), dtype)


LARGE = [
    Conv((3, 3, 40, 29), (5, 3, 3, 3), 1, 1),
    Conv((2, 17, 37, 41), (18, 17, 2, 1)),
    Conv((1, 20, 61, 45), (33, 20, 3, 3), 2, 1),
    Conv((2, 2, 3, 700), (3, 2, 2, 3), 1, (0, 2)),
    Conv((1, 24, 2, 1100), (17, 24, 1, 2), (1, 2)),
    Conv((1, 150, 30, 30), (9, 150, 1, 1)),
    Conv((2, 3, 70, 31), (3, 1, 3, 3), 1, 1, 1, 3),
    Conv((1, 6, 48, 50), (8, 3, 3, 2), (2, 1), 0, 1, 2),
    Conv((70, 6, 6, 7), (20, 6, 3, 3), 1, 1),
]


@every_dtype
@pytest.mark.parametrize("problem", LARGE)
def test_images_of_many_blocks(problem, dtype):
    """Enough pixels, rows and samples for every kernel to cut them into several blocks and add partial sums."""
    all_exact(problem, dtype, off=((), fastconv.ops.path.OPTIONAL))


@every_dtype
@pytest.mark.parametrize("padding", [0, 3, (9, 1), ((7, 0), (0, 11))])
def test_padding_beyond_the_kernel(padding, dtype):
    """Any amount is legal; windows that lie in padding only give the bias."""
    all_exact(Conv((2, 3, 3, 2), (4, 3, 2, 2), (1, 2), padding), dtype)


@every_dtype
@pytest.mark.parametrize("kernel", [(1, 5), (5, 1), (4, 6), (7, 7)])
def test_kernel_as_large_as_the_image(kernel, dtype):
    all_exact(Conv((2, 3, *kernel), (4, 3, *kernel)), dtype)
    all_exact(Conv((1, 2, 2, 2), (3, 2, *kernel), 1, "full"), dtype)


def test_without_bias():
    problem = Conv((2, 3, 5, 5), (4, 3, 3, 3), 1, 1)
    a = operands(problem, inputs.whole, 3).replace(bias=None)
    assert_exact(problem.call(fastconv, "forward", a), problem.call(reference, "forward", a), "float32")
    np.testing.assert_array_equal(fastconv.conv2d(a.x, a.weight, padding=1), fastconv.conv2d(a.x, a.weight, None, 1, 1))


def test_input_gradient_where_no_output_reads_the_input():
    """Rows and columns that the stride leaves over get a zero, not what was there."""
    dx = np.full((1, 2, 6, 7), np.nan, "float32")
    fastconv.conv2d_backward_input(
        np.ones((1, 3, 2, 2), "float32"), np.ones((3, 2, 1, 1), "float32"), dx.shape, 4, out=dx
    )
    expected = np.zeros_like(dx)
    expected[:, :, ::4, ::4] = 3
    np.testing.assert_array_equal(dx, expected)


def test_extents_of_one_with_strides_that_mean_nothing():
    """pytorch#120547: grad_output of shape (1, 16, 1, 1)."""
    problem = Conv((1, 3, 3, 3), (16, 3, 3, 3))
    a = operands(problem, inputs.whole, 4)
    for odd in (inputs.wild_strides, inputs.channels_last, inputs.channel_slice, inputs.fortran):
        for which in problems.PASSES:
            given_ = a.replace(dy=odd(a.dy))
            assert_exact(problem.call(fastconv, which, given_), problem.call(reference, which, a), "float32")


def test_weight_gradient_has_the_same_bits_in_twenty_runs(all_threads):
    """pytorch#34344: samples added into one weight gradient without a lock."""
    problem = Conv((16, 5, 8, 8), (6, 5, 3, 3), 1, 1)
    a = operands(problem, inputs.real, 5)
    all_threads(4)
    assert len({problem.call(fastconv, "weight", a).tobytes() for _ in range(20)}) == 1


@pytest.mark.parametrize("dtype", inputs.DTYPES)
def test_denormal_numbers_are_kept(dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    x = np.full((1, 2, 4, 4), smallest * 8, dtype)
    y = fastconv.conv2d(x, np.ones((3, 2, 3, 3), dtype))
    np.testing.assert_array_equal(y, np.full((1, 3, 2, 2), smallest * 144, dtype))


def test_infinities_stay_in_their_windows():
    x = np.zeros((1, 1, 5, 5), "float32")
    x[0, 0, 0, 0] = np.inf
    y = fastconv.conv2d(x, np.ones((2, 1, 2, 2), "float32"), padding=1)
    expected = np.zeros((1, 2, 6, 6), "float32")
    expected[:, :, :2, :2] = np.inf
    np.testing.assert_array_equal(y, expected)


@pytest.fixture
def little_memory():
    """1 GB more than is taken now, so that a copy of a giant is refused and not made."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)

    def allow(giant):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        taken = pages * resource.getpagesize() + giant + (1 << 30)
        resource.setrlimit(resource.RLIMIT_AS, (taken, before[1]))

    yield allow
    resource.setrlimit(resource.RLIMIT_AS, before)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs sparse files and a limit on memory")


@linux
@pytest.mark.parametrize("side", [46341, 65537])
def test_offsets_beyond_32_bits(side, tmp_path, little_memory):
    """tensorflow PR#112776 and others: more than 2**31 pixels, in a file that is empty but for its corners."""
    path = tmp_path / "image"
    with open(path, "wb") as file:
        file.truncate(4 * side * side)
    little_memory(4 * side * side)
    x = np.memmap(path, "float32", "r+", shape=(1, 1, side, side))
    x[0, 0, :: side - 1, :: side - 1] = [[1, 2], [3, 4]]
    weight = np.full((2, 1, 1, 1), [[[[5]]], [[[7]]]], "float32")
    with problems.paths_off(*fastconv.ops.path.OPTIONAL):
        y = fastconv.conv2d(x, weight, stride=side - 1)
        dw = fastconv.conv2d_backward_weight(y, x, weight.shape, stride=side - 1)
    np.testing.assert_array_equal(y[0], [[[5, 10], [15, 20]], [[7, 14], [21, 28]]])
    np.testing.assert_array_equal(dw.ravel(), [5 + 20 + 45 + 80, 7 + 28 + 63 + 112])


@linux
@pytest.mark.parametrize("rows", [2**26 + 1, 2**28])
def test_views_of_more_than_32_bits_of_elements(rows, little_memory):
    """Zero-stride views: one row of 32 seen 2**31 times and more; only a few of the rows are read."""
    little_memory(0)
    x = np.broadcast_to(np.arange(32, dtype="float32"), (1, 1, rows, 32))

    def few_rows():
        return fastconv.conv2d(x, np.ones((1, 1, 2, 1), "float32"), stride=(rows - 2, 10))

    with problems.paths_off(*fastconv.ops.path.OPTIONAL):
        np.testing.assert_array_equal(few_rows()[0, 0], [[0, 20, 40, 60]] * 2)
    try:
        y = few_rows()
    except MemoryError:  # another path may copy what it reads, and then finds that it cannot
        return
    np.testing.assert_array_equal(y[0, 0], [[0, 20, 40, 60]] * 2)
