"""The one place that chooses a path, and lets a person switch one off.

    direct      any convolution, channels-last memory; the general path, always there
    winograd    2x2, 3x3 and 5x5 of stride 1, kernels of twice the stride, float32, enough channels
    planar      few channels, or one filter per channel, in plain NCHW memory
    depthwise   one filter per channel, channels-last memory
    narrow      the direct path's forms for few channels: a row of the kernel read as one run (forward, weight
                gradient); pixels of dy spread over all taps, or a block of pixels computed at once (input gradient)
    pointwise   the direct path's form for 1x1 kernels in plain NCHW memory: products of matrices, nothing is converted

Winograd's path computes a patch of results from all pixels that any of them reads, 6 x 6 of them at stride 1. Values
outside the window of a result are added and subtracted again: their rounding error stays, and so does a NaN or an
infinity. The narrow forms do the same with zeros and blocks of pixels. With ``precise=True`` neither is used, and a
result depends only on the values in its window. Padding counts as zeros on every path, so a weight that is NaN or
infinite may also give NaN in results where it meets only padding.

The choice depends on C, K, H, W, the kernel, the dtype and the layout, never on N or on the number of threads, so that
a sample's bits are the same alone and inside any batch. The environment variable ``FASTCONV_PATHS_OFF`` (for example
``winograd,planar``) switches paths off at import.
"""

from numpy.typing import DTypeLike

from ..typing import Array
from . import check
from .geometry import Conv2dGeometry
from .habits import op
from .switches import Switches

OPTIONAL = ("winograd", "planar", "depthwise", "narrow", "pointwise")
BEYOND_THE_WINDOW = ("winograd", "narrow")  # not with precise=True: a result also depends on values outside its window
FORWARD, INPUT, WEIGHT = "forward", "input", "weight"
FEW = 16  # channels up to which planar memory is the better one
SIDE, SMALL_SIDE = 6, 4  # inputs along a side of Winograd's patches
FEW_PATCHES = 4
LONG_SUM = 4096  # channels of a group up to which a panel of pixels stays in the second cache


switches = Switches("FASTCONV_PATHS_OFF", OPTIONAL)


@op
def use_path(name: str, enabled: bool = True) -> bool:
    """Switch an optional path of the convolutions on or off; the direct path takes over.

    Networks planned before keep their paths. ``precise=True`` switches "winograd" and "narrow" off for one call, one
    layer or one network.

    Parameters
    ----------
    name : {"winograd", "planar", "depthwise", "narrow", "pointwise"}
    enabled : bool

    Returns
    -------
    bool
        Whether the path was enabled before.

    Raises
    ------
    TypeError
        If `enabled` is not a bool.
    ValueError
        If there is no such path.

    Notes
    -----
    Paths add in different orders, so the bits of results change with the switch; within one path they do not depend on
    threads or N. The switch holds for the whole process. "winograd" is Winograd 1980 [6], Lavin and Gray 2016 [7].

    Examples
    --------
    >>> import fastconv
    >>> before = fastconv.use_path("winograd", False)   # every sum in the plain order
    >>> fastconv.use_path("winograd", before)
    False
    """
    return switches.turn(name, enabled)


def enabled(name: str) -> bool:
    return switches.enabled(name)


def serves(name: str, g: Conv2dGeometry) -> bool:
    """Whether this path is switched on and a convolution with geometry `g` may take it."""
    return name not in switches.off and not (g.precise and name in BEYOND_THE_WINDOW)


def conv2d(g: Conv2dGeometry, dtype: DTypeLike, x_like: Array, y_like: Array) -> str:
    """The path of a convolution with geometry `g`; x_like and y_like are its two image operands (x or dx, y or dy)."""
    each = one_filter_per_channel(g)
    winograd = winograd_fits(g, dtype) and serves("winograd", g)
    small = each or (not winograd and few_channels(g))
    if small and serves("planar", g) and check.in_planes(x_like, y_like):
        return "planar"
    if each and serves("depthwise", g):
        return "depthwise"
    return "winograd" if winograd else "direct"


def pointwise(g: Conv2dGeometry, direction: str, x_like: Array, y_like: Array) -> bool:
    """Whether the direct path of a 1x1 kernel works on planar memory as it is: neither operand is channels-last."""
    if (g.kh, g.kw, g.top, g.left) != (1, 1, 0, 0) or not enabled("pointwise"):
        return False
    if (g.OH - 1) * g.sh >= g.H or (g.OW - 1) * g.sw >= g.W or check.channels_together(x_like):
        return False
    if check.channels_together(y_like) or max(g.C, g.K) > g.groups * LONG_SUM:
        return False
    return direction != INPUT or (g.sh, g.sw) == (1, 1)


def packed(g: Conv2dGeometry, dtype: DTypeLike, direction: str) -> str:
    """The path that packed weights are for, "plain" where there is nothing to gain from packing."""
    if one_filter_per_channel(g) or few_channels(g) or (direction == INPUT and g.C // g.groups <= FEW // 2):
        return "plain"
    return "winograd" if winograd_fits(g, dtype) and serves("winograd", g) else "direct"


def one_filter_per_channel(g: Conv2dGeometry) -> bool:
    """Whether each filter reads one channel."""
    return g.groups > 1 and g.groups == g.C


def few_channels(g: Conv2dGeometry) -> bool:
    """Whether vectors along W are filled better than vectors along the channels."""
    return g.groups == 1 and max(g.C, g.K) <= FEW


def winograd_fits(g: Conv2dGeometry, dtype: DTypeLike) -> bool:
    """Enough channels and pixels that the transforms cost less than the products they save (measured)."""
    pixels = g.OH * g.OW
    if pixels < 16 or min(g.C, g.K) < (16 if pixels >= 256 else 32):
        return False
    if (g.groups, g.dh, g.dw) != (1, 1, 1) or g.kh != g.kw or g.sh != g.sw or dtype != "float32":
        return False
    return g.kh in (2, 3, 5) if g.sh == 1 else g.kh == 2 * g.sh and blocks_fit(g)


def patch_side(g: Conv2dGeometry) -> int:
    """Of Winograd's patches for weights packed for g.N images, and quickest for these.

    With few patches per filter, reading the filters takes longer than the products. Patches of 4 x 4 inputs need 1.8
    times the products of patches of 6 x 6 inputs, but only 16 numbers per filter instead of 36.
    """
    patches = g.N * -(-g.OH // 4) * -(-g.OW // 4)
    return SMALL_SIDE if g.kh == 3 and patches <= FEW_PATCHES else SIDE


def blocks_fit(g: Conv2dGeometry) -> bool:
    """Places of a block of sh x sw pixels hold whole vectors of channels, and every pixel of x is read."""
    return g.C % 16 == 0 and g.H + g.top <= (g.OH + 1) * g.sh and g.W + g.left <= (g.OW + 1) * g.sw
