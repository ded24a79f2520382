"""read_idx and write_idx: round trips, and hostile files, which raise DataError before they cost memory."""

import gzip
import lzma
import os
import struct
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastconv.data import DataError, read_idx, write_idx


def xz(content, memory=1 << 16):
    """An .xz file whose reader needs no more memory than this, and some."""
    return lzma.compress(content, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": memory}])


PACKERS = {"plain": bytes, "gzip": gzip.compress, "xz": xz}
COMPRESSED = ["gzip", "xz"]
SMALL = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def idx(shape, content=b"", code=8, dimensions=None):
    dimensions = len(shape) if dimensions is None else dimensions
    return bytes([0, 0, code, dimensions]) + struct.pack(f">{len(shape)}I", *shape) + content


def stored(folder, content, name="file"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "float32", "float64"])
def test_round_trip(tmp_path, name, dtype):
    array = np.array([[1, 2, 3], [4, 5, -6 if dtype != "uint8" else 6]], dtype)
    write_idx(tmp_path / name, array)
    found = read_idx(tmp_path / name)
    assert found.dtype == np.dtype(dtype)
    assert found.dtype.isnative
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


KINDS_OF_PATH = {"text": str, "bytes": os.fsencode, "Path": Path}


@pytest.mark.parametrize("kind", KINDS_OF_PATH)
def test_paths_of_every_kind(tmp_path, kind):
    """A name in bytes ends in .gz as well, and need not be text."""
    name = "a\udcff.gz" if kind != "text" else "a.gz"
    path = KINDS_OF_PATH[kind](f"{tmp_path}/{name}")
    write_idx(path, np.arange(3, dtype=np.uint8))
    assert (tmp_path / name).read_bytes()[:2] == b"\x1f\x8b"
    assert read_idx(path).tolist() == [0, 1, 2]


@pytest.mark.parametrize("path", [None, 3.5, ["a"], 10**6])
def test_what_is_no_path(path):
    """Neither is a number, which would be a descriptor that somebody else has open."""
    for work in (lambda: write_idx(path, np.arange(3, dtype=np.uint8)), lambda: read_idx(path)):
        with pytest.raises(TypeError, match=r"path must be text or a pathlib\.Path, got"):
            work()


def test_the_elements_are_stored_big_endian(tmp_path):
    write_idx(tmp_path / "a", np.array([1, 258], np.int16))
    assert (tmp_path / "a").read_bytes() == bytes([0, 0, 0x0B, 1, 0, 0, 0, 2, 0, 1, 1, 2])


@pytest.mark.parametrize("kind", PACKERS)
def test_compression_is_told_from_the_content_not_the_name(tmp_path, kind):
    path = stored(tmp_path, PACKERS[kind](idx((2, 3, 4), SMALL.tobytes())), "plain-name.gz")
    np.testing.assert_array_equal(read_idx(path), SMALL)


def test_compressed_files_carry_no_name_or_time(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, SMALL)
    content = (tmp_path / "a.gz").read_bytes()
    assert content == (tmp_path / "b.gz").read_bytes()
    assert content[3:8] == bytes(5)  # no flags, time 0


def test_strided_and_byte_swapped_arrays_are_written_by_value(tmp_path):
    array = np.arange(12, dtype=">i4").reshape(3, 4)[::-1, ::2]
    write_idx(tmp_path / "a", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (3, 0)])
def test_empty_arrays(tmp_path, shape):
    assert read_idx(stored(tmp_path, idx(shape))).shape == shape


