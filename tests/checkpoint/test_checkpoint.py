"""Weights on disk: nothing lost in a crash, nothing believed from a stranger."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import fastconv
from fastconv import checkpoint
from fastconv.checkpoint import CheckpointError
from fastconv.checkpoint import safetensors as files_of_safetensors

SAME_LIBRARY = {**os.environ, "PYTHONPATH": str(Path(fastconv.__file__).parents[1])}


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    return {
        "conv1.weight": rng.standard_normal((3, 2, 2, 2)).astype("float32"),
        "bias": rng.standard_normal(3),
        "dropout1.counter": np.array([7, 2**63], "uint64"),
        "empty": np.zeros((0, 3), "float32"),
        "one": np.array(2.5),
    }


def blank():
    return {name: np.zeros_like(a) for name, a in arrays().items()}


@pytest.fixture
def path(tmp_path):
    checkpoint.save(tmp_path / "file.npz", arrays(), {"a": [1, None, "ä"]})
    return tmp_path / "file.npz"


def assert_refused(path, says=None):
    """CheckpointError, and no array has changed."""
    target = blank()
    with pytest.raises(CheckpointError, match=says):
        checkpoint.load(path, target)
    for name, array in blank().items():
        np.testing.assert_array_equal(target[name], array)


def test_round_trip(path):
    target = blank()
    assert checkpoint.load(path, target) == {"a": [1, None, "ä"]}
    for name, array in arrays().items():
        np.testing.assert_array_equal(target[name], array)
    assert checkpoint.metadata(path) == {"a": [1, None, "ä"]}


def test_a_fortran_ordered_array_is_saved_as_what_it_holds(tmp_path):
    a = np.arange(6.0).reshape(2, 3)
    checkpoint.save(tmp_path / "f", {"a": np.asfortranarray(a)})
    target = {"a": np.zeros((2, 3))}
    checkpoint.load(tmp_path / "f", target)
    np.testing.assert_array_equal(target["a"], a)


def test_saving_leaves_nothing_else_behind(path):
    checkpoint.save(path, arrays(1))
    with pytest.raises(TypeError, match="metadata"):
        checkpoint.save(path, arrays(2), {"not JSON": object()})
    with pytest.raises(ValueError, match="metadata must be at most"):
        checkpoint.save(path, arrays(2), {"long": "x" * (1 << 20)})
    assert os.listdir(path.parent) == ["file.npz"]


def test_a_failed_save_keeps_the_old_file(path):
    old = path.read_bytes()
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        checkpoint.save(path, {"fine": np.zeros(3), "bad": np.array([object()])})
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == ["file.npz"]


def test_the_file_is_on_disk_before_its_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    events, fsync, replace = [], os.fsync, os.replace

    def note_fsync(handle):
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        fsync(handle)

    def note_replace(old, new):
        events.append("rename")
        assert Path(old).parent == Path(new).parent
        replace(old, new)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    checkpoint.save(tmp_path / "f", arrays())
    assert events == ["file", "rename", "folder"]


def test_a_link_stays_a_link(path):
    link = path.with_name("link")
    link.symlink_to(path)
    checkpoint.save(link, {"x": np.ones(2)})
    assert link.is_symlink()
    target = {"x": np.zeros(2)}
    checkpoint.load(path, target)
    assert target["x"].tolist() == [1, 1]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        checkpoint.save(tmp_path / "f", {})
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640


KILLED = """
import sys, numpy as np
import fastconv
from fastconv import checkpoint
n = 0
while True:
    checkpoint.save(sys.argv[1], {"w": np.full(300_000, float(n))}, {"n": n})
    n += 1
    print(n, flush=True)
"""


def test_kill_during_save_loses_nothing(tmp_path):
    path, rng = tmp_path / "w.npz", np.random.default_rng(0)
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, str(path)], cwd=tmp_path, env=SAME_LIBRARY, stdout=subprocess.PIPE, text=True
        ) as child:
            child.stdout.readline()
            time.sleep(rng.uniform(0, 0.02))
            child.send_signal(signal.SIGKILL)
        target = {"w": np.zeros(300_000)}
        n = checkpoint.load(path, target)["n"]
        assert (target["w"] == n).all()


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none", {})


def rewrite(path, change):
    """The same archive with its entries (name -> bytes) changed."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def npy(header, data=b"", version=(1, 0)):
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(text)) + text + data


def header(shape, descr="<f8", fortran=False):
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}"


def described(metadata, tuples):
    return json.dumps({"format": checkpoint.FORMAT, "metadata": metadata, "tuples": tuples}).encode()


