"""The default number of threads: physical processors and quotas of control groups, from files of the system."""

import os

import pytest

from fastconv.kernels.runtime import threads

NOWHERE = "/proc/self/no such file"


def quota_in(folder, process=NOWHERE):
    return threads.control_group_quota(str(folder), str(process))


def group(folder, text):
    """A control group of version 2 with this quota."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text(text)


def old_group(folder, text):
    """A control group of version 1 with this quota, in microseconds of 100000."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.cfs_quota_us").write_text(text)
    (folder / "cpu.cfs_period_us").write_text("100000\n")


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
    assert quota_in(tmp_path) == processors


@pytest.mark.parametrize(
    ("quota", "period", "processors"),
    [("150000", "100000", 2), ("-1", "100000", 0), ("0", "100000", 0), ("1", "0", 0), ("", "", 0), ("x", "1", 0)],
)
def test_the_quota_of_an_older_control_group(tmp_path, quota, period, processors):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text(period)
    assert quota_in(tmp_path) == processors


def test_files_of_a_control_group_that_cannot_be_read_are_no_quota_in(tmp_path):
    assert quota_in(tmp_path) == 0
    (tmp_path / "cpu.max").write_bytes(b"\xff\xfe 1")
    assert quota_in(tmp_path) == 0


@pytest.mark.parametrize(
    ("around", "own", "processors"),
    [("max 100000", "200000 100000", 2), ("300000 100000", "max 100000", 3), ("400000 100000", "200000 100000", 2),
     ("200000 100000", "400000 100000", 2), ("max 100000", "max 100000", 0)],
)  # fmt: skip
def test_the_smallest_quota_of_nested_groups_counts(tmp_path, around, own, processors):
    group(tmp_path / "a", around)
    group(tmp_path / "a" / "b c", own)
    (tmp_path / "process").write_text("0::/a/b c\n")
    assert quota_in(tmp_path, tmp_path / "process") == processors


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("around", "own", "processors"), [("-1", "150000", 2), ("300000", "-1", 3), ("-1", "-1", 0)])
def test_nested_groups_of_version_1(tmp_path, mount, around, own, processors):
    old_group(tmp_path / mount / "a", around)
    old_group(tmp_path / mount / "a" / "b", own)
    (tmp_path / "process").write_text("9:name=systemd:/x\n4:memory:/a/b\n3:cpu,cpuacct:/a/b\n0::/\n")
    assert quota_in(tmp_path, tmp_path / "process") == processors


def test_both_versions_at_once_as_systemd_mounts_them(tmp_path):
    group(tmp_path / "unified" / "a", "500000 100000")
    old_group(tmp_path / "cpu" / "a", "300000")
    (tmp_path / "process").write_text("3:cpu:/a\n0::/a\n")
    assert quota_in(tmp_path, tmp_path / "process") == 3


def test_a_path_of_the_host_that_the_container_does_not_see(tmp_path):
    group(tmp_path, "200000 100000")
    (tmp_path / "process").write_text("0::/system.slice/docker-0123.scope\n")
    assert quota_in(tmp_path, tmp_path / "process") == 2


@pytest.mark.parametrize("text", ["", "\n", "nonsense\n", "0:\n", "a:b\n0::/\n", "::\n"])
def test_a_list_of_groups_that_makes_no_sense(tmp_path, text):
    group(tmp_path, "200000 100000")
    (tmp_path / "process").write_text(text)
    assert quota_in(tmp_path, tmp_path / "process") == 2


def processor(folder, number, siblings):
    place = folder / f"cpu{number}" / "topology"
    place.mkdir(parents=True)
    (place / "thread_siblings_list").write_text(siblings + "\n")


def test_two_threads_of_one_core_are_one_physical_processor(tmp_path):
    for number in range(8):
        processor(tmp_path, number, f"{number % 4},{number % 4 + 4}")
    assert threads.physical_processors(tmp_path, range(8)) == 4
    assert threads.physical_processors(tmp_path, [0, 4]) == 1
    assert threads.physical_processors(tmp_path, [0, 1, 4]) == 2
    assert threads.physical_processors(tmp_path, [3]) == 1


@pytest.mark.parametrize("missing", ["all", "one"])
def test_all_processors_count_where_the_topology_cannot_be_read(tmp_path, missing):
    if missing == "one":
        processor(tmp_path, 0, "0,1")
    assert threads.physical_processors(tmp_path, [0, 1]) == 2


def test_the_default_is_within_the_processors_of_this_process():
    if hasattr(os, "sched_getaffinity"):
        assert threads.physical_processors() <= len(os.sched_getaffinity(0))
    assert 1 <= threads.default_num_threads() <= threads.physical_processors()