HOSTILE = {
    "empty": b"",
    "short magic": b"\0\0\x08",
    "wrong magic": b"\x89PNG\r\n\x1a\n" + bytes(30),
    "wrong first bytes": b"\0\1" + idx((2,), b"ab")[2:],
    "unknown type": idx((2,), b"ab", code=0x0A),
    "no dimensions": idx((), b"a"),
    "too many dimensions": idx((1,) * 9, b"a"),
    "255 dimensions": idx((1, 1), b"a", dimensions=255),
    "header cut": idx((2, 3, 4))[:-2],
    "elements cut": idx((2, 3, 4), bytes(23)),
    "no elements": idx((2, 3, 4)),
    "trailing byte": idx((2, 3, 4), bytes(25)),
    "trailing data after nothing": idx((0, 5), bytes(1)),
    "4 GB declared": idx((2**32 - 1,), bytes(100)),
    "8 GB in shorts": idx((2**32 - 1,), bytes(100), code=0x0B),
    "sizes that overflow to 0 in 64 bits": idx((2**31, 2**31, 4), b""),
    "sizes that overflow to 24": idx((2**31, 2**31, 4, 1), bytes(24)),
    "empty but beyond all memory": idx((0, 2**32 - 1, 2**32 - 1, 2**32 - 1)),
}


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name, kind):
    path = stored(tmp_path, PACKERS[kind](HOSTILE[name]))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="file: "):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_the_length_of_a_plain_file_is_checked_before_it_is_read(tmp_path):
    path = stored(tmp_path, idx((2, 3, 4), bytes(25)))
    with pytest.raises(DataError, match="so its length must be 40 bytes, not 41"):
        read_idx(path)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_bomb_stops_at_the_declared_size(tmp_path, kind):
    path = stored(tmp_path, PACKERS[kind](idx((10, 10)) + bytes(100_000_000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="100 bytes must follow its header, not more"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", COMPRESSED)
def test_what_a_compressed_file_cannot_hold_is_refused_before_it_is_decompressed(tmp_path, kind):
    path = stored(tmp_path, PACKERS[kind](idx((1000, 1000)) + bytes(1000)))
    with pytest.raises(DataError, match="more than a compressed file of this length can hold"):
        read_idx(path)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_what_compresses_best_of_all_is_read(tmp_path, kind):
    """Zeros: no bytes become smaller, and still the ratio that is accepted is not reached."""
    path = stored(tmp_path, PACKERS[kind](idx((10_000, 2_000)) + bytes(20_000_000)))
    assert not read_idx(path).any()


def test_xz_that_needs_more_memory_than_any_image_does_is_refused(tmp_path):
    path = stored(tmp_path, xz(idx((2, 3, 4), SMALL.tobytes()), 1 << 26))
    np.testing.assert_array_equal(read_idx(path), SMALL)  # 64 MiB, as `xz -9` asks for
    content = bytearray(path.read_bytes())
    position = content.index(b"\x21\x01") + 2  # the size of the dictionary, in the header of the block
    content[position] = 40  # 4 GiB
    header = 4 * (content[12] + 1)
    content[12 + header - 4 : 12 + header] = struct.pack("<I", zlib.crc32(content[12 : 12 + header - 4]))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="file: cannot be read: Memory usage limit exceeded"):
            read_idx(stored(tmp_path, content))
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_without_lzma_the_message_says_so(tmp_path, monkeypatch):
    path = stored(tmp_path, xz(idx((2, 3, 4), SMALL.tobytes())))
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(DataError, match="file: is compressed with xz, which this Python lacks"):
        read_idx(path)
    path = stored(tmp_path, gzip.compress(idx((2, 3, 4), SMALL.tobytes())))
    np.testing.assert_array_equal(read_idx(path), SMALL)


def test_max_bytes_is_the_largest_array(tmp_path):
    path = stored(tmp_path, idx((2, 3, 4), SMALL.tobytes()))
    assert read_idx(path, max_bytes=24).size == 24
    with pytest.raises(DataError, match="2 x 3 x 4 elements of 1 bytes, more than the 23 bytes accepted"):
        read_idx(path, max_bytes=23)


def damaged_gzip():
    good = gzip.compress(idx((200,), np.random.default_rng(0).bytes(200)))
    return {
        "magic alone": good[:2],
        "header cut": good[:9],
        "data cut": good[:-20],
        "checksum cut": good[:-5],
        "checksum wrong": good[:-8] + bytes(4) + good[-4:],
        "length wrong": good[:-4] + struct.pack("<I", 7),
        "data damaged": good[:40] + bytes([good[40] ^ 0xFF]) + good[41:],
        "garbage after the end": good + b"garbage",
        "unknown block": good[:10] + b"\x07" + good[11:],
        "another method": good[:2] + b"\7" + good[3:],
        "endless name": good[:3] + b"\x08" + good[4:10] + b"a" * 5000,
        "a member more": good + gzip.compress(b"x"),
    }


def damaged_xz():
    good = xz(idx((200,), np.random.default_rng(0).bytes(200)))
    return {
        "magic alone": good[:6],
        "header cut": good[:9],
        "data cut": good[:-60],
        "index cut": good[:-20],
        "footer cut": good[:-1],
        "header damaged": good[:8] + bytes([good[8] ^ 0xFF]) + good[9:],
        "data damaged": good[:60] + bytes([good[60] ^ 0xFF]) + good[61:],
        "footer damaged": good[:-3] + b"?" + good[-2:],
        "unknown check": good[:7] + b"\x0f" + struct.pack("<I", zlib.crc32(b"\0\x0f")) + good[12:],
        "garbage after the end": good + b"garbage",
        "garbage after padding": good + bytes(4) + b"garbage",
        "a stream more": good + xz(b"x"),
        "a stream more, cut": good + xz(b"")[:-4],
    }


DAMAGED = {"gzip": damaged_gzip(), "xz": damaged_xz()}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in DAMAGED for name in DAMAGED[kind]])
def test_damaged_compressed_files_are_refused(tmp_path, kind, name):
    with pytest.raises(DataError, match="file: "):
        read_idx(stored(tmp_path, DAMAGED[kind][name]))


