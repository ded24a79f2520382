"""Layers whose windows slide over planes, in float64 NumPy: sums over the taps of the window, as the equations say."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...typing import Array, Shape

__all__ = ["adaptive_mean", "adaptive_most", "conv", "lp", "mean", "most"]


def tap(x: Array, g: Any, u: int, v: int, outside: float) -> Array:
    """x(sh i + dh u - top, sw j + dw v - left) for all i, j of the result; `outside` where that is no pixel."""
    rows = np.arange(g.OH)[:, None] * g.sh + u * g.dh - g.top
    columns = np.arange(g.OW)[None] * g.sw + v * g.dw - g.left
    inside = (rows >= 0) & (rows < g.H) & (columns >= 0) & (columns < g.W)
    found: Array = np.where(inside, x[:, rows.clip(0, g.H - 1), columns.clip(0, g.W - 1)], outside)
    return found


def conv(layer: Any, x: Array, params: dict[str, Array], shape: Shape) -> Array:
    """y_q(i,j) = b_q + sum over p, u, v of x_p(s i + d u - padding, ...) w_{q,p}(u,v), p within the group of q."""
    g, w = layer.geometry((1, *x.shape)), params["weight"]
    if layer.rotate:
        w = w[:, :, ::-1, ::-1]
    filters = w.reshape(g.groups, -1, *w.shape[1:])
    y = np.zeros((g.groups, g.K // g.groups, g.OH, g.OW))
    for u in range(g.kh):
        for v in range(g.kw):
            read = tap(x, g, u, v, 0.0).reshape(g.groups, -1, g.OH, g.OW)
            y += np.einsum("gpij,gqp->gqij", read, filters[..., u, v])
    bias = params.get("bias", np.zeros(g.K))
    result: Array = y.reshape(shape) + bias[:, None, None]
    return result


def over_window(layer: Any, x: Array, outside: float, join: Callable[[Array, Array], Array]) -> tuple[Array, Any]:
    """The taps of each window joined, one after another; and the geometry."""
    g = layer.geometry((1, *x.shape))
    taps = [tap(x, g, u, v, outside) for u in range(g.kh) for v in range(g.kw)]
    y = taps[0]
    for each in taps[1:]:
        y = join(y, each)
    return y, g


def most(layer: Any, x: Array, params: dict[str, Array], shape: Shape) -> Array:
    """The largest of each window."""
    return over_window(layer, x, -np.inf, np.maximum)[0]


def mean(layer: Any, x: Array, params: dict[str, Array], shape: Shape) -> Array:
    """The sum of each window divided by m, the number of its pixels with or without the border."""
    total, g = over_window(layer, x, 0.0, np.add)
    if layer.divisor_override is not None:
        return total / int(layer.divisor_override)
    border = (g.top, g.bottom, g.left, g.right) if layer.count_include_pad else (0, 0, 0, 0)
    ones = np.ones((1, g.H + border[0] + border[1], g.W + border[2] + border[3]))
    moved = g._replace(H=ones.shape[1], W=ones.shape[2], top=g.top - border[0], left=g.left - border[2])
    count = sum(tap(ones, moved, u, v, 0.0) for u in range(g.kh) for v in range(g.kw))
    result: Array = total / count
    return result


def lp(layer: Any, x: Array, params: dict[str, Array], shape: Shape) -> Array:
    """(sum |x|^p)^(1/p) of each window."""
    p = layer.norm_type
    total, _ = over_window(layer, np.abs(x) ** p, 0.0, np.add)
    result: Array = total ** (1 / p)
    return result


def adaptive(x: Array, shape: Shape, join: Callable[..., Any]) -> Array:
    """Row i of OH reads the rows floor(i H / OH) to ceil((i + 1) H / OH) - 1; columns alike."""
    channels, rows, columns = (*shape, 1, 1)[:3]
    H, W = x.shape[1:]
    y = np.empty((channels, rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = x[:, i * H // rows : -(-(i + 1) * H // rows), j * W // columns : -(-(j + 1) * W // columns)]
            y[:, i, j] = join(window, axis=(1, 2))
    return y.reshape(shape)


def adaptive_mean(layer: Any, x: Array, params: dict[str, Array], shape: Shape) -> Array:
    """The mean of each window."""
    return adaptive(x, shape, np.mean)


def adaptive_most(layer: Any, x: Array, params: dict[str, Array], shape: Shape) -> Array:
    """The largest of each window."""
    return adaptive(x, shape, np.max)
