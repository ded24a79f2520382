"""Training on processes of MPI: the bits of one process, and an end of all ranks when one fails."""

import re
import time
from pathlib import Path

import child
import numpy as np
import pytest

PROGRAM = Path(child.TESTS) / "support" / "mpi_program.py"


def words(**settings):
    return [f"{name}={value!r}".replace("'", '"').replace("True", "true") for name, value in settings.items()]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A function: the arrays and losses of one process, which trains once for each of the settings."""
    found = {}

    def train(**settings):
        key = tuple(sorted(settings.items()))
        if key not in found:
            folder = tmp_path_factory.mktemp("alone")
            child.run(PROGRAM, folder, *words(alone=True, **settings), FASTCONV_THREADS="fixed")
            found[key] = arrays(folder, 0)
        return found[key]

    return train


def arrays(folder, rank):
    with np.load(folder / f"rank{rank}.npz") as file:
        return {name: file[name] for name in file.files}


def same(first, second):
    return first.keys() == second.keys() and all(first[name].tobytes() == second[name].tobytes() for name in first)


@pytest.mark.parametrize("model", ["lenet5", "normed"])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
def test_deterministic_ranks_have_the_bits_of_one_process(mpiexec, alone, tmp_path, model, ranks):
    """Over 24 steps, in batches of 20 whose last has 3 images."""
    result = mpiexec(ranks, PROGRAM, tmp_path, *words(model=model, deterministic=True))
    assert result.returncode == 0, result.stderr
    expected = alone(model=model, deterministic=True)
    assert len(expected["losses"]) == 4
    for rank in range(ranks):
        assert same(arrays(tmp_path, rank), expected), rank


@pytest.mark.parametrize("model", ["lenet5", "normed"])
def test_ranks_compute_what_one_process_computes_and_always_the_same_bits(mpiexec, alone, tmp_path, model):
    found = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        result = mpiexec(3, PROGRAM, folder, *words(model=model, synchronise=True, bucket=0.01))
        assert result.returncode == 0, result.stderr
        found += [arrays(folder, rank) for rank in range(3)]
    assert all(same(found[0], other) for other in found[1:])
    expected = alone(model=model)
    for name, array in expected.items():
        np.testing.assert_allclose(
            found[0][name].astype(float), array.astype(float), rtol=2e-3, atol=2e-4, err_msg=name
        )


@pytest.mark.parametrize(("wire", "error"), [("float16", 2e-3), ("bfloat16", 2e-2)])
def test_gradients_of_16_bits_change_the_weights_a_little(mpiexec, alone, tmp_path, wire, error):
    result = mpiexec(2, PROGRAM, tmp_path, *words(wire=wire, epochs=1))
    assert result.returncode == 0, result.stderr
    found, expected = arrays(tmp_path, 0), alone(epochs=1)
    assert same(found, arrays(tmp_path, 1))
    weights = [name for name in expected if name != "losses"]
    off = max(np.abs(found[name] - expected[name]).max() / np.abs(expected[name]).max() for name in weights)
    assert 0 < off < error


ENDS = [("callback", "RuntimeError: a callback failed"), ("data", "OSError: the disk is gone")]
ENDS += [("loss", "ArithmeticError: the loss failed")]


@pytest.mark.parametrize(("how", "says"), ENDS)
@pytest.mark.parametrize("who", [0, 2])
def test_an_error_of_one_rank_ends_all_and_is_told_once(mpiexec, tmp_path, how, says, who):
    started = time.monotonic()
    result = mpiexec(3, PROGRAM, tmp_path, *words(how=how, who=who), timeout=60)
    assert time.monotonic() - started < 40  # most of it to import and to begin, on a machine that is busy
    assert result.returncode != 0
    told = re.findall(
        r"^fastconv: rank (\d) of 3 \(process \d+ on .*\) failed, and ends all ranks: (.*)$", result.stderr, re.M
    )
    assert told == [(str(who), says)]


@pytest.mark.parametrize("who", [0, 1, 2])
def test_a_killed_rank_ends_all_and_the_file_goes_on(mpiexec, alone, tmp_path, who):
    """With another number of ranks, to the bits of a training without a break."""
    settings = {"model": "normed", "deterministic": True, "checkpoint": True}
    result = mpiexec(3, PROGRAM, tmp_path, *words(how="kill", who=who, step=11, **settings), timeout=60)
    assert result.returncode != 0
    assert not list(tmp_path.glob("rank*.npz"))
    result = mpiexec(2, PROGRAM, tmp_path, *words(resume=True, **settings))
    assert result.returncode == 0, result.stderr
    found, expected = arrays(tmp_path, 0), alone(model="normed", deterministic=True)
    assert same(found, expected)


def test_a_full_disk_at_the_checkpoint_ends_all_and_leaves_the_file_before(mpiexec, alone, tmp_path):
    settings = {"deterministic": True, "checkpoint": True}
    result = mpiexec(2, PROGRAM, tmp_path, *words(how="disk", step=7, **settings), timeout=60)
    assert result.returncode != 0
    assert re.search(r"^fastconv: rank 0 of 2 \(.*\) failed, and ends all ranks: OSError", result.stderr, re.M)
    result = mpiexec(3, PROGRAM, tmp_path, *words(resume=True, **settings))
    assert result.returncode == 0, result.stderr
    assert same(arrays(tmp_path, 0), alone(deterministic=True))


def test_ctrl_c_of_one_rank_ends_all_after_the_same_step_and_the_training_goes_on(mpiexec, alone, tmp_path):
    settings = {"deterministic": True, "checkpoint": True}
    result = mpiexec(3, PROGRAM, tmp_path, *words(how="interrupt", who=1, step=8, **settings), timeout=60)
    assert result.returncode != 0
    assert "KeyboardInterrupt" in result.stderr
    result = mpiexec(2, PROGRAM, tmp_path, *words(resume=True, **settings))
    assert result.returncode == 0, result.stderr
    assert same(arrays(tmp_path, 0), alone(deterministic=True))
