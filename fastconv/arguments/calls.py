"""How layers are called, and shown: by position what defines them, options by name."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar

from ..ops.binding import by_position, parameters_of, required
from .attributes import is_own, written

Init = TypeVar("Init", bound=Callable[..., None])
Method = TypeVar("Method", bound=Callable[..., Any])
Values = dict[str, Any]

EXAMPLES: Values = {
    "channels": 16,
    "kernel_size": 3,
    "outputs": 10,
    "num_groups": 4,
    "output_size": 1,
    "num_classes": 10,
}
EXAMPLES |= {"scale_factor": 2, "padding": 1, "size": 5, "shape": (-1,), "axes": (0, 2, 1), "p": 0.1}
EXAMPLES |= {"threshold": 1, "value": 0}


def explained(cls: type, init: Init) -> Init:
    """The constructor of a layer, with errors that say what to write; what a class of your own takes is not checked."""

    @wraps(init)
    def checked(self: Any, *args: Any, **options: Any) -> None:
        kind = type(self)
        outermost = kind.__init__ is checked
        if outermost or (first_own(kind) is cls and cls.__name__ != "Layer"):  # from a constructor of your own
            check_call(kind if outermost else cls, init, args, options)
        init(self, *args, **options)

    checked.__doc__ = f"The arguments are described in the documentation of the class, help({cls.__name__})."
    return checked  # type: ignore[return-value]  # of the same signature


def planned(method: Method) -> Method:
    """`forward` or `backward` of a layer; TypeError for an array or a node in place of the arrays of a plan."""

    @wraps(method)
    def checked(self: Any, b: Any) -> Any:
        if not hasattr(b, "params"):
            from .misplaced import no_plan  # for errors alone

            raise no_plan(self, method.__name__, b)
        return method(self, b)

    return checked  # type: ignore[return-value]  # of the same signature


def is_node(value: object) -> bool:
    """Whether this is a node of a model."""
    return hasattr(value, "graph") and hasattr(value, "owner")


def first_own(kind: type) -> type:
    """The class of fastconv whose constructor a class of your own inherits or calls."""
    return next(each for each in kind.__mro__ if is_own(each) and "__init__" in vars(each))


def by_name_alone(init: Callable[..., None]) -> None:
    """Shows `name`, which constructors of your own may hand over by position, as an option like any other."""
    signature = inspect.signature(init)
    shown = [p.replace(kind=p.KEYWORD_ONLY) if p.name == "name" else p for p in signature.parameters.values()]
    init.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]  # that inspect reads


def places_of(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """The names that may be given by position; a layer's name never is."""
    return [name for name in by_position(parameters) if name != "name"]


def check_call(cls: type, init: Callable[..., None], args: tuple[Any, ...], options: Values) -> None:
    """TypeError unless the constructor takes these arguments."""
    parameters = parameters_of(init)
    names = places_of(parameters)
    if any(map(is_node, args)):
        from .misplaced import node_of

        raise node_of(cls, parameters, args, options)
    given = {*names[: len(args)], *options}
    once = len(given) == len(args) + len(options)  # also: no more by position than there are names
    if once and given <= parameters.keys() and given.issuperset(required(parameters)):
        return
    from .readings import explanation

    raise TypeError(explanation(cls, parameters, args, options))


def line(layer: str, names: Iterable[str], values: Values) -> str:
    """The call to write: by position where that is possible, the rest by name."""
    words, open_names = [], [*names]
    for name in values:
        positional = open_names and open_names[0] == name
        words.append(written(values[name]) if positional else f"{name}={written(values[name])}")
        open_names = open_names[1:] if positional else []
    return f"{layer}({', '.join(words)})"


def example(kind: type) -> str:
    """A layer with the arguments that it needs, such as 'Conv2D(16, 3)'."""
    parameters = parameters_of(kind.__init__)  # type: ignore[misc]  # of the class itself
    return line(kind.__name__, places_of(parameters), {name: EXAMPLES[name] for name in required(parameters)})


def same(value: Any, default: Any) -> bool:
    """Whether a value that was checked is the default: a pair of equal numbers is the number, 2.0 is 2."""
    numbers = isinstance(value, int | float) and isinstance(default, int | float)
    return bool(value == default) if numbers else written(value) == written(default)


def shown(layer: Any) -> str:
    """A layer as one would type it: the arguments that are not at their defaults."""
    init: Callable[..., None] = type(layer).__init__
    parameters = parameters_of(init)
    values = {}
    for name, parameter in parameters.items():
        default = parameter.default
        value = vars(layer).get(name, default)
        if value is not default and not same(value, default):
            values[name] = value
    return line(type(layer).__name__, places_of(parameters), values)
