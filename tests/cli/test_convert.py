"""`fastconv convert`: formats, names of a model, dtypes, and files that are refused without touching anything."""

import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from torch_files import THREE, state, tensor, written

import fastconv
from fastconv import Network, checkpoint, models
from fastconv.cli import parser

FILES = Path(__file__).parents[1] / "checkpoint" / "files"


def run(capsys, *words):
    """(exit code, lines on standard output, text on standard error)"""
    code = parser.main(["convert", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


def refused(capsys, *words):
    """The one line that says why."""
    code, lines, error = run(capsys, *words)
    assert (code, lines, error.count("\n")) == (1, [], 1)
    return error


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("name", ["plain.pth", "legacy.pth", "checkpoint.pth", "before.npz", "before.safetensors"])
def test_every_format_that_is_read_is_written_in_every_format(tmp_path, capsys, name, suffix):
    out = tmp_path / f"out.{suffix}"
    code, lines, _ = run(capsys, FILES / name, out)
    before, after = checkpoint.everything(FILES / name), checkpoint.everything(out)
    assert code == 0
    assert lines[-1].startswith(f"wrote     {out}: {len(before.arrays)} array")
    assert before.arrays.keys() == after.arrays.keys() != set()
    for key, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[key], array)
        assert after.arrays[key].dtype == array.dtype
    assert after.metadata == before.metadata


def test_what_is_widened_and_left_out_is_said(tmp_path, capsys):
    _, lines, _ = run(capsys, FILES / "bfloat16.pth", tmp_path / "a.npz")
    assert lines[1].startswith("widened   6 arrays from bfloat16 to float32: fc.weight, fc.bias, ")
    _, lines, _ = run(capsys, FILES / "quantized.pth", tmp_path / "b.npz")
    assert lines[1] == "left out  1 array: fc.weight (no tensor but a quantized tensor)"
    assert "fc.weight" not in np.load(tmp_path / "b.npz")


def small(classes=4):
    return Network(models.lenet5(classes), (1, 28, 28), seed=0)


def as_wrapped(path, network):
    arrays = {f"module.{name}": array for name, array in network.arrays().items()}
    safetensors.numpy.save_file(arrays | {"module.extra": np.ones(2)}, path)


def test_with_a_model_the_file_says_which_network_it_holds(tmp_path, capsys):
    network = small()
    as_wrapped(tmp_path / "a.safetensors", network)
    words = (tmp_path / "a.safetensors", tmp_path / "b.npz", "--model", "lenet5")
    code, lines, _ = run(capsys, *words, "--classes", "4")
    assert code == 0
    count, name = len(network.arrays()), next(iter(network.parameters))
    assert lines[0] == f"read      {words[0]}: {count} arrays of lenet5"
    assert lines[1].startswith(f"renamed   {count} arrays: module.{name} -> {name}, ")
    assert lines[2] == "left out  1 array: module.extra"
    read = fastconv.load(tmp_path / "b.npz").network
    assert read.model == network.model
    for key, array in network.arrays().items():
        np.testing.assert_array_equal(read.arrays()[key], array)
    x = np.random.default_rng(0).standard_normal((2, 1, 28, 28), "float32")
    np.testing.assert_array_equal(read.predict(x), network.predict(x))


def test_metadata_stay_but_for_what_belongs_to_the_model(tmp_path, capsys):
    network = small()
    fastconv.save(tmp_path / "a.npz", network, classes=["a", "b", "c", "d"], metadata={"epoch": 3})
    run(capsys, tmp_path / "a.npz", tmp_path / "b.npz", "--model", "lenet5", "--classes", "4", "--dtype", "float64")
    saved = fastconv.load(tmp_path / "b.npz")
    assert (saved.classes, saved.metadata) == (("a", "b", "c", "d"), {"epoch": 3})


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_dtypes(tmp_path, capsys, suffix):
    """float16 takes half the bytes, and what float32 reads back is rounded once."""
    values = np.array([1.5, 1 / 3, -2e-8, np.nan, np.inf], "float32")
    state = {"w": values, "count": np.array(3), "run/optimizer/m/w": values}
    checkpoint.save(tmp_path / f"a.{suffix}", state)
    code, lines, _ = run(capsys, tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}", "--dtype", "float16")
    assert (code, lines[1]) == (0, "rounded   1 array to float16: w")
    found = checkpoint.everything(tmp_path / f"b.{suffix}").arrays
    assert [found[name].dtype.name for name in state] == ["float16", "int64", "float32"]
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found["w"], values.astype("float16"))
    target = {"w": np.zeros(5, "float32")}
    checkpoint.load(tmp_path / f"b.{suffix}", target, strict=False)
    np.testing.assert_array_equal(target["w"], found["w"].astype("float32"))


