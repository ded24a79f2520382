"""The prepared calls of convolution and its gradients: the path, its kernel, and operands in the memory it wants."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ... import kernels
from ...typing import Array, Call, Kernel
from .. import check, epilogue, path
from ..copies import on_copies
from ..geometry import Conv2dGeometry
from .packed import PackedWeight

CHUNK = 8 << 20  # bytes of a batch that are converted to channels-last at a time


def conv2d_call(
    x: Array,
    weight: Array | PackedWeight,
    bias: Array | None,
    y: Array,
    g: Conv2dGeometry,
    activation: str | None = None,
    residual: Array | None = None,
) -> Call:
    """The prepared call of the forward convolution; `residual` may be the very memory of y."""
    if check.is_batch(x):
        function, operand, rest = image_way(path.FORWARD, x, weight, y, g, activation, residual)
        return partial(function, x, operand, bias, y, *rest)
    # other strides: copied to the layout that images of theirs have, if the path does not convert them anyway
    layout = check.near_layout(x)
    like = check.empty(x.shape, x.dtype, layout)
    function, operand, rest = image_way(path.FORWARD, like, weight, y, g, activation, residual)
    if function is convert_and_run and not rest[2]:
        return partial(function, x, operand, bias, y, *rest)
    beside = [y] if residual is None else None
    return on_copies(
        lambda x, y=y: partial(function, x, operand, bias, y, *rest), [x], [], check.is_batch, layout, beside
    )


def conv2d_backward_input_call(
    dy: Array,
    weight: Array | PackedWeight,
    dx: Array,
    g: Conv2dGeometry,
    bias: Array | None = None,
    activation: str | None = None,
    dx_accumulate: Array | None = None,
) -> Call:
    """The prepared call of the input gradient; with a bias and an activation, of the transposed convolution.

    dx = dx_accumulate + gradient where `accumulates_dx` allows that; dx_accumulate may be dx itself.
    """
    function, operand, rest = image_way(path.INPUT, dy, weight, dx, g, activation, dx_accumulate)
    return partial(function, dy, operand, bias, dx, *rest)


def accumulates_dx(g: Conv2dGeometry, dtype: DTypeLike) -> bool:
    """Whether the input gradient's kernel can accumulate into dx while it stores, in any layout."""
    return path.packed(g, dtype, path.INPUT) != "plain" and (g.sh == 1 or not path.winograd_fits(g, dtype))


def conv2d_backward_weight_call(dy: Array, x: Array, dweight: Array, g: Conv2dGeometry) -> Call:
    """The prepared call of the weight gradient."""
    function, rest = weight_way(dy, x, dweight, g)
    return partial(function, dy, x, dweight, *rest)


def conv2d_backward_bias_call(dy: Array, dbias: Array) -> Call:
    """The prepared call of the bias gradient."""
    return partial(kernels.load(dy.dtype).conv.bias.backward, dy, dbias)


# ---------------------------------------------------------------- from one image to another


def image_way(
    direction: str,
    x: Array,
    weight: Array | PackedWeight,
    y: Array,
    g: Conv2dGeometry,
    activation: str | None = None,
    residual: Array | None = None,
) -> tuple[Kernel, Array, tuple[Any, ...]]:
    """A function, the weights that it takes, and the rest of its arguments: function(x, weight, bias, y, *rest)."""
    chosen, packed, side = "plain", None, None
    if isinstance(weight, PackedWeight):
        chosen, packed, side, weight = weight.path_of(direction), weight.array(direction), weight.side, weight.weight
    if chosen == "plain":
        chosen = path.conv2d(g, y.dtype, x, y)
        packed = packed if chosen == "depthwise" else None
    code = epilogue.code(activation)
    if chosen == "direct" and packed is None and residual is None and path.pointwise(g, direction, x, y):
        return plane_kernel(direction, y.dtype), weight, (numbers(g), code)
    any_layout = chosen in ("planar", "depthwise")
    apart = any_layout and residual is not None  # these store some vectors twice, so a residual takes its own pass
    kernel, operand, rest = kernel_of(direction, chosen, y.dtype, g, weight, packed, side, 0 if apart else code)
    if apart:
        return run_and_finish, operand, (kernel, rest, code, residual)
    spread = (
        chosen == "direct" and direction == path.INPUT and packed is None and residual is None and spreads(g, y.dtype)
    )
    any_y = any_layout or spread or (direction == path.FORWARD and chosen == "direct")
    any_x = any_layout or spread or (any_y and reads_any_layout(g, y.dtype))
    operands = ([] if any_x else [x]) + ([] if any_y else [y]) + ([] if residual is None else [residual])
    if operands and not check.channels_together(*operands):
        return convert_and_run, operand, (kernel, rest, any_x, any_y, residual)
    return kernel, operand, rest if residual is None else (*rest, residual)


def kernel_of(
    direction: str,
    chosen: str,
    dtype: DTypeLike,
    g: Conv2dGeometry,
    weight: Array,
    packed: Array | None,
    side: int | None,
    activation: int,
) -> tuple[Kernel, Array, tuple[Any, ...]]:
    """The kernel of a path, the weights it takes, and the numbers after the arrays."""
    name = "forward" if direction == path.FORWARD else "backward_input"
    module = getattr(kernels.load(dtype).conv, chosen)
    if chosen == "winograd" and packed is not None:
        return getattr(module, f"{name}_packed"), packed, (numbers(g), activation, g.kh, side)
    if chosen == "direct":
        return getattr(module, name), weight, (numbers(g), activation, path.serves("narrow", g), packed)
    if chosen == "depthwise" and direction == path.FORWARD:
        return getattr(module, name), weight, (numbers(g), activation, packed)
    return getattr(module, name), weight, (numbers(g), activation)


