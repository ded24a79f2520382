"""Bad arguments of pooling are refused with a message that names them."""

import numpy as np
import pytest

import fastconv
from fastconv.ops import pool

X = np.zeros((2, 3, 8, 8), "float32")
Y = np.zeros((2, 3, 4, 4), "float32")
INDICES = np.zeros((2, 3, 4, 4), "int64")
BAD = (
    (lambda: fastconv.max_pool2d(X, 0), ValueError, "kernel_size must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, 0), ValueError, "stride must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, -1), ValueError, "stride must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, dilation=0), ValueError, "dilation must be >= 1"),
    (lambda: fastconv.max_pool2d(X, 2, padding=-1), ValueError, "padding must be >= 0"),
    (lambda: fastconv.max_pool2d(X, 2, padding=2), ValueError, "padding must be below"),
    (lambda: fastconv.max_pool2d(X[..., :1, :1], 2, 1, 2, 3), ValueError, "lies in padding only"),
    (lambda: fastconv.max_pool2d_backward(Y, X[..., :1, :1], 2, 1, 2, 3), ValueError, "lies in padding only"),
    (lambda: fastconv.max_pool2d(X, 9), ValueError, "kernel_size must fit"),
    (lambda: fastconv.max_pool2d(X, 2, dilation=8), ValueError, "kernel_size must fit"),
    (lambda: fastconv.max_pool2d(X, 2**40, dilation=2**40), ValueError, "kernel_size must be below"),
    (lambda: fastconv.max_pool2d(X, 2.0), TypeError, "kernel_size must be an integer"),
    (lambda: fastconv.max_pool2d(X, True), TypeError, "kernel_size must be an integer"),
    (lambda: fastconv.max_pool2d(X, (2, 2, 2)), TypeError, "kernel_size must be an integer or a pair"),
    (lambda: fastconv.max_pool2d(X.astype(int), 2), TypeError, "x must be float32 or float64"),
    (lambda: fastconv.max_pool2d(X[0, 0], 2), ValueError, "x must have 3 or 4 dimensions"),
    (lambda: fastconv.max_pool2d(X[..., :0], 1), ValueError, "kernel_size must fit"),
    (lambda: fastconv.max_pool2d(X, 2, out=X[..., :4, :4]), ValueError, "out must not share memory with x"),
    (lambda: fastconv.max_pool2d(X, 2, out=Y[:1]), ValueError, "out must have shape"),
    (lambda: fastconv.max_pool2d(X, 2, out=Y.astype("float64")), TypeError, "out must have dtype"),
    (lambda: fastconv.max_pool2d_backward(Y[:1], X, 2), ValueError, "dy must have shape"),
    (lambda: fastconv.max_pool2d_backward(Y[0], X, 2), ValueError, "dy must have a batch axis"),
    (lambda: fastconv.max_pool2d_backward(Y.astype("float64"), X, 2), TypeError, "dy and x must have the same dtype"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES - 1), ValueError, r"got -1 at \(0, 0, 0, 0\)"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES), ValueError, r"got 0 at \(0, 0, 0, 1\)"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES + 64), ValueError, "indices must be in"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES[:1]), ValueError, "indices must have shape"),
    (lambda: fastconv.max_pool2d_backward(Y, X, 2, indices=INDICES.astype("i4")), TypeError, "indices must be int64"),
    (lambda: fastconv.avg_pool2d(X, 2, divisor_override=0), ValueError, "divisor_override must not be 0"),
    (lambda: fastconv.avg_pool2d(X, 2, divisor_override=1.5), TypeError, "divisor_override must be an integer"),
    (lambda: fastconv.avg_pool2d(X, 9), ValueError, "kernel_size must fit"),
    (lambda: fastconv.avg_pool2d(X, 2, 0), ValueError, "stride must be >= 1"),
    (lambda: fastconv.avg_pool2d_backward(Y, (2, 3, 8), 2), ValueError, "input_shape must be 4 integers"),
    (lambda: fastconv.avg_pool2d_backward(Y, (2, 3, 9, 12), 2), ValueError, "dy must have shape"),
    (lambda: fastconv.lp_pool2d(X, 0, 2), ValueError, "norm_type must be a finite number > 0"),
    (lambda: fastconv.lp_pool2d(X, np.inf, 2), ValueError, "norm_type must be a finite number > 0"),
    (lambda: fastconv.lp_pool2d(X, np.nan, 2), ValueError, "norm_type must be a finite number > 0"),
    (lambda: fastconv.lp_pool2d(X, "2", 2), TypeError, "norm_type must be a number"),
    (lambda: fastconv.lp_pool2d(X), TypeError, "kernel_size must be an integer"),
    (lambda: fastconv.lp_pool2d_backward(Y, X, 2, 2, y=Y[:1]), ValueError, "y must have shape"),
    (lambda: fastconv.lp_pool2d_backward(Y, X, 2, 2, y=Y.astype("f8")), TypeError, "x and y must have the same dtype"),
    (lambda: fastconv.adaptive_avg_pool2d(X, 0), ValueError, "output_size must be >= 1"),
    (lambda: fastconv.adaptive_avg_pool2d(X, (2, 2.5)), TypeError, "output_size must be an integer"),
    (lambda: fastconv.adaptive_avg_pool2d(X[..., :0], 1), ValueError, "x must have H and W of at least 1"),
    (lambda: fastconv.adaptive_avg_pool2d_backward(Y, (2, 4, 8, 8)), ValueError, "the N and C of dy"),
    (lambda: fastconv.adaptive_max_pool2d_backward(Y, X[:1]), ValueError, "dy must have shape"),
    (lambda: fastconv.adaptive_max_pool2d_backward(Y, X, indices=INDICES + 63), ValueError, "in its window"),
    (lambda: fastconv.global_avg_pool2d_backward(Y, X.shape), ValueError, "dy must have shape"),
    (lambda: fastconv.global_max_pool2d_backward(Y, X), ValueError, "dy must have shape"),
    (lambda: fastconv.max_unpool2d(Y, INDICES), TypeError, "kernel_size or output_size"),
    (lambda: fastconv.max_unpool2d(Y, INDICES + 64, 2), ValueError, r"in \[0, 64\)"),
    (lambda: fastconv.max_unpool2d(Y, INDICES - 1, 2), ValueError, r"in \[0, 64\)"),
    (lambda: fastconv.max_unpool2d(Y, INDICES[0], 2), ValueError, "indices must have shape"),
    (lambda: fastconv.max_unpool2d(Y, INDICES, 2, padding=5), ValueError, "at least 1 x 1"),
    (lambda: fastconv.max_unpool2d_backward(Y, INDICES + 16), ValueError, r"in \[0, 16\)"),
    (lambda: fastconv.max_unpool2d_backward(Y, INDICES[:, :1]), ValueError, "indices must have shape"),
)


@pytest.mark.parametrize(("call", "error", "message"), BAD, ids=[message for _, _, message in BAD])
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_names_networks_use():
    assert all(callable(getattr(pool, f"{name}_call")) for name in ("max_pool2d", "avg_pool2d_backward", "lp_pool2d"))
