"""The derivative of L = sum dy y along one direction, from values of y on both sides of the point.

slope    (L(h) - L(-h)) / 2h for h and h / 4; a 15th of their difference removes the error in h^2 (Richardson)
error    that 15th, the rounding error, and what a kink of y within h may add
kink     some element of y has another derivative to the left than to the right, however small h is
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..typing import Array

FIRST = 2.0**-10  # the first step, as a share of the size of the values
RATIO = 4.0  # between two steps
STEPS = 11  # the last is 2^-30 of the size
ENOUGH = 1e-7  # a smaller relative error is not asked for
ROUNDING = 4 * float(np.finfo("float64").eps)

Line = Callable[[float], Array]  # t -> y at the point that lies t along the direction


def norm(a: Array) -> float:
    """The root of the sum of squares."""
    return float(np.sqrt(np.square(a).sum()))


class Slope(NamedTuple):
    """The derivative along a direction; at a kink the derivatives that it may have are those from low to high."""

    value: float
    error: float  # an estimate: the value is no more exact than this
    low: float
    high: float
    scale: float = 0.0  # of what the value is the sum of: the root of the sum of (dy dy/dt)^2
    kink: bool = False
    reach: float = 0.0  # the slope to one side of the largest step; not 0 at the bottom of a parabola


class Step(NamedTuple):
    """The difference quotients of one step: to the left and to the right, for each element of y, times dy."""

    h: float
    left: Array
    right: Array
    rounding: float

    @property
    def central(self) -> float:
        """(L(h) - L(-h)) / 2h"""
        return float((self.left + self.right).sum()) / 2

    @property
    def apart(self) -> float:
        """The sum of |right - left|: proportional to h where y is smooth, constant where it has a kink."""
        return float(np.abs(self.right - self.left).sum())

    @property
    def scale(self) -> float:
        """The root of the sum of (dy dy/dt)^2 over the elements of y."""
        return norm(self.left + self.right) / 2

    @property
    def reach(self) -> float:
        """The larger of the slopes to both sides, as `scale`."""
        return max(norm(self.left), norm(self.right))


NOTHING = Slope(np.nan, np.inf, -np.inf, np.inf, np.inf)  # y is not finite beside the point
TRUST = 10  # how many estimated errors of a larger step a smaller one may be away: below this it is lost in rounding


def slope(y: Line, middle: Array, dy: Array | float, size: float) -> Slope:
    """dL/dt at t = 0, where y(0) is `middle`, and y changes little while t is much smaller than `size`."""
    steps: list[Step] = []
    best = sides = NOTHING
    for step in quotients(y, middle, dy, size):
        if steps:
            best = better(best, smooth(steps[-1], step))
            if best.error <= ENOUGH * best.scale:
                break
            sides = better(sides, one_sided(steps[-1], step))
        steps.append(step)
    found = min(best, sides, key=error_of)
    return found._replace(reach=steps[0].reach) if steps else found


def better(best: Slope, new: Slope) -> Slope:
    """The more exact of two, where the new one is from smaller steps, and is not believed if it contradicts the other.

    When a step is so small that y does not change, all quotients are 0 and agree.
    """
    room = TRUST * best.error
    agrees = best.low - room <= new.low and new.high <= best.high + room
    return new if agrees and new.error < best.error else best


def error_of(found: Slope) -> float:
    """What is compared to find the best."""
    return found.error


def quotients(y: Line, middle: Array, dy: Array | float, size: float) -> Iterator[Step]:
    """The difference quotients for smaller and smaller steps; none where y is not finite."""
    moved: Any = False  # the elements of y that depend on t; small steps may be lost in their rounding
    terms = np.abs(dy * middle)
    terms = np.maximum(terms, terms.mean() if terms.ndim else 1.0)  # a loss near 0 is made of numbers near 1
    for k in range(STEPS):
        h = size * FIRST / RATIO**k
        with np.errstate(invalid="ignore", over="ignore"):
            left, right = dy * (middle - y(-h)) / h, dy * (y(h) - middle) / h
        if np.isfinite(left).all() and np.isfinite(right).all():
            moved = moved | (left != 0) | (right != 0)
            yield Step(h, left, right, ROUNDING * norm(terms * moved) / h)


def smooth(coarse: Step, fine: Step) -> Slope:
    """The slope from two central differences; its error is large if y has a kink within the smaller step.

    Where y is smooth, `apart` becomes `RATIO` times smaller; what does not become smaller is the jump of y'.
    """
    correction = (fine.central - coarse.central) / ((coarse.h / fine.h) ** 2 - 1)
    jump = max(0.0, fine.apart - (coarse.apart - fine.apart) / (coarse.h / fine.h - 1))
    value = fine.central + correction
    return Slope(value, abs(correction) + jump / 2 + fine.rounding, value, value, fine.scale)


def one_sided(coarse: Step, fine: Step) -> Slope:
    """The derivatives from both sides; each element of y may have any between its two."""
    ratio = coarse.h / fine.h
    corrections = [
        (fine.left - coarse.left) / (ratio - 1),
        (fine.right - coarse.right) / (ratio - 1),
    ]
    left, right = fine.left + corrections[0], fine.right + corrections[1]
    error = sum(float(np.abs(correction).sum()) for correction in corrections) + 2 * fine.rounding
    low, high = float(np.minimum(left, right).sum()), float(np.maximum(left, right).sum())
    return Slope((low + high) / 2, error, low, high, max(fine.scale, abs(low), abs(high)), high - low > 2 * error)
