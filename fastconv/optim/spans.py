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


class Kinds(NamedTuple):
    """Which parameters have the same settings, whatever the values of the settings are."""

    made_of: tuple[object, ...]  # the layout, the names and the patterns that this was made from
    kinds: list[tuple[str, int]]  # name and number of axes of one parameter of each kind
    places: list[tuple[int, int, int, int]]  # (which parameter of the block, start, stop, kind)


def spans_of(optimizer: Any, block: StateBlock, parameters: Arrays, names: tuple[str, ...] | None) -> Spans:
    """The spans of these parameters (None: all), as the block remembers them while nothing changes."""
    made_of = (parameters.starts, names, optimizer.groups.version)
    if block.spans is not None and same(block.spans.made_of, made_of):
        known: Spans = block.spans
        return known
    kinds, places = kinds_of(optimizer, block, parameters, names)[1:]
    rules = [optimizer.variant(*kind) for kind in kinds]
    join = [(rule or optimizer).leaves_gaps(parameters.vector) for rule in rules]
    spans: list[Span] = []
    before = None  # the parameter before this one
    for i, start, stop, kind in places:
        last = spans[-1] if spans else None
        if last and before == i - 1 and last.rule is rules[kind] and join[kind] and block.alike(before, i):
            spans[-1] = Span(last.start, stop, last.rule, last.first)
        else:
            spans.append(Span(start, stop, rules[kind], i))
        before = i
    made = block.spans = Spans(made_of, spans, None if names is None else [i for i, *_ in places])
    return made


def kinds_of(optimizer: Any, block: StateBlock, parameters: Arrays, names: tuple[str, ...] | None) -> Kinds:
    """The kinds of these parameters (None: all), as the block remembers them while the patterns stay."""
    groups, all_decay = optimizer.groups, optimizer.decay_biases_and_norms
    made_of = (parameters.starts, names, groups.version_of_patterns, all_decay)
    if block.kinds is not None and same(block.kinds.made_of, made_of):
        known: Kinds = block.kinds
        return known
    groups.refuse_strangers(parameters)
    among = None if names is None else set(names)
    numbers: dict[object, int] = {}
    kinds: list[tuple[str, int]] = []
    places: list[tuple[int, int, int, int]] = []
    shapes = [(name, w.ndim) for name, w in parameters.items() if w.size]
    for i, ((name, ndim), (start, stop)) in enumerate(zip(shapes, block.ranges, strict=True)):
        if among is None or name in among:
            number = numbers.setdefault((groups.fitting(name), all_decay or ndim > 1), len(numbers))
            kinds += [(name, ndim)] if number == len(kinds) else []
            places.append((i, start, stop, number))
    made = block.kinds = Kinds(made_of, kinds, places)
    return made


def same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two are made of the same; layouts, which come first, are the same object."""
    return one[0] is other[0] and one[1:] == other[1:]


def pieces(
    optimizer: Any, block: StateBlock, parameters: Arrays, start: int, stop: int
) -> list[tuple[int, int, Any, int]]:
    """(start, stop, rule, steps) of the elements that a part of a lean step updates."""
    if block.names is None and optimizer.is_one_group() and (steps := block.steps) is not None:
        return [(start, stop, optimizer, steps)]
    parts = spans_of(optimizer, block, parameters, block.names).within(start, stop)
    return [(first, last, span.rule or optimizer, block.steps_of(span.first)) for first, last, span in parts]