@pytest.mark.parametrize("kind", PACKERS)
def test_every_prefix_is_refused(tmp_path, kind):
    content = PACKERS[kind](idx((2, 3, 4), SMALL.tobytes()))
    for length in range(len(content)):
        with pytest.raises(DataError):
            read_idx(stored(tmp_path, content[:length]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64), st.sampled_from(list(PACKERS)))
def test_any_bytes_are_a_data_error_or_an_array_of_what_they_declare(tmp_path_factory, content, kind):
    content = b"\0\0" + content
    path = stored(tmp_path_factory.getbasetemp(), PACKERS[kind](content), "fuzz")
    try:
        array = read_idx(path)
    except DataError:
        return
    assert len(content) == 4 + 4 * array.ndim + array.nbytes


CODES = {8: "uint8", 9: "int8", 11: "int16", 12: "int32", 13: "float32", 14: "float64"}
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(CODES)), shapes, st.sampled_from([0, 0, -1, 1]), st.sampled_from(list(PACKERS)))
def test_a_file_is_read_just_where_it_has_the_bytes_it_declares(tmp_path_factory, code, shape, more, kind):
    content = idx(shape, bytes(np.dtype(CODES[code]).itemsize * int(np.prod(shape)) + more), code)
    path = stored(tmp_path_factory.getbasetemp(), PACKERS[kind](content), "sized")
    if more:
        with pytest.raises(DataError, match="bytes"):
            read_idx(path)
    else:
        array = read_idx(path)
        assert (list(array.shape), array.dtype) == (shape, np.dtype(CODES[code]))


def test_what_is_not_an_ordinary_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(DataError, match="is not a regular file"):
            read_idx(path)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_idx(tmp_path / "missing")
    with pytest.raises(DataError, match="null"):
        read_idx("a\0b")


def test_data_error_is_a_value_error():
    assert issubclass(DataError, ValueError)


