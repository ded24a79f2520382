"""The builds and how one is picked; the number of threads; fork; copies between layouts."""

import os
import re
import sys

import child
import inputs
import numpy as np
import pytest

import fastconv
from fastconv import kernels
from fastconv.kernels.runtime import threads

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)

# Builds


def test_the_best_build_is_picked():
    printed = child.run("-c", "from fastconv import kernels; print(kernels.build)", FASTCONV_ISA=None)
    assert printed.strip() == kernels.builds[0]
    assert kernels.builds[-1] == "baseline"


@pytest.mark.parametrize("build", kernels.builds)
def test_every_build_gives_the_exact_results(build):
    program = "\n".join(
        [
            "import numpy as np, fastconv, reference, problems, inputs",
            "from fastconv import kernels",
            f"assert kernels.build == {build!r}",
            "rng = np.random.default_rng(1)",
            "for seed in range(40):",
            "    for random in (problems.random_conv, problems.random_transposed):",
            "        p = random(rng, channels=35)",
            "        for dtype in inputs.DTYPES:",
            "            a = problems.operands(p, inputs.whole, seed, dtype)",
            "            for which in problems.PASSES:",
            "                problems.assert_exact(p.call(fastconv, which, a), p.call(reference, which, a), dtype)",
        ]
    )
    child.run("-c", program, FASTCONV_ISA=build, FASTCONV_PATHS_OFF="winograd")  # which is not exact


@pytest.mark.parametrize("wanted", ["avx2", "V3", "v5", "best", " v3"])
def test_an_unknown_build_is_a_clear_error(wanted):
    result = child.start("-c", "import fastconv", FASTCONV_ISA=wanted)
    assert result.returncode == 1
    assert f"ImportError: FASTCONV_ISA={wanted!r}: must be baseline, v3 or v4" in result.stderr


def test_a_build_the_processor_cannot_run_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(kernels.cpu, "supported_builds", lambda: ["baseline"])
    with pytest.raises(ImportError, match="FASTCONV_ISA=v4: this processor cannot run it"):
        kernels.choose_build("v4")
    assert kernels.choose_build("baseline") == "baseline"


def test_a_build_that_was_not_installed_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(kernels.cpu, "supported_builds", lambda: ["v3", "baseline"])
    monkeypatch.setattr(kernels, "builds", ["baseline"])
    with pytest.raises(ImportError, match="FASTCONV_ISA=v3: not in this installation, which has baseline"):
        kernels.choose_build("v3")


def test_an_empty_wish_is_no_wish():
    assert kernels.choose_build("") == kernels.builds[0]


def test_supported_builds_are_ordered_and_end_with_the_baseline():
    supported = kernels.cpu.supported_builds()
    assert supported == [name for name in ("v4", "v3", "baseline") if name in supported]
    assert supported[-1] == "baseline"
    assert set(kernels.builds) <= set(supported)


def test_kernels_are_loaded_when_first_used():
    program = (
        "import sys, fastconv; print([m for m in sys.modules if m.startswith('fastconv.kernels.') and '_float' in m])"
    )
    assert child.run("-c", program).strip() == "[]"
    with pytest.raises(ModuleNotFoundError, match="no_such_kernel"):
        _ = kernels.load("float32").no_such_kernel


@every_dtype
def test_load_takes_names_and_dtypes(dtype):
    assert kernels.load(dtype) is kernels.load(np.dtype(dtype))


# Threads


@pytest.fixture
def restored():
    yield
    fastconv.set_num_threads(None)


def test_the_default_is_what_this_process_may_use():
    if hasattr(os, "sched_getaffinity"):
        assert 1 <= fastconv.get_num_threads() <= len(os.sched_getaffinity(0))
    assert fastconv.get_num_threads() <= threads.default_num_threads()


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("n", [1, 2, 7, np.int64(3)])
def test_the_setting_is_what_was_set(n):
    default = fastconv.get_num_threads()
    fastconv.set_num_threads(n)
    assert fastconv.get_num_threads() == n
    fastconv.set_num_threads(None)
    assert fastconv.get_num_threads() == default


@pytest.mark.parametrize("n", [0, -1, 1025, 2**31, 2**64])
def test_settings_out_of_range(n):
    before = fastconv.get_num_threads()
    with pytest.raises(ValueError, match=rf"n must be between 1 and 1024, got {n}"):
        fastconv.set_num_threads(n)
    assert fastconv.get_num_threads() == before


@pytest.mark.parametrize("n", [1.0, "2", True, [1], np.float32(1)])
def test_settings_of_another_type(n):
    with pytest.raises(TypeError, match="n must be an integer or None"):
        fastconv.set_num_threads(n)


THREADS = "import fastconv; print(fastconv.get_num_threads())"


def test_omp_num_threads_is_obeyed():
    assert child.run("-c", THREADS, OMP_NUM_THREADS="1").strip() == "1"


def test_more_omp_threads_than_processors_are_not_used():
    assert int(child.run("-c", THREADS, OMP_NUM_THREADS="512")) <= threads.default_num_threads()


UNMEANT = ["999999999999", "2147483648", "18446744073709551615", "0", "-1", "-2147483649", "", " ", "many", "1.5"]


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"])
@pytest.mark.parametrize("value", UNMEANT)
def test_a_number_of_threads_that_cannot_be_meant_is_no_limit(variable, value):
    environment = {"OMP_NUM_THREADS": None, "OMP_THREAD_LIMIT": None, variable: value}
    assert int(child.run("-c", WORKS, **environment)) == threads.default_num_threads()


