"""The gradients of a convolution layer's kernels and bias: eqs. 33 to 45 for C2, 53 to 64 for C1.

Eq. 38 stands between 37 and 39: what C2 is before its sigmoid.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...typing import Array
from ..records import Step, same
from ..slopes import slopes
from . import maps
from .quantities import CHAIN, LOOPS, Quantities, chain, step

__all__ = ["FIRST", "SECOND", "Layer", "bias_steps", "kernel_steps"]


class Layer(NamedTuple):
    """The letters and numbers of one convolution layer."""

    level: int  # 1 or 2: of C, k and b
    size: int  # rows and columns of its maps
    k: str  # one of its kernels, as the paper writes it
    C: str
    C_sigma: str
    b: str
    read: str  # the maps that it reads
    sums: str  # of the convolution
    first: int  # the number of the first equation for the kernels
    value: int  # the node of C


SECOND = Layer(2, 8, "k^2_{p,q}", "C^2_q", "C^2_{q,σ}", "b^2_q", "S^1_p", "Σ_{p=1}^{6} ", 33, 5)
FIRST = Layer(1, 24, "k^1_{1,p}", "C^1_p", "C^1_{p,σ}", "b^1_p", "I", "", 53, 2)


class Arrays(NamedTuple):
    """The arrays of one convolution layer."""

    x: Array  # the maps that it reads
    k: Array
    b: Array
    C: Array
    dk: Array
    db: Array
    dC: Array
    dCs: Array


def arrays_of(q: Quantities, layer: Layer) -> Arrays:
    """The arrays of C1 or C2."""
    if layer is FIRST:
        return Arrays(q.I[None], q.k1, q.b1, q.C1, q.dk1, q.db1, q.dC1, q.dC1s)
    return Arrays(q.S1, q.k2, q.b2, q.C2, q.dk2, q.db2, q.dC2, q.dC2s)


def inside(layer: Layer) -> str:
    """C before the sigmoid, as a sum."""
    return f"{layer.sums}Σ_{{u=-2}}^{{2}} Σ_{{v=-2}}^{{2}} {layer.read}(i-u, j-v) · {layer.k}(u,v) + {layer.b}"


def over_map(layer: Layer) -> str:
    """The sums over the pixels of a map."""
    return f"Σ_{{i=1}}^{{{layer.size}}} Σ_{{j=1}}^{{{layer.size}}}"


def turned(read: str) -> str:
    """The maps that the layer reads, rotated."""
    return "I_{rot180}" if read == "I" else "S^1_{p,rot180}"


def maps_of(a: Arrays, k: Array | None = None, b: Array | None = None) -> Array:
    """C by its definition, for many kernels or many biases."""
    k, b = a.k if k is None else k, a.b if b is None else b
    return maps.sigma(maps.sums(a.x, k) + b[..., None, None])


def kernel_steps(q: Quantities, layer: Layer) -> Iterator[Step]:
    """2.3 and 2.5: eqs. 33 to 40, or 53 to 59."""
    a, n, dk = arrays_of(q, layer), layer.first, f"Δk^{layer.level}"
    d, sums, C = f"Δ{layer.k}(u,v)", over_map(layer), layer.C
    of, section = rf"∂{layer.k}(u,v)", f"Δk{'¹²'[layer.level - 1]}"
    title = f"Now we are ready to derive {section} (each of size 5×5)"
    yield step(n, title, rf"{d} = \frac{{∂L}}{{{of}}}", dk, a.dk, q.of_parameter(f"k{layer.level}"))
    outer = q.slopes(layer.value)
    by_chain = slopes(lambda k: maps_of(a, k=k), a.k, outer)
    source = rf"= {sums} \frac{{∂L}}{{∂{C}(i,j)}} · \frac{{∂{C}(i,j)}}{{{of}}}"
    yield step(n + 1, "Chain rule: over all pixels", source, dk, by_chain, chain(by_chain, a.dk))
    inner = slopes(lambda k: maps_of(a, k=k), a.k, a.dC)
    source = rf"= {sums} Δ{C}(i,j) · \frac{{∂}}{{{of}}} σ({inside(layer)})"
    which = "p, u, v" if layer is SECOND else "u, v"
    note = f"The {which} of the sums inside are others than those of {section}(u,v)."
    title = f"C{'¹²'[layer.level - 1]} from ({8 if layer is SECOND else 5})"
    yield step(n + 2, title, source, dk, inner, chain(inner, by_chain), note=note)
    closed = maps.kernel_sums(a.x, a.dC * a.C * (1 - a.C))
    source = f"= {sums} Δ{C}(i,j) · {C}(i,j) (1 − {C}(i,j)) · {layer.read}(i-u, j-v)"
    checks = chain(closed, inner), same(closed, a.dk, f"{section} of ({n})")
    yield step(n + 3, "σ′ = σ (1 − σ)", source, dk, closed, *checks)
    yield from before_sigmoid(q, layer, a)
    yield from rotated(layer, a, closed)


def before_sigmoid(q: Quantities, layer: Layer, a: Arrays) -> Iterator[Step]:
    """Eqs. 37 and 38, or 57."""
    C, number = layer.C, layer.first + 4
    error = a.dC * a.C * (1 - a.C)
    source = f"Δ{layer.C_sigma}(i,j) = Δ{C}(i,j) · {C}(i,j) (1 − {C}(i,j))"
    title = f"The error before the sigmoid on C{layer.level}"
    checks = same(a.dCs, error, LOOPS), q.of_value(layer.value - 1)
    yield step(number, title, source, f"ΔC^{layer.level}_σ", a.dCs, *checks)
    if layer is SECOND:
        source = f"{layer.C_sigma}(i,j) = {inside(layer)}"
        note = "The paper writes 'Therefore'; it is the definition of what lies inside σ in (8)."
        loops = maps.sums(q.S1, q.k2) + q.b2[:, None, None]
        yield step(38, "C2 before the sigmoid", source, "C^2_σ", q.C2s, same(q.C2s, loops, LOOPS), note=note)


def rotated(layer: Layer, a: Arrays, closed: Array) -> Iterator[Step]:
    """Eqs. 39 and 40, or 58 and 59."""
    number, dk = (39, "Δk^2") if layer is SECOND else (58, "Δk^1")
    flip, shown = turned(layer.read), layer.read.replace("^1_p", "¹")
    sums = maps.rotated_sums(a.x, a.dCs)
    source = f"Δ{layer.k}(u,v) = {over_map(layer)} {flip}(u-i, v-j) · Δ{layer.C_sigma}(i,j)"
    above = f"the sum of ({layer.first + 3})"
    note = f"Rotated about the index 0: {shown}_rot180(u-i, v-j) = {shown}(i-u, j-v); in an array the index is moved."
    yield step(number, f"{shown} rotated by 180 degrees", source, dk, sums, same(sums, closed, above), note=note)
    star = maps.convolved(maps.rot180(a.x)[None], a.dCs[:, None])
    source = f"⟹ Δ{layer.k} = {flip} * Δ{layer.C_sigma}"
    note = "Here * is kept where the two overlap whole, which leaves 5×5."
    yield step(number + 1, "As a convolution", source, dk, star, same(star, sums, CHAIN), note=note)


def bias_steps(q: Quantities, layer: Layer) -> Iterator[Step]:
    """2.4 and 2.6: eqs. 41 to 45, or 60 to 64."""
    a, db = arrays_of(q, layer), f"Δb^{layer.level}"
    n, section = (41, "2.4") if layer is SECOND else (60, "2.6")
    of, sums, C = f"∂{layer.b}", over_map(layer), layer.C
    title = f"{section} Δb{'¹²'[layer.level - 1]} (each of size 1×1)"
    yield step(n, title, rf"Δ{layer.b} = \frac{{∂L}}{{{of}}}", db, a.db, q.of_parameter(f"b{layer.level}"))
    outer = q.slopes(layer.value)
    by_chain = slopes(lambda b: maps_of(a, b=b), a.b, outer)
    source = rf"= {sums} \frac{{∂L}}{{∂{C}(i,j)}} · \frac{{∂{C}(i,j)}}{{{of}}}"
    yield step(n + 1, "Chain rule: over all pixels", source, db, by_chain, chain(by_chain, a.db))
    inner = slopes(lambda b: maps_of(a, b=b), a.b, a.dC)
    source = rf"= {sums} Δ{C}(i,j) · \frac{{∂}}{{{of}}} σ({inside(layer)})"
    title = f"C{'¹²'[layer.level - 1]} from ({8 if layer is SECOND else 5})"
    yield step(n + 2, title, source, db, inner, chain(inner, by_chain))
    closed = np.array([(dC * C_ * (1 - C_)).sum() for dC, C_ in zip(a.dC, a.C, strict=True)])
    source = f"= {sums} Δ{C}(i,j) · {C}(i,j) (1 − {C}(i,j))"
    checks = chain(closed, inner), same(closed, a.db, f"Δb{'¹²'[layer.level - 1]} of ({n})")
    yield step(n + 3, "σ′ = σ (1 − σ)", source, db, closed, *checks)
    short = a.dCs.sum((1, 2))
    source = f"= {sums} Δ{layer.C_sigma}(i,j)"
    title = f"With ΔC_σ of ({layer.first + 4})"
    yield step(n + 4, title, source, db, short, same(short, closed, CHAIN))
