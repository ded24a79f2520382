"""Models one after another: what `sequential` returns."""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NoReturn, TypeAlias

from ..arguments import models as given
from ..layer import Layer
from .node import Node
from .scopes import scope

Model: TypeAlias = Callable[[Node], Node]
WIDTH = 80  # columns of a chain that is shown in one line
LISTS = (list, tuple, Iterator)
MORE = "fastconv.sequential(model, layer)"
PLACES = {
    **dict.fromkeys(("add", "append", "add_module", "register_module"), MORE),
    "extend": "fastconv.sequential(model, *layers)",
    "insert": "fastconv.sequential(*model[:1], layer, *model[1:])",
    **dict.fromkeys(("pop", "remove"), "fastconv.sequential(*model[:-1])"),
    **dict.fromkeys(("layers", "children", "modules", "named_children", "named_modules"), "model.parts"),
}


class Composed:
    """The base of models of several layers: what they are not, they say. They hold no arrays; a Network does."""

    parts: tuple[Model, ...] = ()

    def _title(self) -> str:
        """How messages call it."""
        return "sequential(...)"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):  # also while a copy is made, which has no parts yet
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        cure = f"; write {PLACES[name]}" if name in PLACES else place_of(self, name) or given.no_network(name)
        raise AttributeError(f"{self._title()} has no attribute {name!r}{cure}")

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            places = [place for place, part in enumerate(self.parts) if name_of_part(part) == name]
            raise AttributeError(f"{self._title()}.{name} cannot be set: {unchangeable(self, places, value, name)}")
        super().__setattr__(name, value)

    def __setitem__(self, place: object, value: object) -> NoReturn:
        places = [range(len(self.parts))[place]] if isinstance(place, int) and self.parts else []
        name = name_of_part(self.parts[places[0]]) if places else None
        raise TypeError(f"{self._title()}[{place!r}] cannot be set: {unchangeable(self, places, value, name)}")

    def __add__(self, other: object) -> NoReturn:
        what = "; a sum is of two nodes, model(x) + x in a function of the node x"
        raise TypeError(f"{self._title()} + {type(other).__name__}: a model is no list; write {MORE}{what}")


class Scoped(Composed):
    """A model with `name` and a dot before the names of its layers."""

    def __init__(self, name: str, model: Model) -> None:
        vars(self).update(name=name, model=model)

    def __call__(self, x: Node) -> Node:
        with scope(self.name):
            return self.model(x)

    def __len__(self) -> int:
        return len(parts_of(self.model))

    def __iter__(self) -> Iterator[Model]:
        return (Scoped(self.name, part) for part in parts_of(self.model))

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, place: Any) -> Any:
        parts = parts_of(self.model)[place]
        return Scoped(self.name, Chain(*parts) if isinstance(place, slice) else parts)

    def _title(self) -> str:
        """Its name."""
        return f"the part {self.name!r} of a model"

    def __repr__(self) -> str:
        return f"{self.name}: {part_text(self.model)}"


def parts_of(model: Any) -> tuple[Model, ...]:
    """The parts of a sequential; another model is its only part."""
    return model.parts if isinstance(model, Chain) else (model,)


def name_of_part(part: Any) -> str | None:
    """The name of a layer or of a named part."""
    return part.name if isinstance(part, Layer | Scoped) else None


def place_of(model: Composed, name: str) -> str:
    """'; write model[3]' for the part with this name, else ''."""
    found = [place for place, part in enumerate(model.parts) if name_of_part(part) == name]
    return f"; write model[{found[0]}]" if found else ""


def unchangeable(model: Composed, places: list[int], value: object, name: str | None) -> str:
    """That models do not change, and the line that makes another one with this part, at the place that was meant."""
    text = typed(value, name)
    if not places:
        return f"a model does not change; write fastconv.sequential(model, {text})"
    place = places[0]
    before, after = f"*model[:{place}], " if place else "", f", *model[{place + 1}:]"
    if place + 1 == len(model.parts):
        before, after = "*model[:-1], ", ""
    return f"a model does not change; write model = fastconv.sequential({before}{text}{after})"


def typed(value: Any, name: str | None) -> str:
    """A layer as one types it, under this name where it has none; another model by its text."""
    if not isinstance(value, Layer):
        return part_text(value) if callable(value) else "layer"
    place = "fastconv." if type(value).__module__.startswith("fastconv.layers") else ""
    if value.name or not name:
        return f"{place}{value!r}"
    return f"{place}{repr(value)[:-1]}, name={name!r})".replace("(, ", "(")


class Chain(Composed):
    """A model of parts: each is applied to the node of the one before it. It holds no arrays; a Network does.

    Parameters
    ----------
    *parts : layers, or any functions Node -> Node
    """

    def __init__(self, *parts: Model) -> None:
        vars(self)["parts"] = parts

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
    if callable(getattr(model, "forward", None)) and not callable(model) and not hasattr(model, "state_dict"):
        name = given.name_of(model)
        cure = f"write def __call__(self, x): in place of def forward(self, x): in class {name}"
        raise TypeError(f"{rule}, got {name}(), which cannot be called; {cure}")
    given.check_model(model, rule)
    found: Model = model
    return found
