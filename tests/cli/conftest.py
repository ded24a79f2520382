"""Fixtures of the command line's tests: a small dataset, and a network trained on it."""

import numpy as np
import pytest

import fastconv
from fastconv.cli import parser
from fastconv.data import write_idx


@pytest.fixture(autouse=True)
def threads():
    """What --threads sets is this process's own."""
    yield
    fastconv.set_num_threads(None)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A dataset that a network learns in a moment: class k is a bright square in its own place."""
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("t10k", 100)):
        labels = np.arange(count) % 10
        images = rng.integers(0, 30, (count, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = 4 + 6 * (label // 4), 1 + 7 * (label % 4)
            image[row : row + 6, column : column + 6] = 250
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels.astype(np.uint8))
    return folder


@pytest.fixture(scope="session")
def trained(folder):
    path = folder / "squares.npz"
    code = parser.main(
        ["train", "--model", "nielsen", "--data", str(folder), "--epochs", "4", "--out", str(path), "--seed", "3"]
    )
    assert code == 0
    return path
