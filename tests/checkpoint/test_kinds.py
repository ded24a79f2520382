"""Which file it is: told by its first bytes when it is read, by its suffix when it is written."""

import bz2
import gzip
import lzma
import os
import pickle
import re
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
import safetensors.numpy

from fastconv import Network, layers, sequential
from fastconv.checkpoint import CheckpointError, load, metadata, save
from fastconv.data import write_idx


def zipped(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")


def packed(path):
    path.with_suffix(".in").write_bytes(bytes(1000))
    with tarfile.open(path, "w") as archive:
        archive.add(path.with_suffix(".in"), "in")


OTHERS = {  # what writes it, what the error says it is, what it says to do
    "one array": (lambda p: p.write_bytes(b"\x93NUMPY" + bytes(100)), "an .npy file", "numpy.savez"),
    "ONNX": (lambda p: p.write_bytes(b"\x08\x07\x12\x07pytorch" + bytes(100)), "ONNX", "numpy.savez"),
    "SavedModel": (
        lambda p: p.write_bytes(b"\x08\x01\x12\x10" + bytes(100)),
        "a SavedModel",
        "numpy.savez",
    ),
    "TensorFlow Lite": (lambda p: p.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100)), "TensorFlow Lite", "numpy.savez"),
    "GGUF": (lambda p: p.write_bytes(b"GGUF\3\0\0\0" + bytes(100)), "a GGUF file", "safetensors"),
    "IDX": (lambda p: write_idx(p, np.zeros((2, 3), np.uint8)), "IDX, a data set", "read_idx"),
    "gzip": (lambda p: p.write_bytes(gzip.compress(b"x")), "compressed with gzip", "unpack it"),
    "bzip2": (lambda p: p.write_bytes(bz2.compress(b"x")), "compressed with bzip2", "unpack it"),
    "xz": (lambda p: p.write_bytes(lzma.compress(b"x")), "compressed with xz", "unpack it"),
    "zstd": (lambda p: p.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(10)), "compressed with zstd", "unpack it"),
    "tar": (packed, "a tar archive", "unpack it"),
    "zip": (lambda p: zipped(p, ["a.txt", "b/c.txt"]), "a zip archive of other things .a.txt, b/c.txt", "unpack it"),
    "MATLAB": (lambda p: p.write_bytes(b"MATLAB 5.0 MAT-file" + bytes(100)), "a MATLAB file", "numpy.savez"),
    "Git LFS": (
        lambda p: p.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"),
        "a pointer of Git LFS",
        "git lfs pull",
    ),
    "HTML": (lambda p: p.write_bytes(b"<!DOCTYPE html>\n<html>404"), "a page of HTML", "download it again"),
    "JSON": (lambda p: p.write_bytes(b'{"weight_map": {}}'), "JSON text", "safetensors"),
    "PNG": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50)), "a picture", ""),
    "text": (lambda p: p.write_bytes(b"hello, world"), "text, and begins with 'hello, world'", ""),
    "a table": (lambda p: p.write_text("w,b\n0.5,1\n" * 99), "text, and begins with 'w,b", ""),
    "letters of the world": (lambda p: p.write_text("äß" * 500), "text, and begins with 'äß", ""),
    "joblib": (lambda p: p.write_bytes(zlib.compress(b"x" * 99)), "compressed with zlib, as joblib", "numpy.savez"),
    "one byte": (lambda p: p.write_bytes(b"x"), "of an unknown kind", ""),
    "nothing": (lambda p: p.write_bytes(b""), "empty", ""),
    **{
        f"pickle of protocol {n}": (
            lambda p, n=n: p.write_bytes(pickle.dumps({"a": [1]}, n)),
            "a pickle",
            "numpy.savez",
        )
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "pickle of an object": (lambda p: p.write_bytes(pickle.dumps(np.zeros(3), 0)), "a pickle, which runs code", ""),
}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ""])
@pytest.mark.parametrize("kind", OTHERS)
def test_files_of_other_kinds_are_named(tmp_path, kind, suffix):
    write, what, cure = OTHERS[kind]
    path = tmp_path / f"file{suffix}"
    write(path)
    for read in (metadata, lambda path: load(path, {"w": np.zeros(3)})):
        with pytest.raises(CheckpointError, match=f"(?s)file{suffix} is {what}.*{cure}") as caught:
            read(path)
        assert ": not a checkpoint (an .npz" in str(caught.value) or kind == "nothing"


