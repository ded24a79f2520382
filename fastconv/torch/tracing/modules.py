"""Modules that are random in training and something else in prediction: layers have both modes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import layers
from .operations.activation import pointwise

__all__ = ["in_both_modes"]


def stochastic_depth(part: Any) -> float | None:
    """The probability of torchvision's `StochasticDepth` and timm's `DropPath`; None for others."""
    kind = type(part).__name__
    if kind == "StochasticDepth" and getattr(part, "mode", "") == "row":
        return float(part.p)
    if kind == "DropPath" and getattr(part, "scale_by_keep", False):
        return float(part.drop_prob or 0.0)
    return None


@contextmanager
def in_both_modes(trace: Any) -> Iterator[None]:
    """Within, these modules are layers; afterwards they are as before."""
    parts = [part for part in trace.module.modules() if stochastic_depth(part) is not None]
    for part in parts:
        p = stochastic_depth(part)
        make = layers.StochasticDepth if p else lambda p: lambda node: node

        def forward(x: Any, p: Any = p, make: Any = make) -> Any:
            return trace.wrapped(pointwise(x, make(p)), [])

        part.forward = forward
    try:
        yield
    finally:
        for part in parts:
            del part.forward
