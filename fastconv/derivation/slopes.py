"""Gradients compared with central differences, many perturbed copies at a time; kinks and ties are counted apart."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from ..differences import central_differences
from ..typing import Array, Generator
from .records import Check

__all__ = ["compared", "slopes"]

Batched: TypeAlias = Callable[[Array], Array]  # (K, *x.shape) -> (K, ...)
Index: TypeAlias = tuple[int, ...]

STEP = 3e-5  # errors: (step^2 / 6) f''' of the curve, and 1e-16 L / step of rounding
SHARE = 1e-6  # of the largest entry of a gradient
ROUNDING = 2e-10  # absolute, for a loss of about 1
MOST = 4096  # entries of one array that are compared
COPIES = 1 << 20  # numbers in the perturbed copies of one call


def slopes(f: Batched, x: Array, dy: Array | None = None, places: Sequence[Index] | None = None) -> Array:
    """Central differences of L = sum dy f(x); with `places`, of these entries alone."""
    chosen = list(np.ndindex(x.shape)) if places is None else places
    at_once = max(1, COPIES // max(1, x.size))
    parts = [
        central_differences(f, x, dy, step=STEP, entries=chosen[start : start + at_once], batched=True)
        for start in range(0, len(chosen), at_once)
    ]
    found: Array = np.concatenate([np.zeros(0), *parts])
    return found.reshape(x.shape) if places is None else found


def compared(gradient: Array, f: Batched, x: Array, rng: Generator, found: Array | None = None) -> Check:
    """The check of a gradient of f, which gives one number for each x, with central differences.

    All entries where they are few, else a random choice. Where an entry differs, both sides are looked at from nearer:
    an entry whose slopes to the left and to the right differ even there is at a kink, and does not count.
    `found` are the central differences, where they are known.
    """
    against = "central differences of L"
    if gradient.shape != x.shape:
        return Check(f"{against}, of shape {x.shape} and not {gradient.shape}", float("inf"), 0.0, 0, x.size)
    places = chosen(x, rng) if found is None else list(np.ndindex(x.shape))
    given = np.array([gradient[place] for place in places])
    middle = float(f(x[None])[0])
    noise = ROUNDING * max(1.0, abs(middle))
    limit = SHARE * float(np.abs(gradient).max(initial=0.0)) + noise
    apart = np.abs(given - (slopes(f, x, None, places) if found is None else found.ravel()))
    wrong = np.flatnonzero(~(apart <= limit))
    kinks = 0
    if wrong.size:
        bent, nearer = looked_at(f, x, middle, [places[k] for k in wrong], 64 * noise)
        excused = bent | (np.abs(given[wrong] - nearer) <= limit + 64 * noise)
        apart[wrong[excused]] = 0.0
        kinks = int(bent.sum())
    return Check(against, float(apart.max(initial=0.0)), limit, len(places), x.size, kinks)


def looked_at(f: Batched, x: Array, middle: float, places: Sequence[Index], noise: float) -> tuple[Array, Array]:
    """(whether there is a kink, the mean of the slopes on both sides) for each place, from nearer than the step.

    The slopes to the left and to the right differ by h f'' where f is smooth, and by a constant at a kink.
    """
    jumps = []
    for h in (STEP / 16, STEP / 256):
        left, right = one_sided(f, x, middle, places, h)
        jumps.append(np.abs(right - left))
    bent: Array = (jumps[1] > noise) & (jumps[1] > jumps[0] / 4)
    return bent, (left + right) / 2


def chosen(x: Array, rng: Generator) -> list[Index]:
    """The indices to compare: all, or a random choice in order."""
    if x.size <= MOST:
        return list(np.ndindex(x.shape))
    picked = np.sort(rng.choice(x.size, MOST // 4, replace=False))
    return list(zip(*(axis.tolist() for axis in np.unravel_index(picked, x.shape)), strict=True))


def one_sided(f: Batched, x: Array, middle: float, places: Sequence[Index], near: float) -> tuple[Array, Array]:
    """(f(x) - f(x - h)) / h and (f(x + h) - f(x)) / h for each place, h = near."""
    found = {-near: np.empty(len(places)), near: np.empty(len(places))}
    at_once = max(1, COPIES // max(1, x.size))
    for start in range(0, len(places), at_once):
        part = places[start : start + at_once]
        for h, slope in found.items():
            copies = np.repeat(x[None], len(part), axis=0)
            for k, place in enumerate(part):
                copies[(k, *place)] += h
            slope[start : start + len(part)] = (f(copies) - middle) / h
    return found[-near], found[near]
