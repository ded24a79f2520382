"""Types that annotations use."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]  # float32 or float64, of any memory layout, unless said otherwise
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = int | Sequence[int]  # one number for both axes, or (vertical, horizontal)
Padding: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]  # also "valid", "same", "full"
Call: TypeAlias = Callable[[], object]  # a prepared call: overwrites its results
Kernel: TypeAlias = Callable[..., Any]  # a compiled function, or a Python function around one: overwrites its results
Named: TypeAlias = dict[str, Any]  # arrays, or None, by the names that errors call them
Generator: TypeAlias = "np.random.Generator"  # a text: numpy.random is slow to import, and loaded when it is used
