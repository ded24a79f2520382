"""Prepared calls of the pooling kernels, and the tables of their windows. Nothing is checked here."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from ... import kernels
from ...kernels.runtime.calls import all_channels_last, sharing_windows, window_tables, with_covers
from ...typing import Array, Call, Kernel, Shape
from .. import check
from ..copies import Several, on_copies
from ..geometry import Pool2dGeometry

Tables: TypeAlias = tuple[Array, Array]  # the windows along H and along W

# ---------------------------------------------------------------- tables: one line (start, count, step, m) per output


def max_tables(g: Pool2dGeometry) -> Tables:
    """Windows without the padding."""
    return window_tables(g)


def mean_tables(g: Pool2dGeometry, count_include_pad: bool = True, divisor_override: int | None = None) -> Tables:
    """As PyTorch divides: by the window with its padding, never by what hangs over in ceil_mode."""
    return window_tables(g, bool(count_include_pad), divisor_override)


def adaptive_tables(x_shape: Shape, y_shape: Shape) -> Tables:
    """Windows that share out H and W."""
    return sharing_windows(x_shape[2], y_shape[2]), sharing_windows(x_shape[3], y_shape[3])


# ---------------------------------------------------------------- layouts


def on_one_layout(
    kernel: Kernel, inputs: tuple[Array, ...], outputs: tuple[Array, ...], *rest: Any, places: bool = False
) -> Callable[[], Any]:
    """The kernel on its arrays: all channels-last or all planar; copied beforehand, and back, where they differ.

    places: whether its result is a place in the whole arrays, which the kernel cannot tell of some images.
    """
    arrays = (*inputs, *outputs)
    last = all_channels_last(*arrays)
    if last is None:
        return converted(kernel, inputs, outputs, rest, None if places else ())
    return partial(kernel, *arrays, *rest, last)


def converted(
    kernel: Kernel,
    inputs: tuple[Array, ...],
    outputs: tuple[Array, ...],
    rest: tuple[Any, ...],
    beside: tuple[Array, ...] | None,
) -> Several:
    """The kernel, whose result is that of the call, on copies in the layout that needs copies of fewer bytes."""
    arrays = (*inputs, *outputs)
    last = unlike(arrays, True) < unlike(arrays, False)
    layout = check.CHANNELS_LAST if last else check.PLANAR

    def prepare(*given: Array) -> Call:
        """The kernel on arrays of this layout."""
        return partial(kernel, *given, *rest, last)

    return on_copies(prepare, inputs, outputs, partial(fits, last=last), layout, beside)


def unlike(arrays: tuple[Array, ...], last: bool) -> int:
    """Bytes of the arrays that are not channels-last, or not planar."""
    return sum(a.nbytes for a in arrays if not fits(a, last))


def fits(a: Array, last: bool) -> bool:
    """Whether an array is channels-last, or planar."""
    return check.channels_together(a) if last else check.in_planes(a)


# ---------------------------------------------------------------- calls


def max_call(x: Array, y: Array, indices: Array | None, tables: Tables) -> Call:
    pool = kernels.load(y.dtype).pool.windows
    if indices is None:
        return on_one_layout(pool.max_forward, (x,), (y,), *tables)
    return on_one_layout(pool.max_forward_indices, (x,), (y, indices), *tables)


def max_backward_call(dy: Array, indices: Array, dx: Array, tables: Tables) -> Callable[[], int]:
    """Its result is where the first index is that is not in its window, in C order, or -1."""
    kernel = kernels.load(dx.dtype).pool.windows.max_backward
    return on_one_layout(kernel, (dy, indices), (dx,), *with_covers(tables, dx.shape), places=True)


def maxima(x: Array, tables: Tables, y_shape: Shape) -> tuple[Array, tuple[Array, Array], Call]:
    """(indices, (indices, maxima), the call that has written both)."""
    layout = check.layout_of(x)
    indices, y = check.empty(y_shape, check.INT64, layout), check.empty(y_shape, x.dtype, layout)
    call = max_call(x, y, indices, tables)
    call()
    return indices, (indices, y), call


def mean_call(x: Array, y: Array, tables: Tables) -> Call:
    return on_one_layout(kernels.load(y.dtype).pool.windows.mean_forward, (x,), (y,), *tables)


def mean_backward_call(dy: Array, dx: Array, tables: Tables) -> Call:
    kernel = kernels.load(dx.dtype).pool.windows.mean_backward
    return on_one_layout(kernel, (dy,), (dx,), *with_covers(tables, dx.shape))


def max_pool2d_call(x: Array, y: Array, indices: Array | None, g: Pool2dGeometry) -> Call:
    return max_call(x, y, indices, max_tables(g))


def max_pool2d_backward_call(dy: Array, indices: Array, dx: Array, g: Pool2dGeometry) -> Callable[[], int]:
    return max_backward_call(dy, indices, dx, max_tables(g))


def avg_pool2d_call(
    x: Array, y: Array, g: Pool2dGeometry, count_include_pad: bool = True, divisor_override: int | None = None
) -> Call:
    return mean_call(x, y, mean_tables(g, count_include_pad, divisor_override))


def avg_pool2d_backward_call(
    dy: Array, dx: Array, g: Pool2dGeometry, count_include_pad: bool = True, divisor_override: int | None = None
) -> Call:
    return mean_backward_call(dy, dx, mean_tables(g, count_include_pad, divisor_override))


def lp_pool2d_call(x: Array, y: Array, g: Pool2dGeometry, norm_type: float = 2) -> Call:
    return lp_call(x, y, max_tables(g), norm_type)


def lp_pool2d_backward_call(dy: Array, x: Array, y: Array, dx: Array, g: Pool2dGeometry, norm_type: float = 2) -> Call:
    return lp_backward_call(dy, x, y, dx, max_tables(g), norm_type)


def lp_call(x: Array, y: Array, tables: Tables, norm_type: float) -> Call:
    return on_one_layout(kernels.load(y.dtype).pool.windows.lp_forward, (x,), (y,), *tables, float(norm_type))


def lp_backward_call(dy: Array, x: Array, y: Array, dx: Array, tables: Tables, norm_type: float) -> Call:
    kernel = kernels.load(dx.dtype).pool.windows.lp_backward
    return on_one_layout(kernel, (dy, x, y), (dx,), *with_covers(tables, dx.shape), float(norm_type))


def adaptive_avg_pool2d_call(x: Array, y: Array) -> Call:
    return mean_call(x, y, adaptive_tables(x.shape, y.shape))


def adaptive_avg_pool2d_backward_call(dy: Array, dx: Array) -> Call:
    return mean_backward_call(dy, dx, adaptive_tables(dx.shape, dy.shape))


def adaptive_max_pool2d_call(x: Array, y: Array, indices: Array | None) -> Call:
    return max_call(x, y, indices, adaptive_tables(x.shape, y.shape))


def adaptive_max_pool2d_backward_call(dy: Array, indices: Array, dx: Array) -> Callable[[], int]:
    return max_backward_call(dy, indices, dx, adaptive_tables(dx.shape, dy.shape))


def max_unpool2d_call(x: Array, indices: Array, y: Array) -> Call:
    return partial(kernels.load(y.dtype).pool.windows.unpool_forward, x, indices, y)


def max_unpool2d_backward_call(dy: Array, indices: Array, dx: Array) -> Call:
    return partial(kernels.load(dx.dtype).pool.windows.unpool_backward, dy, indices, dx)
