"""What the architectures share: numbered and named parts, and convolution with batch normalisation."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, NoReturn, ParamSpec, TypeAlias

from ..arguments.attributes import written
from ..arguments.signatures import explained
from ..graph import Node, sequential
from ..graph.chain import Composed, Scoped
from ..layer import Layer
from ..layers import AdaptiveAvgPool2D, BatchNorm, Conv2D, ReLU, Sigmoid
from ..ops import check
from ..typing import Padding

P = ParamSpec("P")
Model: TypeAlias = Callable[[Node], Node]  # a layer is the smallest one
MAKERS: dict[str, Callable[..., Any]] = {}  # the models of `fastconv.models` by name


def numbered(*parts: Model) -> Model:
    """One part after another, each under its number, as in torch.nn.Sequential: "0", "1", ..."""
    for number, part in enumerate(parts):
        if isinstance(part, Layer) and part.name is None:
            part.name = str(number)
    return sequential(*(p if isinstance(p, Layer) else scoped(str(number), p) for number, p in enumerate(parts)))


def scoped(name: str, model: Model) -> Model:
    """The model with `name` and a dot before the names of its layers."""
    return Scoped(name, model)


class Made(Composed):
    """A function of nodes that is shown as the call that made it: basic(64, 2)."""

    def __init__(self, model: Model, text: str) -> None:
        vars(self).update(model=model, text=text)

    def __call__(self, x: Node) -> Node:
        return self.model(x)

    def __getitem__(self, place: object) -> NoReturn:
        raise TypeError(f"{self.text} has no parts by number: it is one function of nodes, with several branches")

    def _title(self) -> str:
        """The call."""
        return self.text

    def __repr__(self) -> str:
        return self.text


def shown(make: Callable[P, Model]) -> Callable[P, Model]:
    """The function that makes a model, whose models are shown as the call."""

    @wraps(make)
    def made(*args: P.args, **options: P.kwargs) -> Model:
        words = [*map(written, args), *(f"{name}={written(value)}" for name, value in options.items())]
        model = make(*args, **options)
        result = Made(model, f"{make.__name__}({', '.join(words)})")
        result._made = getattr(model, "_made", None)
        return result

    if MAKERS.get(make.__name__) is make:
        MAKERS[make.__name__] = made
    return made


WEIGHTS = (
    "the model has no arrays yet: write network = fastconv.Network(model, input_shape), then network.load(path), which "
    "reads files of PyTorch"
)
WORDS = {
    **dict.fromkeys(("pretrained", "weights"), WEIGHTS),
    **dict.fromkeys(("in_channels", "in_chans", "input_shape"), "write them in Network(model, (3, 64, 64))"),
    **dict.fromkeys(("batch_norm", "bn", "norm_layer"), "models with it have another name, such as models.vgg16_bn()"),
    "include_top": "the last layer belongs to the model: for a model without it write fastconv.sequential(*model[:-1])",
}


def architecture(make: Callable[P, Model]) -> Callable[P, Model]:
    """The function that makes a model, with errors that name its arguments and say what to write.

    A model of this package remembers its name and all arguments, for `described`.
    """
    code = make.__code__
    names = code.co_varnames[: code.co_argcount]
    call: Callable[P, Model] = explained(make.__name__, f"fastconv.models.{make.__name__}()", WORDS)(make)

    @wraps(make)
    def checked(*args: P.args, **options: P.kwargs) -> Model:
        for name, value in (dict(zip(names, args, strict=False)) | options).items():
            if name in CHECKS and name in names and value is not None:
                CHECKS[name](value, name)
        model = call(*args, **options)
        if own:
            bound = signature(make).bind(*args, **options)
            bound.apply_defaults()
            setattr(model, "_made", (make.__name__, bound.arguments))  # noqa: B010  # models are functions to mypy
        return model

    own = make.__module__.startswith(f"{__package__}.")
    if own:
        MAKERS[make.__name__] = checked
    return checked


def positive(value: Any, name: str) -> None:
    """An integer >= 1, or an error."""
    check.integer(value, name, 1)


def rate(value: Any, name: str) -> None:
    """A probability below 1, or an error."""
    if not 0 <= check.number(value, name) < 1:
        raise ValueError(f"{name} must be >= 0 and < 1, got {value}")


def above_zero(value: Any, name: str) -> None:
    """A number above 0, or an error."""
    if check.number(value, name) <= 0:
        raise ValueError(f"{name} must be > 0, got {value}")


CHECKS = {
    **dict.fromkeys(("num_classes", "classes", "code", "depth", "width"), positive),
    **dict.fromkeys(("dropout", "dropout_aux", "stochastic_depth_prob"), rate),
    "width_mult": above_zero,
    "eps": above_zero,
    **dict.fromkeys(("stride_first", "same_padding"), check.flag),
}


def multiple(wanted: float, of: int = 8) -> int:
    """The multiple of `of` nearest to `wanted`, but not below nine tenths of it."""
    rounded = max(of, int(wanted + of / 2) // of * of)
    return rounded + of if rounded < 0.9 * wanted else rounded


def block(name: str, *parts: Model) -> Model:
    """Numbered parts below one name: "features.0", "features.1", ..."""
    return scoped(name, numbered(*parts))


def conv_bn(
    channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    init: str = "he_normal_out",
    activation: Callable[[], Layer] | None = ReLU,
    eps: float = 1e-5,
    momentum: float = 0.1,
    same_padding: bool = False,
) -> list[Layer]:
    """Convolution without bias, batch normalisation, activation, as a list for `numbered`.

    With `same_padding`, a convolution with a stride is padded as TensorFlow does.
    """
    pad: Padding = "same" if same_padding and stride != 1 else padding
    conv = Conv2D(channels, kernel_size, stride=stride, padding=pad, groups=groups, bias=False, init=init)
    return [conv, BatchNorm(eps=eps, momentum=momentum)] + ([] if activation is None else [activation()])


def conv_bn_block(*arguments: Any, **options: Any) -> Model:
    """The layers of `conv_bn` as one model; they are called "0", "1", "2"."""
    return numbered(*conv_bn(*arguments, **options))


@shown
def squeeze_excitation(
    channels: int, activation: Callable[[], Layer] = ReLU, gate: Callable[[], Layer] = Sigmoid
) -> Model:
    """x times one factor per channel, which two 1 x 1 convolutions make of the means of the planes (Hu 2018 [68])."""
    first = Conv2D(channels, 1, init="he_normal_out", name="fc1")

    def model(x: Node) -> Node:
        second = Conv2D(x.shape[0], 1, init="he_normal_out", name="fc2")
        return sequential(AdaptiveAvgPool2D(1, name="avgpool"), first, activation(), second, gate())(x) * x

    return model
