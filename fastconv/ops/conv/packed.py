"""Weights packed once for many calls, in the order the kernels read them."""

from typing import Any, NoReturn

import numpy as np
from numpy.typing import DTypeLike

from ... import kernels
from ...typing import Array, Padding, Pair, Shape
from .. import check, geometry, path
from ..geometry import Conv2dGeometry
from ..habits import op
from ..huge_pages import Shelf


class PackedWeight:
    """What `pack_weight` returns: accepted by `conv2d` and `conv2d_backward_input` in place of the weight.

    Attributes
    ----------
    shape : (K, C / groups, kh, kw)
    dtype : numpy.dtype
    path : str
        The path whose order the weights are in.
    nbytes : int
    """

    def __init__(self, weight: Array, g: Conv2dGeometry, backward: bool, side: int = path.SIDE) -> None:
        self.shape: Shape = weight.shape
        self.dtype, self.geometry, self.backward = weight.dtype, g._replace(N=0), backward
        # the path of each direction, "plain" where packing gains nothing and a copy of the weight serves
        self.path = path.packed(g, weight.dtype, path.FORWARD)
        self.input_path = path.packed(g, weight.dtype, path.INPUT)
        self.side = side  # of the inputs of Winograd's patches
        self.plain = "plain" in (self.path, self.input_path if backward else "")
        self.weight: Array = weight.copy() if self.plain else stand_in(weight.shape, weight.dtype)
        order = "depthwise" if path.one_filter_per_channel(g) else self.path  # which reads packed and plain weights
        self.packed = pack(weight, g, order, "forward", side)
        self.packed_input = pack(weight, g, self.input_path, "input", side) if backward else None

    def __getstate__(self) -> dict[str, Any]:
        """Without the zeros that stand for a weight that nobody reads."""
        state = {name: value for name, value in vars(self).items() if name != "weight" or self.plain}
        return state | {"build": kernels.build}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        check_build(state.pop("build"))
        vars(self).update(state)
        if not self.plain:
            self.weight = stand_in(self.shape, self.dtype)
        self.packed, self.packed_input = copied(self.packed), copied(self.packed_input)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays that are kept."""
        arrays = (self.packed, self.packed_input, self.weight if self.plain else None)
        return sum(a.nbytes for a in arrays if a is not None)

    def move(self, shelf: Shelf) -> None:
        """Keep all arrays on a `huge_pages.Shelf`."""
        if self.plain:
            self.weight = shelf.keep(self.weight)
        self.packed, self.packed_input = shelf.keep(self.packed), shelf.keep(self.packed_input)

    def __repr__(self) -> str:
        return f"<PackedWeight {self.shape} {self.dtype}, {self.path}, {self.nbytes} bytes>"

    def path_of(self, direction: str) -> str:
        """The path that the arrays of a direction are for."""
        return self.path if direction == path.FORWARD else self.input_path

    def array(self, direction: str) -> Array | None:
        """The packed array for a direction; None where the plain weight is read."""
        return self.packed if direction == path.FORWARD else self.packed_input

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NoReturn:
        raise TypeError(
            "a packed weight serves conv2d and conv2d_backward_input alone: give the array that it was packed from"
        )

    def check(self, g: Conv2dGeometry, backward: bool, x: Array, name: str) -> None:
        """TypeError or ValueError unless this was packed for the convolution of images `x` with geometry `g`."""
        if x.dtype != self.dtype:
            raise TypeError(
                f"{name} must be {self.dtype} like the packed weight, got {x.dtype}; convert it with "
                f"{name}.astype('{self.dtype}'), or pack weight.astype('{x.dtype}')"
            )
        if backward and not self.backward:
            raise ValueError("weight was packed with backward=False, so it cannot serve conv2d_backward_input")
        if self.geometry != g._replace(N=0):
            differing = [f"{n} {p}, not {q}" for n, p, q in zip(g._fields, self.geometry, g, strict=True) if p != q]
            raise ValueError(
                "weight must be packed for the same image shape, stride, padding, dilation, groups and precise; it was "
                f"packed for {', '.join(d for d in differing if not d.startswith('N '))}"
            )


@op
def pack_weight(
    weight: Array,
    x_shape: Shape,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    *,
    backward: bool = True,
    precise: bool = False,
) -> PackedWeight:
    """Pack a weight once for many calls of `conv2d` and `conv2d_backward_input` with images of one shape.

    The calls then skip the transform of the weight (Winograd) or its reordering (direct); the result has the same
    bits. The packed weight is a copy: changing `weight` afterwards does not change it.

    Parameters
    ----------
    weight : array (K, C / groups, kh, kw), float32 or float64
    x_shape : (N, C, H, W) or (C, H, W)
        Of the images; N does not matter.
    stride, padding, dilation, groups
        As in `conv2d`.
    backward : bool
        Also pack for `conv2d_backward_input`.
    precise : bool
        As in the calls that will use the packed weight.

    Returns
    -------
    PackedWeight

    Raises
    ------
    TypeError
        A dtype other than float32 and float64, arguments that are not integers.
    ValueError
        Shapes that do not agree, a stride or dilation below 1, negative padding, groups that do not divide the
        channels, a kernel larger than the padded image. A call of `conv2d` with another image shape, stride, padding,
        dilation, groups or precise raises it too.

    Notes
    -----
    The order of the packed weights belongs to one build of the kernels: unpickling them in another build raises
    ValueError. Filters transformed beforehand: Lavin and Gray 2016 [7]; panels in the order of reading: Goto and van de
    Geijn 2008 [8].

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> x, w = np.ones((1, 64, 8, 8), "float32"), np.ones((64, 64, 3, 3), "float32")
    >>> packed = fastconv.pack_weight(w, x.shape, padding=1)
    >>> np.array_equal(fastconv.conv2d(x, packed, padding=1), fastconv.conv2d(x, w, padding=1))
    True
    """
    weight = check.array(weight, "weight", 4)
    backward = check.flag(backward, "backward")
    x_shape = check.shape(x_shape, "x_shape", 3 if hasattr(x_shape, "__len__") and len(x_shape) == 3 else 4)
    x_shape = x_shape if len(x_shape) == 4 else (1, *x_shape)
    g = geometry.conv2d(x_shape, weight.shape, stride, padding, dilation, groups, precise)
    return PackedWeight(weight, g, backward)


def pack(weight: Array, g: Conv2dGeometry, chosen: str, direction: str, side: int) -> Array | None:
    """The packed array of a path and direction; None where the path reads plain weights."""
    if chosen == "plain":
        return None
    module = getattr(kernels.load(weight.dtype).conv, chosen)
    c = g.C // g.groups
    if chosen == "winograd":
        inputs = g.sh * g.sw * g.C
        K, C = (g.K, inputs) if direction == "forward" else (inputs, g.K)
        packed = on_a_line(module.packed_size(K, C, g.sh, side), weight.dtype)
        (module.pack if direction == "forward" else module.pack_rotated)(weight, packed, g.sh, side)
    elif chosen == "depthwise":
        packed = on_a_line(module.pack_forward(weight, None), weight.dtype)
        module.pack_forward(weight, packed)
    elif direction == "forward":
        packed = on_a_line(module.packed_size(g.K // g.groups, c, g.kh, g.kw, g.groups), weight.dtype)
        module.pack_forward(weight, packed, g.groups)
    else:
        packed = on_a_line(module.packed_size(c, g.K // g.groups, g.kh, g.kw, g.groups), weight.dtype)
        module.pack_input(weight, packed, g.sh, g.sw, g.dh, g.dw, g.top, g.left, g.groups)
    return packed


def check_build(made: str) -> None:
    """ValueError for weights in the order of the kernels of another build."""
    if made != kernels.build:
        raise ValueError(
            f"these weights are in the order of the kernels {made}, and here they are {kernels.build}: pickle "
            "the network itself, and freeze it here, or the plain weights, and pack them here"
        )


def stand_in(shape: Shape, dtype: np.dtype[Any]) -> Array:
    """One zero in the shape of a weight."""
    return np.broadcast_to(dtype.type(0), shape)


def copied(packed: Array | None) -> Array | None:
    """A packed array, or None, in memory of its own."""
    if packed is None:
        return None
    own = on_a_line(packed.size, packed.dtype)
    own[...] = packed
    return own


def on_a_line(size: int, dtype: np.dtype[Any]) -> Array:
    """Memory for packed weights: kernels read them in whole vectors, none of which should cross a cache line."""
    return check.on_a_line(size * dtype.itemsize, (size,), dtype)


def weight_of(weight: Array | PackedWeight, name: str = "weight") -> Array | PackedWeight:
    """A checked weight array, or a PackedWeight as it is."""
    return weight if isinstance(weight, PackedWeight) else check.array(weight, name, 4)


def memory_of(weight: Array | PackedWeight) -> Array:
    """The array whose memory a result must not share."""
    return weight.weight if isinstance(weight, PackedWeight) else weight
