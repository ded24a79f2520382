"""Convolution of signals, and its adjoint: those of images with H = 1.

y[k] = bias[k] + sum over c of x[c] (cross-correlated with) weight[k,c]    dx, dw, db as for `Conv2D`
"""

from copy import copy
from typing import Any, Self

from ...arguments.attributes import Argument
from ...layer import Initialiser, Layer
from ...ops import check
from ...ops.signal import planes
from ...typing import Padding
from ..conv import Conv2D, ConvTranspose2D, transposed_border
from ..weighted import Grouped
from .common import OneAxis, ends, step


class Convolution1D(OneAxis, Grouped):
    """What both share: numbers of one axis; the arguments are as in `Conv1D`."""

    convolution = False  # signals lie in memory as (N, C, L) in every network
    optional_gradients = frozenset({"weight", "bias"})
    saves_for_gradients = frozenset({"x"})
    kernel_size = Argument(step)  # type: ignore[assignment]  # numbers in place of pairs
    stride = Argument(step)  # type: ignore[assignment]
    padding = Argument(ends)
    dilation = Argument(step)  # type: ignore[assignment]

    def numbers(self) -> dict[str, Any]:
        """The arguments by name that both layers of images take."""
        steps = {"stride": (1, self.stride), "dilation": (1, self.dilation), "padding": planes.border(self.padding)}
        rules = {"bias": self.bias, "init": self.init, "bias_init": self.bias_init}
        return {**steps, **rules, "groups": self.groups, "precise": self.precise}


class Conv1D(Convolution1D):
    """Filters that slide over signals.

    (N, C, L) -> (N, channels, OL), OL = floor((L + left + right - dilation (k - 1) - 1) / stride) + 1.

    By position: channels and kernel_size; the rest by name.

    Parameters
    ----------
    channels : int >= 1
        The number of filters, each of which makes one channel of the result.
    kernel_size : int >= 1
        k, the length of a filter.
    stride : int >= 1, default 1
        The step from window to window.
    padding : int, (left, right), "valid", "same" or "full"; default 0
        Zeros around the signal, as in `conv1d`.
    dilation : int >= 1, default 1
        The step between the values of one window.
    groups : int, default 1
        Divides C and channels; each group of channels is read by its own group of filters.
    bias : bool, default True
        Add one trained number per filter.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
    init : name or function of `fastconv.init`, default "uniform"
        First values of the weight: a name such as "he_normal", or a function.
    bias_init : name or function of `fastconv.init`, default "zeros"
        First values of the bias: a name such as "zeros", or a function.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.
    precise : bool, default False
        Compute each result only from the values in its window, see `fastconv.conv2d`.

    Notes
    -----
    Parameters of the network: weight (channels, C / groups, k), bias (channels,).

    `Conv2D` of images (C, 1, L): the same results, and nothing is copied.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Conv1D(16, 5, stride=2), (2, 100)).output_shape
    (16, 48)
    """

    fuses = Conv2D.fuses
    kind = Conv2D.kind
    pack = True  # as in `Conv2D`

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: Padding = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        activation: str | Layer | None = None,
        init: str | Initialiser = "uniform",
        bias_init: str | Initialiser = "zeros",
        name: str | None = None,
        precise: bool = False,
    ) -> None:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "precise": precise}
        rules: dict[str, Any] = {"activation": activation, "init": init, "bias_init": bias_init, "name": name}
        super().__init__(channels, kernel_size, groups, **window, bias=bias, **rules)
        self.check_plane()

    def plane(self) -> Layer:
        """`Conv2D` with a kernel of one row."""
        layer = Conv2D(self.channels, (1, self.kernel_size), **self.numbers())
        return layer if self.pack else layer.unpacked()

    def unpacked(self) -> Self:
        """A copy whose `freeze` leaves the weight an array."""
        layer = copy(self)
        vars(layer)["pack"] = False  # the network's own layer does not change
        return layer


def transposed_ends(value: Any, name: str) -> Padding:
    """As `ends`, with "multiple" and without "same"."""
    return transposed_border(value, name) if isinstance(value, str) else ends(value, name)


def amount(value: Any, name: str) -> int:
    """An integer >= 0, or a sequence of it alone."""
    return check.integer(planes.alone(value), name, 0)


class ConvTranspose1D(Convolution1D):
    """Each value spread over the result through a kernel: the adjoint of `Conv1D`.

    (N, C, L) -> (N, channels, OL), OL = (L - 1) stride - left - right + dilation (k - 1) + output_padding + 1.

    By position: channels and kernel_size; the rest by name.

    Parameters
    ----------
    channels : int >= 1
        The number of channels of the result.
    kernel_size : int >= 1
        k, the length of a kernel.
    stride : int >= 1, default 1
        The step in the result from value to value of x.
    padding : int, (left, right), "valid", "full" or "multiple"; default 0
        What `Conv1D` would have padded; it is cut off the result.
    output_padding : int below stride or dilation, default 0
        Extra values at the end.
    groups : int, default 1
        Divides C and channels; each group of channels is spread over its own group of results.
    bias : bool, default True
        Add one trained number per channel of the result.
    dilation : int >= 1, default 1
        The step between the values that one value of x is spread over.
    activation : str or activation layer, optional
        The activation after the layer: "relu" or another name, or a layer such as ``LeakyReLU(0.2)``. It is a node of
        its own, as in ``sequential(layer, ReLU())``.
    init : name or function of `fastconv.init`, default "uniform"
        First values of the weight: a name such as "he_normal", or a function.
    bias_init : name or function of `fastconv.init`, default "zeros"
        First values of the bias: a name such as "zeros", or a function.
    name : str, optional
        Prefix of the parameters' names, see `Layer`.
    precise : bool, default False
        Compute each result only from the values in its window, see `fastconv.conv2d`.

    Notes
    -----
    Parameters of the network: weight (C, channels / groups, k), bias (channels,).

    `ConvTranspose2D` of images (C, 1, L): the same results, and nothing is copied.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.ConvTranspose1D(3, 4, stride=2, padding="multiple"), (8, 7)).output_shape
    (3, 14)
    """

    kind = ConvTranspose2D.kind
    padding = Argument(transposed_ends)
    output_padding = Argument(amount)

    def __init__(
        self,
        channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: Padding = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
        activation: str | Layer | None = None,
        init: str | Initialiser = "uniform",
        bias_init: str | Initialiser = "zeros",
        name: str | None = None,
        precise: bool = False,
    ) -> None:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "precise": precise}
        rules: dict[str, Any] = {"activation": activation, "init": init, "bias_init": bias_init, "name": name}
        super().__init__(channels, kernel_size, groups, **window, bias=bias, **rules)
        self.output_padding = output_padding
        self.check_plane()

    def plane(self) -> Layer:
        """`ConvTranspose2D` with a kernel of one row."""
        extra = (0, self.output_padding)
        return ConvTranspose2D(self.channels, (1, self.kernel_size), output_padding=extra, **self.numbers())
