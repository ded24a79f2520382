"""The forms of memory that the kernels of the norms read.

    planes   (N, C, ...) whose trailing axes are one run with unit stride
    pixels   the channels have unit stride, the other axes are one run of pixels (channels-last memory)

Any other memory is copied when the call runs: to pixels where the channels of the result lie side by side, else to C
order, planes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...kernels.runtime.calls import are_like, planes, run_stride, view
from ...typing import Array, Call, Shape
from .. import check
from ..call_cache import planned
from ..copies import Several, on_copies
from ..elementwise import new_like

Form: TypeAlias = Callable[[Array], Array | None]  # the array as a kernel reads it, or None where its strides forbid


def channels(x: Array, name: str) -> Array:
    """`x` with a batch and a channel axis at least."""
    x = check.array(x, name)
    if x.ndim < 2:
        raise ValueError(f"{name} must have shape (N, C) or (N, C, ...), got {x.shape}")
    return x


def per_channel(x: Array, **vectors: Any) -> Iterable[Any]:
    """Vectors (or None) of one number for each channel of `x`, of its dtype."""
    if are_like(vectors, x, x.shape[1:2]):
        return vectors.values()
    vectors = {name: None if v is None else check.array(v, name) for name, v in vectors.items()}
    check.same_dtype(x=x, **vectors)
    wanted = x.shape[1:2]
    for name, v in vectors.items():
        if v is not None and v.shape != wanted:
            check.shape_is(v, name, wanted, f"one for each channel of x, which has shape {x.shape}")
    return vectors.values()


def in_order(a: Array) -> Array:
    """`a` in C order, itself where it is."""
    return a if a.flags.c_contiguous else check.copied(a)


def needed(**arrays: Any) -> None:
    """TypeError for None."""
    for name, a in arrays.items():
        if a is None:
            raise TypeError(f"{name} must be an array, got None")


def pixels_in(a: Array) -> int:
    """How many values each sample has in a channel."""
    count = 1
    for extent in a.shape[2:]:
        count *= extent
    return count


def pixels(a: Array) -> Array | None:
    """`a` as (N, P, C) whose last axis has unit stride, or None."""
    stride = run_stride(a, 2, a.ndim)
    if stride is None or (a.strides[1] != a.itemsize and a.shape[1] > 1):
        return None
    return view(a, (a.shape[0], pixels_in(a), a.shape[1]), (a.strides[0], stride, a.itemsize))


def all_pixels(a: Array) -> Array | None:
    """`a` as (1, N P, C), or None."""
    found = pixels(a)
    stride = None if found is None else run_stride(found, 0, 2)
    if found is None or stride is None:
        return None
    return view(found, (1, found.shape[0] * found.shape[1], found.shape[2]), (0, stride, found.itemsize))


def new_result(x: Array, forms: Sequence[Form]) -> Array:
    """A new array in the memory order of `x`; in C order where `x` is copied to be read, but channels-last stays so."""
    as_it_is = x.flags.c_contiguous or (x.ndim > 1 and x.strides[1] == x.itemsize)
    if as_it_is or formed((x,), forms)[0] is not None:
        return new_like(x)
    return check.empty(x.shape, x.dtype)


def on_near_copies(
    prepare: Callable[..., Call],
    inputs: Sequence[Array | None],
    outputs: Sequence[Array | None],
    beside: Sequence[Array | None] | None = None,
) -> Several:
    """`on_copies`, to pixels where the channels lie side by side in the first result, or input, else to C order."""
    first = next(a for a in (*outputs, *inputs) if a is not None)
    if first.ndim == 4 and first.strides[1] == first.itemsize:
        return on_copies(
            prepare, inputs, outputs, lambda a: all_pixels(a) is not None, check.CHANNELS_LAST, beside, True
        )
    return on_copies(prepare, inputs, outputs, beside=beside, in_place=True)


def formed(arrays: Sequence[Array | None], forms: Sequence[Form]) -> tuple[Form | None, list[Any]]:
    """(which form, the arrays in it): the first of these forms that every array (None is skipped) has.

    Pixels may be read in any order that is the same in all arrays; the first to be tried is that of their shape.
    """
    found = formed_as_shown(arrays, forms)
    if found[0] is None and planes in forms:
        return formed_as_shown(pixels_in_memory_order(arrays), forms)
    return found


def pixels_in_memory_order(arrays: Sequence[Array | None]) -> list[Array | None]:
    """The arrays with the axes after N and C in the order, and in the direction, of the first one's memory."""
    model = next(a for a in arrays if a is not None)
    order = [0, 1, *sorted(range(2, model.ndim), key=lambda i: -abs(model.strides[i]))]
    turned = tuple(slice(None, None, -1 if i > 1 and s < 0 else None) for i, s in enumerate(model.strides))
    return [None if a is None else a[turned].transpose(order) for a in arrays]


def formed_as_shown(arrays: Sequence[Array | None], forms: Sequence[Form]) -> tuple[Form | None, list[Any]]:
    """The same for the order of the axes as it is."""
    for form in forms:
        seen: list[Array | None] = []
        for a in arrays:
            found = None if a is None else form(a)
            if found is None and a is not None:
                break
            seen.append(found)
        else:
            return form, seen
    return None, []


def fill_zeros(*arrays: Array) -> None:
    """The gradients of what an empty batch met."""
    for a in arrays:
        a.fill(0)


def statistics(x: Array, shape: Shape) -> tuple[Array, Array]:
    """The mean and the inverse deviation, to be written; 0 where nothing is, for there is nothing in x."""
    new = check.empty if x.size else np.zeros
    return new(shape, x.dtype), new(shape, x.dtype)


def with_saved(y: Array, saved: tuple[Array, ...], new: tuple[Array, ...], run: Call, writes: bool = False) -> Any:
    """What the user gets of a call that has written `new`: y, and the saved statistics if there are any."""
    return planned((y, *saved) if saved else y, new, run, writes=writes)
