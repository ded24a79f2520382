"""A trained network with names that no page should be broken by, and the data it was trained on."""

import numpy as np
import pytest

from fastconv import Network, data, fit, models
from fastconv.callbacks import Checkpoint
from fastconv.pages import report

NAMES = ["<script>alert(1)</script>", 'a "quoted" & $long$ name of a class', "鳥"]


@pytest.fixture(scope="session")
def images():
    """Squares in three places, which a network learns in a moment."""
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    pixels = rng.integers(0, 30, (30, 1, 28, 28), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        image[0, 4 + 7 * label : 12 + 7 * label, 8:16] = 250
    return data.ArrayData(pixels, labels, classes=NAMES)


@pytest.fixture(scope="session")
def run(images, tmp_path_factory):
    """The file of a training."""
    path = tmp_path_factory.mktemp("run") / "lenet.npz"
    network = Network(models.lenet5(3), (1, 28, 28), seed=0)
    loader = data.Loader(images, 10, seed=0)
    told = {
        "command": "fastconv train --data '<b>here</b>'",
        "data": {"place": "<b>here</b>", "images": {"training": 30}},
        "settings": {"batch-size": 10, "lr": 0.1},
    }
    file = Checkpoint(path, classes=NAMES, metadata=told)
    fit(network, loader, epochs=3, validation=data.Loader(images, 10, shuffle=False), callbacks=[file], progress=False)
    return path


@pytest.fixture(scope="session")
def page(run, images):
    """The whole page."""
    return report(run, images, place="<i>there</i>")
