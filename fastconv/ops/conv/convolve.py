"""True convolution, as in Zhang 2016 [1], eqs. 4 and 7: the kernel is rotated by 180 degrees before it slides."""

from typing import Any

from ...typing import Array, Padding, Shape
from .. import check
from ..elementwise import array_beside
from ..habits import op
from .conv import conv2d
from .gradients import conv2d_backward_input, conv2d_backward_weight

MODES = ("full", "same", "valid")
BORDERS = {  # borders of scipy.ndimage and scipy.signal -> the mode of numpy.pad
    "reflect": "symmetric",
    "symm": "symmetric",
    "symmetric": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "edge": "edge",
    "wrap": "wrap",
}


@op
def rot180(k: Array) -> Array:
    """Rotate the last two axes by 180 degrees: rot180(k)[..., u, v] = k[..., -u, -v] about the centre.

    The backward pass rotates the kernel (Zhang 2016 [1], eq. 50) and the images (eqs. 39 and 58).

    Parameters
    ----------
    k : array (..., kh, kw), any dtype

    Returns
    -------
    array of the same shape, a copy

    Raises
    ------
    ValueError
        If `k` has fewer than two dimensions.

    Notes
    -----
    Exact, for any dtype.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.rot180([[1, 2], [3, 4]])
    array([[4, 3],
           [2, 1]])
    """
    k = check.given(k, "k")
    if k.ndim < 2:
        raise ValueError(f"k must have at least 2 dimensions, got shape {k.shape}")
    return k[..., ::-1, ::-1].copy()


@op
def convolve2d(x: Array, k: Array, mode: str = "full", *, precise: bool = False, out: Array | None = None) -> Array:
    """Convolve in the mathematical sense: y = x * k.

    y(i, j) = sum_{u,v} x(i - u, j - v) k(u, v), over channels too where there are any (Zhang 2016 [1], eqs. 5 and 8)

    Parameters
    ----------
    x : array (H, W), (C, H, W) or (N, C, H, W), float32 or float64
    k : array (kh, kw), or (K, C, kh, kw) for images with channels, dtype of `x`
    mode : {"full", "same", "valid"}
        "full": every position where the two touch, H + kh - 1 rows. "same": the middle H of these
        rows, as in scipy.signal.convolve2d. "valid": only where `k` lies inside `x` whole, H - kh + 1 rows.
    precise : bool
        As in `conv2d`.
    out : array, optional

    Returns
    -------
    y : array (OH, OW), (K, OH, OW) or (N, K, OH, OW)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `out` that is no array.
    ValueError
        Ranks or channels that do not agree, another mode, a kernel that does not fit into `x` ("valid"), an `out` that
        does not fit.

    Notes
    -----
    Error, bits and paths as in `conv2d`, which runs on the rotated kernel.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> k = np.array([[1.0, 10.0]])
    >>> fastconv.convolve2d(x, k)
    array([[ 1., 12., 20.],
           [ 3., 34., 40.]])
    """
    x = planes(x, "x")
    k = check_kernel(k, x, "x", 1)
    padding = mode_padding(mode, k.shape[-2:])
    if padding == "valid" and (k.shape[-2] > x.shape[-2] or k.shape[-1] > x.shape[-1]):
        larger = k.ndim == 2 and k.shape[0] >= x.shape[0] and k.shape[1] >= x.shape[1]
        cure = "; SciPy exchanges the two here: write convolve2d(k, x, 'valid')" if larger else ""
        raise ValueError(f"k must fit into x with mode='valid', got k {k.shape} and x {x.shape}{cure}")
    weight = k[..., ::-1, ::-1]
    if x.ndim > 2:
        return conv2d(x, weight, padding=padding, precise=precise, out=out)
    target = None if out is None else check.plain_output(out)[None]
    y = conv2d(x[None], weight[None, None], padding=padding, precise=precise, out=target)[0]
    return y if out is None else out


@op
def convolve2d_backward_input(
    dy: Array, k: Array, input_shape: Shape, mode: str = "full", *, precise: bool = False, out: Array | None = None
) -> Array:
    """The gradient of `convolve2d` with respect to `x`: `dy` correlated with `k` (Zhang 2016 [1], eqs. 49 to 51).

    dx(i, j) = sum_{u,v} dy(i + u, j + v) k(u, v)

    Parameters
    ----------
    dy : array, the shape of convolve2d(x, k, mode)
    k : array (kh, kw) or (K, C, kh, kw), dtype of `dy`
    input_shape : the shape of `x`
    mode : {"full", "same", "valid"}
    precise : bool
        As in `conv2d`.
    out : array of shape `input_shape`, optional

    Returns
    -------
    dx : array of shape `input_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `out` that is no array.
    ValueError
        `dy` without the shape that `convolve2d` gives, ranks that do not agree, another mode, an `out` that does not
        fit.

    Notes
    -----
    Error, bits and paths as in `conv2d_backward_input`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.convolve2d_backward_input(np.ones((2, 3)), np.array([[1.0, 10.0]]), (2, 2))
    array([[11., 11.],
           [11., 11.]])
    """
    dy = planes(dy, "dy")
    k = check_kernel(k, dy, "dy", 0)
    padding = mode_padding(mode, k.shape[-2:])
    weight = k[..., ::-1, ::-1]
    if dy.ndim > 2:
        return conv2d_backward_input(dy, weight, input_shape, padding=padding, precise=precise, out=out)
    target = None if out is None else check.plain_output(out)[None]
    input_shape = (1, *check.shape(input_shape, "input_shape", 2))
    options: dict[str, Any] = {"padding": padding, "precise": precise, "out": target}
    dx = conv2d_backward_input(dy[None], weight[None, None], input_shape, **options)[0]
    return dx if out is None else out


