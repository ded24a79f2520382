from typing import Any, TypeGuard, TypeVar

from ...typing import Array, Call, Shape

R = TypeVar("R")
MOST: int
LINE: int
SMALL: int

def view(a: Array, shape: Shape, strides: Shape) -> Array: ...
def is_plain(x: object) -> TypeGuard[Array]: ...
def overlap(a: Array, b: Array) -> bool: ...
def outside(a: Array, low: float, high: float, besides: int | None = None) -> int: ...
def sliding_windows(
    size: int, out: int, kernel: int, stride: int, dilation: int, before: int, after: int | None = None
) -> Array: ...
def sharing_windows(size: int, out: int) -> Array: ...
def cover(lines: Array, size: int) -> tuple[Array, Array]: ...
def forget() -> None: ...

class Planned:
    result: Any
    calls: tuple[Any, ...]

def planned(
    result: R,
    new: tuple[Array, ...],
    *calls: Call,
    returned: Any = None,
    constants: tuple[Array, ...] = (),
    shapes: tuple[Any, ...] = (),
    number: bool = False,
    writes: bool = False,
) -> R: ...  # a Planned, of which `habits.op` gives the result
def keep(plans: dict[bytes, object], args: tuple[Any, ...], options: dict[str, Any], planned: Planned) -> None: ...
def again(plans: dict[bytes, object], args: tuple[Any, ...], options: dict[str, Any]) -> Any: ...
