"""The argument `activation` of other layers: an activation by its name, or an activation layer."""

from typing import Any

from ...arguments.attributes import is_own
from ...layer import Layer
from ...ops import check
from .common import Activation
from .elu import CELU, ELU, SELU
from .hard import HardSigmoid, HardSwish, Hardtanh
from .prelu import PReLU
from .rectifier import LeakyReLU, ReLU, ReLU6
from .sigmoid import Sigmoid, Softsign, Tanh
from .smooth import GELU, SiLU
from .softmax import LogSoftmax, Softmax
from .softplus import LogSigmoid, Mish, Softplus

LAYERS: tuple[type[Layer], ...] = (
    *(ReLU, ReLU6, LeakyReLU, PReLU, ELU, SELU, CELU, GELU, SiLU, Softplus, Mish),
    *(HardSigmoid, HardSwish, Hardtanh, Sigmoid, Tanh, Softsign, LogSigmoid, Softmax, LogSoftmax),
)
NAMES: dict[str, type[Layer]] = {layer.kind: layer for layer in LAYERS} | {"swish": SiLU}
NONE = ("linear", "identity", "none")  # names of y = x


def letters(name: str) -> str:
    """What remains of a name in any case and with any hyphens."""
    return "".join(filter(str.isalnum, name.lower()))


BY_LETTERS = {letters(name): layer for name, layer in NAMES.items()}


def activation_layer(value: Any, name: str = "activation") -> Layer | None:
    """The activation layer that a name means, a given one itself, or None for none.

    Parameters
    ----------
    value : str, Layer or None
        A name in any case, such as "relu"; "linear" is none.
    name : str
        What errors call the argument.

    Raises
    ------
    TypeError, ValueError
        For anything else; the message says what to write.
    """
    if value is None or (isinstance(value, str) and letters(value) in NONE):
        return None
    if isinstance(value, str):
        return by_name(value, name)
    if isinstance(value, Layer) and (isinstance(value, Activation | PReLU) or not is_own(type(value))):
        return value
    rule = f"{name} must be the name of an activation or an activation layer"
    if isinstance(value, type) and issubclass(value, Layer):
        raise TypeError(f"{rule}, got the class {value.__name__}; write {name}={value.__name__}()")
    if isinstance(value, Layer):
        raise TypeError(f"{rule}, got {value!r}; put it after the layer: sequential(..., {value!r})")
    given = getattr(value, "__name__", type(value).__name__)
    known = BY_LETTERS.get(letters(given))
    what = f"the function {given}" if callable(value) and hasattr(value, "__name__") else repr(value)
    raise TypeError(f"{rule}, got {what}; write {name}={known.kind if known else 'relu'!r}")


def by_name(value: str, name: str) -> Layer:
    """The activation of a name, with its default arguments."""
    if letters(value) not in BY_LETTERS:
        cure = check.near(value, tuple(NAMES))
        raise ValueError(f"{name} must be one of {', '.join(map(repr, [*NAMES, 'linear']))}, got {value!r}{cure}")
    return BY_LETTERS[letters(value)]()
