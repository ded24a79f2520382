"""Models one after another: what `sequential` returns."""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NoReturn, TypeAlias

from ..arguments import models as given
from .node import Node

Model: TypeAlias = Callable[[Node], Node]
WIDTH = 80  # columns of a chain that is shown in one line
LISTS = (list, tuple, Iterator)
PLACES = {"add": "sequential(model, layer)", "append": "sequential(model, layer)"}


class Chain:
    """A model of parts: each is applied to the node of the one before it. It holds no arrays; a Network does.

    Parameters
    ----------
    *parts : layers, or any functions Node -> Node
    """

    def __init__(self, *parts: Model) -> None:
        self.parts = parts

    def __call__(self, x: Node) -> Node:
        for part in self.parts:
            x = part(x)
        return x

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.parts)

    def __getitem__(self, place: Any) -> Any:
        found = self.parts[place]
        return Chain(*found) if isinstance(place, slice) else found

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> NoReturn:
        cure = ""
        if not name.startswith("_"):
            cure = f"; write {PLACES[name]}" if name in PLACES else given.no_network(name)
        raise AttributeError(f"sequential(...) has no attribute {name!r}{cure}")

    def __repr__(self) -> str:
        parts = [part_text(part) for part in self.parts]
        line = f"sequential({', '.join(parts)})"
        if len(line) <= WIDTH and "\n" not in line:
            return line
        inside = "".join(f"{part},\n" for part in parts)
        return "sequential(\n" + "".join(f"    {each}\n" for each in inside.splitlines()) + ")"


def part_text(part: Model) -> str:
    """A layer as one writes it; a function by its name."""
    shown: Any = type(part).__repr__
    return given.name_of(part) if isinstance(part, FunctionType) or shown is object.__repr__ else repr(part)


def sequential(*models: Any) -> Chain:
    """The model that applies these models (layers, or any functions Node -> Node) one after another.

    Parameters
    ----------
    *models : layers, or any functions Node -> Node
        Or one list, tuple or generator of them. A list among them counts as a sequential of its own.

    Returns
    -------
    model : function Node -> Node
        Its parts are in `parts`; ``model[0]``, ``len(model)`` and loops give them too.

    Raises
    ------
    TypeError
        For what is no model; the message says what to write.

    Examples
    --------
    >>> import fastconv
    >>> from fastconv.layers import Flatten, Linear, ReLU
    >>> fastconv.sequential(Flatten(), ReLU())
    sequential(Flatten(), ReLU())
    >>> model = fastconv.sequential([Flatten(), Linear(5), ReLU()])
    >>> list(fastconv.Network(model, (1, 8, 8)).parameters)
    ['linear1.weight', 'linear1.bias']
    """
    if len(models) == 1 and isinstance(models[0], LISTS) and not hasattr(models[0], "_fields"):
        models = tuple(models[0])
    return Chain(*(one_model(model, "sequential takes layers and functions Node -> Node") for model in models))


def one_model(model: Any, rule: str) -> Model:
    """The model, and for a list of models the sequential of them; TypeError for what is no model."""
    if isinstance(model, LISTS) and not hasattr(model, "_fields"):
        return sequential(*model)
    given.check_model(model, rule)
    found: Model = model
    return found
