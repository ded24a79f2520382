"""`fastconv train` and `fastconv predict` under mpiexec: one voice, one file, one ordered result."""

import child
import numpy as np
import pytest

import fastconv

TRAIN = ("-m", "fastconv", "train", "--data", "sample", "--model", "lenet5", "--epochs", "1", "--batch-size", "200")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a trained network, arrays of images, and one file that cannot be read."""
    folder = tmp_path_factory.mktemp("files")
    child.run(*TRAIN, "--out", folder / "alone.npz", "--deterministic")
    images = fastconv.data.load("sample").test.images
    for number in range(7):
        np.save(folder / f"part{number}.npy", images[3 * number : 3 * number + 1 + number % 3])
    (folder / "bad.npy").write_text("no array")
    return folder


def test_train_has_the_bits_of_one_process_and_speaks_once(mpiexec, saved):
    result = mpiexec(3, *TRAIN, "--out", saved / "ranks.npz", "--deterministic")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("ranks     3 ranks: 0 is process") == 1
    assert result.stdout.count("epoch 1") == result.stdout.count("test accuracy") == 1
    first, second = (fastconv.load(saved / name).network.arrays() for name in ("alone.npz", "ranks.npz"))
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_more_processes_than_blocks_are_given_their_number(mpiexec, tmp_path):
    few = (*TRAIN, "--out", tmp_path / "few.npz", "--deterministic")
    assert "deterministic=1 cuts each batch into 1 blocks, too few for 2 ranks" in mpiexec(2, *few, "1").stderr
    result = mpiexec(2, *few, "2")
    assert result.returncode == 0, result.stderr


def test_what_train_refuses_is_said_once(mpiexec, tmp_path):
    result = mpiexec(3, *TRAIN[:3], "--data", tmp_path / "nowhere")
    assert result.returncode == 1
    assert result.stderr.count("fastconv: ") == 1
    assert "no such file or folder" in result.stderr


@pytest.mark.parametrize("form", ["--csv", "--json", "--top=2"])
@pytest.mark.parametrize("ranks", [2, 4])
def test_predict_writes_the_lines_of_one_process_in_their_order(mpiexec, saved, form, ranks):
    files = [saved / f"part{number}.npy" for number in (3, 1, 0, 5, 2, 6, 4)]
    files.insert(4, saved / "bad.npy")
    command = ("-m", "fastconv", "predict", saved / "alone.npz", *files, form)
    alone, shared = child.start(*command), mpiexec(ranks, *command)
    assert shared.stdout == alone.stdout
    assert alone.stdout.count("part") == 13
    assert alone.returncode == shared.returncode == 1  # of the file that cannot be read
    assert shared.stderr.startswith(alone.stderr)
