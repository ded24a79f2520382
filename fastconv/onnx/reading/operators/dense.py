"""Matrices: `Gemm` and `MatMul`."""

from functools import partial

import numpy as np

from .... import Node, layers
from ....nodes.arranged import arranged
from ....nodes.matrices import matrix_product
from ....nodes.settled import of_rows, settled
from ....typing import Array
from ..call import Call, Weights
from ..values import Refused, Value

__all__ = ["TABLE"]


def gemm(call: Call) -> Node:
    """`Gemm`: y = alpha A B + beta C with the matrices transposed at will; A is the images."""
    x, weight = call.node(0), call.constant(1)
    if call.flag("transA"):
        raise Refused("its transA=1 mixes the images of a batch")
    if len(x.shape) != 1 or weight.ndim != 2:
        raise Refused(f"it needs matrices, got (N, {x.shape}) and {weight.shape}")
    weight = weight if call.flag("transB") else weight.T
    weight = scaled(weight, call.number("alpha", 1.0))
    weights: dict[str, tuple[Array, str | None]] = {"weight": (weight, call.source(1))}
    if call.has(2):
        bias = call.constant(2)
        if bias.ndim > 2 or (bias.ndim == 2 and bias.shape[0] != 1):
            raise Refused(f"its C of shape {bias.shape} is not one bias for all images")
        bias = np.broadcast_to(bias.reshape(-1), weight.shape[:1])
        weights["bias"] = scaled(bias, call.number("beta", 1.0)), call.source(2)
    return linear(call, x, weights)


def scaled(array: Array, factor: float) -> Array:
    """factor times array"""
    return array if factor == 1 else array * factor


def linear(call: Call, x: Node, weights: Weights) -> Node:
    """`Linear` with these arrays."""
    make = partial(layers.Linear, len(weights["weight"][0]), bias="bias" in weights, init="zeros")
    return call.trained(make, x, weights)


def matmul(call: Call) -> Value:
    """`MatMul` of images and a constant matrix, along the last axis."""
    if not isinstance(call.value(1), np.ndarray):
        if isinstance(call.value(0), np.ndarray):
            return constant_first(call)
        return matrix_product(call.arranged(0), call.arranged(1))
    weight = call.constant(1)
    if weight.ndim != 2:
        raise Refused(f"its second input must be a matrix, got shape {weight.shape}")
    weights = {"weight": (weight.T, call.source(1)), **call.bias(weight.shape[1], 0)}
    if len(call.arranged().shape) <= 2:
        call.node(0)  # made once for all its readers
    return of_rows(call.arranged(), lambda rows: linear(call, rows, weights))


def constant_first(call: Call) -> Value:
    """`MatMul` of a constant matrix and images: (x^T W^T)^T."""
    weight, value = call.constant(0), call.arranged(1)
    turned = value.transposed([1, 0]) if len(value.shape) == 2 else None
    if weight.ndim != 2 or turned is None:
        raise Refused(f"it needs matrices, got {weight.shape} and (N, {value.shape})")
    y = linear(call, settled(turned), {"weight": (weight, call.source(0))})
    return arranged(y).transposed([1, 0])


TABLE = {"Gemm": gemm, "MatMul": matmul}
