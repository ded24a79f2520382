"""The compiled geometry of plain numbers: the same as the general one of `ops/geometry.py`, or None."""

from itertools import product

import pytest

from fastconv.kernels.runtime import calls
from fastconv.ops import geometry

SIZES = ((2, 4, 1, 7), (1, 4, 5, 6), (0, 4, 3, 3), (1, 4, 0, 3), (1, 0, 4, 4))
STEPS = (1, 2, (3, 1), 9, 2**31 - 1)
PADS = (0, 1, (2, 0), 9)


def general(monkeypatch, function, *args):
    """The numbers that the general functions give, None where they refuse."""
    with monkeypatch.context() as patch:
        for name in ("conv2d_numbers", "conv_transpose2d_numbers", "pool2d_numbers"):
            patch.setattr(geometry, name, lambda *_: None)
        try:
            return tuple(function(*args))
        except ValueError:
            return None


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_convolutions_have_the_numbers_of_the_general_functions(size, monkeypatch):
    for weight, groups in (((6, 4, 1, 3), 1), ((6, 2, 2, 2), 2), ((6, 1, 3, 3), 4), ((6, 4, 0, 1), 1)):
        for stride, padding, dilation in product(STEPS, PADS, STEPS):
            args = size, weight, stride, padding, dilation, groups, False
            assert calls.conv2d_numbers(*args) == general(monkeypatch, geometry.conv2d, *args)
            turned = size, (weight[1] * groups, 3, *weight[2:]), stride, padding, 0, groups, dilation, True
            assert calls.conv_transpose2d_numbers(*turned) == general(monkeypatch, geometry.conv_transpose2d, *turned)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_pooling_has_the_numbers_of_the_general_functions(size, monkeypatch):
    for kernel, stride, padding in product((1, 2, (3, 2), 4), (None, *STEPS), PADS):
        for dilation, ceil_mode in product((1, 2, (1, 3)), (False, True)):
            args = size, kernel, stride, padding, dilation, ceil_mode
            assert calls.pool2d_numbers(*args) == general(monkeypatch, geometry.pool2d, *args)


@pytest.mark.parametrize(
    "wrong", [True, 1.0, "same", None, [1, 1], (1, 1, 1, 1), (1,), -1, 2**31, 2**70, (1, 2**70)], ids=str
)
def test_what_needs_a_look_is_left_to_the_general_functions(wrong):
    x, weight = (1, 2, 5, 5), (4, 2, 3, 3)
    for stride, padding, dilation in ((wrong, 0, 1), (1, wrong, 1), (1, 0, wrong)):
        assert calls.conv2d_numbers(x, weight, stride, padding, dilation, 1, False) is None
        assert calls.conv_transpose2d_numbers(x, weight, stride, padding, 0, 1, dilation, False) is None
        if stride is not None:
            assert calls.pool2d_numbers(x, 2, stride, padding, dilation, False) is None
    assert calls.pool2d_numbers(x, wrong, 1, 0, 1, False) is None
    assert calls.conv2d_numbers(x, weight, 1, 0, 1, wrong, False) is None
    assert calls.conv_transpose2d_numbers(x, weight, 1, 0, wrong, 1, 1, False) is None


def test_shapes_that_need_a_look_are_left_to_the_general_functions():
    for x in (
        [1, 2, 5, 5],
        (1, 2, 5),
        (1, 2, 5, 5.0),
        (1, 2, 5, True),
        (1, 2, 5, -5),
        (1, 2, 5, 2**41),
        (1, 2, 5, 2**70),
        None,
    ):
        assert calls.conv2d_numbers(x, (4, 2, 3, 3), 1, 0, 1, 1, False) is None
        assert calls.conv_transpose2d_numbers(x, (2, 4, 3, 3), 1, 0, 0, 1, 1, False) is None
        assert calls.pool2d_numbers(x, 2, 1, 0, 1, False) is None
    assert calls.conv2d_numbers((1, 2, 2**25, 2**25), (4, 2, 3, 3), 1, 0, 1, 1, False) is None
    assert calls.conv2d_numbers((1, 2, 5, 5), (4, 2, 3, 3), 1, 0, 1, 1, 0) is None
    assert calls.pool2d_numbers((1, 2, 5, 5), 2, 1, 0, 1, 0) is None
