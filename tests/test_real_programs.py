"""The command that measures real programs: its rows, its limits, its processes, its clients. No time is asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import fastconv

FOLDER = Path(__file__).parents[1] / "benchmarks"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(fastconv.__file__).parents[1])}
NAMES = ("clients", "clients.gabor", "clients.tutorial", "real_ours", "real_process", "real_report", "real_turns")


@pytest.fixture
def modules(monkeypatch):
    """The command's own modules, importable by their short names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("PYTHONPATH", ENVIRONMENT["PYTHONPATH"])
    before = set(sys.modules)
    for name in NAMES:
        __import__(name)
    yield SimpleNamespace(**{name.replace("clients.", ""): sys.modules[name] for name in NAMES})
    for name in set(sys.modules) - before:
        if name in NAMES:
            del sys.modules[name]


def real(*arguments):
    command = [sys.executable, str(FOLDER / "real.py"), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)


def test_real_prints_a_row_for_each_number_of_spinning_processes_and_writes_reports(tmp_path):
    wanted = ["--programs", "step", "--contenders", "ours,one thread", "--spinners", "0,1"]
    files = ["--json", str(tmp_path / "real.json"), "--markdown", str(tmp_path / "real.md")]
    done = real("busy", *wanted, "--repeats", "2", "--seconds", "0.01", *files)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "real.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["part"], row["program"], row["situation"]) for row in rows] == [
        ("busy", "step", "idle"),
        ("busy", "step", "1 spinning"),
    ]
    table = (tmp_path / "real.md").read_text(encoding="utf-8").splitlines()
    for row in rows:
        assert {name: len(times) for name, times in row["milliseconds"].items()} == {"ours": 2, "one thread": 2}
        assert all(time > 0 for times in row["milliseconds"].values() for time in times)
        assert [(v["name"], v["limit"]) for v in row["judged"]] == [("worst ours / one thread", 1.25)]
        assert row["failed"] == {}
        assert any(line.startswith(f"| step | {row['situation']} | ours ") for line in table)
        assert any(line.startswith("step") and row["situation"] in line for line in done.stdout.splitlines())


