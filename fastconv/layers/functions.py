"""Functions of each value that are no activations: models in files are made of them.

exp          y = exp x      dx = y dy
sqrt         y = sqrt x     dx = dy / (2 y)
reciprocal   y = 1 / x      dx = -y^2 dy
"""

from ..layer import Bound
from ..ops.elementwise import call
from ..typing import Call
from .activation.common import FromOutput


class Exp(FromOutput):
    """The exponential of each value: y = exp x.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    0 at -inf, inf where it is too large; NaN stays NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Exp(), (2,)).predict(np.array([0.0, 1.0], "float32"))
    array([1.       , 2.7182817], dtype=float32)
    """

    kind = "exp"

    def forward(self, b: Bound) -> list[Call]:
        """y = exp x"""
        return [call("exp", b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = y dy"""
        return [call("multiply", b.dy, b.y, b.dx)]


class Sqrt(FromOutput):
    """The square root of each value: y = sqrt x.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    NaN below 0; the gradient at 0 is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Sqrt(), (2,)).predict(np.array([4.0, 9.0], "float32"))
    array([2., 3.], dtype=float32)
    """

    kind = "sqrt"

    def forward(self, b: Bound) -> list[Call]:
        """y = sqrt x"""
        return [call("sqrt", b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy / (2 y)"""
        return [call("sqrt_backward", b.dy, b.y, b.dx)]


class Reciprocal(FromOutput):
    """One divided by each value: y = 1 / x. A quotient of nodes is ``a * Reciprocal()(b)``.

    (N, ...) -> (N, ...), the same shape.

    All arguments are given by name.

    Parameters
    ----------
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    inf at 0.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> fastconv.Network(fastconv.layers.Reciprocal(), (2,)).predict(np.array([4.0, -0.5], "float32"))
    array([ 0.25, -2.  ], dtype=float32)
    """

    kind = "reciprocal"

    def forward(self, b: Bound) -> list[Call]:
        """y = 1 / x"""
        return [call("reciprocal", b.x, b.y)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = -y^2 dy"""
        return [call("reciprocal_backward", b.dy, b.y, b.dx)]
