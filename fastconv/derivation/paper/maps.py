"""What the equations of Zhang 2016 are written in: sums over the taps of a kernel in float64 NumPy.

The paper counts rows and columns from 1, and the taps u, v of a kernel from -R to R; arrays count both from 0. "*" is
computed another way than the sums: by the product of Fourier transforms.
"""

from collections.abc import Iterator

import numpy as np

from ...typing import Array

R = 2  # kernels are 5 x 5: u, v = -2 ... 2

__all__ = [
    "R",
    "column_scan",
    "convolved",
    "convolved_full",
    "inverse_scan",
    "kernel_sums",
    "mean_of_four",
    "rot180",
    "rotated_sums",
    "sigma",
    "spread",
    "spread_rotated",
    "sums",
    "upsampled",
]


def sigma(x: Array) -> Array:
    """The sigmoid of eq. 4."""
    result: Array = 1 / (1 + np.exp(-x))
    return result


def taps() -> Iterator[tuple[int, int]]:
    """All (u, v)."""
    return ((u, v) for u in range(-R, R + 1) for v in range(-R, R + 1))


def shifted(maps: Array, u: int, v: int) -> Array:
    """maps(i - u, j - v) for the i, j whose windows lie inside, counted from 1: rows R - u to n - R - u."""
    rows, columns = maps.shape[-2] - 2 * R, maps.shape[-1] - 2 * R
    return maps[..., R - u : R - u + rows, R - v : R - v + columns]


def sums(maps: Array, k: Array) -> Array:
    """Eqs. 5, 8 and 38 before the bias: sum over p, u, v of maps_p(i-u, j-v) k_{p,q}(u,v); k is (..., q, p, 5, 5).

    For many kernels, or for many maps (..., p, n, n): a product of matrices, whose inner axis is that of p, u, v.
    """
    windows = np.stack([shifted(maps, u, v) for u, v in taps()], axis=-3)  # (..., p, 25, i, j)
    rows, columns = windows.shape[-2:]
    kernels = k.reshape(*k.shape[:-3], -1)
    result: Array = kernels @ windows.reshape(*windows.shape[:-4], -1, rows * columns)
    return result.reshape(*result.shape[:-1], rows, columns)


def kernel_sums(maps: Array, d: Array) -> Array:
    """Eqs. 36 and 56: sum over i, j of d_q(i,j) maps_p(i-u, j-v), as (q, p, 5, 5)."""
    result = np.empty((len(d), len(maps), 2 * R + 1, 2 * R + 1))
    for u, v in taps():
        result[:, :, u + R, v + R] = np.einsum("qij,pij->qp", d, shifted(maps, u, v))
    return result


def rotated_sums(maps: Array, d: Array) -> Array:
    """Eqs. 39 and 58: sum over i, j of maps_{p,rot180}(u-i, v-j) d_q(i,j).

    In an array of n rows rot180 puts row m at n+1-m: the index u-i stands for the row n+1-R+u-i, counted from 1.
    """
    turned, (rows, columns) = rot180(maps), d.shape[-2:]
    result = np.empty((len(d), len(maps), 2 * R + 1, 2 * R + 1))
    backwards = d[:, ::-1, ::-1]  # i and j run down, so that u-i runs up
    for u, v in taps():
        top, left = R + u, R + v
        window = turned[:, top : top + rows, left : left + columns]
        result[:, :, u + R, v + R] = np.einsum("pij,qij->qp", window, backwards)
    return result


def spread(d: Array, k: Array) -> Array:
    """Eq. 49: sum over q, u, v of d_q(i+u, j+v) k_{p,q}(u,v); what lies outside of d counts as 0."""
    wide = np.pad(d, ((0, 0), (2 * R, 2 * R), (2 * R, 2 * R)))
    rows, columns = d.shape[-2] + 2 * R, d.shape[-1] + 2 * R
    result = np.zeros((k.shape[1], rows, columns))
    for u, v in taps():
        window = wide[:, R + u : R + u + rows, R + v : R + v + columns]
        result += np.einsum("qij,qp->pij", window, k[..., u + R, v + R])
    return result


def spread_rotated(d: Array, k: Array) -> Array:
    """Eq. 50: sum over q, u, v of d_q(i-(-u), j-(-v)) k_{p,q,rot180}(-u,-v)."""
    wide = np.pad(d, ((0, 0), (2 * R, 2 * R), (2 * R, 2 * R)))
    rows, columns, turned = d.shape[-2] + 2 * R, d.shape[-1] + 2 * R, rot180(k)
    result = np.zeros((k.shape[1], rows, columns))
    for u, v in taps():
        window = wide[:, R - (-u) : R - (-u) + rows, R - (-v) : R - (-v) + columns]
        result += np.einsum("qij,qp->pij", window, turned[..., -u + R, -v + R])
    return result


def convolved_full(a: Array, b: Array) -> Array:
    """a * b of the last two axes where any part of b meets a: by the product of their Fourier transforms."""
    size = [n + m - 1 for n, m in zip(a.shape[-2:], b.shape[-2:], strict=True)]
    product = np.fft.rfft2(a, size) * np.fft.rfft2(b, size)
    result: Array = np.fft.irfft2(product, size)
    return result


def convolved(a: Array, b: Array) -> Array:
    """a * b of the last two axes, kept where the smaller lies inside the larger."""
    n, m = ((min(s, t), max(s, t)) for s, t in zip(a.shape[-2:], b.shape[-2:], strict=True))
    return convolved_full(a, b)[..., n[0] - 1 : n[1], m[0] - 1 : m[1]]


def rot180(maps: Array) -> Array:
    """The last two axes backwards."""
    return maps[..., ::-1, ::-1]


def mean_of_four(maps: Array) -> Array:
    """Eqs. 6 and 9: a quarter of the sum over u, v = 0, 1 of maps(2i-u, 2j-v)."""
    quarters = [maps[..., 1 - u :: 2, 1 - v :: 2] for u in range(2) for v in range(2)]
    result: Array = 0.25 * np.sum(quarters, axis=0)
    return result


def upsampled(maps: Array) -> Array:
    """Eqs. 32 and 52: a quarter of maps(ceil(i/2), ceil(j/2))."""
    rows, columns = (np.arange(1, 2 * n + 1) for n in maps.shape[-2:])
    return 0.25 * maps[..., (rows[:, None] + 1) // 2 - 1, (columns[None] + 1) // 2 - 1]


def column_scan(maps: Array) -> Array:
    """F of eq. 10: each map by columns, the maps one after another."""
    return maps.swapaxes(-1, -2).reshape(-1)


def inverse_scan(f: Array, shape: tuple[int, ...]) -> Array:
    """F^-1 of eq. 11."""
    return f.reshape(shape[0], shape[2], shape[1]).swapaxes(-1, -2)
