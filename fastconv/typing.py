"""Types that annotations use."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]  # float32 or float64, of any memory layout, unless said otherwise
Shape: TypeAlias = tuple[int, ...]
Pair: TypeAlias = int | Sequence[int]  # one number for both axes, or (vertical, horizontal)
Padding: TypeAlias = int | str | Sequence[int] | Sequence[Sequence[int]]  # also "valid", "same", "full"
Call: TypeAlias = Callable[[], object]  # a prepared call: overwrites its results
