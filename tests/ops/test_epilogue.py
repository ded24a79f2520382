"""conv2d with a residual and an activation: what three passes would give, on every path and in every memory layout."""

import inputs
import numpy as np
import problems
import pytest

import fastconv
from fastconv.ops import conv, geometry, path
from fastconv.ops.check import aligned

CASES = {  # C, K, kernel, stride, padding, dilation, groups, size
    "one pass": (20, 128, 1, 1, 0, 1, 1, (6, 7)),
    "several passes": (300, 70, 1, 1, 0, 1, 1, (6, 7)),
    "several passes over each tap": (600, 65, 3, 2, 1, 1, 1, (5, 7)),
    "few filters": (40, 3, 3, 2, 1, 2, 1, (9, 8)),
    "a row of the kernel at once": (3, 70, 5, 2, 2, 1, 1, (13, 12)),
    "groups": (24, 36, 3, 1, 1, 1, 4, (7, 6)),
    "winograd 2x2": (33, 70, 2, 1, 0, 1, 1, (8, 9)),
    "winograd 3x3": (40, 96, 3, 1, 1, 1, 1, (9, 10)),
    "winograd 5x5": (33, 35, 5, 1, 2, 1, 1, (7, 9)),
    "winograd of blocks": (32, 64, 4, 2, 1, 1, 1, (12, 10)),
    "planar": (6, 12, 5, 1, 0, 1, 1, (12, 21)),
    "planar, one row": (2, 3, 3, 2, 1, 1, 1, (7, 5)),
    "depthwise": (40, 40, 3, 1, 1, 1, 40, (9, 10)),
    "depthwise, few channels": (3, 6, 3, 2, 1, 1, 3, (9, 10)),
}
every_case = pytest.mark.parametrize("case", CASES)
every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_activation = pytest.mark.parametrize("activation", [None, "relu", "relu6"])
LIMITS = {None: (-np.inf, np.inf), "relu": (0, np.inf), "relu6": (0, 6)}
LAYOUTS = ("planar", "channels_last", "slice")


def laid_out(a, layout):
    """A copy of `a` in this memory; a slice lies inside channels-last memory with more channels, all NaN."""
    if layout == "planar":
        return a.copy()
    if layout == "channels_last":
        return inputs.channels_last(a)
    N, C, H, W = a.shape
    buffer = np.full((N, H + 1, W, C + 5), np.nan, a.dtype).transpose(0, 3, 1, 2)
    view = buffer[:, 2 : C + 2, :H]
    view[...] = a
    return view


