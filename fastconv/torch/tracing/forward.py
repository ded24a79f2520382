"""The forward of a module, run once on tensors that hold nodes."""

from typing import Any

import torch

from .modules import in_both_modes
from .tensors import Lost, node_of
from .trace import Ended, Trace

__all__ = ["traced"]

MOST_SHOWN = 40  # refusals in one message


def traced(trace: Trace, x: Any, names: Any) -> Any:
    """The outputs for an input, a tuple of inputs, or a dict of them whose names are the forward's; ValueError."""
    if names is None:
        args, options = tuple(trace.tensors(x if isinstance(x, tuple) else (x,))), {}
    else:
        nodes = [x[name] for name in names] if isinstance(x, dict) else [x]
        args, options = (), dict(zip(names, trace.tensors(nodes), strict=True))
    try:
        with trace.places.followed(), in_both_modes(trace), torch.enable_grad(), trace:
            y = trace.module(*args, **options)
    except Ended:
        raise ValueError(message(trace)) from None
    except Exception as error:
        if trace.refused:
            raise ValueError(message(trace)) from error
        raise ValueError(f"module cannot be run for example: {trace.places.text()}: {error}") from error
    if trace.refused:
        raise ValueError(message(trace))
    return outputs(y)


def message(trace: Trace) -> str:
    """All that was refused."""
    more = len(trace.refused) - MOST_SHOWN
    lines = trace.refused[:MOST_SHOWN] + ([f"and {more:,} more"] if more > 0 else [])
    return "module holds what fastconv does not compute:\n  " + "\n  ".join(lines)


def outputs(y: Any) -> Any:
    """The node of a tensor, and of each in a tuple, list or dict; entries that are None are left out of a dict."""
    if isinstance(y, dict):
        return {name: output(value) for name, value in y.items() if value is not None}
    if isinstance(y, tuple | list):
        return tuple(output(value) for value in y)
    return output(y)


def output(y: Any) -> Any:
    """The node of one output."""
    if isinstance(getattr(y, "value", None), Lost):
        raise ValueError(f"module gives what fastconv does not compute: {y.value.why}")
    try:
        return node_of(y)
    except Exception as error:
        raise ValueError(
            f"module must give tensors computed from its inputs, or a tuple or dict of them: {error}"
        ) from None
