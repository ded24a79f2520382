"""What the tests of losses share: the textbook in NumPy, and the cases."""

import inputs
import numpy as np
import pytest

from fastconv.ops import loss as ops

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


def squares(x, t):
    return (x - t) ** 2


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


def yes_or_no(x, t, pos_weight=1.0, weight=1.0):
    """-v (w t log s + (1 - t) log(1 - s))"""
    return weight * (pos_weight * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x))


WEIGHTS = {"pos_weight": np.array([0.5, 1.0, 3.0, 2.0, 7.0]), "weight": np.array([1.5, 0.0, 0.25, 4.0, 1.0])}
ELEMENTS = {
    "mse_loss": (squares, {}),
    "l1_loss": (lambda x, t: np.abs(x - t), {}),
    "huber_loss": (huber, {"delta": 0.7}),
    "binary_cross_entropy_with_logits": (yes_or_no, {}),
    "binary_cross_entropy_with_logits weighted yes": (yes_or_no, {"pos_weight": WEIGHTS["pos_weight"]}),
    "binary_cross_entropy_with_logits weighted": (yes_or_no, {"weight": WEIGHTS["weight"]}),
    "binary_cross_entropy_with_logits weighted both": (yes_or_no, WEIGHTS),
}
every_element = pytest.mark.parametrize("case", ELEMENTS)
every_reduction = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


def reduced(values, reduction):
    return {"mean": values.mean(), "sum": values.sum(), "none": values, "half_sum": values.sum() / 2 / len(values)}[
        reduction
    ]


def class_loss(x, t, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0, logits=True):
    """Row by row, class by class: -sum_k g[k] log p[k]; x is (N, K, ...)."""
    K = x.shape[1]
    w = np.ones(K) if weight is None else weight.astype(np.longdouble)
    rows, divisor = [], 0
    for at in np.ndindex(x.shape[:1] + x.shape[2:]):
        row = (at[0], slice(None), *at[1:])
        log_p = x[row]
        if logits:
            top = log_p.max()
            log_p = log_p - top - np.log(np.exp(log_p - top).sum())
        if t.dtype.kind == "f":
            share, mass = t[row], 1
        elif t[at] == ignore_index:
            share, mass = None, 0
        else:
            share, mass = np.arange(K) == t[at], w[t[at]]
        divisor += mass
        rows.append(
            np.longdouble(0)
            if share is None
            else -sum(w[k] * ((1 - label_smoothing) * share[k] + label_smoothing / K) * log_p[k] for k in range(K))
        )
    rows = np.array(rows).reshape(x.shape[:1] + x.shape[2:])
    return {"none": rows, "sum": rows.sum(), "mean": rows.sum() / divisor if divisor else np.nan}[reduction]


def slope(f, x, dy=1.0, h=1e-5):
    """Central differences of sum(dy f(x)), in long double."""
    x, h = x.astype(np.longdouble), np.longdouble(h)
    d = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        d[at] = np.sum(dy * (f(up) - f(down))) / (2 * h)
    return d


def loss_of(case):
    return getattr(ops, case.split()[0])


def backward_of(case):
    return getattr(ops, case.split()[0] + "_backward")


def as_dtype(arguments, dtype):
    return {name: a.astype(dtype) if isinstance(a, np.ndarray) else a for name, a in arguments.items()}


def bits(a):
    a = np.array(a, order="C")
    return a.view(f"u{a.itemsize}")


def numbers(seed, shape, dtype="float64", count=2):
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(dtype)


OUTS = (
    inputs.negative,
    inputs.fortran,
    inputs.every_second,
    inputs.inside,
    inputs.channels_last,
    inputs.channel_slice,
    inputs.misaligned,
)
CLASS_SHAPES = [(4, 5), (1, 1), (7, 33), (2, 6, 3, 4), (3, 17, 2), (2, 3, 2, 2, 2)]


def classes_for(seed, shape, ignore=None):
    rng = np.random.default_rng(seed)
    t = rng.integers(0, shape[1], shape[:1] + shape[2:])
    if ignore is not None:
        t.ravel()[::3] = ignore
    return t


def shares_for(seed, shape, dtype="float64"):
    t = np.random.default_rng(seed).uniform(0, 1, shape)
    return (t / t.sum(1, keepdims=True)).astype(dtype)


WEIGHTED = pytest.mark.parametrize("weighted", [False, True])
SMOOTHING = pytest.mark.parametrize("label_smoothing", [0.0, 0.3, 1.0])
