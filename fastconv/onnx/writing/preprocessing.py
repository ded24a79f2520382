"""The preprocessing of a saved network as the first nodes of its graph: bytes in."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...data import transforms
from ...ops import check
from .part import Part

__all__ = ["checked", "described", "prepare"]

OUTSIDE = {"resize", "center_crop"}  # of images of other sizes than the network's
WHITE = 255  # of bytes


def checked(preprocessing: Any, network: Any) -> list[dict[str, Any]] | None:
    """The steps that become nodes, as names and arguments; None for no preprocessing."""
    if preprocessing is None:
        return None
    if len(network.nodes[0].graph.inputs) > 1:
        raise ValueError("preprocessing must be left out for a network of several inputs")
    if not isinstance(preprocessing, list | tuple):
        cure = "; write preprocessing=[transform]" if callable(preprocessing) else ""
        raise TypeError(f"preprocessing must be a list of transforms, got {check.shown(preprocessing)}{cure}")
    steps = []
    for number, transform in enumerate(preprocessing):
        step = transforms.described(transform)
        name = f"preprocessing[{number}]"
        if step is None:
            rule = "must be made by fastconv.data.transforms, a graph holds no code of Python"
            raise TypeError(f"{name} {rule}, got {check.shown(transform)}")
        if transforms.unchanging([transform]) == []:
            raise ValueError(f"{name} is {step['name']}, which draws random numbers: leave it out")
        if step["name"] not in OUTSIDE:
            steps.append(step)
        elif steps:
            raise ValueError(f"{name} is {step['name']}, which must come before {steps[0]['name']}: it stays outside")
    return steps


def described(preprocessing: Sequence[Any] | None) -> list[Any] | None:
    """The steps that stay outside of the graph, as names and arguments; None for no preprocessing."""
    if preprocessing is None:
        return None
    return [step for step in map(transforms.described, preprocessing) if step and step["name"] in OUTSIDE]


def prepare(part: Part, steps: Sequence[dict[str, Any]]) -> str:
    """Bytes / 255, then (x - mean) / std of each `normalize`, all in float32 as the transforms do it."""
    scaled = part.add("Cast", part.x, to=1)  # 1: float32
    x = part.add("Div", scaled, part.constant(WHITE, np.float32))
    for step in steps:
        if step["name"] == "normalize":
            for op, key in (("Sub", "mean"), ("Div", "std")):
                values = np.array(step["arguments"][key], np.float32)
                if len(values) not in (1, part.x_shape[0]):
                    rule = f"{key} of normalize must be one number, or one for each of {part.x_shape[0]} channels"
                    raise ValueError(f"{rule}, got {tuple(step['arguments'][key])}")
                x = part.add(op, x, part.constant(part.per_channel(values), np.float32))
    return x if part.dtype == np.float32 else part.add("Cast", x, to=11)  # 11: float64