def test_processes_of_a_crowd_measure_at_once(tmp_path):
    wanted = ["--programs", "step", "--repeats", "1", "--seconds", "0.01", "--json", str(tmp_path / "real.json")]
    done = real("crowd", *wanted)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "real.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["situation"], list(row["milliseconds"])) for row in rows] == [
        ("OMP_NUM_THREADS=8", ["OMP_NUM_THREADS=8", "one thread"]),
        ("4 processes", ["ours", "one thread"]),
    ]
    assert [len(row["medians"]["one thread"]) for row in rows] == [1, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--programs", "game"], "--programs: 'game' is unknown"),
        (["--contenders", "abacus"], "--contenders: 'abacus' is unknown"),
        (["--spinners", "some"], "must be integers, got 'some'"),
        (["--spinners", "-1"], "--spinners must be >= 0"),
        (["--repeats", "0"], "--repeats >= 1"),
        (["--seconds", "0"], "--seconds > 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    done = real("busy", *arguments)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize("name", ["resnet18", "conv", "step", "small", "jpeg"])
def test_every_program_runs(modules, name):
    if name == "jpeg":
        pytest.importorskip("PIL")
    getattr(modules.real_ours, name)()()


def test_a_process_is_measured_with_the_mean_of_its_calls(modules):
    assert len(modules.real_process.repeated(lambda: None, 0.0)) == modules.real_process.LEAST
    result = modules.real_turns.together("step", "one thread", 0.01)[0]
    assert result["calls"] >= 3
    assert result["mean"] > 0 < result["median"]


def test_a_process_that_fails_is_a_part_of_its_row(modules):
    turns, failed = modules.real_turns.in_turns("nothing", ["ours", "fixed"], 2, 0.01)
    row = modules.real_report.row("busy", "nothing", "idle", turns, failed)
    assert (turns, row["judged"]) == ({}, [])
    assert (
        "ours failed: AttributeError: module 'real_ours' has no attribute 'nothing'"
        in modules.real_report.cells(row)[2]
    )


def turns(**milliseconds):
    return {name: [[{"mean": t / 1e3, "median": t / 1e3}] for t in times] for name, times in milliseconds.items()}


def test_the_worst_process_is_compared_with_the_median_of_one_thread(modules):
    times = turns(**{"ours": [1, 6, 1], "fixed": [2, 4, 9], "one thread": [4, 4, 40]})
    row = modules.real_report.row("busy", "step", "idle", times, {})
    assert [(v["name"], v["value"], v["met"]) for v in row["judged"]] == [
        ("worst ours / one thread", pytest.approx(1.5), False),
        ("ours / fixed", pytest.approx(0.5), True),
    ]
    assert len(modules.real_report.row("busy", "step", "2 spinning", times, {})["judged"]) == 1


def test_a_crowd_is_judged_by_the_calls_of_all_its_processes(modules):
    quick, slow = {"mean": 0.001, "median": 0.001}, {"mean": 0.004, "median": 0.004}
    times = {"ours": [[slow, slow]], "one thread": [[quick, quick]]}
    row = modules.real_report.row("crowd", "step", "2 processes", times, {})
    assert row["milliseconds"] == {"ours": [pytest.approx(2)], "one thread": [pytest.approx(0.5)]}
    assert [(v["value"], v["met"]) for v in row["judged"]] == [(pytest.approx(0.25), False)]


def test_the_picture_has_a_place_for_every_row(modules, tmp_path):
    pytest.importorskip("matplotlib")
    rows = [modules.real_report.row("busy", "step", "idle", turns(**{"ours": [1, 2], "one thread": [3]}), {})]
    rows.append(modules.real_report.row("clients", "faces", "idle", turns(theirs=[2], ours=[1]), {}))
    rows.append(modules.real_report.row("crowd", "step", "4 processes", {}, {"ours": "no memory"}))
    modules.real_report.picture({"rows": rows}, tmp_path / "real.png")
    assert (tmp_path / "real.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("error", [1.0, float("nan"), float("inf")])
def test_a_client_with_another_result_is_wrong(modules, error):
    times = turns(theirs=[4], ours=[1])
    times["ours"][0][0] |= {"error": error, "tolerance": 1e-5}
    row = modules.real_report.row("clients", "faces", "idle", times, {})
    assert modules.real_report.wrong(row)
    assert "WRONG by" in modules.real_report.line(modules.real_report.cells(row))


def test_the_error_of_a_client_is_relative_to_the_largest_value(modules):
    a = [np.array([1.0, -4.0]), np.zeros(0)]
    assert modules.clients.error([np.array([1.0, -4.5]), np.zeros(0)], a) == 0.125
    assert modules.clients.error([np.zeros(3), np.zeros(0)], a) == float("inf")
    assert modules.real_report.wrong({"error": modules.clients.error([a[0] * np.nan, a[1]], a), "tolerance": 1.0})


def test_what_a_client_lacks_is_named(modules, monkeypatch):
    monkeypatch.setattr(modules.tutorial, "PACKAGES", ("no_such_package",))
    assert (
        modules.clients.missing("tutorial")
        == f"No module named 'no_such_package': pip install {modules.tutorial.INSTALL}"
    )


def test_spinning_processes_end_with_the_one_that_started_them():
    code = "import os, real_turns\nwith real_turns.spinning(2):\n    print('started', flush=True)\n    os._exit(0)\n"
    environment = ENVIRONMENT | {"PYTHONPATH": str(FOLDER)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=20)
    assert done.stdout == "started\n"  # read to its end: nobody holds the pipe any longer


def test_the_filters_of_scikit_image_get_a_convolution_with_mirrored_edges(modules):
    rng = np.random.default_rng(0)
    image, weights = rng.standard_normal((9, 7)), rng.standard_normal((5, 3))
    rows, columns = [1, 0, *range(9), 8, 7], [0, *range(7), 6]  # the edge is repeated
    x = image[np.ix_(rows, columns)]
    expected = [[(x[i : i + 5, j : j + 3] * weights[::-1, ::-1]).sum() for j in range(7)] for i in range(9)]
    np.testing.assert_allclose(modules.gabor.convolve(image, weights, "reflect", 0), expected, atol=1e-13)


def test_the_tutorial_gets_convolution_and_pooling_of_images_with_channels_last(modules):
    rng = np.random.default_rng(0)
    image, filters = rng.standard_normal((8, 6, 3)), rng.standard_normal((4, 3, 3, 3))
    layer = SimpleNamespace(activation=np.abs, pool_size=2, stride=2)
    y = np.array([[[(image[i : i + 3, j : j + 3] * f).sum() for f in filters] for j in range(4)] for i in range(6)])
    np.testing.assert_allclose(modules.tutorial.conv(layer, image, filters), np.abs(y), atol=1e-13)
    for pool, reduce in ((modules.tutorial.max_pooling, np.max), (modules.tutorial.average_pooling, np.mean)):
        pool(layer, image)
        expected = reduce(image.reshape(4, 2, 3, 2, 3), axis=(1, 3))
        np.testing.assert_allclose(layer.layer_output, expected, atol=1e-15)
