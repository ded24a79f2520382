"""The check of one problem: what its backward pass does besides its values, then each gradient entry by entry."""

from dataclasses import dataclass

import numpy as np

from ..typing import Array, Generator
from .compare import FAR, Comparison, Tested, beside_kinks, blunt, compare, directed, undecided
from .patterns import pattern
from .problem import Gradient, Problem, label
from .report import Row

REPEATS = 1e-9  # relative: a result that differs more from that of an equal call depends on something else


@dataclass(frozen=True)
class Settings:
    """How much is tested, and how exactly."""

    entries: int
    tolerance: float
    rng: Generator


def examine(problem: Problem, settings: Settings) -> list[Row]:
    """The rows of a problem; what else is wrong is in its `faults`."""
    empty = [name for name, array in problem.arrays.items() if not array.size]
    if empty or not problem.arrays:
        where = f" in {', '.join(empty)}" if problem.arrays else ""
        raise ValueError(f"{problem.title} has no entries to check{where}; give it arrays that are not empty")
    call_elsewhere(problem, settings.rng)  # first, so that what stays from a first call is not that of this point
    y = problem.value()
    finite_everywhere(y, problem)
    if not close(problem.value(), y):
        problem.fault("forward gives other values when it is called again with the same arrays; make it repeatable")
        return []
    dy = problem.weights(y, settings.rng)
    gradients = repeated(problem, dy, settings.rng)
    return [
        examined(problem, gradients, k, (y, dy), settings) if fits(problem, gradient) else unfit(problem, gradient)
        for k, gradient in enumerate(gradients)
    ]


def finite_everywhere(y: Array, problem: Problem) -> None:
    """ValueError if y is not finite at the point itself."""
    if not np.isfinite(y).all():
        count = np.count_nonzero(~np.isfinite(y))
        raise ValueError(
            f"{problem.title} gives NaN or infinity here, in {count} of {y.size} values; check another point"
        )


def repeated(problem: Problem, dy: Array, rng: Generator) -> list[Gradient]:
    """The gradients; those of a second call, after one at another point, must be equal, and leave the first alone."""
    first = copied(problem, problem.gradients(dy))
    earlier = problem.gradients(dy)
    kept = copied(problem, earlier)
    call_elsewhere(problem, rng)
    for before, now in zip(kept, earlier, strict=True):
        if isinstance(now.value, np.ndarray) and not close(now.value, before.value):
            problem.fault(f"{label(now.name)} of one call changes with the next: return a new array in each call")
    problem.value()
    last = copied(problem, problem.gradients(dy))
    for one, other_one in zip(first, last, strict=True):
        if isinstance(one.value, np.ndarray) and not close(one.value, other_one.value):
            problem.fault(
                f"{label(one.name)} is another when backward is called again{grown(one.value, other_one.value)}"
            )
    return last


def call_elsewhere(problem: Problem, rng: Generator) -> None:
    """A forward and a backward pass at another point, with another dy."""
    with problem.elsewhere(rng, 0.01):
        problem.gradients(problem.weights(problem.value(), rng))


def grown(first: Array, last: Array) -> str:
    """What the difference of two calls looks like."""
    if np.shape(first) == np.shape(last) and np.all(np.abs(last) >= np.abs(first)):
        return ": it seems to be added to what an earlier call left"
    return ": it depends on what an earlier call left"


def copied(problem: Problem, gradients: list[Gradient]) -> list[Gradient]:
    """Copies of the arrays."""
    return [each._replace(value=np.array(each.value)) for each in gradients]


def close(a: Array, b: Array) -> bool:
    """Whether two results are equal but for rounding."""
    if np.shape(a) != np.shape(b):
        return False
    scale = float(np.abs(b).max(initial=0, where=np.isfinite(b)))
    return bool(np.allclose(a, b, rtol=REPEATS, atol=REPEATS * scale, equal_nan=True))


def fits(problem: Problem, gradient: Gradient) -> bool:
    """Whether a gradient is a float64 array of the shape of its array."""
    wanted = problem.arrays[gradient.name].shape
    value = gradient.value
    return bool(value.shape == wanted and value.dtype == np.float64)


def unfit(problem: Problem, gradient: Gradient) -> Row:
    """A row for what cannot be compared; a fault says why."""
    value, wanted = gradient.value, problem.arrays[gradient.name].shape
    name = label(gradient.name)
    if value.shape != wanted:
        problem.fault(
            f"{name} must have shape {wanted}, that of {gradient.name}, got {value.shape}{cure(value, wanted)}"
        )
    else:
        problem.fault(f"{name} must be float64 like {gradient.name}, got {value.dtype}")
    return Row(name, value.shape, gradient.note)


def cure(value: Array, wanted: tuple[int, ...]) -> str:
    """What would make the shape right."""
    if value.ndim == len(wanted) + 1 and value.shape[1:] == wanted:
        return ": a sum over axis 0, the batch, is missing"
    if value.ndim == len(wanted) > 1 and value.shape == wanted[::-1]:
        return ": it is transposed"
    return ""


def examined(
    problem: Problem, gradients: list[Gradient], k: int, values: tuple[Array, Array], settings: Settings
) -> Row:
    """The row of one gradient."""
    gradient = gradients[k]
    comparison = Comparison(problem, gradient.name, gradient.value, *values, settings.tolerance)
    tested = compare(comparison, settings.entries, settings.rng)
    unclear = problem.composed and any(map(undecided, tested))
    if unclear or any(map(blunt, tested)):
        with problem.elsewhere(settings.rng, FAR):
            away = copied(problem, problem.gradients(values[1]))[k].value
            moved = Comparison(problem, gradient.name, away, problem.value(), values[1], settings.tolerance)
            tested = beside_kinks(tested, moved, settings.rng) if unclear else tested
            tested += directed(moved, settings.rng, any(each.wrong for each in tested))
    return row_of(comparison, gradient, tested)


def row_of(comparison: Comparison, gradient: Gradient, tested: list[Tested]) -> Row:
    """What the comparisons of one array come to."""
    entries = [each for each in tested if each.place is not None]
    wrong = [each for each in entries if each.wrong] or [each for each in tested if each.wrong]
    suspects = wrong or [each for each in tested if each.vague]
    worst = max(suspects or tested, key=lambda each: each.excess if suspects else each.difference)
    largest = max(comparison.floor, *(max(abs(each.analytic), abs(each.found.value)) for each in tested))
    return Row(
        name=label(gradient.name),
        note=gradient.note,
        shape=comparison.array.shape,
        entries=len(entries),
        directions=len(tested) - len(entries),
        kinks=sum(each.found.kink for each in tested),
        wrong=len(wrong),
        vague=sum(each.vague for each in tested),
        absolute=float(worst.difference),
        relative=float(worst.difference / largest),
        index=worst.place,
        analytic=worst.analytic,
        numeric=worst.found.value,
        pattern=pattern(tested, comparison.array.shape, comparison.gradient),
    )
