"""The picture of the learning curves that `fastconv train` draws where matplotlib is installed."""

import os
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from .saving import free

__all__ = ["draw"]

SUFFIX = ".png"


def draw(history: Sequence[Any], network: str, held_out: str, overwrite: bool) -> str | None:
    """Draw loss and accuracy of the epochs beside the file of the network; the name of the picture.

    None where there is no matplotlib, or no place for it. No file is replaced unless `overwrite` is true.
    """
    if find_spec("matplotlib") is None:
        return None
    wanted = os.path.splitext(network)[0] + SUFFIX
    path = wanted if overwrite else next(free(wanted))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ..plot import learning_curves

            learning_curves(history, validation=held_out).savefig(path)
    except (OSError, ImportError, ValueError):
        return None  # the network is what counts, and it is saved
    return path
