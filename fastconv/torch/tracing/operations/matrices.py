"""Products of matrices that are both computed from the images, and attention."""

from collections.abc import Callable
from math import sqrt
from typing import Any

from .... import layers
from ....nodes.arranged import arranged
from ....nodes.bounded import softmax_along
from ....nodes.matrices import matrix_product
from ....nodes.pieces import affine
from ....nodes.refused import Refused
from ....nodes.settled import settled
from ..tensors import arranged_of, is_traced

__all__ = ["TABLE"]


def matmul(trace: Any, a: Any, b: Any) -> Any:
    """a @ b of each image"""
    if not (is_traced(a) and is_traced(b)):
        raise Refused("one of its inputs is not computed from the images; a layer Linear has a matrix of its own")
    return matrix_product(arranged_of(a), arranged_of(b))


def attention(
    trace: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(q k^T / sqrt(d)) v"""
    if attn_mask is not None or dropout_p or is_causal or enable_gqa:
        raise Refused("it has a mask, dropout, or fewer keys than queries")
    q, k, v = (arranged_of(each) for each in (query, key, value))
    axes = list(range(len(k.shape)))
    turned = k.transposed([*axes[:-2], axes[-1], axes[-2]])
    if turned is None:
        raise Refused(f"the axes of its keys (N, {k.shape}) cannot be exchanged")
    scores = settled(matrix_product(q, turned))
    scores = affine(scores, 1 / sqrt(q.shape[-1]) if scale is None else scale, 0.0)
    weights = softmax_along(arranged(scores), len(axes) - 1, layers.Softmax)
    return matrix_product(weights, v)


TABLE: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("matmul", "bmm", "__matmul__"), matmul),
    "scaled_dot_product_attention": attention,
}
