"""Plans as tables: what was fused, what shares memory, and how many bytes."""

import importlib.util
import itertools
import sys

import numpy as np
import pytest

from fastconv.graph import concat, sequential
from fastconv.layers import BatchNorm, Conv2D, Flatten, Linear, ReLU
from fastconv.losses import CrossEntropy
from fastconv.network import Network
from fastconv.reports.table import Table, text


def notes(report):
    return {line.step: line.notes for line in report.lines}


def test_what_a_result_overwrites():
    def model(x):
        y = sequential(Conv2D(4, 1, name="a"), ReLU(name="r"))(x)
        z = Conv2D(4, 1, name="b")(Conv2D(4, 3, padding=1, name="c")(y)) + y
        return sequential(BatchNorm(name="n"), Flatten(name="f"))(z)

    assert notes(Network(model, (3, 6, 6)).plan(2)) == {
        "a + r": "",
        "c": "",
        "b + add1": "over the residual",
        "n": "over x",
        "f": "over x",
    }


def test_each_map_of_a_dense_block_is_stored_once():
    def model(x):
        maps = [Conv2D(4, 3, padding=1, name="c0")(x)]
        for number in range(1, 5):
            maps.append(sequential(BatchNorm(), ReLU(), Conv2D(4, 3, padding=1, name=f"c{number}"))(concat(*maps)))
        return Conv2D(2, 1)(concat(*maps))

    report = Network(model, (3, 6, 6)).plan(2)
    lines = {line.step: line for line in report.lines}
    maps = [lines[f"c{number}"] for number in range(5)]
    pixel = 4 * 4  # bytes of one layer's channels of one pixel, in channels-last memory
    assert [line.start - maps[0].start for line in maps] == [pixel * number for number in range(5)]
    assert all(line.notes == "channels of a larger array" for line in maps)
    assert not any(line.step.startswith("copy") for line in report.lines)


def test_a_training_plan_goes_back_to_the_first_layer():
    network = Network(sequential(Conv2D(4, 3, name="a"), ReLU(name="r"), Flatten(), Linear(3, name="fc")), (1, 6, 6))
    report = network.plan(2, training=True)
    assert [line.step for line in report.lines] == [
        "a + r",
        "flatten1",
        "fc",
        "loss",
        "d fc",
        "d flatten1",
        "d r",
        "d a",
    ]
    assert report.nbytes == network.executor.make_plan(2, True).size
    shown = str(report)
    assert shown.splitlines()[0].split() == ["step", "result", "bytes", "from", "to", "notes"]
    assert f"{report.nbytes:,}" in shown.splitlines()[-1]


def test_sums_of_gradients_and_copies_are_named():
    def model(x):
        a = Conv2D(4, 1, name="a")(x)
        b = concat(a, a)
        return Conv2D(2, 1, name="b")(b) + Conv2D(2, 1, name="c")(b)

    steps = [line.step for line in Network(model, (3, 4, 4)).plan(1, training=True).lines]
    assert "copy into concat1" in steps
    assert sum(step.startswith("sum of gradients") for step in steps) == 2


def test_footprint_adds_up():
    network = Network(sequential(Conv2D(4, 3), BatchNorm(), Flatten(), Linear(3)), (1, 6, 6))
    predicting, training = network.memory(8), network.memory(8, training=True, slots=2)
    parameters = network.parameters.flat.nbytes
    assert predicting.total == predicting.values + predicting.weights
    assert (predicting.gradients, predicting.optimizer) == (0, 0)
    assert (training.gradients, training.optimizer) == (parameters, 2 * parameters)
    assert training.values == network.plan(8, training=True).nbytes > predicting.values
    assert str(training).startswith(f"{training.total / 1e6:,.1f} MB: values")


def test_profile_has_a_row_for_each_step():
    network = Network(sequential(Conv2D(4, 3, name="a"), ReLU(), Flatten(), Linear(3, name="fc")), (1, 6, 6))
    x = np.ones((2, 1, 6, 6), "float32")
    predicted = network.profile(x, repeats=2)
    assert [row.step for row in predicted.rows] == ["a + relu1", "fc"]
    first = predicted.rows[0]
    assert first.multiply_adds == 2 * 4 * 4 * 4 * 9
    assert first.nbytes == 4 * (2 * 36 + 2 * 64 + 40)
    before = {name: array.copy() for name, array in network.parameters.items()}
    trained = network.profile(x, [0, 1], CrossEntropy(), repeats=1)
    assert [row.step for row in trained.rows] == ["a + relu1", "fc", "loss", "d fc", "d relu1", "d a"]
    assert trained.rows[-1].multiply_adds == first.multiply_adds  # of the image no gradient is wanted
    assert all(np.array_equal(before[name], array) for name, array in network.parameters.items())
    assert len(str(trained).splitlines()) == len(trained.rows) + 4


def test_profile_units(monkeypatch):
    """By a clock on which every step takes half a second."""
    monkeypatch.setattr("fastconv.reports.profile.time.perf_counter", itertools.count(0, 0.5).__next__)
    profile = Network(Linear(1000, bias=False), (500,)).profile(np.ones((4, 500), "float32"), repeats=3)
    (row,) = profile.rows
    assert (row.milliseconds, profile.milliseconds) == (500, 500)
    assert row.gflops == pytest.approx(2 * 4 * 1000 * 500 / 0.5 / 1e9)
    assert row.gbytes == pytest.approx(4 * (4 * 500 + 4 * 1000 + 1000 * 500) / 0.5 / 1e9)


def test_profile_as_a_picture(tmp_path, monkeypatch):
    profile = Network(Linear(3), (4,)).profile(np.ones((2, 4), "float32"), repeats=1)
    if importlib.util.find_spec("matplotlib") is not None:
        profile.save(tmp_path / "profile.png")
        assert (tmp_path / "profile.png").stat().st_size > 1000
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"^Profile.save needs matplotlib: pip install matplotlib$"):
        profile.save(tmp_path / "profile.png")


def test_columns_line_up():
    shown = text(Table(("name", "size"), [("a", "1"), ("long", "22")], ("sum", "23")))
    assert shown.splitlines() == ["name  size", "----------", "a        1", "long    22", "----------", "sum     23"]
