"""Shapes in, shapes out: the one owner of stride, padding, dilation and groups arithmetic.

All sizes are Python integers, so nothing here can overflow; what would overflow in a kernel is refused.

    OH = floor((H + top + bottom - dh (kh - 1) - 1) / sh) + 1
"""

from typing import NamedTuple, NoReturn

from ..kernels.runtime.calls import conv2d_numbers, conv_transpose2d_numbers, pool2d_numbers
from ..typing import Padding, Pair, Shape
from .check import MAX_ELEMENTS, flag, integer, pair, shape
from .extents import LIMIT, Two, check_padded, extent, multiple, pads, pooled_extent, steps, transposed_extent, within
from .habits import op

made = tuple.__new__  # of a named tuple: a third of the time of its constructor


class Conv2dGeometry(NamedTuple):
    """A convolution of x (N, C, H, W) with w (K, C / groups, kh, kw) to y (N, K, OH, OW)."""

    N: int
    C: int
    H: int
    W: int
    K: int
    OH: int
    OW: int
    kh: int
    kw: int
    sh: int
    sw: int
    dh: int
    dw: int
    top: int
    left: int
    bottom: int
    right: int
    groups: int
    precise: bool = False  # only by paths that read nothing but the window (path.py)

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.C, self.H, self.W

    @property
    def w_shape(self) -> tuple[int, int, int, int]:
        return self.K, self.C // self.groups, self.kh, self.kw

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.K, self.OH, self.OW


class Pool2dGeometry(NamedTuple):
    """A window sliding over the planes of x (N, C, H, W) to y (N, C, OH, OW)."""

    N: int
    C: int
    H: int
    W: int
    OH: int
    OW: int
    kh: int
    kw: int
    sh: int
    sw: int
    dh: int
    dw: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.C, self.H, self.W

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.C, self.OH, self.OW


@op
def conv2d(
    x_shape: Shape,
    weight_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    precise: bool = False,
) -> Conv2dGeometry:
    """The geometry of ``conv2d`` and its gradients; ValueError or TypeError for what cannot be."""
    known = conv2d_numbers(x_shape, weight_shape, stride, padding, dilation, groups, precise)
    if known is not None:
        return made(Conv2dGeometry, known)
    return new_conv2d(x_shape, weight_shape, stride, padding, dilation, groups, precise)


def new_conv2d(
    x_shape: Shape, weight_shape: Shape, stride: Pair, padding: Padding, dilation: Pair, groups: int, precise: bool
) -> Conv2dGeometry:
    """As `conv2d`, from arguments of any kind."""
    N, C, H, W = shape(x_shape, "input_shape", 4)
    K, c, kh, kw = shape(weight_shape, "weight_shape", 4)
    groups = integer(groups, "groups", 1)
    check_groups(C, c, K, groups, x_shape, weight_shape)
    (sh, sw), (dh, dw) = steps(stride, "stride"), steps(dilation, "dilation")
    if not (0 < kh < LIMIT and 0 < kw < LIMIT):
        refuse_kernel((kh, kw), "weight")
    (top, bottom), (left, right) = pads(padding, (kh, kw), (sh, sw), (dh, dw), (H, W))
    OH = extent(H, kh, sh, dh, top, bottom, "height")
    OW = extent(W, kw, sw, dw, left, right, "width")
    height, width, precise = H + top + bottom, W + left + right, flag(precise, "precise")
    if height * width > MAX_ELEMENTS:
        check_padded((H, W), (height, width), padding)
    sh, sw = within(sh, height), within(sw, width)
    return Conv2dGeometry(N, C, H, W, K, OH, OW, kh, kw, sh, sw, dh, dw, top, left, bottom, right, groups, precise)


