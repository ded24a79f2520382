"""What all losses share: fixed bits for any number of threads, arrays of many axes."""

import inputs
import numpy as np
import pytest
from loss_cases import (
    ELEMENTS,
    as_dtype,
    bits,
    classes_for,
    every_dtype,
    loss_of,
    numbers,
    shares_for,
)

import fastconv


def test_more_than_four_axes_of_unlike_strides():
    wide = numbers(7, (2, 3, 4, 3, 4, 3, 2))
    x, t = (a[:, ::2, ::2, ::2, ::2, ::2] for a in wide)
    want = fastconv.mse_loss(np.array(x, order="C"), np.array(t, order="C"), return_gradient=True)
    got = fastconv.mse_loss(x, t, return_gradient=True)
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])
    classes = np.zeros((2, *x.shape[2:]), np.int64)
    want = fastconv.cross_entropy(np.array(x, order="C"), classes, return_gradient=True)
    got = fastconv.cross_entropy(x, classes, return_gradient=True)
    np.testing.assert_allclose(got[0], want[0])
    np.testing.assert_array_equal(got[1], want[1])


@every_dtype
@pytest.mark.parametrize("case", [*ELEMENTS, "cross_entropy", "cross_entropy shares", "nll_loss"])
@pytest.mark.parametrize("memory", [np.array, inputs.channels_last, inputs.channel_slice])
def test_bits_do_not_depend_on_threads(memory, case, dtype, all_threads):
    shape = (64, 9, 11, 5)
    x, t = numbers(30, shape, dtype)
    x, t = memory(x), memory(np.abs(np.cos(t)))
    arguments = as_dtype(ELEMENTS[case][1], dtype) if case in ELEMENTS else {}
    if case not in ELEMENTS:
        t = memory(shares_for(31, shape, dtype)) if "shares" in case else classes_for(31, shape)
    results = []
    for n in (1, 2, 4, 4):
        all_threads(n)
        results.append([bits(a) for a in loss_of(case)(x, t, **arguments, return_gradient=True)])
    for value, dx in results[1:]:
        np.testing.assert_array_equal(value, results[0][0])
        np.testing.assert_array_equal(dx, results[0][1])
    alone, alone_dx = loss_of(case)(x[:1], t[:1], reduction="none", **arguments, return_gradient=True)
    for N in (2, 7, 64):  # a sample alone or in any batch
        value, dx = loss_of(case)(x[:N], t[:N], reduction="none", **arguments, return_gradient=True)
        np.testing.assert_array_equal(bits(value[:1]), bits(alone))
        np.testing.assert_array_equal(bits(dx[:1]), bits(alone_dx))