def test_a_folder_says_which_file_of_it_to_name(tmp_path):
    said = "folder is not a regular file but a folder; "
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, cure in (("x.txt", "choose a file in it"), ("b.safetensors", "write load"), ("a.npz", "write load")):
        (folder / name).write_bytes(b"")
        cure = f"write load({str(folder / name)!r})" if cure == "write load" else cure
        for read in (metadata, lambda path: load(path, {})):
            with pytest.raises(CheckpointError, match=re.escape(said + cure) + "$"):
                read(folder)
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"it holds a SavedModel of TensorFlow.*numpy\.savez"):
        metadata(folder)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_name_without_its_suffix_is_told_the_file_that_is_there(tmp_path, suffix, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(f"model{suffix}", {"w": np.ones(2)})
    said = f"No such file or directory, but there is model{suffix}: write load('model{suffix}')"
    with pytest.raises(FileNotFoundError, match=re.escape(said)):
        load("model", {"w": np.zeros(2)})
    assert load(f"model{suffix}", {"w": np.zeros(2)}) == {}


def test_what_the_file_is_counts_not_its_suffix(tmp_path):
    """Every kind that is read, under the suffix of every other."""
    made = Network(sequential(layers.Linear(2)), (3,), seed=0)
    made.save(tmp_path / "a.npz")
    made.save(tmp_path / "a.safetensors")
    for kind in ("npz", "safetensors"):
        for suffix in (".pth", ".h5", ".npz", ".safetensors", ""):
            path = tmp_path / f"copy{suffix}"
            path.write_bytes((tmp_path / f"a.{kind}").read_bytes())
            other = Network(sequential(layers.Linear(2)), (3,), seed=1)
            other.load(path)
            np.testing.assert_array_equal(other.parameters.flat, made.parameters.flat)


# Suffixes.


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize(
    ("name", "write_instead"),
    [
        *((f"x{suffix}", "x.safetensors") for suffix in (".pt", ".pth", ".ckpt", ".torch")),
        *((f"x{suffix}", "x.npz") for suffix in (".h5", ".hdf5", ".keras", ".onnx", ".pkl", ".pickle", ".joblib")),
        *((f"x{suffix}", "x.npz") for suffix in (".npy", ".gguf", ".pb", ".tflite", ".mat", ".msgpack", ".tar")),
        *((f"x{suffix}", "x.npz") for suffix in (".json", ".txt", ".csv", ".yaml", ".png", ".pdf", ".py")),
        ("x.npz.gz", "x.npz"),
        ("x.gz", "x.npz"),
        ("x.npz.bz2", "x.npz"),
        ("x.safetensors.xz", "x.npz"),
        ("x.pth.tar", "x.pth.npz"),
        *((f"x{suffix}", "x.safetensors") for suffix in (".safetensor", ".safetensros", ".saftensors")),
        ("a{b}.c.pth", "a{b}.c.safetensors"),
    ],
)
def test_suffixes_that_mean_another_format_are_refused(tmp_path, name, write_instead, case):
    stem, suffix = os.path.splitext(name)
    path = tmp_path / (stem + case(suffix))
    with pytest.raises(ValueError, match=r"path must end in .npz or .safetensors, got") as caught:
        Network(layers.Linear(2), (3,)).save(path)
    assert f"write {tmp_path / write_instead}" in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("suffix", "means"),
    [
        (".pth", "PyTorch's format, which is not supported"),
        (".h5", "the format of Keras (HDF5), which is not supported"),
        (".pkl", "a pickle, which is not supported"),
        (".pb", "a format of TensorFlow, which is not supported"),
        (".txt", "text, which is not supported"),
        (".png", "a picture or a document, which is not supported"),
        (".py", "a program, which is not supported"),
        (".onnx", "the format of ONNX, which is not supported"),
        (".npy", "NumPy's format of a single array, which is not supported"),
        (".gguf", "the format GGUF, which is not supported"),
        (".mat", "MATLAB's format, which is not supported"),
        (".msgpack", "the format of Flax, which is not supported"),
        (".pdparams", "the format of Paddle, which is not supported"),
        (".tar", "an archive of files, which is not supported"),
        (".gz", "a compressed file, but checkpoints are not compressed"),
    ],
)
def test_it_is_said_what_a_suffix_means(tmp_path, suffix, means):
    with pytest.raises(ValueError, match=re.escape(f": {suffix} means {means}; write ")):
        save(tmp_path / f"x{suffix}", {"w": np.ones(2)})


