"""Equations 4 to 13: from the image to the loss."""

from collections.abc import Iterator

from ..records import Step, same
from . import maps
from .quantities import LOOPS, Quantities, step

__all__ = ["steps"]

FOURIER = "the product of Fourier transforms"
COUNTED = "i, j count the rows and columns that are kept from 1, so I(i-u, j-v) stands for I(i+2-u, j+2-v)."


def steps(q: Quantities) -> Iterator[Step]:
    """All of them."""
    yield from first_layer(q)
    yield from second_layer(q)
    yield from dense_layer(q)


def first_layer(q: Quantities) -> Iterator[Step]:
    """C1 and S1."""
    bias = q.b1[:, None, None]
    star = maps.sigma(maps.convolved(q.I, q.k1[:, 0]) + bias)
    source = r"C^1_p = σ(I * k^1_{1,p} + b^1_p),  σ(x) = \frac{1}{1 + exp(−x)}"
    yield step(4, "Convolution layer C1", source, "C^1", q.C1, same(q.C1, star, FOURIER))
    loops = maps.sigma(maps.sums(q.I[None], q.k1) + bias)
    source = "C^1_p(i,j) = σ(Σ_{u=-2}^{2} Σ_{v=-2}^{2} I(i-u, j-v) · k^1_{1,p}(u,v) + b^1_p)"
    yield step(5, "The same, element by element", source, "C^1", q.C1, same(q.C1, loops, LOOPS), note=COUNTED)
    source = r"S^1_p(i,j) = \frac{1}{4} Σ_{u=0}^{1} Σ_{v=0}^{1} C^1_p(2i-u, 2j-v),  i,j = 1, …, 12"
    yield step(6, "Pooling layer S1", source, "S^1", q.S1, same(q.S1, maps.mean_of_four(q.C1), LOOPS))


def second_layer(q: Quantities) -> Iterator[Step]:
    """C2, S2 and f."""
    bias = q.b2[:, None, None]
    star = maps.sigma(maps.convolved(q.S1, q.k2).sum(1) + bias)
    source = "C^2_q = σ(Σ_{p=1}^{6} S^1_p * k^2_{p,q} + b^2_q)"
    yield step(7, "Convolution layer C2", source, "C^2", q.C2, same(q.C2, star, FOURIER))
    loops = maps.sigma(maps.sums(q.S1, q.k2) + bias)
    source = "C^2_q(i,j) = σ(Σ_{p=1}^{6} Σ_{u=-2}^{2} Σ_{v=-2}^{2} S^1_p(i-u, j-v) · k^2_{p,q}(u,v) + b^2_q)"
    note = COUNTED.replace("I(", "S(")
    yield step(8, "The same, element by element", source, "C^2", q.C2, same(q.C2, loops, LOOPS), note=note)
    source = r"S^2_q(i,j) = \frac{1}{4} Σ_{u=0}^{1} Σ_{v=0}^{1} C^2_q(2i-u, 2j-v),  i,j = 1, …, 4"
    yield step(9, "Pooling layer S2", source, "S^2", q.S2, same(q.S2, maps.mean_of_four(q.C2), LOOPS))
    title, scan = "Vectorization by column scan, and concatenation", maps.column_scan(q.S2)
    yield step(10, title, "f = F({S^2_q}_{q=1,2,…,12})", "f", q.f, same(q.f, scan, "the columns of S² of (9)"))
    back = maps.inverse_scan(q.f, q.S2.shape)
    source = "{S^2_q}_{q=1,2,…,12} = F^{-1}(f)"
    yield step(11, "The reverse process", source, "F^{-1}(f)", back, same(back, q.S2, "S² of (9)"))


def dense_layer(q: Quantities) -> Iterator[Step]:
    """The output and the loss."""
    yhat = maps.sigma((q.W * q.f).sum(1) + q.b)
    yield step(12, "Fully connected layer FC", "ŷ = σ(W × f + b)", "ŷ", q.yhat, same(q.yhat, yhat, LOOPS))
    loss = 0.5 * sum((a - t) ** 2 for a, t in zip(q.yhat.tolist(), q.y.tolist(), strict=True))
    source = r"L = \frac{1}{2} Σ_{i=1}^{10} (ŷ(i) − y(i))^2"
    yield step(13, "Loss function", source, "L", q.run.loss, same(q.run.loss, loss, LOOPS))