HOSTILE = {
    "metadata no JSON": lambda e: e.update({"metadata.json": b"{"}),
    "metadata no text": lambda e: e.update({"metadata.json": b"\xff\xfe"}),
    "metadata a list": lambda e: e.update({"metadata.json": b"[]"}),
    "metadata deep": lambda e: e.update({"metadata.json": b"[" * 500_000}),
    "metadata too large": lambda e: e.update({"metadata.json": b" " * (1 << 20) + b"{}"}),
    "another format": lambda e: e.update({"metadata.json": json.dumps({"format": "other"}).encode()}),
    "no metadata": lambda e: e.update({"metadata.json": json.dumps({"format": checkpoint.FORMAT}).encode()}),
    "tuples nowhere": lambda e: e.update({"metadata.json": described({"a": [1]}, [["b"]])}),
    "tuples of numbers": lambda e: e.update({"metadata.json": described({"a": 1}, [["a"]])}),
    "tuples of text": lambda e: e.update({"metadata.json": described({"a": "bc"}, [["a"]])}),
    "tuples no paths": lambda e: e.update({"metadata.json": described({"a": [1]}, 7)}),
    "not an array": lambda e: e.update({"bias.npy": b"hello"}),
    "empty entry": lambda e: e.update({"bias.npy": b""}),
    "foreign entry": lambda e: e.update({"evil.txt": b"hello"}),
    "missing": lambda e: e.pop("bias.npy"),
    "unknown": lambda e: e.update({"more.npy": e["bias.npy"]}),
    "huge shape": lambda e: e.update({"bias.npy": npy(header((2**62, 2**62)))}),
    "overflowing shape": lambda e: e.update({"bias.npy": npy(header((2**32, 2**32)))}),
    "negative shape": lambda e: e.update({"bias.npy": npy(header((-3,)), bytes(24))}),
    "too little data": lambda e: e.update({"bias.npy": npy(header((3,)), bytes(23))}),
    "too much data": lambda e: e.update({"bias.npy": npy(header((3,)), bytes(25))}),
    "other shape": lambda e: e.update({"bias.npy": npy(header((4,)), bytes(32))}),
    "other dtype": lambda e: e.update({"bias.npy": npy(header((3,), "<i8"), bytes(24))}),
    "complex": lambda e: e.update({"bias.npy": npy(header((3,), "<c16"), bytes(48))}),
    "objects": lambda e: e.update({"bias.npy": npy(header((3,), "|O"), bytes(24))}),
    "records": lambda e: e.update({"bias.npy": npy(header((3,), [("a", "<f8")]), bytes(24))}),
    "strings": lambda e: e.update({"bias.npy": npy(header((3,), "|S8"), bytes(24))}),
    "code in the header": lambda e: e.update({"bias.npy": npy("__import__('os').abort()", bytes(24))}),
    "header not ended": lambda e: e.update({"bias.npy": npy("{'descr': '<f8'", bytes(24))}),
    "header of 4 GB": lambda e: e.update({"bias.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(24)}),
    "header of version 9": lambda e: e.update({"bias.npy": npy(header((3,)), bytes(24), (9, 0))}),
}


def test_a_file_of_numpy_itself(tmp_path):
    """numpy.savez writes no metadata, and a transposed matrix in its own order."""
    saved = arrays() | {"bias": np.arange(6.0).reshape(2, 3).T}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "f.npz", **saved)
        target = blank() | {"bias": np.zeros((3, 2))}
        assert checkpoint.load(tmp_path / "f.npz", target) == {}
        for name, array in saved.items():
            np.testing.assert_array_equal(target[name], array)
        assert checkpoint.metadata(tmp_path / "f.npz") == {}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files(path, change):
    rewrite(path, change)
    assert_refused(path)


def test_a_bomb_is_not_inflated(path):
    """An entry that claims what is wanted and inflates to a gigabyte."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["bias.npy"] = npy(header((3,)), bytes(50_000_000))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    assert_refused(path, "bias does not hold what its header says")


def test_one_entry_twice(path):
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("bias.npy", npy(header((3,)), bytes(24)))
    assert_refused(path, "two of the same name")


@pytest.mark.parametrize("length", [0, 1, 21, 22, 100])
def test_files_that_are_no_archive(path, length):
    path.write_bytes(path.read_bytes()[:length])
    assert_refused(path, "not a checkpoint")


def test_every_flipped_byte_is_seen_or_harmless(path):
    """Whatever single byte changes: an error of the one class, or the very same numbers."""
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for position in rng.choice(len(good), 300, replace=False):
        bad = bytearray(good)
        bad[position] ^= 1 << rng.integers(8)
        path.write_bytes(bad)
        target = blank()
        try:
            checkpoint.load(path, target)
        except CheckpointError:
            outcomes.add("refused")
            continue
        outcomes.add("read")
        for name, array in arrays().items():
            assert target[name].tobytes() == array.tobytes()
    assert "refused" in outcomes


def test_a_damaged_array_changes_nothing(path):
    """The last array's data is damaged: the sum does not agree, and no other array has been filled either."""
    good = path.read_bytes()
    bias = arrays()["bias"].tobytes()
    assert good.count(bias) == 1
    path.write_bytes(good.replace(bias, bias[:-1] + bytes([bias[-1] ^ 1])))
    assert_refused(path, "damaged")


# What does not fit.


def test_one_report_of_everything_that_does_not_fit(path):
    found = {f"layer{n}.weight": np.zeros(3, "float32") for n in range(12)}
    checkpoint.save(path, {**found, "bias": np.zeros(4), "one": np.array(1, "int32")})
    target = blank()
    with pytest.raises(checkpoint.Mismatch) as caught:
        checkpoint.load(path, target)
    error = caught.value
    assert error.missing == ["conv1.weight", "empty"]
    assert error.unknown == list(found)
    text = str(error)
    assert "does not fit this network: 2 missing: conv1.weight, empty; 12 unknown: layer0.weight, " in text
    assert "layer9.weight and 2 more; 2 of another shape or dtype: bias is (4,) float64, must be (3,) float64" in text
    assert "one is () int32, must be () float64 (convert it before it is saved: x.astype('float64')" in text
    assert not any(array.any() for array in target.values())


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_counters_may_be_missing_and_are_left_alone(tmp_path, suffix):
    """PyTorch has no such entry for dropout, and its early files have none for batch normalisation."""
    saved = {"bn.weight": np.ones(3), "bn.num_batches_tracked": np.array(5), "drop.counter": np.array([1, 2], "uint64")}
    checkpoint.save(tmp_path / f"f{suffix}", {"bn.weight": saved["bn.weight"] * 7})
    checkpoint.load(tmp_path / f"f{suffix}", saved)
    assert saved["bn.weight"].tolist() == [7, 7, 7]
    assert saved["bn.num_batches_tracked"] == 5
    assert saved["drop.counter"].tolist() == [1, 2]


# .safetensors.


@pytest.fixture
def tensors(tmp_path):
    checkpoint.save(tmp_path / "file.safetensors", arrays(), {"a": [1, None, "ä"]})
    return tmp_path / "file.safetensors"


def test_round_trip_of_safetensors(tensors):
    target = blank()
    assert checkpoint.load(tensors, target) == checkpoint.metadata(tensors) == {"a": [1, None, "ä"]}
    for name, array in arrays().items():
        np.testing.assert_array_equal(target[name], array)
    assert os.listdir(tensors.parent) == [tensors.name]
    with safetensors.safe_open(tensors, framework="numpy") as file:  # what PyTorch would not know is not among them
        assert set(file.keys()) == {"conv1.weight", "bias", "empty", "one"}


def test_safetensors_of_others(tmp_path):
    """No metadata, or what PyTorch's users write there."""
    saved = {name: array for name, array in arrays().items() if array.dtype != np.uint64}
    for more in (None, {"format": "pt"}):
        safetensors.numpy.save_file(saved, tmp_path / "f", more)  # known by its content
        target = blank()
        assert checkpoint.load(tmp_path / "f", target) == {}
        for name, array in saved.items():
            np.testing.assert_array_equal(target[name], array)


def test_a_failed_save_of_safetensors_keeps_the_old_file(tensors):
    old = tensors.read_bytes()
    with pytest.raises(ValueError, match="bad has the dtype"):
        checkpoint.save(tensors, {"fine": np.zeros(3), "bad": np.zeros(3, "complex128")})
    assert tensors.read_bytes() == old
    assert os.listdir(tensors.parent) == [tensors.name]


def test_without_its_library_the_error_says_what_to_install(tensors, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    old = tensors.read_bytes()
    for work in (
        lambda: checkpoint.check_path(tensors),
        lambda: checkpoint.save(tensors, arrays(1)),
        lambda: checkpoint.load(tensors, blank()),
    ):
        with pytest.raises(CheckpointError, match=r"needs the package safetensors: pip install safetensors$"):
            work()
    assert tensors.read_bytes() == old
    assert os.listdir(tensors.parent) == [tensors.name]


def entry(shape, start, stop, dtype="F64"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def raw(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def ours(content):
    return {"__metadata__": {"fastconv": content}, "bias": entry([3], 0, 24)}


GOOD = {"bias": entry([3], 0, 24)}
HOSTILE_TENSORS = {
    "header longer than the file": raw(GOOD, bytes(24), 1 << 20),
    "header of 2^63 bytes": raw(GOOD, bytes(24), 1 << 63),
    "header of no bytes": raw(GOOD, bytes(24), 0),
    "header cut": raw(GOOD, bytes(24))[:30],
    "header no JSON": raw(b"{]" + b" " * 20, bytes(24)),
    "header no text": raw(b"{\xff\xfe}", bytes(24)),
    "header deep": raw(b'{"a":' + b"[" * 100_000, bytes(24)),
    "offsets past the end": raw({"bias": entry([3], 0, 24)}, bytes(16)),
    "offsets far past the end": raw({"bias": entry([1 << 50], 0, 1 << 53)}, bytes(24)),
    "offsets overlap": raw({"bias": entry([3], 0, 24), "one": entry([], 16, 24)}, bytes(24)),
    "a gap": raw({"bias": entry([3], 8, 32)}, bytes(32)),
    "bytes left over": raw(GOOD, bytes(32)),
    "stop before start": raw({"bias": entry([3], 24, 0)}, bytes(24)),
    "negative offset": raw({"bias": entry([3], -24, 0)}, bytes(24)),
    "shape larger than its span": raw({"bias": entry([4], 0, 24)}, bytes(24)),
    "shape overflows": raw({"bias": entry([1 << 32, 1 << 32, 3], 0, 24)}, bytes(24)),
    "negative shape": raw({"bias": entry([-3], 0, 24)}, bytes(24)),
    "unknown dtype": raw({"bias": entry([3], 0, 24, "F65")}, bytes(24)),
    "dtype not read": raw({"bias": entry([3, 4], 0, 24, "BF16")}, bytes(24)),
    "names of others": raw({"other": entry([3], 0, 24)}, bytes(24)),
    "a name twice": raw(f'{{"bias": {json.dumps(GOOD["bias"])}, {json.dumps(GOOD)[1:]}'.encode(), bytes(24)),
    "a name twice, each with its own bytes": raw(
        b'{"bias": {"dtype": "F64", "shape": [3], "data_offsets": [0, 24]}, '
        b'"bias": {"dtype": "F64", "shape": [3], "data_offsets": [24, 48]}, '
        b'"one": {"dtype": "F64", "shape": [3], "data_offsets": [0, 24]}}',
        bytes(48),
    ),
    "metadata no JSON": raw(ours("{"), bytes(24)),
    "metadata deep": raw(ours("[" * 500_000), bytes(24)),
    "metadata too large": raw(ours(" " * (1 << 20) + "{}"), bytes(24)),
    "metadata of another format": raw(ours("{}"), bytes(24)),
    "counters no numbers": raw(
        ours(json.dumps({"format": checkpoint.FORMAT, "metadata": {}, "counters": {"x": ["1"]}})), bytes(24)
    ),
}


@pytest.mark.parametrize("content", HOSTILE_TENSORS.values(), ids=HOSTILE_TENSORS)
def test_hostile_safetensors(tmp_path, content):
    path, target = tmp_path / "w.safetensors", {"bias": np.full(3, 7.0)}
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        checkpoint.load(path, target)
    assert target["bias"].tolist() == [7, 7, 7]
    path.write_bytes(raw(GOOD, np.arange(3.0).tobytes()))
    checkpoint.load(path, target)
    assert target["bias"].tolist() == [0, 1, 2]


def test_of_a_large_safetensors_file_only_what_is_asked_for_is_read(tmp_path):
    """64 MB, of which nothing is written on the disk but the beginning."""
    path, size = tmp_path / "w.safetensors", 1 << 26
    content = raw({"bias": entry([3], 0, 24), "large": entry([size], 24, 24 + size, "U8")}, np.arange(3.0).tobytes())
    path.write_bytes(content)
    os.truncate(path, len(content) + size)
    target = {"bias": np.zeros(3)}
    checkpoint.metadata(path)  # imports what it needs
    tracemalloc.start()
    try:
        assert checkpoint.metadata(path) == {}
        assert checkpoint.load(path, target, strict=False).unknown == ["large"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert target["bias"].tolist() == [0, 1, 2]
    assert peak < size / 20


def test_safetensors_that_somebody_else_shortens_after_its_header_was_read(tensors, monkeypatch):
    header_checked = files_of_safetensors.check

    def check(path, start, length):
        header_checked(path, start, length)
        os.truncate(path, len(start))

    monkeypatch.setattr(files_of_safetensors, "check", check)
    target = blank()
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(tensors, target)
    for name, array in blank().items():
        np.testing.assert_array_equal(target[name], array)


def test_every_flipped_byte_of_safetensors_is_an_error_of_the_one_class_or_a_file(tensors):
    """The format has no sums: a changed number is a number. But nothing else happens."""
    good, rng, refused = tensors.read_bytes(), np.random.default_rng(0), 0
    for position in rng.choice(len(good), 300):
        bad = bytearray(good)
        bad[position] ^= 1 << rng.integers(8)
        tensors.write_bytes(bad)
        try:
            checkpoint.load(tensors, blank())
        except CheckpointError:
            refused += 1
    assert refused > 100
