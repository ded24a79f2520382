"""Labels of a data set as a network numbers its classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..typing import Array
from .files import DataError


def renumbered(labels: Array, names: Any, known: Sequence[str] | None, place: str) -> Array:
    """The labels of classes called `names` as those called `known` are numbered; as they are where one has no names.

    DataError, which begins with `place`, for a class that is not among the known ones.
    """
    if not names or not known:
        return labels
    known = list(known)
    if unknown := [name for name in names if name not in known]:
        raise DataError(
            f"{place} has the class {unknown[0]!r}, which the network does not know; it knows {', '.join(known)}"
        )
    found: Array = np.array([known.index(name) for name in names])[labels]
    return found