@op
def conv_transpose2d(
    x_shape: Shape,
    weight_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    precise: bool = False,
) -> Conv2dGeometry:
    """The geometry of the convolution whose input gradient is ``conv_transpose2d``.

    H_out = (H - 1) sh - top - bottom + dh (kh - 1) + output_padding + 1; with padding "multiple" H_out is sh H, plus 1
    where kh - sh is odd. In the result N, C, H, W describe the *output* of the transposed convolution.
    """
    known = conv_transpose2d_numbers(x_shape, weight_shape, stride, padding, output_padding, groups, dilation, precise)
    if known is not None:
        return made(Conv2dGeometry, known)
    N, K, OH, OW = shape(x_shape, "input_shape", 4)
    weight_k, c, kh, kw = shape(weight_shape, "weight_shape", 4)
    groups = integer(groups, "groups", 1)
    if weight_k != K:
        raise ValueError(
            f"weight must have shape (C, K / groups, kh, kw) with C the channels of x, got x {tuple(x_shape)} "
            f"and weight {tuple(weight_shape)}"
        )
    if K % groups:
        raise ValueError(f"groups must divide the channels of x, got groups={groups} and x {tuple(x_shape)}")
    if K == 0 or c == 0:
        raise ValueError(f"weight must have channels, got shape {tuple(weight_shape)}")
    (sh, sw), (dh, dw) = steps(stride, "stride"), steps(dilation, "dilation")
    if not (0 < kh < LIMIT and 0 < kw < LIMIT):
        refuse_kernel((kh, kw), "weight")
    extra = pair(output_padding, "output_padding", 0)
    if isinstance(padding, str) and padding.lower() == "multiple":
        if extra != (0, 0):
            raise ValueError(f"output_padding must be 0 with padding='multiple', got {output_padding!r}")
        (top, bottom, eh), (left, right, ew) = multiple(kh, sh, dh), multiple(kw, sw, dw)
        extra = (eh, ew)
    else:
        if isinstance(padding, str) and padding.lower() == "same":
            cure = "'multiple' makes the result stride times as large"
            raise ValueError(f"padding must be integers, 'valid', 'full' or 'multiple', got {padding!r}; {cure}")
        (top, bottom), (left, right) = pads(padding, (kh, kw), (sh, sw), (dh, dw), (0, 0))
        if extra != (0, 0):
            check_output_padding(extra, (sh, sw), (dh, dw))
    H = transposed_extent(OH, kh, sh, dh, top, bottom, extra[0], "height")
    W = transposed_extent(OW, kw, sw, dw, left, right, extra[1], "width")
    sh, sw, precise = within(sh, H + top + bottom), within(sw, W + left + right), flag(precise, "precise")
    return Conv2dGeometry(
        N, c * groups, H, W, K, OH, OW, kh, kw, sh, sw, dh, dw, top, left, bottom, right, groups, precise
    )


def pool2d(
    x_shape: Shape,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Padding = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Pool2dGeometry:
    """The geometry of a pooling window; stride None is the kernel's size, as in PyTorch."""
    known = pool2d_numbers(x_shape, kernel_size, stride, padding, dilation, ceil_mode)
    if known is not None:
        return made(Pool2dGeometry, known)
    N, C, H, W = shape(x_shape, "input_shape", 4)
    kh, kw = steps(kernel_size, "kernel_size")
    sh, sw = (kh, kw) if stride is None else steps(stride, "stride")
    dh, dw = steps(dilation, "dilation")
    (top, bottom), (left, right) = pads(padding, (kh, kw), (sh, sw), (dh, dw), (H, W))
    ceil_mode = flag(ceil_mode, "ceil_mode")
    if max(top, bottom) > dh * (kh - 1) or max(left, right) > dw * (kw - 1):
        refuse_padding(padding, (top, bottom), (kh, kw), (dh, dw))
    OH = pooled_extent(H, kh, sh, dh, top, bottom, ceil_mode, "height")
    OW = pooled_extent(W, kw, sw, dw, left, right, ceil_mode, "width")
    return Pool2dGeometry(N, C, H, W, OH, OW, kh, kw, sh, sw, dh, dw, top, left, bottom, right)


def refuse_padding(padding: Padding, rows: Two, kernel: Two, dilation: Two) -> NoReturn:
    """ValueError for a border into which a whole window fits; `rows` is that above and below."""
    axis = 0 if max(rows) > dilation[0] * (kernel[0] - 1) else 1
    raise ValueError(
        f"padding must be below the effective kernel, got padding {padding!r} for {('height', 'width')[axis]} of "
        f"{dilation[axis] * (kernel[axis] - 1) + 1} (kernel_size {kernel}, dilation {dilation})"
    )


def check_groups(C: int, c: int, K: int, groups: int, x_shape: Shape, weight_shape: Shape) -> None:
    """ValueError unless C = c groups, and groups divides K."""
    if C == 0 or K == 0 or c == 0:
        raise ValueError(
            f"images and weight must have channels, got images {tuple(x_shape)} and weight {tuple(weight_shape)}"
        )
    if C % groups or K % groups:
        raise ValueError(
            f"groups must divide the channels of the images and the filters of weight, got groups={groups}, "
            f"images {tuple(x_shape)} and weight {tuple(weight_shape)}"
        )
    if c * groups != C:
        cure = f"; write groups={C // c}" if C % c == 0 and K % (C // c) == 0 else ""
        raise ValueError(
            f"weight must have shape (K, C / groups, kh, kw), got images {tuple(x_shape)}, "
            f"weight {tuple(weight_shape)} and groups={groups}{cure}"
        )


def check_output_padding(extra: Shape, stride: Shape, dilation: Shape) -> None:
    """As in the field: more would be rows that no input reaches and no convolution leads back from."""
    for amount, s, d in zip(extra, stride, dilation, strict=True):
        if amount and amount >= max(s, d):
            raise ValueError(
                f"output_padding must be smaller than stride or dilation, got {extra} with stride {stride} and "
                f"dilation {dilation}"
            )


def refuse_kernel(kernel: Shape, name: str) -> NoReturn:
    """ValueError for an extent of the kernel below 1 or not below `LIMIT`."""
    if min(kernel) < 1:
        raise ValueError(f"{name} must have a kernel of at least 1 x 1, got {kernel}")
    raise ValueError(f"{name} must have a kernel below 2**31, got {kernel}")
