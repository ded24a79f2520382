"""The pages about layers of one's own, weights of others and files of ONNX: their code runs, and their checks hold."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "extending.md").read_text()


def run(page):
    """The names that the code of a page makes."""
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        exec(block, names)
    return names


def test_the_code_of_the_page_runs_from_top_to_bottom():
    assert {"Square", "Scale", "Centre", "LogCosh", "SignSGD"} <= run(PAGE).keys()


def test_the_check_of_the_page_finds_a_wrong_gradient():
    wrong = PAGE.replace("partial(np.multiply, b.dx, 2, b.dx)", "partial(np.multiply, b.dx, 3, b.dx)")
    assert wrong != PAGE
    with pytest.raises(AssertionError, match="weight"):
        run(wrong)


def test_the_code_about_weights_runs():
    assert {"network", "model"} <= run((DOCS / "weights.md").read_text()).keys()


def test_the_code_about_files_of_onnx_runs():
    pytest.importorskip("onnx")
    assert {"network", "again", "scores"} <= run((DOCS / "exchange.md").read_text()).keys()
