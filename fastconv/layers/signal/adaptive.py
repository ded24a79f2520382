"""Pooling of signals to a wanted length, and over whole signals: that of images with H = 1."""

from ...arguments.attributes import Argument
from ...layer import Layer
from ..adaptive import AdaptiveAvgPool2D, AdaptiveMaxPool2D, GlobalAvgPool2D, GlobalMaxPool2D
from .common import OneAxis, step


class AdaptivePool1D(OneAxis):
    """What both share; the argument is as in `AdaptiveAvgPool1D`."""

    kind = "pool"
    output_size = Argument(step)

    def __init__(self, output_size: int, name: str | None) -> None:
        super().__init__(name)
        self.output_size = output_size


class AdaptiveAvgPool1D(AdaptivePool1D):
    """The mean of windows that are chosen so that the result has a given length.

    (N, C, L) -> (N, C, output_size).

    By position: output_size; the rest by name.

    Parameters
    ----------
    output_size : int >= 1
        OL: value i of the result is the mean of the values floor(i L / OL) to ceil((i + 1) L / OL) - 1.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    `AdaptiveAvgPool2D` of images (C, 1, L).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AdaptiveAvgPool1D(7), (6, 100)).output_shape
    (6, 7)
    """

    def __init__(self, output_size: int, *, name: str | None = None) -> None:
        super().__init__(output_size, name)

    def plane(self) -> Layer:
        """`AdaptiveAvgPool2D` to one row."""
        return AdaptiveAvgPool2D((1, self.output_size))


class AdaptiveMaxPool1D(AdaptivePool1D):
    """The largest value of windows that are chosen so that the result has a given length.

    (N, C, L) -> (N, C, output_size).

    By position: output_size; the rest by name.

    Parameters
    ----------
    output_size : int >= 1
        OL: value i of the result reads the values floor(i L / OL) to ceil((i + 1) L / OL) - 1.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    `AdaptiveMaxPool2D` of images (C, 1, L).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.AdaptiveMaxPool1D(7), (6, 100)).output_shape
    (6, 7)
    """

    keeps_order = True

    def __init__(self, output_size: int, *, name: str | None = None) -> None:
        super().__init__(output_size, name)

    def plane(self) -> Layer:
        """`AdaptiveMaxPool2D` to one row."""
        return AdaptiveMaxPool2D((1, self.output_size))


class GlobalAvgPool1D(OneAxis):
    """The mean of each signal.

    (N, C, L) -> (N, C).

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    `GlobalAvgPool2D` of images (C, 1, L).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GlobalAvgPool1D(), (6, 100)).output_shape
    (6,)
    """

    kind = "pool"

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name)

    def plane(self) -> Layer:
        """`GlobalAvgPool2D`."""
        return GlobalAvgPool2D()


class GlobalMaxPool1D(OneAxis):
    """The largest value of each signal.

    (N, C, L) -> (N, C).

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    `GlobalMaxPool2D` of images (C, 1, L).

    Examples
    --------
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.GlobalMaxPool1D(), (6, 100)).output_shape
    (6,)
    """

    kind = "pool"
    keeps_order = True

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name)

    def plane(self) -> Layer:
        """`GlobalMaxPool2D`."""
        return GlobalMaxPool2D()
