"""The comparison command: its table, its report, and that what is wrong is never timed. No time is asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastconv

FOLDER = Path(__file__).parents[1] / "benchmarks"
INSTALLED = str(Path(fastconv.__file__).parents[1])


@pytest.fixture
def modules(monkeypatch):
    """The benchmarks' own modules, importable by their short names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = (
        "bench_shapes",
        "cases",
        "compare",
        "cost_cases",
        "costs",
        "measure",
        "peers",
        "probe",
        "references",
        "report",
        "scheduling",
        "shapes",
        "strides",
        "traffic",
    )
    before = set(sys.modules)
    yield {name: __import__(name) for name in names}
    for name in set(sys.modules) - before:
        if name in names:
            del sys.modules[name]


def compare(*arguments):
    environment = os.environ | {"PYTHONPATH": INSTALLED}
    command = [sys.executable, str(FOLDER / "compare.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_compare_prints_a_table_and_writes_a_report(tmp_path):
    wanted = ["--shapes", "zhang conv2 b1$", "--peers", "numpy", "--threads", "1", "--seconds", "0.001"]
    files = ["--json", str(tmp_path / "report.json"), "--markdown", str(tmp_path / "report.md")]
    done = compare("conv", *wanted, *files)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("zhang conv2 b1 ")]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [row["direction"] for row in report["rows"]] == ["forward", "input", "weight"]
    for line, row in zip(lines, report["rows"], strict=True):
        assert (row["status"], row["threads"], row["best_peer"]) == ("ok", 1, "numpy")
        assert 0 < row["error"] <= row["tolerance"] <= 1e-5
        assert line.split()[3:6] == [row["direction"], "1", f"{row['error']:.1e}"]
    table = (tmp_path / "report.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("| zhang conv2 b1 | ") for line in table) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--directions", "sideways"], "'sideways' is unknown"),
        (["--shapes", "no such shape"], "nothing to compare"),
        (["--threads", "0"], "must be >= 1, got '0'"),
        (["--threads", "two"], "must be integers, got 'two'"),
        (["--peers", "abacus", "--shapes", "zhang conv1 b1$"], "'abacus' is unknown"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    done = compare("conv", *arguments)
    assert done.returncode != 0
    assert message in done.stderr


def small(shapes, family, op, x, direction, **options):
    weight = ()
    if family in ("conv", "dense"):
        inputs = x[1] // options.get("groups", 1)
        weight = {"linear": (5, inputs), "conv2d": (6, inputs, 3, 3), "conv_transpose2d": (inputs, 6, 3, 3)}[op]
    if family == "norm":
        weight = x[1:2]
    return shapes.Shape(f"small {op}", family, op, x, {direction: 1.0}, weight, options)


WINDOW = {"kernel_size": 3, "stride": 2, "padding": 1}
SMALL = [
    *(("conv", "conv2d", (2, 4, 7, 6), d, {"stride": 1, "padding": 1, "groups": 1}) for d in ("forward", "input")),
    *(("conv", "conv2d", (2, 6, 7, 6), d, {"stride": 2, "padding": 0, "groups": 6}) for d in ("input", "weight")),
    *(
        ("conv", "conv_transpose2d", (2, 4, 5, 6), d, {"stride": 2, "padding": 1, "groups": 1})
        for d in ("forward", "input", "weight")
    ),
    *(("dense", "linear", (3, 4), d, {}) for d in ("forward", "input", "weight")),
    *(("pool", op, (2, 3, 7, 8), d, WINDOW) for op in ("max_pool2d", "avg_pool2d") for d in ("forward", "input")),
    ("pool", "lp_pool2d", (2, 3, 6, 8), "both", {"kernel_size": 2, "stride": 2, "padding": 0}),
    *(("activation", op, (2, 3, 4, 5), d, {}) for op in ("sigmoid", "tanh", "relu") for d in ("input", "inplace")),
    ("activation", "softmax", (3, 7), "forward", {}),
    *(("norm", "batch_norm", (3, 5, 4, 6), d, {}) for d in ("forward", "input")),
    *(("loss", op, (4, 7), "both", {}) for op in ("cross_entropy", "mse_loss")),
    *(("optim", op, (37,), "inplace", {}) for op in ("SGD", "Adam", "AdamW", "RMSprop")),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("family", "op", "x", "direction", "options"), SMALL, ids=[f"{op}-{direction}" for _, op, _, direction, _ in SMALL]
)
def test_every_family_agrees_with_its_reference(modules, family, op, x, direction, options, dtype):
    shape = small(modules["shapes"], family, op, x, direction, **options)
    case = modules["cases"].Case(shape, direction, dtype)
    assert case.error(modules["cases"].ours(case)()) <= case.tolerance


PLAIN = {"stride": 1, "padding": 1, "groups": 1}
IN_NUMPY = [
    *(("conv", "conv2d", (2, 4, 7, 6), d, PLAIN) for d in ("forward", "input", "weight")),
    *(("dense", "linear", (3, 4), d, {}) for d in ("forward", "input", "weight")),
    *(("pool", op, (2, 3, 6, 8), "forward", WINDOW | {"padding": 0}) for op in ("max_pool2d", "avg_pool2d")),
    ("pool", "lp_pool2d", (2, 3, 6, 8), "forward", {"kernel_size": 2, "stride": 2, "padding": 0}),
    *(("activation", op, (2, 3, 4, 5), "forward", {}) for op in ("sigmoid", "tanh", "relu")),
]


@pytest.mark.parametrize(
    ("family", "op", "x", "direction", "options"), IN_NUMPY, ids=[f"{op}-{d}" for _, op, _, d, _ in IN_NUMPY]
)
def test_what_numpy_does_agrees_too(modules, family, op, x, direction, options):
    case = modules["cases"].Case(small(modules["shapes"], family, op, x, direction, **options), direction, "float32")
    assert case.error(modules["peers"].Numpy().prepare(case, 1)()) <= case.tolerance


def test_a_wrong_result_is_never_timed(modules, monkeypatch):
    shape = modules["shapes"].SHAPES[0]
    monkeypatch.setattr(modules["measure"], "alternate", lambda *_: pytest.fail("timed"))
    wrong = np.zeros(shape.y, "float32")
    for value in (1.0, np.nan):
        wrong[:] = value
        monkeypatch.setattr(modules["cases"], "ours", lambda case, packed: lambda: wrong)
        row = modules["measure"].row(shape, "forward", "float32", 1, {}, 0.001)
        assert row["status"] == "wrong"
        assert "WRONG" in modules["report"].line(modules["report"].cells(row))


def test_a_wrong_peer_does_not_count(modules):
    class Wrong:
        packs = False

        def prepare(self, case, threads):
            return lambda: np.zeros(case.shape.y, "float32")

    shape = modules["shapes"].SHAPES[0]
    row = modules["measure"].row(shape, "forward", "float32", 1, {"wrong": Wrong()}, 0.001)
    assert (row["status"], row["best_peer"], row["ratio"]) == ("ok", None, None)
    assert row["wrong_peers"] == {"wrong": 1.0}


def test_a_failure_is_one_line_of_the_report(modules, monkeypatch):
    class Broken:
        packs = False

        def prepare(self, case, threads):
            raise RuntimeError("no such layer")

    shape, measure, report = modules["shapes"].SHAPES[0], modules["measure"], modules["report"]
    row = measure.row(shape, "forward", "float32", 1, {"broken": Broken()}, 0.001)
    assert (row["status"], row["failed_peers"]) == ("ok", {"broken": "RuntimeError: no such layer"})
    assert report.peer_lines([row]) == ["zhang conv1 b1, forward, 1 thr: broken failed: RuntimeError: no such layer"]
    monkeypatch.delattr(fastconv, "conv2d")
    row = measure.row(shape, "forward", "float32", 1, {}, 0.001)
    assert row["status"] == "missing"
    assert "'conv2d'" in report.line(report.cells(row))


def test_the_share_of_a_thread_is_counted_from_jobs(modules):
    share = __import__("scheduling").share
    assert share([(1.0, 3, 2), (3.0, 4, 2), (5.0, 9, 1)]) == (pytest.approx((4 / 3 + 3) / 4), 1.0)
    assert share([(1.0, 1, 4), (1.0, 8, 4)]) == (pytest.approx((4 + 1) / 2), 0.5)
    assert share([(1.0, 7, 1)]) == (None, 1.0)


def test_scheduling_counts_every_section_of_a_call(modules):
    x = np.ones((8, 16, 40, 40), "float32")
    weight = np.ones((16, 16, 3, 3), "float32")
    before = fastconv.kernels.threads.set_choosing(False)
    try:
        counted = __import__("scheduling").counted
        assert counted(lambda: fastconv.conv2d(x, weight, stride=2), 1) == (None, 1.0, 0)
        largest, enough, barriers = counted(lambda: fastconv.conv2d(x, weight, stride=2), 2)
        assert 1 <= largest <= 1.15
        assert (enough, barriers > 0) == (1, True)
    finally:
        fastconv.set_num_threads(None)
        fastconv.kernels.threads.set_choosing(before)


def test_ratios_are_of_paired_rounds_and_the_best_peer_is_the_quickest(modules):
    shape = modules["shapes"].SHAPES[0]
    times = {"ours": [1.0, 2.0, 4.0], "slow": [9.0, 9.0], "quick": [3.0, 4.0, 12.0]}
    limits = {"fma_GFLOP/s": None, "stream_GB/s": None}
    row = modules["measure"].summary(shape, "forward", 4, times, limits)
    assert (row["best_peer"], row["ratio"], row["ratios"]["slow"]) == ("quick", 3.0, 6.75)


def test_targets_of_other_runs(modules):
    shapes = modules["shapes"]
    vgg = next(shape for shape in shapes.SHAPES if shape.name == "3x3 64@224 b1")
    assert shapes.target(vgg, "forward") == 1.5
    assert shapes.target(vgg, "forward", threads=1) == 1.275
    assert shapes.target(vgg, "forward", dtype="float64") == 1.0
    assert shapes.target(vgg, "forward", isa="v3") == 0.9
    assert shapes.target(vgg, "input", packed=True) is None
    assert len({shape.name for shape in shapes.SHAPES}) == len(shapes.SHAPES)
    assert sum(shape.group == "vgg" for shape in shapes.SHAPES) == 9


def test_pytest_times_every_shape_and_direction(modules):
    found = [line.values[:2] for line in modules["bench_shapes"].lines() if line.values[2] == "ours"]
    assert found == [(shape, direction) for shape in modules["shapes"].SHAPES for direction in shape.targets]


def test_without_cython_lines_have_no_limit(modules, monkeypatch):
    probe = modules["probe"]
    monkeypatch.setattr(probe.importlib.util, "find_spec", lambda name: None)
    assert probe.lacking() == "the probe cannot be built without Cython and setuptools"
    probe.load.cache_clear()
    row = modules["measure"].row(modules["shapes"].SHAPES[0], "forward", "float32", 1, {}, 0.001)
    assert (row["status"], row["percent"], row["fma_GFLOP/s"]) == ("ok", None, None)


def test_without_a_compiler_the_probe_says_so(modules, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -pipe")
    assert modules["probe"].lacking().endswith("without the C compiler no-such-compiler")


def test_the_probe_copies_and_counts(modules):
    if reason := modules["probe"].lacking():
        pytest.skip(reason)
    probe = modules["probe"].load("float32")
    x, y = np.arange(40_001, dtype="float32"), np.full(40_001, np.nan, "float32")
    probe.stream(x, y, 2)
    np.testing.assert_array_equal(x, y)
    for rate in (probe.fma_gflops(0.001, 1), probe.tile_gflops(0.001), probe.tile_gflops(0.001, True)):
        assert 1e-3 < rate < 1e4  # what any processor does, in units of 10^9 a second


@pytest.mark.parametrize("together", [True, False])
def test_the_probe_reads_twice_and_writes_a_sum(modules, together):
    if reason := modules["probe"].lacking():
        pytest.skip(reason)
    two_passes = modules["probe"].load("float32").two_passes
    a, b, y = (np.random.default_rng(i).standard_normal((3, 5, 7, 16), "float32").swapaxes(0, 1) for i in range(3))
    for second in (None, b):
        two_passes(*(v if v is None else v.reshape(5, 3, -1) for v in (a, second, y)), together, 2)
        np.testing.assert_array_equal(y, a if second is None else a + b)


@pytest.mark.parametrize("layout", ["channels_last", "planar"])
@pytest.mark.parametrize("direction", ["forward", "input"])
def test_batch_norm_is_compared_with_a_copy_of_its_traffic(modules, layout, direction):
    shapes, cases = modules["shapes"], modules["cases"]
    shape = shapes.Shape("small", "norm", "batch_norm", (2, 32, 4, 4), {direction: 1}, (32,), layout=layout)
    case = cases.Case(shape, direction)
    copy = modules["traffic"].copy_of(case, cases.ours(case), 1)
    if modules["probe"].lacking():
        assert copy is None
        return
    np.testing.assert_array_equal(copy(), case.x if direction == "forward" else case.dy + case.x)
    row = modules["measure"].row(shape, direction, "float32", 1, {}, 0.001)
    assert (row["status"], row["best_peer"], row["ratio"]) == ("ok", None, None)
    assert modules["report"].cells(row)[-1] == f"{row['percent']:.0f} % copy"


def test_every_cost_of_the_kernels_can_be_measured(modules):
    costs, cases = modules["costs"], modules["cost_cases"]
    assert costs.values().keys() <= cases.CASES.keys() | cases.INSIDE.keys()
    assert not cases.CASES.keys() & cases.INSIDE.keys()


def test_a_cost_is_what_is_left_of_a_call_after_the_other_costs(modules, monkeypatch, tmp_path):
    costs = modules["costs"]
    (tmp_path / "costs.pxd").write_text(
        "    #define MAP 25   /* a map */\n    #define BYTES_PER_NS 4.0\n    #define X\n"
    )
    file = costs.values(tmp_path / "costs.pxd")
    assert file == {"MAP": 25, "BYTES_PER_NS": 4}
    monkeypatch.setattr(costs, "nanoseconds", lambda call: 1000)
    monkeypatch.setitem(costs.CASES, "MAP", lambda: (None, {"": 10, "BYTES_PER_NS": 800}))
    monkeypatch.setitem(costs.CASES, "BYTES_PER_NS", lambda: (None, 8000))
    assert costs.measured("MAP", file) == ((1000 - 800 / 4) / 10, 1000 / (250 + 200))
    assert costs.line("MAP", file).split() == ["MAP", "25", "80", "2.22", "*"]
    assert costs.line("BYTES_PER_NS", file).split() == ["BYTES_PER_NS", "4", "8", "0.50"]


@pytest.mark.parametrize("name", ["WEIGHT_READ_PER_NS", "GRADIENT_NS", "POOL_INDEX_CHECK_NS", "BIAS_MAP_NS"])
def test_a_call_that_is_timed_for_its_cost_runs(modules, name):
    call, units = modules["cost_cases"].CASES[name]()
    call()
    units = units if isinstance(units, dict) else {"": units}
    assert "" in units
    assert units.keys() - {""} <= modules["costs"].values().keys()
    assert all(count >= 1 for count in units.values())


def test_odd_strides_are_measured_and_compared_first(modules):
    strides = modules["strides"]
    views = strides.prepared(1 << 14, "float32")
    extra, alone, copy = strides.measure(strides.OPS["relu"], views["2nd column"])
    assert np.isfinite(extra)
    assert min(alone, copy) > 0
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        strides.measure(lambda x: x * (1 + x.flags.c_contiguous), views["all back"])
