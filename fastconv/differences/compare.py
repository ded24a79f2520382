"""One gradient against central differences: entries, and random directions through all entries of a large array.

An entry is wrong if the difference is larger than `tolerance` of the slope, ten times the estimated error of the
central difference, and the rounding errors of numbers of this size. At a kink every gradient between the slopes to both
sides is right.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..typing import Array, Generator
from .central import Index, size_of
from .problem import Problem, signed
from .slope import ENOUGH, Slope, norm, slope

DIRECTIONS = 2  # random ones, through all entries of an array of which only some are tested
STRICTER = 0.1  # along a direction, where the error of one entry must show in the sum over all
SAFETY = 10  # how much larger than its estimate the error of a slope may be
VAGUE = 0.01  # a larger error, as a share of the slope or of the largest entry, decides nothing
FAR = 1e-3  # how far from kinks that meet the gradient is compared again, as a share of the values


class Tested(NamedTuple):
    """One comparison, of an entry or (place None) along a direction."""

    place: Index | None
    analytic: float
    found: Slope
    difference: float  # to the nearest slope that is right
    allowed: float
    vague: bool = False

    @property
    def wrong(self) -> bool:
        """Whether the difference is too large."""
        return not self.difference <= self.allowed

    @property
    def excess(self) -> float:
        """The difference as a multiple of what is allowed."""
        return np.inf if np.isnan(self.difference) else self.difference / self.allowed


@dataclass
class Comparison:
    """A gradient of one array of a problem, at the point where its arrays are."""

    problem: Problem
    name: str
    gradient: Array
    y: Array
    dy: Array
    tolerance: float
    floor: float = field(init=False)  # rounding errors of the gradient
    unit: float = field(init=False)  # the size of its largest entries

    def __post_init__(self) -> None:
        self.array = self.problem.arrays[self.name]
        self.size = size_of(self.array)
        total = norm(self.dy * self.y)
        largest = float(np.abs(self.gradient).max(initial=0, where=np.isfinite(self.gradient)))
        self.floor = 1e-12 * total / self.size + 1e-10 * largest + 1e-300
        self.unit = max(largest, 1e-3 * total / self.size, 1e-300)

    def entry(self, index: Index) -> Tested:
        """One entry; it is put back."""
        before = self.array[index]

        def y(t: float) -> Array:
            self.array[index] = before + t
            return self.problem.value()

        try:
            found = slope(y, self.y, self.dy, max(self.size, abs(float(before))))
        finally:
            self.array[index] = before
        return self.judged(index, float(self.gradient[index]), found, 1.0)

    def direction(self, v: Array) -> Tested:
        """All entries together, along v."""
        before = self.array.copy()

        def y(t: float) -> Array:
            np.add(before, t * v, out=self.array)
            return self.problem.value()

        try:
            found = slope(y, self.y, self.dy, self.size, STRICTER**2 * ENOUGH)
        finally:
            self.array[...] = before
        analytic = float((self.gradient * v).sum())
        return self.judged(None, analytic, found, norm(v))

    def judged(self, index: Index | None, analytic: float, found: Slope, length: float) -> Tested:
        """The difference, and how large it may be."""
        floor = self.floor * length
        size = max(abs(analytic), abs(found.value))
        difference = max(analytic - found.high, found.low - analytic, 0.0) if np.isfinite(analytic) else np.nan
        error = SAFETY * found.error
        vague = not error <= VAGUE * max(size, found.scale, found.reach, self.unit * length)
        tolerance = self.tolerance * (1 if index is not None else STRICTER)
        return Tested(index, analytic, found, difference, tolerance * size + error + floor, vague)

    def random_direction(self, rng: Generator) -> Array:
        """A number of size one half to one and a half for each entry, with random signs."""
        return signed(rng, self.array.shape, 1.5)

    def culprit(self, v: Array) -> Tested | None:
        """A wrong entry among those where v is not 0, found by halving a direction that is wrong."""
        places = np.flatnonzero(v)
        while len(places) > 1:
            halves = np.array_split(places, 2)
            tested = [self.direction(part_of(v, half)) for half in halves]
            worse = int(tested[1].excess > tested[0].excess)
            if not tested[worse].wrong:
                return None
            places = halves[worse]
        return self.entry(index_of(int(places[0]), self.array.shape))


def part_of(v: Array, places: Array) -> Array:
    """v at these places of its entries, 0 elsewhere."""
    part = np.zeros_like(v)
    part.reshape(-1)[places] = v.reshape(-1)[places]
    return part


def index_of(place: int, shape: tuple[int, ...]) -> Index:
    """The index tuple of a place among all entries."""
    return tuple(int(i) for i in np.unravel_index(place, shape))


def chosen_places(size: int, count: int, rng: Generator) -> list[int]:
    """All entries if they are few, else the first, the last and random ones."""
    if size <= count:
        return list(range(size))
    ends = [0, size - 1][:count]
    between = rng.choice(size - 2, count - len(ends), replace=False) + 1
    return sorted([*ends, *(int(i) for i in between)])


def compare(comparison: Comparison, count: int, rng: Generator) -> list[Tested]:
    """The entries tested, and directions where these are not all; a direction that is wrong is followed to an entry."""
    array = comparison.array
    places = chosen_places(array.size, count, rng)
    tested = [comparison.entry(index_of(place, array.shape)) for place in places]
    if len(places) < array.size:
        tested += directed(comparison, rng, found=any(each.wrong for each in tested))
    return tested


def directed(comparison: Comparison, rng: Generator, found: bool) -> list[Tested]:
    """Random directions; unless a wrong entry was found already, one that is wrong is followed to an entry.

    In a model a direction without a wrong entry counts as one at kinks: all entries together move more values across
    the ties of maxima than one entry does.
    """
    tested = []
    for _ in range(DIRECTIONS):
        v = comparison.random_direction(rng)
        along = comparison.direction(v)
        if along.wrong and not found:
            culprit = comparison.culprit(v)
            found = culprit is not None and culprit.wrong
            if comparison.problem.composed and not found:
                along = along._replace(difference=0.0, found=along.found._replace(kink=True))
            tested += [] if culprit is None else [culprit]
        tested.append(along)
    return tested


def beside_kinks(tested: list[Tested], away: Comparison, rng: Generator) -> list[Tested]:
    """The same list; what is undecided here counts as it is at the point of `away`, which lies close by."""
    return [retested(away, each, rng) if undecided(each) else each for each in tested]


def undecided(each: Tested) -> bool:
    """Whether this point of a model cannot tell right from wrong.

    Where kinks of several functions meet, the slopes of their composition to both sides need not enclose what the chain
    rule gives with any choice at each of them; and batch norm of equal values bends too sharply for any step.
    """
    return each.vague or (each.wrong and each.found.kink)


def retested(away: Comparison, each: Tested, rng: Generator) -> Tested:
    """The same comparison at another point, counted as one at a kink."""
    moved = directed(away, rng, found=False)[0] if each.place is None else away.entry(each.place)
    return moved._replace(found=moved.found._replace(kink=True))


def blunt(each: Tested) -> bool:
    """Whether this is a direction at kinks: all slopes between both sides are right, and one entry counts little."""
    return each.place is None and each.found.kink and not each.wrong
