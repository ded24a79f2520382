"""Tables: at most 80 columns with everything in them, and HTML for notebooks."""

import html
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest

from fastconv import CrossEntropy, Network, models, sequential
from fastconv.layers import Conv2D, Flatten, Linear, ReLU
from fastconv.reports.table import Table, text, wrapped

MODELS = {
    "resnet50": lambda: Network(models.resnet50(), (3, 224, 224), seed=0),
    "densenet121": lambda: Network(models.densenet121(), (3, 64, 64), seed=0),
    "googlenet": lambda: Network(models.googlenet(), (3, 224, 224), seed=0),
    "one long name": lambda: Network(Linear(3, name="x" * 200), (4,), seed=0),
}


@pytest.fixture(scope="module", params=MODELS)
def network(request):
    return MODELS[request.param]()


def squeezed(words):
    return re.sub(r"\s", "", words)


def cells_of(report):
    return [cell for row in report.table().lines() for cell in row]


@pytest.mark.parametrize("kind", ["summary", "plan", "training", "frozen"])
def test_at_80_columns_nothing_is_cut(network, kind):
    report = {
        "summary": lambda: network.summary(256),
        "plan": lambda: network.plan(128),
        "training": lambda: network.plan(128, training=True),
        "frozen": lambda: network.freeze().plan(128),
    }[kind]()
    shown = str(report)
    assert max(map(len, shown.splitlines())) <= 80
    assert repr(report) == shown
    table = report.table()
    for column in table.left:  # texts are wrapped inside their column: it holds all of them, one below the other
        start = sum(widths(shown)[:column]) + 2 * column
        found = "".join(line[start : start + widths(shown)[column]] for line in shown.splitlines() if line[:1] != "-")
        for cell in {row[column] for row in table.lines()}:
            assert squeezed(cell) in squeezed(found)
    for i, column in enumerate(zip(*table.lines(), strict=True)):
        for cell in () if i in table.left else column:
            assert cell in shown
    for line in report.more():
        assert squeezed(line) in squeezed(shown)


def widths(shown):
    """Of the columns: they are as in the head, whose texts stand at the left or right ends; read from all lines."""
    lines = [line.ljust(80) for line in shown.splitlines() if line[:1] != "-"]
    lines = lines[: next((i for i, line in enumerate(lines) if line.startswith(("total", "memory"))), -1) + 1]
    blank = [all(line[i] == " " for line in lines) for i in range(80)]
    gaps = [m.span() for m in re.finditer("  +", "".join(" " if b else "x" for b in blank).rstrip())]
    edges = [0, *(end for _, end in gaps), 82]
    return [stop - start - 2 for start, stop in pairwise(edges)]


def test_profiles_fit_as_well():
    network = Network(
        sequential(Conv2D(4, 3, name="a" * 60), ReLU(name="b" * 40), Flatten(), Linear(3, name="c")), (1, 6, 6)
    )
    profile = network.profile(np.ones((2, 1, 6, 6), "float32"), [0, 1], CrossEntropy(), repeats=1)
    assert max(map(len, str(profile).splitlines())) <= 80
    first = "".join(line[: widths(str(profile))[0]] for line in str(profile).splitlines())
    assert "a" * 60 + "+" + "b" * 40 in squeezed(first)


def test_lines_end_after_spaces_dots_and_commas():
    assert list(wrapped("layer1.0.conv1 + layer1.0.bn1", 12)) == ["layer1.0.", "conv1 +", "layer1.0.bn1"]
    assert list(wrapped("weights 102.4, gradients 1,102.2", 16)) == ["weights 102.4,", "gradients", "1,102.2"]
    assert list(wrapped("abcdefgh", 3)) == ["abc", "def", "gh"]
    assert list(wrapped("", 3)) == [""]


def test_a_row_goes_on_in_its_columns():
    shown = text(Table(("name", "n"), [("word " * 20, "7")], None)).splitlines()
    assert shown[0].split() == ["name", "n"]
    assert shown[2].split() == ["word"] * 15 + ["7"]
    assert shown[3].split() == ["word"] * 5


class Reader(HTMLParser):
    """The cells of a table, and whether every tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.cells = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.cells += [""] if tag in ("td", "th") else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_notebooks_show_the_same_cells_escaped():
    network = Network(sequential(Conv2D(4, 3, name="<b>&amp;"), Flatten(), Linear(3)), (1, 6, 6))
    x = np.ones((2, 1, 6, 6), "float32")
    for report in (network.summary(8), network.plan(2), network.plan(2, training=True), network.profile(x, repeats=1)):
        page = report._repr_html_()
        assert Reader(page).cells == cells_of(report)
        assert Reader(page).open == []
        assert "<b>" not in page
        assert all(html.escape(line) in page for line in report.more())


def test_notebooks_show_memory_as_a_table():
    memory = Network(Linear(1000), (1000,)).memory(8, training=True)
    cells = Reader(memory._repr_html_()).cells
    assert cells == ["memory", "MB", "values", "0.1", "weights", "4.0", "gradients", "4.0", "optimizer", "4.0"] + [
        "total",
        "12.1",
    ]
    assert tuple(memory) == (memory.values, memory.weights, memory.gradients, memory.optimizer)
