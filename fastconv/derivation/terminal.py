"""A derivation as text of 80 columns."""

import textwrap
from collections.abc import Iterator

from .notation import text
from .numbers import head_and_tail, shape_of, statistics
from .records import Check, Step
from .result import Derivation

__all__ = ["text_of"]

COLUMNS = 80
LABELS = 17  # of the names at the top
MARGIN = 6  # of what stands below an equation
SECTIONS = {"forward": "Forward", "backward": "Backward", "update": "Update"}


def text_of(derivation: Derivation, count: int) -> str:
    """The whole derivation."""
    return "\n".join([*head(derivation), *body(derivation, count), "", *wrapped(derivation.summary(), 0)])


def head(derivation: Derivation) -> Iterator[str]:
    """What was computed, and with what."""
    for name, value in derivation.about.items():
        yield textwrap.fill(f"{name:<{LABELS}}{value}", COLUMNS, subsequent_indent=" " * LABELS)


def body(derivation: Derivation, count: int) -> Iterator[str]:
    """The steps, below the name of their direction."""
    direction = ""
    for step in derivation.steps:
        if step.direction != direction:
            direction = step.direction
            yield from ("", SECTIONS[direction], "─" * COLUMNS)
        yield from lines(step, count)


def lines(step: Step, count: int) -> Iterator[str]:
    """One step: its title, the equation, its values and its checks."""
    if step.number is None:
        yield from wrapped(step.title, 0, MARGIN)
        yield from wrapped(step.cites, MARGIN, 2)
    else:
        yield f"{step.cites:<{MARGIN}}{step.title}"
    yield from wrapped(step.equation, MARGIN, 4)
    yield from wrapped(f"{text(step.symbol)}: {size(step, count)}", MARGIN, 2)
    yield from wrapped(head_and_tail(step.values, count), MARGIN + 2, 0)
    if step.note:
        yield from wrapped(step.note, MARGIN)
    for check in step.checks:
        yield from wrapped(verdict(check), MARGIN, 2)


def size(step: Step, count: int) -> str:
    """The shape, and what the values lie between where not all are shown."""
    more = statistics(step.values, count)
    return shape_of(step.values) + (f", {more}" if more else "")


def verdict(check: Check) -> str:
    """One check in a line."""
    if check.passed:
        closely = f"to {check.difference:.1e}" if check.difference else "exactly"
        words = f"✓ agrees with {check.against} {closely}"
    else:
        words = f"✗ differs from {check.against} by {check.difference:.1e}, {check.limit:.1e} allowed"
    some = f", {check.entries:,} of {check.size:,} entries" if check.entries < check.size else ""
    kinks = f", {check.kinks:,} at a kink" if check.kinks else ""
    return words + some + kinks


def wrapped(line: str, margin: int, hanging: int = 0) -> list[str]:
    """The line in lines of 80 columns with a margin."""
    before, later = " " * margin, " " * (margin + hanging)
    options = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(line, COLUMNS, initial_indent=before, subsequent_indent=later, **options)  # type: ignore[arg-type]