class Problem:
    """Whole numbers, small enough that every sum is exact; x, weight, bias, residual and what f(conv + residual) is."""

    def __init__(self, case, dtype, N=2, draw=None):
        C, K, kernel, stride, padding, dilation, groups, size = CASES[case]
        rng = np.random.default_rng(0)
        draw = draw or (lambda shape: rng.integers(-3, 4, shape))
        self.window = stride, padding, dilation, groups
        self.x = draw((N, C, *size)).astype(dtype)
        self.weight = draw((K, C // groups, kernel, kernel)).astype(dtype)
        self.bias = draw(K).astype(dtype)
        self.g = geometry.conv2d(self.x.shape, self.weight.shape, *self.window)
        self.residual = draw(self.g.y_shape).astype(dtype)

    def conv2d(self, x=None, weight=None, **more):
        x = self.x if x is None else x
        return fastconv.conv2d(x, self.weight if weight is None else weight, self.bias, *self.window, **more)

    def wanted(self, activation, residual=True):
        y = self.conv2d()
        return np.clip(y + self.residual if residual else y, *LIMITS[activation])

    def agrees(self, result, activation, residual=True):
        """Equal, or within rounding of the sums where the paths for the layouts differ in float32."""
        winograd = path.winograd_fits(self.g, self.x.dtype) and path.enabled("winograd")
        atol = 1e-5 * np.abs(self.conv2d()).max() if winograd else 0
        np.testing.assert_allclose(result, self.wanted(activation, residual), rtol=0, atol=atol, strict=True)


@every_activation
@every_dtype
@every_case
def test_equals_three_passes(case, dtype, activation):
    p = Problem(case, dtype)
    for layout in LAYOUTS:
        x = laid_out(p.x, layout)
        p.agrees(p.conv2d(x, activation=activation), activation, residual=False)
        for other in LAYOUTS:
            p.agrees(p.conv2d(x, activation=activation, residual=laid_out(p.residual, other)), activation)


@every_dtype
@every_case
@pytest.mark.parametrize("off", [(), path.OPTIONAL])
def test_the_residual_may_be_the_result(case, dtype, off):
    p = Problem(case, dtype)
    with problems.paths_off(*off):
        for x_layout in LAYOUTS:
            for layout in LAYOUTS:
                y = laid_out(p.residual, layout)
                assert p.conv2d(laid_out(p.x, x_layout), activation="relu", residual=y, out=y) is y
                p.agrees(y, "relu")
                if layout == "slice":
                    assert np.isnan(y.base).sum() == y.base.size - y.size


@every_case
def test_the_memory_of_each_operand_is_free(case):
    """The prepared call, as networks use it: x, y and residual each in any layout."""
    p = Problem(case, "float32")
    for x_layout in LAYOUTS:
        for y_layout in LAYOUTS:
            for layout in LAYOUTS:
                y = laid_out(np.full_like(p.residual, np.nan), y_layout)
                x, residual = laid_out(p.x, x_layout), laid_out(p.residual, layout)
                conv.conv2d_call(x, p.weight, p.bias, y, p.g, "relu6", residual)()
                p.agrees(y, "relu6")


@every_dtype
@every_case
def test_packed_weights(case, dtype):
    p = Problem(case, dtype)
    packed = fastconv.pack_weight(p.weight, p.x.shape, *p.window)
    for layout in LAYOUTS:
        x, residual = laid_out(p.x, layout), laid_out(p.residual, layout)
        y = p.conv2d(x, activation="relu", residual=residual)
        np.testing.assert_array_equal(p.conv2d(x, packed, activation="relu", residual=residual), y, strict=True)
        p.conv2d(x, packed, activation="relu", residual=residual, out=residual)
        np.testing.assert_array_equal(residual, y, strict=True)


@every_activation
@every_case
def test_nan_comes_through(case, activation):
    p = Problem(case, "float32")
    p.residual[1, -1, 0, -1] = np.nan
    y = p.conv2d(activation=activation, residual=p.residual)
    assert np.isnan(y[1, -1, 0, -1])
    assert np.isnan(y).sum() == 1
    p = Problem(case, "float32")
    p.bias[-1] = np.nan
    y = p.conv2d(activation=activation)
    assert np.isnan(y[:, -1]).all()
    assert not np.isnan(y[:, :-1]).any()


@every_case
def test_the_same_bits_for_any_batch_and_number_of_threads(case, all_threads):
    rng = np.random.default_rng(1)
    p = Problem(case, "float32", 5, rng.standard_normal)
    for layout in LAYOUTS:
        x, residual = laid_out(p.x, layout), laid_out(p.residual, layout)
        all_threads(1)
        y = p.conv2d(x, activation="relu", residual=residual)
        for threads in (1, 2, 3):
            all_threads(threads)
            for images in (slice(None), slice(0, 1), slice(3, 5)):
                part = p.conv2d(x[images], activation="relu", residual=residual[images])
                np.testing.assert_array_equal(part, y[images], strict=True)


@every_dtype
@pytest.mark.parametrize(("channels", "filters", "kernel"), [(5, 64, 1), (300, 64, 1), (3, 64, 3)])
def test_results_stored_past_the_caches(channels, filters, kernel, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 5, (1, channels, 162, 162)).astype(dtype)
    weight = rng.integers(-4, 5, (filters, channels, kernel, kernel)).astype(dtype)
    shape = 1, 163 - kernel, 163 - kernel, filters
    size = int(np.prod(shape)) * x.itemsize
    y = aligned(size).view(dtype).reshape(shape).transpose(0, 3, 1, 2)
    y[...] = residual = rng.integers(-9, 10, y.shape).astype(dtype)
    assert y.size > 3 * 2**19
    with problems.paths_off("winograd"):
        plain = fastconv.conv2d(x, weight)
        fastconv.conv2d(inputs.channels_last(x), weight, activation="relu", residual=y, out=y)
    np.testing.assert_array_equal(y, np.maximum(plain + residual, 0), strict=True)


def test_one_image_without_a_batch_axis():
    p = Problem("planar", "float32", N=1)
    y = p.residual[0].copy()
    assert p.conv2d(p.x[0], activation="relu", residual=y, out=y) is y
    np.testing.assert_array_equal(y, p.wanted("relu")[0])


def test_an_empty_batch():
    for case in CASES:
        p = Problem(case, "float32", N=0)
        assert p.conv2d(activation="relu", residual=p.residual).shape == p.g.y_shape


def test_bad_arguments():
    p = Problem("planar", "float32")
    y = p.residual
    for wrong in ("gelu", "", 1, True, ["relu"]):
        with pytest.raises(ValueError, match="activation must be None, 'relu' or 'relu6', got"):
            p.conv2d(activation=wrong)
    with pytest.raises(ValueError, match=r"residual must have shape \(2, 12, 8, 17\) .*got \(12, 8, 17\)"):
        p.conv2d(residual=y[0])
    with pytest.raises(ValueError, match=r"residual must have shape \(12, 8, 17\) .*got \(2, 12, 8, 17\)"):
        p.conv2d(p.x[0], residual=y)
    with pytest.raises(TypeError, match="x and residual must have the same dtype, got float32 and float64"):
        p.conv2d(residual=y.astype("float64"))
    with pytest.raises(TypeError, match="residual must be float32 or float64"):
        p.conv2d(residual=y.astype(int))
    wide = np.zeros((2, 12, 9, 17), "float32")
    with pytest.raises(ValueError, match="out must not share memory with residual"):
        p.conv2d(residual=wide[:, :, :8], out=wide[:, :, 1:])