def plane_kernel(direction: str, dtype: DTypeLike) -> Kernel:
    """The direct path's function for 1x1 kernels on planar memory."""
    name = "forward" if direction == path.FORWARD else f"backward_{direction}"
    kernel: Kernel = getattr(kernels.load(dtype).conv.direct, f"{name}_planes")
    return kernel


def numbers(g: Conv2dGeometry) -> tuple[int, ...]:
    """The window as every kernel takes it: stride, dilation, padding, groups."""
    return (*g[9:15], g.groups)  # from sh to left


def reads_any_layout(g: Conv2dGeometry, dtype: DTypeLike) -> bool:
    """Whether the direct kernel copies its x anyway."""
    return path.serves("narrow", g) and kernels.load(dtype).conv.direct.reads_planar(g.groups, g.C, g.kw, g.dw)


def spreads(g: Conv2dGeometry, dtype: DTypeLike) -> bool:
    """Whether the direct kernel's input gradient is of the form that takes any layout."""
    kernel = kernels.load(dtype).conv.direct
    return path.serves("narrow", g) and kernel.spreads(numbers(g), g.K, g.C, g.kh * g.kw)


def convert_and_run(
    x: Array,
    weight: Array,
    bias: Array | None,
    y: Array,
    kernel: Kernel,
    rest: tuple[Any, ...],
    any_x: bool,
    any_y: bool,
    residual: Array | None,
) -> None:
    """For a kernel that wants channels-last memory; other operands are converted, some images at a time."""
    for images in chunks(x, y):
        source, part = x[images], y[images]
        beside = not any_y and not check.channels_together(part)
        target = check.empty(part.shape, y.dtype, check.CHANNELS_LAST) if beside else part
        added = () if residual is None else (channels_last(residual[images]),)
        kernel(source if any_x else channels_last(source), weight, bias, target, *rest, *added)
        if beside:
            check.assign(part, target)


def run_and_finish(
    x: Array,
    weight: Array,
    bias: Array | None,
    y: Array,
    kernel: Kernel,
    rest: tuple[Any, ...],
    activation: int,
    residual: Array,
) -> None:
    """The residual, which may be y, in a pass of its own."""
    for images in chunks(x, y):
        beside = np.empty_like(y[images])
        kernel(x[images], weight, bias, beside, *rest)
        epilogue.finish(beside, residual[images], activation, y[images])


def chunks(x: Array, y: Array) -> list[slice]:
    """Some images at a time."""
    step = max(1, CHUNK // max(1, x[:1].nbytes + y[:1].nbytes))
    return [slice(n, n + step) for n in range(0, len(x), step)]


# ---------------------------------------------------------------- the weight gradient


def weight_way(dy: Array, x: Array, dweight: Array, g: Conv2dGeometry) -> tuple[Kernel, tuple[Any, ...]]:
    """A function and the rest of its arguments: function(dy, x, dweight, *rest)."""
    chosen = path.conv2d(g, dweight.dtype, x, dy)
    if chosen == "direct" and path.pointwise(g, path.WEIGHT, x, dy):
        return planes_weight, (plane_kernel(path.WEIGHT, dweight.dtype), g.sh, g.sw, g.C > g.K, numbers(g))
    kernel: Kernel = getattr(kernels.load(dweight.dtype).conv, chosen).backward_weight
    rest: tuple[Any, ...] = (numbers(g), path.serves("narrow", g)) if chosen == "direct" else (numbers(g),)
    any_layout = chosen in ("planar", "depthwise") or (chosen == "direct" and reads_any_layout(g, dweight.dtype))
    if any_layout or (check.channels_together(dy) and check.channels_together(x)):
        return kernel, rest
    return convert_and_run_weight, (kernel, rest)


def convert_and_run_weight(dy: Array, x: Array, dweight: Array, kernel: Kernel, rest: tuple[Any, ...]) -> None:
    """For a kernel that wants channels-last memory."""
    kernel(channels_last(dy), channels_last(x), dweight, *rest)


def planes_weight(
    dy: Array, x: Array, dweight: Array, kernel: Kernel, sh: int, sw: int, join_x: bool, window: tuple[int, ...]
) -> None:
    """For the 1x1 kernel on planar memory: the pixels of x that a tap reads; rows of a tile are planes in one run."""
    pixels = x[:, :, ::sh, ::sw]
    kernel(joined(dy), joined(pixels) if join_x else pixels, dweight, window)


def joined(x: Array) -> Array:
    """`x` itself, or a copy, with planes that are one run of memory."""
    if x.strides[3] == x.itemsize and x.strides[2] == x.shape[3] * x.itemsize:
        return x
    return check.copied(x)


def channels_last(x: Array) -> Array:
    """`x` itself, or a copy, with unit stride along C."""
    if check.channels_together(x):
        return x
    return check.copied(x, check.CHANNELS_LAST)