@pytest.mark.parametrize("dtype", ["complex64", "bool", "uint16", "int64", "float16", "U3", "O"])
def test_types_the_format_lacks(tmp_path, dtype):
    with pytest.raises(TypeError, match="IDX has no type for"):
        write_idx(tmp_path / "a", np.zeros(3, dtype))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([0, 255]), "uint8"),
        (np.array([True, False]), "uint8"),
        ([0, 255], "uint8"),
        (np.array([-1, 70_000]), "int32"),
        (np.array([0.5], "float16"), "float32"),
        (np.array([65_535], "uint16"), "int32"),
    ],
)
def test_the_type_to_write_is_said_and_holds_the_same_values(tmp_path, array, dtype):
    with pytest.raises(TypeError, match=rf"float64; write numpy\.asarray\(array, '{dtype}'\)$"):
        write_idx(tmp_path / "a", array)
    write_idx(tmp_path / "a", np.asarray(array, dtype))
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


@pytest.mark.parametrize("array", [np.array([2**40]), np.array([1j]), np.array(["a"])])
def test_where_no_type_holds_the_values_none_is_told(tmp_path, array):
    with pytest.raises(TypeError, match=r"it has .*float64$"):
        write_idx(tmp_path / "a", array)


def test_arguments_in_another_order_and_masks_are_named(tmp_path):
    with pytest.raises(TypeError, match=r"path comes before array: write write_idx\('a\.idx', array\)"):
        write_idx(SMALL, "a.idx")
    masked = np.ma.masked_less(SMALL, 5)
    with pytest.raises(TypeError, match=r"IDX has no masks; write array\.filled\(0\)"):
        write_idx(tmp_path / "a", masked)
    write_idx(tmp_path / "a", masked.filled(0))
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), np.where(SMALL < 5, 0, SMALL))


def test_a_name_that_says_xz_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"IDX is written plain or with gzip, got '.*a\.xz'; write '.*a\.gz'"):
        write_idx(tmp_path / "a.xz", SMALL)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("none")])
def test_what_is_no_file_is_not_written_over(tmp_path, make):
    make(tmp_path / "a")
    before = os.lstat(tmp_path / "a")
    with pytest.raises(DataError, match=r"a is (not a regular file but .*: choose the name|a link to none)"):
        write_idx(tmp_path / "a", SMALL)
    assert os.lstat(tmp_path / "a").st_ino == before.st_ino
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_keeps_its_mode_and_stays_whole_if_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_idx(path, SMALL)
    path.chmod(0o600)
    write_idx(path, SMALL)
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_idx(path, SMALL + 1)
    np.testing.assert_array_equal(read_idx(path), SMALL)
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("shape", [(), (1,) * 9])
def test_dimensions_the_reader_would_refuse_are_not_written(tmp_path, shape):
    with pytest.raises(ValueError, match="must have 1 to 8 dimensions"):
        write_idx(tmp_path / "a", np.zeros(shape, np.uint8))


def test_an_extent_beyond_the_header(tmp_path):
    giant = np.broadcast_to(np.uint8(0), (2**32,))
    with pytest.raises(ValueError, match="below 2\\^32"):
        write_idx(tmp_path / "a", giant)


@pytest.mark.parametrize(("kind", "padding"), [("gzip", b""), ("xz", b""), ("xz", bytes(8))])
def test_several_members_are_one_stream(tmp_path, kind, padding):
    content = idx((2, 3, 4), SMALL.tobytes())
    path = stored(tmp_path, PACKERS[kind](content[:20]) + padding + PACKERS[kind](content[20:]) + padding)
    np.testing.assert_array_equal(read_idx(path), SMALL)


def test_written_gzip_is_ordinary_gzip(tmp_path):
    write_idx(tmp_path / "a.gz", SMALL)
    assert zlib.decompress((tmp_path / "a.gz").read_bytes(), 31) == idx((2, 3, 4), SMALL.tobytes())
