"""Spans of parameters that one call updates: neighbours with equal settings that have made equally many steps."""

from bisect import bisect_right
from typing import Any, NamedTuple

from ..parameters import Arrays
from .blocks import StateBlock


class Span(NamedTuple):
    """The elements from `start` to `stop` of a vector of parameters."""

    start: int
    stop: int
    rule: Any  # the optimizer with the settings of these parameters; None for the optimizer itself
    first: int  # which parameter of the block is the first one


class Spans(NamedTuple):
    """The spans of the parameters that a step updates."""

    made_of: tuple[object, ...]  # the layout, the names and the version of the settings that they were made from
    spans: list[Span]
    parameters: list[int] | None  # which parameters of the block these are; None for all

    def within(self, start: int, stop: int) -> list[tuple[int, int, Span]]:
        """(first element, end, span) of the parts of spans that lie from `start` to `stop`."""
        at = max(0, bisect_right(self.spans, start, key=lambda span: span.start) - 1)
        found = []
        for span in self.spans[at:]:
            if span.start >= stop:
                break
            if span.stop > start:
                found.append((max(start, span.start), min(stop, span.stop), span))
        return found


def spans_of(optimizer: Any, block: StateBlock, parameters: Arrays, names: tuple[str, ...] | None) -> Spans:
    """The spans of these parameters (None: all), as the block remembers them while nothing changes."""
    made_of = (parameters.starts, names, optimizer.groups.version)
    known: Spans | None = block.spans
    if known is not None and known.made_of[0] is made_of[0] and known.made_of[1:] == made_of[1:]:
        return known
    optimizer.groups.refuse_strangers(parameters)
    among = None if names is None else set(names)
    spans: list[Span] = []
    counted: list[int] = []
    shapes = [(name, w.ndim) for name, w in parameters.items() if w.size]
    for i, ((name, ndim), (start, stop)) in enumerate(zip(shapes, block.ranges, strict=True)):
        if among is not None and name not in among:
            continue
        rule, last = optimizer.variant(name, ndim), spans[-1] if spans else None
        if (
            last is not None
            and counted[-1] == i - 1  # neighbours
            and last.rule is rule
            and block.alike(last.first, i)
            and (rule or optimizer).leaves_gaps(parameters.vector)
        ):
            spans[-1] = last._replace(stop=stop)
        else:
            spans.append(Span(start, stop, rule, i))
        counted.append(i)
    made = block.spans = Spans(made_of, spans, None if among is None else counted)
    return made


def pieces(
    optimizer: Any, block: StateBlock, parameters: Arrays, start: int, stop: int
) -> list[tuple[int, int, Any, int]]:
    """(start, stop, rule, steps) of the elements that a part of a lean step updates."""
    if block.names is None and optimizer.is_one_group() and (steps := block.steps) is not None:
        return [(start, stop, optimizer, steps)]
    parts = spans_of(optimizer, block, parameters, block.names).within(start, stop)
    return [(first, last, span.rule or optimizer, block.steps_of(span.first)) for first, last, span in parts]
