"""Options of layers as other libraries call them; errors say what to write instead."""

import inspect
from collections.abc import Callable, Mapping

from ..ops import check

OPTIONS = {  # an option of layers in other libraries -> the option here
    "strides": "stride",
    "pool_size": "kernel_size",
    "dilation_rate": "dilation",
    "use_bias": "bias",
    "filters": "channels",
    "out_channels": "channels",
    "out_features": "outputs",
    "units": "outputs",
    "kernel_initializer": "init",
    "bias_initializer": "bias_init",
    "rate": "p",
    "epsilon": "eps",
}


def check_options(layer: type, options: Mapping[str, object]) -> None:
    """TypeError if a layer of fastconv gets an option of another library; your own classes may take any option."""
    if not options:
        return
    init: Callable[..., None] = layer.__init__  # type: ignore[misc]  # of the class itself
    if not init.__module__.startswith("fastconv."):
        return
    if "activation" in options:
        raise TypeError(
            f"{layer.__name__} takes no activation, got activation={options['activation']!r}: an activation is a layer "
            f"of its own, sequential({layer.__name__}(...), ReLU())"
        )
    known = inspect.signature(init).parameters
    for name in options:
        if name not in known and OPTIONS.get(name) in known:
            value = check.shown(options[name])
            raise TypeError(f"{layer.__name__} takes no {name}, got {name}={value}; write {OPTIONS[name]}={value}")
