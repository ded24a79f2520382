"""Which dtypes a file may have, and how they are converted to the network's.

to float32 or float64      from float16, bfloat16, float32, float64; float32 rounds float64, but never to infinity
to an integer              from an integer in its range, or from a whole float that is small enough to be exact
to bool                    from bool
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..typing import Array, Shape

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
DTYPES = (*FLOATS, *INTEGERS, "bool")
COUNTS_TO = {"bfloat16": 1 << 8, "float16": 1 << 11, "float32": 1 << 24, "float64": 1 << 53}

VOID = "numpy.savez stores bfloat16 and float8 of ml_dtypes like this: write x.astype('float32')"
OBJECTS = "Python objects, which only a pickle can hold: write arrays of numbers"


class Entry(NamedTuple):
    """An array in a file: shape and dtype of what `read` returns; the dtype is None if it cannot be read."""

    shape: Shape
    dtype: np.dtype[Any] | None
    stored: str  # the name of the dtype in the file
    cure: str = ""


def entry(shape: Shape, dtype: DTypeLike) -> Entry:
    """The entry for an array with NumPy's shape and dtype."""
    dtype = np.dtype(dtype)
    if dtype.name in DTYPES:
        return Entry(shape, dtype, dtype.name)
    if dtype.kind == "V" and dtype.names is None:  # how NumPy stores a dtype that it does not know
        return Entry(shape, None, dtype.str, VOID)
    if dtype.hasobject:
        return Entry(shape, None, str(dtype), OBJECTS)
    return Entry(shape, None, str(dtype))


def writable(name: str, array: Array) -> Array:
    """The array in native byte order and C order, as both formats store it."""
    array = np.asarray(array)
    if array.dtype.name not in DTYPES:
        objects = " (Object arrays cannot be saved)" if array.dtype.hasobject else ""
        raise ValueError(f"{name} has the dtype {array.dtype}, must be one of {', '.join(DTYPES)}{objects}")
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)


def difference(entry: Entry, array: Array) -> str | None:
    """How the entry's shape or dtype does not fit the array, in words; None if both fit."""
    counters = array.dtype.kind in "iu" and array.shape in ((), (1,)) and entry.shape in ((), (1,))
    if (entry.shape == array.shape or counters) and convertible(entry.dtype, array.dtype):
        return None
    text = f"is {entry.shape} {entry.stored}, must be {array.shape} {array.dtype}"
    return text + advice(entry, array.dtype)


def convertible(given: np.dtype[Any] | None, wanted: np.dtype[Any]) -> bool:
    """Whether values of the given dtype may be converted to the wanted one."""
    if given is None:
        return False
    taken = {"f": "f", "i": "iuf", "u": "iuf", "b": "b"}
    return given.kind in taken.get(wanted.kind, "")


def advice(entry: Entry, wanted: np.dtype[Any]) -> str:
    """What to do about the dtype if it does not fit; else ''."""
    if convertible(entry.dtype, wanted):
        return ""
    return f" ({entry.cure or f'convert it before it is saved: x.astype({wanted.name!r}), in PyTorch x.float()'})"


def converted(value: Array, wanted: np.dtype[Any], stored: str) -> tuple[Array, bool]:
    """(the values in this dtype, whether any was rounded); ValueError if a value would be lost."""
    if value.dtype == wanted:
        return value, False
    if wanted.kind == "f":
        return rounded(value, wanted)
    if value.dtype.kind == "f":
        limit = COUNTS_TO[stored]
        if not (np.abs(value) <= limit).all() or (value % 1).any():  # NaN fails this test too
            raise ValueError(f"holds {stored} numbers that are no counters (whole, and at most {limit:,})")
    bounds = np.iinfo(wanted)
    if value.size and (int(value.min()) < bounds.min or int(value.max()) > bounds.max):
        raise ValueError(f"holds {stored} numbers beyond {wanted}")
    return value.astype(wanted), False


def rounded(value: Array, wanted: np.dtype[Any]) -> tuple[Array, bool]:
    """(the values as floats of this dtype, whether any was rounded); ValueError if a finite value becomes infinite."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        result = value.astype(wanted)
    if (np.isinf(result) & np.isfinite(value)).any():
        raise ValueError(f"holds numbers of up to {np.abs(value[np.isfinite(value)]).max():.3g}, beyond {wanted}")
    return result, not np.array_equal(result, value, equal_nan=True)


def widened(bits: Array) -> Array:
    """float32 from the 16 bits of bfloat16, which are its upper half."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
