"""Bad arguments of normalisation are refused with a message that names them."""

import inputs
import numpy as np
import pytest

from fastconv.ops import norm

X, V4 = np.zeros((2, 4, 3, 3), "float32"), np.ones(4, "float32")
WRONG = [
    (lambda: norm.batch_norm(X, V4[:3], V4), ValueError, r"running_mean must have shape \(4,\).*got \(3,\)"),
    (lambda: norm.batch_norm(X, V4, V4[None]), ValueError, r"running_var must have shape \(4,\)"),
    (lambda: norm.batch_norm(X, V4, V4, V4[:2]), ValueError, r"weight must have shape \(4,\)"),
    (lambda: norm.batch_norm(X, V4, V4, None, V4[:2]), ValueError, r"bias must have shape \(4,\)"),
    (lambda: norm.batch_norm(X, None, None), ValueError, "must be given unless training=True"),
    (lambda: norm.batch_norm(X, V4, None), ValueError, "must both be given or both be None"),
    (lambda: norm.batch_norm(X, V4, V4.astype("float64")), TypeError, "x and running_var must have the same dtype"),
    (lambda: norm.batch_norm(X, V4, V4, eps=0), ValueError, "eps must be > 0, got 0"),
    (lambda: norm.batch_norm(X, V4, V4, eps=np.nan), ValueError, "eps must be > 0, got nan"),
    (lambda: norm.batch_norm(X, V4, V4, momentum=1.5), ValueError, "momentum must be from 0 to 1, got 1.5"),
    (lambda: norm.batch_norm(X, V4, V4, momentum=None), TypeError, "momentum must be a number"),
    (lambda: norm.batch_norm(X[0, 0, 0], V4, V4), ValueError, r"x must have shape \(N, C\)"),
    (lambda: norm.batch_norm(X.astype(int), V4, V4), TypeError, "x must be float32 or float64"),
    (lambda: norm.batch_norm(X, [1.0] * 4, [1.0] * 4, training=True), TypeError, "running_mean must be a numpy"),
    (lambda: norm.batch_norm(X, inputs.readonly(V4), V4, training=True), ValueError, "running_mean must be writable"),
    (
        lambda: norm.batch_norm(X, V4, V4, training=True),
        ValueError,
        "running_mean must not share memory with running_v",
    ),
    (
        lambda: norm.batch_norm(X, V4 + 1, X[0, :, 0, 0], training=True),
        ValueError,
        "running_var must not share.*with x",
    ),
    (lambda: norm.batch_norm(X, V4 + 1, V4, V4, training=True), ValueError, "running_var must not share.*with weight"),
    (lambda: norm.batch_norm(X, V4, V4 + 1, out=X[:1]), ValueError, "out must have shape"),
    (lambda: norm.batch_norm(X[:1, :, :2, :2], V4, V4, out=V4.reshape(1, 4, 1, 1)), ValueError, "out must have shape"),
    (lambda: norm.batch_norm_backward(X, X[:1], V4, V4), ValueError, r"x must have shape \(2, 4, 3, 3\)"),
    (lambda: norm.batch_norm_backward(X, X, V4[:2], V4), ValueError, r"mean must have shape \(4,\)"),
    (lambda: norm.batch_norm_backward(X, X, V4, None), TypeError, "invstd must be an array, got None"),
    (lambda: norm.group_norm(X, 3), ValueError, r"num_groups must divide the channels.*got 3"),
    (lambda: norm.group_norm(X, 0), ValueError, "num_groups must be >= 1, got 0"),
    (lambda: norm.group_norm(X, 2.0), TypeError, "num_groups must be an integer"),
    (lambda: norm.group_norm(X, 2, V4[:2]), ValueError, r"weight must have shape \(4,\)"),
    (lambda: norm.group_norm_backward(X, X, V4, V4), ValueError, r"mean must have shape \(N, num_groups\)"),
    (lambda: norm.group_norm_backward(X, X, *X[:, :3, :, 0].reshape(3, 2, 3)[:2]), ValueError, "mean must have"),
    (lambda: norm.layer_norm(X, (3, 4)), ValueError, r"normalized_shape must be the extents.*got \(3, 4\)"),
    (lambda: norm.layer_norm(X, ()), ValueError, "normalized_shape must be the extents"),
    (lambda: norm.layer_norm(X, (2, 2, 4, 3, 3)), ValueError, "normalized_shape must be the extents"),
    (lambda: norm.layer_norm(X, 3.0), TypeError, "normalized_shape must be an integer or a tuple"),
    (lambda: norm.layer_norm(X, 3, V4), ValueError, r"weight must have shape \(3,\)"),
    (lambda: norm.layer_norm_backward(X, X, V4, V4), ValueError, "mean must have the shape of the first axes"),
    (lambda: norm.layer_norm_backward(X, X, X, X), ValueError, "mean must have the shape of the first axes"),
    (lambda: norm.local_response_norm(X, 0), ValueError, "size must be >= 1, got 0"),
    (lambda: norm.local_response_norm(X, 2**62), ValueError, "size must be below"),
    (lambda: norm.local_response_norm(X, 1.0), TypeError, "size must be an integer"),
    (lambda: norm.local_response_norm(X, 3, alpha="much"), TypeError, "alpha must be a number"),
    (lambda: norm.local_response_norm(X, 3, out=X), ValueError, "out must not share memory with x"),
    (lambda: norm.local_response_norm_backward(X[:1], X, 3), ValueError, "x must have shape"),
    (lambda: norm.local_response_norm_backward(V4, V4, 3), ValueError, r"x must have shape \(N, C\)"),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_what_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()
    assert (V4 == 1).all()
