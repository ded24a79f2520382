"""Equations 31, 32 and 46 to 52: errors go back through vectorization, pooling and convolution."""

from collections.abc import Iterator

from ...typing import Array
from ..records import Step, same
from ..slopes import slopes
from . import maps
from .quantities import CHAIN, LOOPS, Quantities, chain, step

__all__ = ["first_layer", "second_layer"]

SUMS = "Σ_{q=1}^{12} Σ_{u=-2}^{2} Σ_{v=-2}^{2}"
MOVED = "ΔC^2_{q,σ}(i+u, j+v)"


def second_layer(q: Quantities) -> Iterator[Step]:
    """Eqs. 31 and 32: from f to C2."""
    back = maps.inverse_scan(q.df, q.S2.shape)
    source = "{ΔS^2_q}_{q=1,2,…,12} = F^{-1}(Δf)"
    checks = same(q.dS2, back, "the reverse scan of Δf"), q.of_value(6)
    yield step(31, "Error on S2: Δf reshaped", source, "ΔS^2", q.dS2, *checks)
    up = maps.upsampled(q.dS2)
    source = r"ΔC^2_q(i,j) = \frac{1}{4} ΔS^2_q(⌈i/2⌉, ⌈j/2⌉),  i,j = 1, …, 8"
    yield step(32, "Error on C2: upsampling", source, "ΔC^2", q.dC2, same(q.dC2, up, LOOPS), q.of_value(5))


def first_layer(q: Quantities) -> Iterator[Step]:
    """Eqs. 46 to 52: from C2 to C1."""
    of, title = "∂S^1_p(i,j)", "2.5 Δk¹ first needs the error on S1"
    yield step(46, title, rf"ΔS^1_p(i,j) = \frac{{∂L}}{{{of}}}", "ΔS^1", q.dS1, q.of_value(3))
    outer = q.slopes(4)
    by_chain = slopes(lambda S: before_sigmoid(q, S), q.S1, outer)
    moved = "C^2_{q,σ}(i+u, j+v)"
    source = rf"= {SUMS} \frac{{∂L}}{{∂{moved}}} · \frac{{∂{moved}}}{{{of}}}"
    note = "i+u stands for i-2+u, as in (8), and errors outside C2 count as 0."
    yield step(
        47, "Chain rule: S¹ acts through C² before σ", source, "ΔS^1", by_chain, chain(by_chain, q.dS1), note=note
    )
    inner = slopes(lambda S: before_sigmoid(q, S), q.S1, q.dC2s)
    inside = "(Σ_{p=1}^{6} Σ_{u=-2}^{2} Σ_{v=-2}^{2} S^1_p(i,j) · k^2_{p,q}(u,v) + b^2_q)"
    source = rf"= {SUMS} {MOVED} · \frac{{∂}}{{{of}}} {inside}"
    note = "The p, u, v inside are others than those outside; only the term with the same ones depends on S¹(i,j)."
    yield step(48, "C² before σ from (38)", source, "ΔS^1", inner, chain(inner, by_chain), note=note)
    loops = maps.spread(q.dC2s, q.k2)
    checks = chain(loops, inner), same(loops, q.dS1, "ΔS¹ of (46)")
    yield step(49, "One term of the sum remains", f"= {SUMS} {MOVED} · k^2_{{p,q}}(u,v)", "ΔS^1", loops, *checks)
    turned = maps.spread_rotated(q.dC2s, q.k2)
    source = f"ΔS^1_p(i,j) = {SUMS} ΔC^2_{{q,σ}}(i-(-u), j-(-v)) · k^2_{{p,q,rot180}}(-u,-v)"
    title = "The kernel rotated by 180 degrees"
    yield step(50, title, source, "ΔS^1", turned, same(turned, loops, CHAIN))
    star = maps.convolved_full(q.dC2s[:, None], maps.rot180(q.k2)).sum(0)
    source = "⟹ ΔS^1_p = Σ_{q=1}^{12} ΔC^2_{q,σ} * k^2_{p,q,rot180}"
    note = "Here * is the full convolution: the error map grows from 8×8 to 12×12."
    yield step(51, "As a convolution", source, "ΔS^1", star, same(star, turned, CHAIN), note=note)
    source = r"ΔC^1_p(i,j) = \frac{1}{4} ΔS^1_p(⌈i/2⌉, ⌈j/2⌉),  i,j = 1, …, 24"
    up = same(q.dC1, maps.upsampled(q.dS1), LOOPS)
    yield step(52, "Error on C1: upsampling", source, "ΔC^1", q.dC1, up, q.of_value(2))


def before_sigmoid(q: Quantities, S1: Array) -> Array:
    """Eq. 38 for many S1."""
    return maps.sums(S1, q.k2) + q.b2[:, None, None]
