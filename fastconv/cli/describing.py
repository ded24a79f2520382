"""What a file says of the network that `fastconv train` saves in it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checkpoint, saved
from ..callbacks.nested import PREFIX, parted
from ..data.arrays import shares
from ..network import Network
from .likeness import background
from .training_data import Given

__all__ = ["described", "written"]

LOOKED_AT = 1000  # images whose background is looked at


def described(model: str, network: Network, given: Given, preprocessing: Any, told: Any) -> dict[str, Any]:
    """From this `fastconv.load` builds the network again; with the background `predict` compares pictures.

    `told`: what the file says of the training.
    """
    images, _ = given.training.batch(np.arange(min(LOOKED_AT, len(given.training))))
    shown = float(np.mean([background(shares(image)[None]) for image in images]))
    return {
        "model": model,
        **saved.described(network, given.classes, preprocessing, told),
        "background": round(shown, 4),
    }


def written(path: str, network: Network, about: Mapping[str, Any], run: Any = None) -> None:
    """Write the network, and with `run` the state of its training, so that it can go on."""
    if run is None:
        network.save(path, about)
        return
    arrays, rest = parted(run)
    checkpoint.save(path, {**network.arrays(), **arrays}, {**about, PREFIX: rest})
