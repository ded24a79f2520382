"""What a call of a layer with wrong arguments may mean: the error says the line to write, made of what was typed.

Loaded when a call has failed.
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..ops.binding import required
from .attributes import Argument, is_own, written
from .calls import EXAMPLES, Values, line, places_of
from .options import LEFT_OUT, SHAPE, Taken, near, translated

WINDOW = ("channels", "kernel_size", "stride", "padding")
READINGS = {  # the arguments by position in PyTorch and in Keras, where they are not those here
    "Conv2D": ("in_channels", *WINDOW, "dilation", "groups", "bias", "padding_mode"),
    "ConvTranspose2D": ("in_channels", *WINDOW, "output_padding", "groups", "bias", "dilation"),
    "SeparableConv2D": ("in_channels", *WINDOW),
    "DepthwiseConv2D": ("kernel_size", "stride", "padding", "multiplier"),
    "Linear": ("in_features", "outputs", "bias"),
    "BatchNorm": ("num_features", "eps", "momentum", "affine", "track_running_stats"),
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    "InstanceNorm": ("num_features", "eps", "momentum", "affine", "track_running_stats"),
    "LayerNorm": ("normalized_shape", "eps", "affine"),
    "Dropout": ("p", "inplace"),
    "StochasticDepth": ("p", "mode"),
    "ELU": ("alpha", "inplace"),
    "CELU": ("alpha", "inplace"),
    "Hardtanh": ("min_val", "max_val", "inplace"),
    "Threshold": ("threshold", "value", "inplace"),
    "LeakyReLU": ("negative_slope", "inplace"),
    "PReLU": ("num_parameters", "first"),
    "Softmax": ("dim",),
    "LogSoftmax": ("dim",),
    "Flatten": ("start_dim", "end_dim"),
    "MaxPool2D": ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"),
    "AvgPool2D": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "LpPool2D": ("norm_type", "kernel_size", "stride", "ceil_mode"),
    "Upsample": ("scale_factor", "mode"),
}
SECOND = {  # a second reading
    "Linear": ("outputs", "activation", "bias"),
    "DepthwiseConv2D": ("in_channels", "kernel_size", "stride", "padding"),
    "GlobalAvgPool2D": ("output_size",),
    "GlobalMaxPool2D": ("output_size",),
}
WORDS = (("channels", "kernel_size", "padding"), ("channels", "kernel_size", "activation"))  # "same", "relu"
INPLACE = ("inplace",)  # the reading of all other layers
SIZES = {name for name, why in LEFT_OUT.items() if why == SHAPE}
DIMENSIONS = {"dim", "start_dim", "end_dim"}


def explanation(cls: type, parameters: Mapping[str, inspect.Parameter], args: tuple[Any, ...], options: Values) -> str:
    """What is wrong with the arguments, and the line to write."""
    layer, names = cls.__name__, places_of(parameters)
    wrong, taken, strange = translations(layer, parameters, options)
    if strange:
        return f"{'; '.join(wrong)}; {layer} takes {', '.join(parameters)}"
    values, others = dict(zip(names, args, strict=False)) | taken, []
    if len(args) > len(names) or taken.keys() & set(names[: len(args)]):
        found = [*readings(cls, parameters, args, taken)]
        values, reasons = found[0] if found else (values, [])
        if not is_own(cls) and not names:
            reasons = ["a layer of your own that takes arguments has a method __init__"]
        others = [line(layer, names, other) for other, _ in found[1:2] if len(args) <= 3 and "name" not in other]
        wrong.insert(0, too_many(layer, names, typed(layer, args, options), reasons))
        if any(getattr(value, "ndim", 0) for value in args):
            return f"{'; '.join(wrong)}; layers compute inside a network: Network({layer}(...), input_shape).predict(x)"
        if not found:
            return f"{'; '.join(wrong)}; {layer} takes {', '.join(parameters)}"
    lacking = [name for name in required(parameters) if name not in values]
    if lacking:
        wrong.append(f"{layer} needs {' and '.join(lacking)}, got {typed(layer, args, options)}")
    values |= {name: EXAMPLES.get(name, ...) for name in lacking}
    values = {name: values[name] for name in parameters if name in values}
    written_line = line(layer, names, values) + (", for example" if lacking else "")
    return f"{'; '.join(wrong)}; write {', or '.join([written_line, *others])}"


def too_many(layer: str, names: list[str], call: str, reasons: Iterable[str]) -> str:
    """That more is given by position than is taken, and why it is not needed."""
    what = " and ".join(", ".join(names).rsplit(", ", 1)) or "nothing"
    why = "; ".join(dict.fromkeys(reasons)) or "options are given by name"
    return f"{layer} takes {what} by position, got {call}: {why}"


def translations(
    layer: str, parameters: Mapping[str, inspect.Parameter], options: Values
) -> tuple[list[str], Values, bool]:
    """What is wrong with the options, the options as they are called here, and whether one means nothing here."""
    wrong, taken, strange = [], {name: value for name, value in options.items() if name in parameters}, False
    for name, value in options.items():
        if name in parameters:
            continue
        known = translated(name, value, parameters)
        message = f"{layer} takes no {name}, got {name}={written(value)}"
        if known is None:
            strange = True
            message += near(name, parameters)
        else:
            taken |= known.options
            message += f" ({known.why})" if known.why else ""
        wrong.append(message)
    return wrong, taken, strange


def readings(
    cls: type, parameters: Mapping[str, inspect.Parameter], args: tuple[Any, ...], taken: Values
) -> Iterator[tuple[Values, list[str]]]:
    """What the arguments may mean, the likeliest first, and why some are not needed: all values are such as fit."""
    kinds = [kind.__name__ for kind in cls.__mro__]
    tables = [table[kind] for kind in kinds for table in (READINGS, SECOND) if kind in table]
    words = WORDS if args and isinstance(args[-1], str) else ()
    for reading in (*tables, INPLACE, tuple(parameters), *words):
        if len(args) <= len(reading):
            by_name = dict(zip(reading, args, strict=False))
            known = [translated(name, value, parameters) for name, value in by_name.items()]
            if None not in known and all(fits(cls, name, value) for name, value in by_name.items()):
                yield from together(parameters, [each for each in known if each is not None], taken)
    names = places_of(parameters)
    if len(names) == 1 and all(type(value) is int for value in args) and fits(cls, names[0], args):
        yield from together(parameters, [Taken({names[0]: args})], taken)


def together(
    parameters: Mapping[str, inspect.Parameter], given: list[Taken], taken: Values
) -> Iterator[tuple[Values, list[str]]]:
    """The arguments given by position with those by name, in order; nothing if two are the same or one is lacking."""
    values: Values = {}
    for each in given:
        values |= each.options
    if not values.keys() & taken.keys() and {*values, *taken}.issuperset(required(parameters)):
        values |= taken
        yield {name: values[name] for name in parameters if name in values}, [each.why for each in given if each.why]


def fits(cls: type, name: str, value: Any) -> bool:
    """Whether a value can be that of an argument, here or in another library."""
    if name in SIZES:
        extents = value if isinstance(value, tuple | list) else [value]
        return all(hasattr(extent, "__index__") and not isinstance(extent, bool) and extent > 0 for extent in extents)
    if name in DIMENSIONS:
        return value is None or (hasattr(value, "__index__") and not isinstance(value, bool))
    if name == "inplace":
        return isinstance(value, bool)
    argument = getattr(cls, name, None)
    try:
        if isinstance(argument, Argument):
            argument.check(value, name)
    except (TypeError, ValueError):
        return False
    return True


def typed(layer: str, args: Iterable[Any], options: Values) -> str:
    """The call as it was typed."""
    words = [*map(written_whole, args), *(f"{name}={written_whole(value)}" for name, value in options.items())]
    return f"{layer}({', '.join(words)})"


def written_whole(value: Any) -> str:
    """A value as it was typed: tuples whole."""
    return repr(value) if isinstance(value, tuple) else written(value)
