"""What nodes refuse, because they are no arrays and no numbers; each error says which layer or function does it."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

from ..arguments.calls import example

RULE = "models are made of layers, and a node is no array"
OWN = (
    "nodes are joined by a + b, a * b, a @ b and fastconv.concat(a, b), and taken apart by x[2:5]; for more make a "
    "layer of your own, see docs/extending.md"
)
LAYERS = {  # functions of NumPy, and methods -> the layer, where it is called otherwise
    **dict.fromkeys(("maximum", "clip", "clamp"), "ReLU"),
    **dict.fromkeys(("dot", "einsum", "tensordot"), "Linear"),
    **dict.fromkeys(("reshape", "ravel", "view", "squeeze"), "Flatten"),
    **dict.fromkeys(("mean", "average"), "GlobalAvgPool2D"),
    **dict.fromkeys(("max", "amax"), "GlobalMaxPool2D"),
    **dict.fromkeys(("repeat", "interpolate"), "Upsample"),
    **dict.fromkeys(("T", "mT", "transpose", "swapaxes", "moveaxis"), "Permute"),
    "pad": "ZeroPad2D",
}
SHAPE = "its shape, without the batch axis, is x.shape"
READ = "the values come from network.predict(x)"
SUM = "write a + b, or a - b"
CONSTANT = "join two nodes, or a node and a number; for one number per channel write fastconv.Affine(scale, shift)(x)"
OTHERS = {  # functions of NumPy, and methods -> what to do instead
    **dict.fromkeys(("add", "sum"), "write a + b"),
    **dict.fromkeys(("concatenate", "hstack", "vstack", "stack", "cat"), "write fastconv.concat(a, b)"),
    "multiply": "write a * b",
    "matmul": "write a @ b for two nodes, fastconv.Linear(10)(x) for a trained matrix",
    **dict.fromkeys(("divide", "true_divide"), "write x / 2 for a number; nodes are not divided by nodes"),
    "subtract": SUM,
    **dict.fromkeys(("size", "dim", "ndim"), SHAPE),
    **dict.fromkeys(("numpy", "detach", "cpu", "item", "tolist", "astype", "asarray", "array"), READ),
}


def instead(function: str) -> str:
    """What to write instead of a function of NumPy, or a method, with this name."""
    from ..arguments.names import folded

    if function in OTHERS:
        return OTHERS[function]
    found = LAYERS.get(function)
    layers = sys.modules["fastconv.layers"]
    for name in layers.__all__:
        if folded(name) == folded(function):
            found = name
    return f"write fastconv.{example(getattr(layers, found))}(x)" if found else OWN


def refusal(written: str, cure: str) -> Callable[..., Any]:
    """A method that raises TypeError; `written`: what one writes, with {x} for the node and {other} for the rest."""

    def refuse(self: Any, *others: Any) -> NoReturn:
        """Raise TypeError."""
        other = type(others[0]).__name__ if others else ""
        raise TypeError(f"{written.format(x=repr(self), other=other)}: {RULE}; {cure}")

    return refuse


class NoArray:
    """Operators, indexing and NumPy functions, each of which raises TypeError."""

    __slots__ = ()

    __rtruediv__ = refusal("{other} / {x}", CONSTANT)
    __rmatmul__ = refusal("{other} @ {x}", "write fastconv.Linear(10)(x)")
    __pow__ = refusal("{x} ** {other}", OWN)
    __abs__ = refusal("abs({x})", OWN)
    __lt__ = refusal("{x} < {other}", OWN)
    __le__ = refusal("{x} <= {other}", OWN)
    __gt__ = refusal("{x} > {other}", OWN)
    __ge__ = refusal("{x} >= {other}", OWN)
    __iter__ = refusal("iter({x})", SHAPE)
    __len__ = refusal("len({x})", SHAPE)
    __float__ = refusal("float({x})", READ)

    def __bool__(self) -> bool:
        """A node stands for itself: ``skip or x``."""
        return True

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> NoReturn:
        name = ufunc.__name__
        raise TypeError(f"numpy.{name} of {self!r}: {RULE}; {instead(name)}")

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> NoReturn:
        name = function.__name__
        raise TypeError(f"numpy.{name} of {self!r}: {RULE}; {instead(name)}")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise TypeError(f"numpy.asarray of {self!r}: {RULE}; {READ}")

    def __getattr__(self, name: str) -> NoReturn:
        cure = "" if name.startswith("_") else f": {RULE}; {instead(name)}"
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{cure}")
