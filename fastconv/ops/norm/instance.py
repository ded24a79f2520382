"""Instance norm, group norm of one channel per group, with its backward."""

from typing import Any

from ...typing import Array
from .. import check
from ..elementwise import agreeing
from ..habits import op
from .group import normalise, normalise_backward, saved_statistics
from .views import per_channel, pixels_in


@op
def instance_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    return_saved: bool = False,
    out: Array | None = None,
) -> Any:  # (y, mean, invstd) with return_saved, else y
    """Each channel of each sample with mean 0 and variance 1, then scaled and shifted by channel.

    y[n,c,...] = (x[n,c,...] - mean[n,c]) / sqrt(var[n,c] + eps) weight[c] + bias[c]

    Parameters
    ----------
    x : array (N, C, ...) of two or more values per channel, float32 or float64
    weight, bias : arrays (C,), dtype of `x`, optional
    eps : float > 0
    return_saved : bool
        Also return mean and inverse deviation, for `instance_norm_backward`.
    out : array, optional
        May be `x` itself.

    Returns
    -------
    y : array, shape and dtype of `x`
    mean, invstd : arrays (N, C), only with return_saved

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; arguments that are not numbers.
    ValueError
        Shapes that do not agree, one value per channel, an eps not above 0, an `out` that does not fit.

    Notes
    -----
    It is `group_norm` with a group for each channel, with the same bits. Ulyanov 2016 [78].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.instance_norm(np.array([[[1.0, 3.0], [10.0, 30.0]]]), eps=1e-12)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    x = several_pixels(check.array(x, "x"), "x")
    return normalise(x, x.shape[1], weight, bias, eps, return_saved, out)


@op
def instance_norm_backward(
    dy: Array, x: Array, mean: Array, invstd: Array, weight: Array | None = None, *, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """The gradients of `instance_norm`: (dx, dweight, dbias).

    dbias[c] = sum dy;  dweight[c] = sum dy z, z = (x - mean) invstd, over samples and pixels
    dx = weight invstd (dy - mean of dy - z (mean of dy z)), the means over the pixels of a channel of a sample

    Parameters
    ----------
    dy : array (N, C, ...) of two or more values per channel, float32 or float64
    x : array, shape and dtype of `dy`
    mean, invstd : arrays (N, C), dtype of `dy`
        What `instance_norm` gave with return_saved.
    weight : array (C,), dtype of `dy`, optional
    out : array, optional
        Where dx goes; may be `dy` or `x` itself.

    Returns
    -------
    dx : array, shape and dtype of `dy`
    dweight, dbias : arrays (C,)

    Raises
    ------
    TypeError
        Dtypes other than float32 and float64, or that differ; no `mean` or `invstd`.
    ValueError
        Shapes that do not agree, one value per channel, an `out` that does not fit.

    Notes
    -----
    dx of a sample has the same bits in any batch. Ulyanov 2016 [78].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x, dy = np.array([[[1.0, 3.0]]]), np.array([[[1.0, 1.0]]])
    >>> dx, dweight, dbias = fastconv.instance_norm_backward(dy, x, np.array([[2.0]]), np.array([[1.0]]))
    >>> dx, dbias
    (array([[[0., 0.]]]), array([2.]))
    """
    arrays = agreeing({"dy": dy, "x": x})
    dy, x = several_pixels(arrays["dy"], "dy"), arrays["x"]
    (weight,) = per_channel(x, weight=weight)
    mean, invstd = saved_statistics(x, mean, invstd)
    if mean.shape != x.shape[:2]:
        rule = f"one for each channel of each sample of x, which has shape {x.shape}"
        check.shape_is(mean, "mean", x.shape[:2], rule)
    return normalise_backward(dy, x, mean, invstd, weight, out)


def several_pixels(x: Array, name: str) -> Array:
    """`x` with two or more values in each channel; an empty batch too."""
    if x.ndim < 3 or pixels_in(x) < 2:
        rule = "(N, C, ...) with two or more values per channel"
        raise ValueError(f"{name} must have shape {rule}, got {x.shape}; the variance of one value is 0")
    return x