WORKS = """
import numpy as np, fastconv
x, w = np.ones((8, 32, 30, 30), "float32"), np.ones((32, 32, 3, 3), "float32")
assert np.allclose(fastconv.conv2d(x, w), 288) and (fastconv.max_pool2d(x, 2) == 1).all()
print(fastconv.get_num_threads())
"""


@pytest.mark.parametrize("value", ["1,4", "1,999999999999", " 1 "])
def test_the_first_of_nested_numbers_of_threads_counts(value):
    assert child.run("-c", WORKS, OMP_NUM_THREADS=value).strip() == "1"


def test_omp_thread_limit_is_obeyed():
    assert child.run("-c", WORKS, OMP_THREAD_LIMIT="1", OMP_NUM_THREADS=None).strip() == "1"


@pytest.mark.parametrize(
    ("text", "processors"),
    [
        ("max 100000", 0), ("150000 100000", 2), ("100000 100000\n", 1), ("1 100000", 1),
        ("9" * 30 + " 100000", 10**25),
        ("0 100000", 0), ("-1 100000", 0), ("100000 0", 0), ("100000 -5", 0), ("max", 0), ("100000", 0), ("", 0),
        ("1e5 100000", 0), ("a b", 0), ("1 2 3", 0), ("9" * 5000 + " 1", 0), ("\0\0", 0),
    ],
)  # fmt: skip
def test_the_quota_of_a_control_group_whatever_its_file_holds(tmp_path, text, processors):
    (tmp_path / "cpu.max").write_text(text)
    assert threads.control_group_quota(tmp_path) == processors


@pytest.mark.parametrize(
    ("quota", "period", "processors"),
    [("150000", "100000", 2), ("-1", "100000", 0), ("0", "100000", 0), ("1", "0", 0), ("", "", 0), ("x", "1", 0)],
)
def test_the_quota_of_an_older_control_group(tmp_path, quota, period, processors):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text(period)
    assert threads.control_group_quota(tmp_path) == processors


def test_files_of_a_control_group_that_cannot_be_read_are_no_quota(tmp_path):
    assert threads.control_group_quota(tmp_path) == 0
    (tmp_path / "cpu.max").write_bytes(b"\xff\xfe 1")
    assert threads.control_group_quota(tmp_path) == 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be chosen here")
def test_the_affinity_is_obeyed():
    program = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); " + THREADS
    assert child.run("-c", program).strip() == "1"


def test_import_starts_no_threads():
    program = "import threading, os, fastconv; print(len(os.listdir('/proc/self/task')))"
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("threads cannot be counted here")
    before = "import numpy, os; print(len(os.listdir('/proc/self/task')))"
    assert child.run("-c", program) == child.run("-c", before)


CALL = """
import os, sys, hashlib
import numpy as np
import fastconv
from fastconv import kernels

kernels.threads.set_smallest_share(0)
x = np.random.default_rng(1).standard_normal((4, 8, 16, 16), dtype="float32")
w = np.random.default_rng(2).standard_normal((16, 8, 3, 3), dtype="float32")

def work(_=None):
    y = fastconv.conv2d(x, w, padding=1)
    dx = fastconv.conv2d_backward_input(y, w, x.shape, padding=1)
    dw = fastconv.conv2d_backward_weight(y, x, w.shape, padding=1)
    return hashlib.sha256(y.tobytes() + dx.tobytes() + dw.tobytes()).hexdigest()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_gets_the_same_bits():
    """libgomp hangs in the child of a parent that used its threads; the child stays on one."""
    program = (
        CALL
        + """
fastconv.set_num_threads(4)
expected = work()
for _ in range(20):
    child = os.fork()
    if child == 0:
        os._exit(0 if work() == expected and fastconv.get_num_threads() == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
assert work() == expected and fastconv.get_num_threads() == 4
"""
    )
    child.run("-W", "ignore", "-c", program, timeout=60)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_of_every_kind(method, tmp_path):
    if sys.platform == "win32" and method != "spawn":
        pytest.skip("only spawn here")
    script = tmp_path / "script.py"
    script.write_text(
        CALL
        + f"""
if __name__ == "__main__":
    import multiprocessing
    expected = work()
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert pool.map(work, range(4)) == [expected] * 4
"""
    )
    child.run("-W", "ignore", script, timeout=60)


# Copies between layouts


@every_dtype
def test_layout_copies_are_exact(dtype):
    rng = np.random.default_rng(3)
    copy = kernels.load(dtype).layout.copies.copy
    for _ in range(60):
        a = inputs.real(rng, rng.integers(1, [4, 40, 6, 40]), dtype)
        for source in (np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second, inputs.negative):
            for target in (np.array, inputs.channels_last, inputs.channel_slice, inputs.inside):
                y = target(np.full_like(a, np.nan))
                copy(source(a), y)
                np.testing.assert_array_equal(y, a)


EXTENT = re.compile(r"\b(unsigned|short|int|long) (N|C|K|H|W|OH|OW|GH|GW|oh|ow|ih|iw|pixels)\b")


def test_no_kernel_counts_pixels_in_32_bits():
    """intel/torch-xpu-ops#3940: one such index was left, in one backward kernel. A rule kept by reading."""
    sources = (child.TESTS.parent / "fastconv" / "kernels").rglob("*.p[yx][xdi]")
    lines = [(path.name, line.strip()) for path in sources for line in path.read_text().splitlines()]
    assert [line for line in lines if EXTENT.search(line[1])] == []
