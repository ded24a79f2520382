"""What `accelerate` tells, without PyTorch; and what is said where PyTorch is missing."""

import child
import pytest

from fastconv.torch.report import Acceleration, Choice
from fastconv.torch.table import Cost

CHOICES = [
    Choice("conv", "Conv2d", True, "8 x 3 x 32 x 32", Cost(2e-3, 1e-3)),
    Choice("relu", "ReLU", True, why="with conv"),
    Choice("", "MaxPool2d", False, "8 x 16 x 32 x 32", Cost(1e-4, 2e-4), "quicker"),
]


def test_the_table_has_a_row_a_layer():
    lines = str(Acceleration(CHOICES, Cost(0.2, 0.1))).splitlines()
    assert lines[2].split() == ["conv", "Conv2d", "fastconv", "8", "x", "3", "x", "32", "x", "32", "2", "1"]
    assert [row[:3] for row in Acceleration(CHOICES).table().rows[1:]] == [
        ("relu", "ReLU", "fastconv: with conv"),
        ("(module)", "MaxPool2d", "PyTorch: quicker"),
    ]
    assert lines[-2] == "fastconv computes 2 of 3 layers that it knows."
    assert lines[-1] == "Forward and backward: 0.2 s with PyTorch, 0.1 s with fastconv."
    assert max(map(len, lines)) <= 80


def test_where_the_whole_is_not_quicker_it_says_so_and_names_nobody_but_pytorch():
    report = Acceleration(CHOICES, Cost(0.1, 0.2))
    assert not report.accelerated
    assert "fastconv is not quicker here: the module is left as it was." in str(report)
    assert all("fastconv" not in row[2] for row in report.table().rows)
    assert "<table>" in report._repr_html_()


@pytest.mark.parametrize("name", ["accelerate", "restore"])
def test_without_pytorch_one_line_says_what_to_install(name):
    code = f"""
import sys
sys.modules["torch"] = None
import fastconv
try:
    fastconv.torch.{name}
except ImportError as error:
    print(error)
"""
    assert "fastconv.torch needs the package torch, which is not installed: pip install torch" in child.run("-c", code)
