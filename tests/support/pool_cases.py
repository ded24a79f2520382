"""What the tests of pooling share: poolings of many kinds, and one call of each op."""

import inputs
import numpy as np
import pool_reference as reference
import pytest

import fastconv

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)
every_layout = pytest.mark.parametrize("layout", [np.ascontiguousarray, inputs.channels_last, inputs.channel_slice])
CASES = (  # x shape, kernel, stride, padding, dilation, ceil_mode
    ((2, 3, 6, 8), 2, None, 0, 1, False),
    ((1, 17, 7, 9), 3, 2, 1, 1, False),
    ((2, 5, 7, 36), 3, 2, 1, 1, True),
    ((1, 8, 5, 41), (2, 3), (1, 1), (1, 0), 1, False),
    ((2, 16, 9, 5), (3, 2), (2, 3), ((1, 0), (0, 1)), 1, True),
    ((1, 4, 11, 12), (3, 2), (2, 1), 1, (2, 3), False),
    ((1, 33, 4, 4), 1, 2, 0, 1, False),
    ((1, 1, 6, 75), 2, 2, 0, 1, True),
    ((1, 9, 5, 6), (5, 6), None, 0, 1, False),
    ((1, 2, 9, 40), 2, 3, 1, 1, True),
    ((3, 2, 1, 1), 1, 1, 0, 1, False),
)
every_case = pytest.mark.parametrize("case", CASES, ids=str)
undilated = pytest.mark.parametrize("case", [case for case in CASES if case[4] == 1], ids=str)
PADLESS = [case for case in CASES if case[3] == 0]


def pooling_of(case):
    return reference.Pooling(case[0][2:], *case[1:])


def data(case, dtype, make=inputs.whole, seed=0):
    rng = np.random.default_rng(seed)
    x = make(rng, case[0], dtype)
    return x, make(rng, (*case[0][:2], *pooling_of(case).out), dtype)


def nan_like(shape, dtype, layout=np.ascontiguousarray):
    return layout(np.full(shape, np.nan, dtype))


PASSES = {
    "max": lambda x: fastconv.max_pool2d(x, 3, 2, 1, return_indices=True),
    "max backward": lambda x: fastconv.max_pool2d_backward(x[..., :6, :18], x, 3, 2, 1),
    "mean": lambda x: fastconv.avg_pool2d(x, 3, 2, 1),
    "mean backward": lambda x: fastconv.avg_pool2d_backward(x[..., :6, :18], x.shape, 3, 2, 1),
    "L2": lambda x: fastconv.lp_pool2d(x, 2, 2),
    "L2 backward": lambda x: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 2, 3, 2),
    "L3": lambda x: fastconv.lp_pool2d(x, 3, 2),
    "L3 backward": lambda x: fastconv.lp_pool2d_backward(x[..., :5, :17], x, 3, 3, 2),
    "adaptive mean": lambda x: fastconv.adaptive_avg_pool2d(x, 5),
    "adaptive max": lambda x: fastconv.adaptive_max_pool2d(x, 5),
    "global mean": fastconv.global_avg_pool2d,
    "unpool": lambda x: fastconv.max_unpool2d(*fastconv.max_pool2d(x, 2, return_indices=True), output_size=(12, 36)),
}
every_pass = pytest.mark.parametrize("name", PASSES)


def bits(value):
    if isinstance(value, tuple):
        return b"".join(map(bits, value))
    return np.ascontiguousarray(value).tobytes()
