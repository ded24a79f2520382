"""Arrays in memory, read as a file is: a dict of names and arrays, such as a state dict of PyTorch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..typing import Array
from . import dtypes
from .errors import CheckpointError, shortened

__all__ = ["Memory"]

CURE = "write x.detach().cpu().float().numpy()"  # for what NumPy cannot read of a tensor of PyTorch


class Memory:
    """A dict of arrays, as a `Reader`."""

    path = "the dict"
    metadata: Any = {}  # noqa: RUF012  (never changed) a dict has none

    def __init__(self, given: Mapping[str, Any]) -> None:
        inner = [repr(name) for name, value in given.items() if isinstance(value, Mapping)]
        if inner:
            cure = f"write network.load(x[{inner[0]}])"
            raise CheckpointError(f"{self.path} holds other dicts ({shortened(inner)}): {cure}")
        strange = [repr(name) for name in given if not isinstance(name, str)]
        if strange:
            raise CheckpointError(f"{self.path} must have names as keys, got {shortened(strange)}")
        self.arrays = {name: array_of(name, value) for name, value in given.items()}
        self.entries = {name: dtypes.entry(array.shape, array.dtype) for name, array in self.arrays.items()}

    def read(self, name: str) -> Array:
        """A copy of the array of this name: the dict may hold an array of the network itself."""
        return self.arrays[name].copy()


def array_of(name: str, value: Any) -> Array:
    """The value as an array; CheckpointError if NumPy cannot read it."""
    try:
        return np.asarray(value)
    except Exception as error:  # tensors raise several
        raise CheckpointError(f"{Memory.path}: {name} is no array: {error}; {CURE}") from error
