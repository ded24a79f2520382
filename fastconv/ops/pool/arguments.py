"""What the public pooling functions check beyond `check` and `geometry`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ... import kernels
from ...typing import Array, Call, Shape
from .. import check
from ..call_cache import planned
from ..geometry import Pool2dGeometry
from .prepared import Tables


def gradient_of(x: Array, dy: Array, name: str, y_shape: Shape, batched: bool) -> Array:
    """`dy` as (N, C, OH, OW), of this shape and of the dtype of `x`."""
    dy, dy_batched = check.strided_images(dy, "dy")
    if dy_batched != batched:
        raise ValueError(f"dy must have a batch axis just where x has one, got x {x.shape} and dy {dy.shape}")
    if dy.shape != y_shape:
        check.shape_is(dy, "dy", y_shape, f"the output of {name} for this x")
    if dy.dtype != x.dtype:
        check.same_dtype(dy=dy, x=x)
    return dy


def like_x(out: Array | None, x: Array, batched: bool, **inputs: Any) -> Array:
    """The gradient of x, to be written: `out`, or a new array in the layout of x."""
    layout = check.layout_of(x)
    if out is None:
        return check.empty(x.shape, x.dtype, layout)
    return check.output(out, x.shape, x.dtype, layout, batched, x=x, **inputs)


def no_window_in_padding(tables: Tables, g: Pool2dGeometry) -> None:
    """ValueError where dilation lets a window step over the whole plane."""
    if g.dh == g.dw == 1:
        return
    for lines, name, size in zip(tables, ("height", "width"), (g.H, g.W), strict=True):
        if lines[:, 1].min(initial=1) < 1:
            raise ValueError(
                f"padding, dilation: a window must reach the image, but one lies in padding only along the {name} "
                f"of {size} (kernel_size {(g.kh, g.kw)}, dilation {(g.dh, g.dw)}, padding {(g.top, g.left)})"
            )


def with_indices(run: Call, y: Array, out: Array | None, indices: Array | None, batched: bool, tables: Tables) -> Any:
    """What the user gets of a call that has written y, and the indices if they are wanted."""
    result = check.give(y, out, batched)
    if indices is None:
        return planned(result, (y,), run, tables=True)
    return planned((result, check.give(indices, None, batched)), (y, indices), run, tables=True)


def indices_like(indices: object, shape: Shape, batched: bool) -> Array:
    """`indices` as int64 (N, C, OH, OW)."""
    indices = check.given(indices, "indices", "what max_pool2d returned")
    if indices.dtype.newbyteorder("=") != check.INT64:
        cure = "; write indices.astype('int64')" if indices.dtype.kind in "iu" else "; use what max_pool2d returned"
        raise TypeError(f"indices must be int64, got {indices.dtype}{cure}")
    check.shape_is(indices, "indices", shape if batched else shape[1:], "one index for each output")
    if not batched:
        indices = indices[None]
    if not indices.dtype.isnative or not indices.flags.aligned or not check.has_unit_axis(indices):
        indices = indices.astype(check.INT64, order="C")
    return indices


def in_plane(indices: Array, batched: bool, plane: Shape) -> None:
    """ValueError where one of the indices is not in the plane (H, W)."""
    refuse(index_check(indices, plane)(), indices, batched, plane)


def index_check(indices: Array, plane: Shape) -> Callable[[], int]:
    """The call that gives the place of the first index that is not in the plane (H, W), in C order, or -1."""
    return partial(kernels.load("float32").pool.windows.first_bad_index, indices, *plane)


def refuse(bad: int, indices: Array, batched: bool, plane: Shape, also: str = "") -> None:
    """ValueError where `bad` is a place in indices, in C order, and not -1."""
    if bad >= 0:
        where = tuple(map(int, np.unravel_index(bad, indices.shape)))[0 if batched else 1 :]
        value = int(indices.reshape(-1)[bad])
        rule = f"in [0, {plane[0] * plane[1]}), flat in the plane {plane}{also}"
        raise ValueError(f"indices must be {rule}, got {value} at {where}")
