"""The rewrites that a plan may use, with a switch for each. None of them changes a result beyond rounding.

    activation    an activation is applied while the layer before it stores its result
    residual      the other term of a + b is added while a layer stores its result
    norm          batch norm becomes part of the weights before it (frozen networks)
    pack          weights are brought into the kernels' order once (frozen networks)
    in_place      a result overwrites a value that nobody else reads
    reuse         memory is used again after its last reader
    concat        the inputs of a concatenation are computed inside it
    pooled_first  relu before max pooling is applied after it (training)
    gradients     a layer accumulates into an existing gradient of its input while it stores, without a separate sum
    updates       gradient buckets: neighbouring parameters are updated by one call (training with lean=True)
    slices        micro-batches: the first steps run for a few images at a time, so that values stay in the caches
                  (prediction)

The environment variable ``FASTCONV_REWRITES_OFF`` (for example ``norm,in_place``) switches some off at import.
"""

from ..ops.switches import Switches

OPTIONAL = (
    "activation",
    "residual",
    "norm",
    "pack",
    "in_place",
    "reuse",
    "concat",
    "pooled_first",
    "gradients",
    "updates",
    "slices",
)


switches = Switches("FASTCONV_REWRITES_OFF", OPTIONAL)


def use_rewrite(name: str, enabled: bool = True) -> bool:
    """Switch a rewrite of the executor on or off for the plans made from now on.

    Parameters
    ----------
    name : {"activation", "residual", "norm", "pack", "in_place", "reuse", "concat", "pooled_first", "gradients",
        "updates", "slices"}
    enabled : bool

    Returns
    -------
    bool
        Whether the rewrite was enabled before.

    Raises
    ------
    ValueError
        If there is no such rewrite.

    Examples
    --------
    >>> import fastconv
    >>> before = fastconv.use_rewrite("in_place", False)   # every value in memory of its own
    >>> fastconv.use_rewrite("in_place", before)
    False
    """
    return switches.turn(name, enabled)


def enabled(name: str) -> bool:
    """Whether plans may use this rewrite now."""
    return switches.enabled(name)


def switched_off() -> frozenset[str]:
    """The rewrites that are off; plans made under different switches are kept apart by it."""
    return switches.off
