"""What gradcheck says: a table of 80 columns, and the error."""

import numpy as np
import pytest

import fastconv
from fastconv.differences import GradientError, gradcheck


def wrong(entry, by):
    def backward(dy, x):
        dx = 2 * x * dy
        dx[entry] += by
        return dx

    return np.square, backward


def test_the_table_fits_80_columns_and_shows_each_array():
    network = fastconv.Network(fastconv.models.lenet5(), (1, 28, 28), seed=0)
    report = gradcheck(network, np.ones((2, 1, 28, 28)), entries=3)
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "all gradients are right"
    assert all(any(line.startswith(name) for line in lines) for name in ("dx", *network.parameters))


def test_what_belongs_to_a_mode_stands_below_its_name():
    lines = str(gradcheck(fastconv.layers.Dropout(), (4,))).splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["training=True:", "dx", "training=False:", "dx", "all"]


def test_the_error_names_the_entry_both_numbers_and_the_difference():
    x = np.arange(1.0, 13).reshape(3, 4)
    with pytest.raises(GradientError, match=r"^square: dx\[2, 1\]: backward gives ") as caught:
        gradcheck(wrong((2, 1), 0.5), x)
    assert isinstance(caught.value, AssertionError)
    (row,) = caught.value.report.rows
    assert (row.index, row.wrong, row.entries, row.shape) == ((2, 1), 1, 12, (3, 4))
    assert abs(row.analytic - row.numeric - 0.5) < 1e-6
    assert abs(row.absolute - 0.5) < 1e-6
    assert "difference 0.5 = " in str(caught.value)
    assert "1 of 12 entries differs" in str(caught.value)
    assert "dx" in str(caught.value.report)
    assert "!" in str(caught.value.report)


def test_a_function_that_jumps_cannot_be_decided():
    report = gradcheck((np.floor, lambda dy, x: 0 * dy), np.array([1.0, 1.5]), raise_exception=False)
    assert report.rows[0].vague == 1
    assert report.message() == ("dx[0]: central differences decide nothing, y jumps or is not finite beside this entry")


def test_an_infinite_gradient_is_shown():
    report = gradcheck((np.sqrt, lambda dy, x: dy / (2 * np.sqrt(x))), np.array([0.0, 1.0]), raise_exception=False)
    assert "dx[0]: backward gives " in report.message()
    assert "inf" in report.message()


def test_the_same_seed_gives_the_same_report():
    reports = [gradcheck(fastconv.conv2d, np.ones((1, 1, 9, 9)), np.ones((2, 1, 3, 3)), seed=3) for _ in range(2)]
    assert reports[0] == reports[1]