@op
def convolve2d_backward_weight(
    dy: Array, x: Array, weight_shape: Shape, mode: str = "full", *, precise: bool = False, out: Array | None = None
) -> Array:
    """The gradient of `convolve2d` with respect to `k`: rot180(x) convolved with `dy` (Zhang 2016 [1], eqs. 40, 59).

    dk(u, v) = sum_{i,j} x(i - u, j - v) dy(i, j)

    Parameters
    ----------
    dy : array, the shape of convolve2d(x, k, mode)
    x : array (H, W), (C, H, W) or (N, C, H, W), dtype of `dy`
    weight_shape : the shape of `k`, (kh, kw) or (K, C, kh, kw)
    mode : {"full", "same", "valid"}
    precise : bool
        As in `conv2d`.
    out : array of shape `weight_shape`, optional

    Returns
    -------
    dk : array of shape `weight_shape`

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; an `out` that is no array.
    ValueError
        `dy` without the shape that `convolve2d` gives, ranks that do not agree, another mode, an `out` that does not
        fit.

    Notes
    -----
    Error, bits and paths as in `conv2d_backward_weight`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> fastconv.convolve2d_backward_weight(np.ones((2, 3)), x, (1, 2))
    array([[10., 10.]])
    """
    dy, x = planes(dy, "dy"), planes(x, "x")
    if dy.ndim != x.ndim:
        raise ValueError(f"dy and x must have the same rank, got shapes {dy.shape} and {x.shape}")
    flat = x.ndim == 2
    weight_shape = check.shape(weight_shape, "weight_shape", 2 if flat else 4)
    padding = mode_padding(mode, weight_shape[-2:])
    target = None
    if out is not None:
        target = (check.plain_output(out)[None, None] if flat else check.plain_output(out))[..., ::-1, ::-1]
    if flat:
        dy, x, weight_shape = dy[None], x[None], (1, 1, *weight_shape)
    dk = conv2d_backward_weight(dy, x, weight_shape, padding=padding, precise=precise, out=target)[..., ::-1, ::-1]
    if out is not None:
        return out
    return dk[0, 0].copy() if flat else dk.copy()


def mode_padding(mode: str, kernel: Shape) -> Padding:
    """The padding of conv2d that gives the mode; "same" is centred as in scipy.signal."""
    if isinstance(mode, str) and mode.lower() in BORDERS:
        border = BORDERS[mode.lower()]
        raise ValueError(
            f"mode must be one of {', '.join(map(repr, MODES))}, got {mode!r}; zeros are around x; for another border "
            f"write x = numpy.pad(x, {max(kernel) // 2}, mode={border!r}) and mode='valid'"
        )
    mode = check.word(mode, "mode", MODES)
    if mode != "same":
        return mode
    return tuple((k // 2, (k - 1) // 2) for k in kernel)


def planes(x: Any, name: str) -> Array:
    """An array of planes, with or without channels and a batch."""
    given = check.array(x, name)
    if given.ndim == 1:
        rule = f"{name} must have 2, 3 or 4 dimensions, got shape {given.shape}"
        raise ValueError(f"{rule}; for one row write {check.code(x, name)}[None]")
    check.rank_is(given, name, (2, 3, 4), name)
    return given


def check_kernel(k: Array, x: Array, name: str, axis: int) -> Array:
    """`k`, of the rank and dtype of `x`, whose channels lie along `axis` of it."""
    k = array_beside(k, "k", x)
    if x.ndim > 2 and k.ndim == 2:
        raise ValueError(
            f"k must have 4 dimensions for images with channels, got k {k.shape} and {name} {x.shape}; for one kernel "
            f"on each plane write {name}.reshape(-1, 1, *{name}.shape[-2:]) and k[None, None]"
        )
    if x.ndim == 2 and k.ndim == 1:
        raise ValueError(
            f"k must have 2 dimensions, got shape {k.shape}; write k[None] for a row, k[:, None] for a column"
        )
    check.rank_is(k, "k", 2 if x.ndim == 2 else 4, "k")
    check.same_dtype(**{name: x, "k": k})
    if k.ndim == 4 and k.shape[axis] != x.shape[-3]:
        rule = "(K, C, kh, kw) with C the channels of x" if axis else "(K, C, kh, kw) with K the channels of dy"
        raise ValueError(f"k must have shape {rule}, got k {k.shape} and {name} {x.shape}")
    if 0 in k.shape:
        raise ValueError(f"k must not be empty, got shape {k.shape}")
    return k
