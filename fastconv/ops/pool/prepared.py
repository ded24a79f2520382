"""Prepared calls of the pooling kernels, and the tables of their windows. Nothing is checked here."""

from functools import lru_cache, partial

import numpy as np

from ... import kernels
from .. import check

# ---------------------------------------------------------------- tables: one line (start, count, step, m) per output


@lru_cache(64)
def sliding_lines(size, out, kernel, stride, dilation, before, after=None):
    """Each window along one axis, clipped to the map; m counts the padding up to `after`, or not at all (None)."""
    start = np.arange(out, dtype=np.intp) * stride - before
    skipped = np.maximum(-(start // dilation), 0)
    count = np.minimum(-((start - size) // dilation), kernel) - skipped
    m = count if after is None else np.minimum(start + kernel, size + after) - start
    return frozen(np.stack([start + skipped * dilation, count, np.full(out, dilation), m], 1))


@lru_cache(64)
def adaptive_lines(size, out):
    """Windows that share out an axis: from floor(i size / out) up to ceil((i + 1) size / out)."""
    i = np.arange(out, dtype=np.intp)
    start = i * size // out
    count = -(-(i + 1) * size // out) - start
    return frozen(np.stack([start, count, np.ones_like(i), count], 1))


def max_tables(g):
    return (
        sliding_lines(g.H, g.OH, g.kh, g.sh, g.dh, g.top),
        sliding_lines(g.W, g.OW, g.kw, g.sw, g.dw, g.left),
    )


def mean_tables(g, count_include_pad=True, divisor_override=None):
    """As the field divides: by the window with its padding, never by what hangs over in ceil_mode."""
    below, beside = (g.bottom, g.right) if count_include_pad else (None, None)
    rows = sliding_lines(g.H, g.OH, g.kh, g.sh, g.dh, g.top, below)
    cols = sliding_lines(g.W, g.OW, g.kw, g.sw, g.dw, g.left, beside)
    if divisor_override is None:
        return rows, cols
    return with_divisor(rows, divisor_override), with_divisor(cols, 1)


def with_divisor(lines, m):
    lines = lines.copy()
    lines[:, 3] = m
    return frozen(lines)


def adaptive_tables(x_shape, y_shape):
    return adaptive_lines(x_shape[2], y_shape[2]), adaptive_lines(x_shape[3], y_shape[3])


def cover(lines, size):
    """(ends, outputs): outputs[ends[i] : ends[i + 1]] are the windows that read position i, in order."""
    start, count, step, _ = lines.T
    outputs = np.repeat(np.arange(len(lines), dtype=np.intp), count)
    tap = np.arange(len(outputs)) - np.repeat(np.cumsum(count) - count, count)
    position = start[outputs] + tap * step[outputs]
    ends = np.zeros(size + 1, np.intp)
    np.cumsum(np.bincount(position, minlength=size), out=ends[1:])
    return ends, outputs[np.argsort(position, kind="stable")]


def covers(x_shape, tables):
    return (*cover(tables[0], x_shape[2]), *cover(tables[1], x_shape[3]))


def frozen(a):
    a = np.ascontiguousarray(a, np.intp)
    a.flags.writeable = False
    return a


# ---------------------------------------------------------------- layouts


def on_one_layout(kernel, inputs, outputs, *rest):
    """The kernel on its arrays: all channels-last or all planar; copied beforehand, and back, where they differ."""
    arrays = (*inputs, *outputs)
    last, planar = all(check.channels_together(a) for a in arrays), all(check.in_planes(a) for a in arrays)
    if not last and not planar:
        return partial(convert_and_run, kernel, inputs, outputs, rest)
    if last and planar:
        last = arrays[0].shape[1] > max(a.shape[3] for a in arrays)
    return partial(kernel, *arrays, *rest, last)


def convert_and_run(kernel, inputs, outputs, rest):
    last = check.channels_together(inputs[0]) and not check.in_planes(inputs[0])
    layout = check.CHANNELS_LAST if last else check.PLANAR
    given = []
    for a in (*inputs, *outputs):
        fits = check.channels_together(a) if last else check.in_planes(a)
        given.append(a if fits else check.empty(a.shape, a.dtype, layout))
    for a, copy in zip(inputs, given, strict=False):
        if a is not copy:
            np.copyto(copy, a)
    result = kernel(*given, *rest, last)
    for a, copy in zip(outputs, given[len(inputs) :], strict=True):
        if a is not copy:
            np.copyto(a, copy)
    return result


# ---------------------------------------------------------------- calls


def max_call(x, y, indices, tables):
    pool = kernels.load(y.dtype).pool.windows
    if indices is None:
        return on_one_layout(pool.max_forward, (x,), (y,), *tables)
    return on_one_layout(pool.max_forward_indices, (x,), (y, indices), *tables)


def max_backward_call(dy, indices, dx, tables):
    """Its result is where the first index is that is not in its window, in C order, or -1."""
    kernel = kernels.load(dx.dtype).pool.windows.max_backward
    return on_one_layout(kernel, (dy, indices), (dx,), *tables, *covers(dx.shape, tables))


def find_maxima(x, tables, y_shape):
    """The indices alone."""
    layout = check.layout_of(x)
    indices = check.empty(y_shape, "int64", layout)
    max_call(x, check.empty(y_shape, x.dtype, layout), indices, tables)()
    return indices


def mean_call(x, y, tables):
    return on_one_layout(kernels.load(y.dtype).pool.windows.mean_forward, (x,), (y,), *tables)


def mean_backward_call(dy, dx, tables):
    kernel = kernels.load(dx.dtype).pool.windows.mean_backward
    return on_one_layout(kernel, (dy,), (dx,), *tables, *covers(dx.shape, tables))


def max_pool2d_call(x, y, indices, g):
    return max_call(x, y, indices, max_tables(g))


def max_pool2d_backward_call(dy, indices, dx, g):
    return max_backward_call(dy, indices, dx, max_tables(g))


def avg_pool2d_call(x, y, g, count_include_pad=True, divisor_override=None):
    return mean_call(x, y, mean_tables(g, count_include_pad, divisor_override))


def avg_pool2d_backward_call(dy, dx, g, count_include_pad=True, divisor_override=None):
    return mean_backward_call(dy, dx, mean_tables(g, count_include_pad, divisor_override))


def lp_pool2d_call(x, y, g, norm_type=2):
    return on_one_layout(kernels.load(y.dtype).pool.windows.lp_forward, (x,), (y,), *max_tables(g), float(norm_type))


def lp_pool2d_backward_call(dy, x, y, dx, g, norm_type=2):
    kernel, tables = kernels.load(dx.dtype).pool.windows.lp_backward, max_tables(g)
    return on_one_layout(kernel, (dy, x, y), (dx,), *tables, *covers(dx.shape, tables), float(norm_type))


def adaptive_avg_pool2d_call(x, y):
    return mean_call(x, y, adaptive_tables(x.shape, y.shape))


def adaptive_avg_pool2d_backward_call(dy, dx):
    return mean_backward_call(dy, dx, adaptive_tables(dx.shape, dy.shape))


def adaptive_max_pool2d_call(x, y, indices):
    return max_call(x, y, indices, adaptive_tables(x.shape, y.shape))


def adaptive_max_pool2d_backward_call(dy, indices, dx):
    return max_backward_call(dy, indices, dx, adaptive_tables(dx.shape, dy.shape))


def max_unpool2d_call(x, indices, y):
    return partial(kernels.load(y.dtype).pool.windows.unpool_forward, x, indices, y)


def max_unpool2d_backward_call(dy, indices, dx):
    return partial(kernels.load(dx.dtype).pool.windows.unpool_backward, dy, indices, dx)