@pytest.mark.parametrize(
    ("name", "start"),
    [
        *(
            (name, b"PK")
            for name in ("x.npz", "x.NPZ", "x", "x.weights", "x.1", ".npz", "x.pth.npz", "npz", "x.bin", "x.")
        ),
        *((name, None) for name in ("x.safetensors", "x.SafeTensors", "x.SAFETENSORS", "x.h5.safetensors")),
    ],
)
def test_other_suffixes_write_at_exactly_this_path(tmp_path, name, start):
    save(tmp_path / name, {"w": np.ones(2)})
    assert os.listdir(tmp_path) == [name]
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"PK") if start else content[8:9] == b"{"
    target = {"w": np.zeros(2)}
    load(tmp_path / name, target)
    assert target["w"].tolist() == [1, 1]


def mutated(good, rng):
    bad, at = bytearray(good), int(rng.integers(len(good)))
    match rng.integers(4):
        case 0 | 1:
            bad[at] = rng.integers(256)
        case 2:
            del bad[at : at + int(rng.integers(1, 9))]
        case 3:
            bad[at:at] = bad[at : at + int(rng.integers(1, 9))]
    return bytes(bad)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_mutated_files_are_refused_or_read(tmp_path, suffix):
    arrays = {"w": np.arange(6.0).reshape(2, 3), "v": np.arange(3, dtype="float16"), "n": np.array([1, 2], "uint64")}
    path, outcomes, rng = tmp_path / f"a.{suffix}", set(), np.random.default_rng(0)
    save(path, arrays, {"shape": (1, 2), "text": "ä"})
    good = path.read_bytes()
    for _ in range(200):
        path.write_bytes(mutated(good, rng))
        try:
            load(path, {name: np.zeros_like(array) for name, array in arrays.items()}, strict=False)
            outcomes.add("read")
        except CheckpointError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_what_is_read_as_safetensors_the_library_reads_too(tmp_path):
    """Headers with a byte changed: what we take, the library takes, with the same shapes and numbers."""
    arrays = {"w": np.arange(6, dtype="float32").reshape(2, 3), "v": np.arange(4, dtype="int16"), "e": np.zeros((0, 2))}
    path, rng, read = tmp_path / "a", np.random.default_rng(3), 0
    save(tmp_path / "a.safetensors", arrays)
    good = (tmp_path / "a.safetensors").read_bytes()
    size = 8 + struct.unpack("<Q", good[:8])[0]
    for _ in range(250):
        bad = bytearray(good)
        bad[int(rng.integers(size))] = rng.choice(list(b'0123456789[],:"{}FIU eE-.'))
        path.write_bytes(bad)
        target = {name: np.zeros_like(array) for name, array in arrays.items()}
        try:
            result = load(path, target, strict=False)
        except CheckpointError:
            continue
        if result.misshapen:  # a dtype that neither knows
            continue
        read += 1
        others = safetensors.numpy.load_file(path)
        for name in result.loaded:
            np.testing.assert_array_equal(target[name], others[name])
    assert read > 10


def test_a_file_that_was_cut_is_called_damaged(tmp_path):
    save(tmp_path / "a.npz", {"x": np.zeros(99)})
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"is damaged, or was cut, as when a download ends too early$"):
        metadata(tmp_path / "a.npz")
