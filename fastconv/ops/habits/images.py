"""Images, filters and borders as other libraries order them."""

from typing import Any

from ...typing import Shape
from .objects import LAYERS
from .written import Written

LAST = "x.transpose(0, 3, 1, 2)", "x.transpose(2, 0, 1)"  # channels last to first, of a batch and of one image
COLOURS = (1, 3, 4)  # channels of pictures
OPTIONS = ("stride", "padding", "dilation", "groups")  # of conv2d after its bias, by position
WEIGHTS = {"conv2d": "(K, C / groups, kh, kw)", "conv_transpose2d": "(C, K / groups, kh, kw)", "linear": "(O, I)"}


def said(call: Written) -> str | None:
    """What to write for images, filters or borders in the order of another library."""
    for rule in RULES:
        text = rule(call)
        if text is not None:
            return text
    return None


def forgotten_weight(call: Written) -> str | None:
    """The numbers of a layer in the place of the weight: conv2d(x, 16, 3), conv2d(x, (3, 3))."""
    weight = call.given.get("weight")
    numbers = weight if isinstance(weight, list | tuple) and len(weight) <= 2 else [weight]
    if call.name not in WEIGHTS or not all(type(number) is int for number in numbers):
        return None
    layer = f"a layer makes and trains its own: fastconv.{LAYERS[call.name]}"
    return f"weight must be an array {WEIGHTS[call.name]}, got {weight!r}; {layer}"


def forgotten_bias(call: Written) -> str | None:
    """An option in the place of the bias: conv2d(x, weight, 1, 1), conv2d(x, weight, "same")."""
    bias = call.given.get("bias")
    if not isinstance(bias, int | str):
        return None
    each = "output" if call.name == "linear" else "filter"
    message = f"bias must be an array (one value for each {each}) or None, got {bias!r}"
    if isinstance(bias, bool) or call.name == "linear":
        return f"{message}; leave it out for no bias"
    if isinstance(bias, str):
        also = f", or convolve2d(x, k, {bias!r}) as in SciPy" if call.name == "conv2d" else ""
        return f"{message}; write padding={bias!r}{also}"
    names = OPTIONS if call.name == "conv2d" else ("stride", "padding", "output_padding", "groups")
    options = ", ".join(f"{name}={value!r}" for name, value in zip(names, call.args[2:], strict=False))
    return f"{message}; write {call.name}(x, weight, {options or f'stride={bias}'})"


def filters(call: Written) -> str | None:
    """A weight without the axis of filters, of channels, or both."""
    if "weight must have 4 dimensions" not in call.error:
        return None
    x, weight = call.shape("x"), call.shape("weight")
    if len(weight) == 2:
        return call.adding("weight[None, None] for one filter of one channel")
    if len(weight) == 3 and len(x) > 2:
        return call.adding("weight[None] for one filter" if weight[0] == x[-3] else "weight[:, None] for one channel")
    return None


def order_of_axes(call: Written) -> str | None:
    """Channels last in x, Keras's order in weight, or both; images (N, H, W) without an axis of channels."""
    x, weight, groups = call.shape("x"), call.shape("weight"), call.given.get("groups", 1)
    if call.name not in ("conv2d", "conv_transpose2d") or len(x) not in (3, 4) or len(weight) != 4:
        return None
    if not call.error.startswith("weight must have shape"):
        return None
    transposed = call.name == "conv_transpose2d"
    rule = WEIGHTS[call.name]
    got = f"got x {x} and weight {weight}"
    here = weight[0] if transposed else weight[1] * (groups if isinstance(groups, int) else 1)
    keras = weight[3] if transposed else weight[2]
    move, turn = LAST[4 - len(x)], "weight.transpose(3, 2, 0, 1)"
    if here == x[-3]:
        return None
    each = not transposed and groups == 1 and weight[1] == 1 and weight[0] % x[-3] == 0
    if each and not looks_channels_last(x):
        images = ", or x[:, None] for images (N, H, W)" if len(x) == 3 else ""
        return call.adding(f"groups={x[-3]} for filters of one channel each{images}")
    if here == x[-1]:
        return call.adding(f"{move} if the channels of x are last")
    if here == 1 and len(x) == 3:
        return f"x must be (N, C, H, W) or (C, H, W), {got}; for images (N, H, W) write x[:, None]"
    if groups == 1 and keras in (x[-3], x[-1]) and max(weight[:2]) <= max(x[-2:]):
        both = "" if keras == x[-3] else f" and {move}"
        return f"weight must have shape {rule}, {got}; of filters (kh, kw, ...) write {turn}{both}"
    if transposed and weight[1] == x[-3]:
        return f"weight must have shape {rule}, the channels of x first, {got}; write weight.transpose(1, 0, 2, 3)"
    return None