def test_numbers_beyond_the_dtype(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", w=np.array([1.0, 1e6]))
    why = refused(capsys, tmp_path / "a.npz", tmp_path / "b.npz", "--dtype", "float16")
    assert "--dtype float16: w holds numbers of up to 1e+06, beyond float16" in why
    assert not (tmp_path / "b.npz").exists()


def test_no_file_is_replaced_unless_it_is_said(tmp_path, capsys):
    path = tmp_path / "a.npz"
    np.savez(path, w=np.array([0.25]))
    before = path.read_bytes()
    for source, target in ((path, path), (FILES / "plain.pth", path)):
        assert f"{path} exists; add --overwrite" in refused(capsys, source, target)
        assert path.read_bytes() == before
    assert run(capsys, path, path, "--overwrite", "--dtype", "float16")[0] == 0
    assert np.load(path)["w"].dtype == "float16"
    assert os.listdir(tmp_path) == ["a.npz"]


def test_what_fails_leaves_the_old_file(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez(path, w=np.array([0.25]))
    before = path.read_bytes()

    def full(*given, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.npz.npy, "write_array", full)
    assert "No space left on device" in refused(capsys, path, path, "--overwrite")
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.npz"]


def test_what_is_refused_is_one_line(tmp_path, capsys):
    plain, out = FILES / "plain.pth", tmp_path / "out.npz"
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("these are no weights at all")
    assert "No such file" in refused(capsys, tmp_path / "none.pth", out)
    assert "not a regular file but a folder" in refused(capsys, tmp_path, out)
    assert "not a regular file but a folder" in refused(capsys, plain, tmp_path, "--overwrite")
    assert "not a regular file but a pipe" in refused(capsys, tmp_path / "pipe", out)
    assert "not a regular file but a pipe" in refused(capsys, plain, tmp_path / "pipe", "--overwrite")
    assert "a whole model saved by PyTorch" in refused(capsys, FILES / "whole_model.pth", out)
    assert "not a checkpoint" in refused(capsys, tmp_path / "text", out)
    assert "OUT must end in .npz or .safetensors, got" in refused(capsys, plain, tmp_path / "a.pth")
    assert "there is no folder" in refused(capsys, plain, tmp_path / "none" / "a.npz")
    assert "--classes describes a model: add --model NAME" in refused(capsys, plain, out, "--classes", "3")
    assert "holds no array that can be written" in refused(capsys, FILES / "sparse.pth", out)
    assert not out.exists()


def test_weights_of_another_network(tmp_path, capsys):
    small().save(tmp_path / "a.npz")
    words = (tmp_path / "a.npz", tmp_path / "b.npz", "--model")
    why = refused(capsys, *words, "lenet5")
    assert "a.npz does not fit lenet5: 2 of another shape or dtype: " in why
    assert why.endswith("; add --classes N\n")
    assert "does not fit resnet20: " in refused(capsys, *words, "resnet20")
    assert "lenet5 for images of 3x5x5: " in refused(capsys, *words, "lenet5", "--input", "3x5x5")
    assert "--model-args: lenet5 has no argument 'wide'" in refused(capsys, *words, "lenet5", "--model-args", "wide=2")
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "IN, OUT"),
        (("a.npz",), "OUT"),
        (("a.npz", "b.npz", "c.npz"), "unexpected c.npz"),
        (("a.npz", "b.npz", "--dtype", "fp16"), "got 'fp16'; did you mean 'float16'?"),
        (("a.npz", "b.npz", "--dtype", "int8"), "must be one of float16, float32, float64, got 'int8'"),
        (("a.npz", "b.npz", "--model", "resnet17"), "did you mean 'resnet18'?"),
        (("a.npz", "b.npz", "--force"), "did you mean --overwrite?"),
    ],
)
def test_what_is_not_understood(capsys, words, says):
    with pytest.raises(SystemExit) as end:
        parser.main(["convert", *words])
    assert end.value.code == 2
    assert says in capsys.readouterr().err


def test_views_of_few_numbers_that_would_fill_the_disk(tmp_path, capsys):
    """A number that a stride of 0 repeats 2^50 times."""
    made = state(w=tensor(numel=1, shape=(2**50,), strides=(0,)))
    path = written(tmp_path / "a.pth", made, {"0": THREE[:4]})
    assert f"views of {2**50:,} numbers" in refused(capsys, path, tmp_path / "b.npz")
    assert os.listdir(tmp_path) == ["a.pth"]
