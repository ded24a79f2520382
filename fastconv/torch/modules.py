"""Modules that compute with fastconv: their class becomes a subclass of its own; all else of the object stays."""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

from .kinds import ACTIVATION, FUSES, KINDS, attempt, chain, is_chain, is_ours, plain


class Accelerated:
    """The base of these classes: fastconv's result, or, where it has none, that of PyTorch."""

    replaced: type

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What PyTorch's forward gives."""
        if len(inputs) == 1 and not options:
            y = chain(self, *inputs) if is_chain(self.replaced) else attempt(self, *inputs)
            if y is not None:
                return y
        return super().forward(*inputs, **options)  # type: ignore[misc]

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copies compute with fastconv too; a pickle names PyTorch's class."""
        parts: Any = super().__reduce_ex__(protocol)
        return blank, (self.replaced,), *parts[2:]


@cache
def accelerated(kind: type) -> type:
    """The subclass of a class of modules that computes with fastconv; it goes by the same name."""
    names = ("__module__", "__qualname__", "__doc__")
    return type(kind.__name__, (Accelerated, kind), {"replaced": kind, **{name: getattr(kind, name) for name in names}})


def blank(kind: type) -> Any:
    """A module without attributes, which a copy gives it."""
    made: Any = accelerated(kind)
    return made.__new__(made)


def use(module: Any, ours: bool) -> None:
    """Let fastconv compute a module, or PyTorch again."""
    kind = plain(type(module))
    module.__class__ = accelerated(kind) if ours else kind


def candidates(module: Any) -> Iterator[tuple[str, Any]]:
    """(name, module) of what fastconv could compute, without sequences."""
    for name, part in module.named_modules():
        if plain(type(part)) in KINDS:
            yield name, part


def followers(module: Any) -> dict[str, Any]:
    """name -> the activation after it, of the layers that fastconv can compute together with it."""
    found = {}
    for name, part in module.named_modules():
        if is_chain(plain(type(part))):
            parts = list(part.named_children())
            for (first, one), (_, after) in pairwise(parts):
                if plain(type(one)) in FUSES and plain(type(after)) in ACTIVATION:
                    found[f"{name}.{first}" if name else first] = after
    return found


def use_sequences(module: Any) -> None:
    """Let fastconv run the sequences in which it can compute an activation together with the part before it."""
    for part in module.modules():
        if is_chain(plain(type(part))):
            use(part, any(is_ours(part.get_submodule(name)) for name in followers(part) if "." not in name))