def long_bias(call: Written) -> str | None:
    """A bias (1, K, 1, 1), (K, 1) or the like."""
    bias = call.shape("bias")
    return call.adding("bias.reshape(-1)") if len(bias) > 1 and call.error.startswith("bias must") else None


def window_too_large(call: Written) -> str | None:
    """A window that does not fit, because the last axis of x is that of the channels."""
    x = call.shape("x")
    if "must fit into the padded image" in call.error and len(x) in (3, 4) and looks_channels_last(x):
        return call.adding(f"{LAST[4 - len(x)]} if the channels of x {x} are last")
    return None


def looks_channels_last(x: Shape) -> bool:
    """Whether this is the shape of pictures (..., H, W, C)."""
    return x[-1] in COLOURS and min(x[-3:-1]) > max(COLOURS)


def border(call: Written) -> str | None:
    """Pairs for every axis, or a mode, as numpy.pad takes them."""
    padding, value = call.given.get("padding"), call.given.get("value")
    if call.name == "pad" and isinstance(value, str):
        return f"value must be a number, got {value!r}; for another border write mode={value!r}"
    if call.name == "pad" and isinstance(padding, tuple | list) and len(padding) == 2 and not pairs_of(padding):
        first, second = padding
        return call.adding(f"({first}, {second}, 0, 0) for columns alone")
    pairs = pairs_of(padding)
    if len(pairs) not in (3, 4) or any(pair != (0, 0) for pair in pairs[:-2]):
        return None
    (top, bottom), (left, right) = pairs[-2:]
    forms = f"({left}, {right}, {top}, {bottom})" if call.name == "pad" else f"(({top}, {bottom}), ({left}, {right}))"
    return f"padding must be that of H and W alone, got {padding!r}; write padding={forms}"


def pairs_of(padding: Any) -> list[tuple[int, int]]:
    """Pairs of integers, or nothing."""
    if not isinstance(padding, tuple | list):
        return []
    pairs = [tuple(pair) if isinstance(pair, tuple | list) else () for pair in padding]
    return pairs if all(len(pair) == 2 for pair in pairs) else []


def matrix(call: Written) -> str | None:
    """A matrix (I, O), as Keras has it; images where rows are wanted."""
    x, weight = call.shape("x"), call.shape("weight")
    if call.name != "linear" or len(weight) != 2 or not x or x[-1] == weight[1]:
        return None
    if x[-1] == weight[0]:
        return call.adding("weight.T")
    count = 1
    for extent in x[1:]:
        count *= extent
    return call.adding("x.reshape(len(x), -1) for images") if len(x) > 2 and count == weight[1] else None


def channels_last(call: Written) -> str | None:
    """Statistics of the channels, which are the last axis of x."""
    x = call.shape("x")
    if "one for each channel of x" not in call.error or len(x) != 4:
        return None
    vector = call.shape(call.error.partition(" ")[0])
    return call.adding(f"{LAST[0]} for channels first") if vector == (x[-1],) else None


RULES = (
    *(forgotten_weight, forgotten_bias, filters, order_of_axes, long_bias, window_too_large, border, matrix),
    channels_last,
)
