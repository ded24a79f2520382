"""What the activations share: y = f(x) of the shape of x, dx = dy f'(x)."""

from numpy.typing import DTypeLike

from ...layer import Spec
from ...typing import Shape
from ..common import Parameterless


class Activation(Parameterless):
    """y has the shape of x and may overwrite it."""

    in_place = True

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x."""
        return Spec(x_shape)


class FromOutput(Activation):
    """An activation whose gradient reads y alone."""

    saves = frozenset({"y"})


class FromInput(Activation):
    """An activation whose gradient reads x alone."""

    saves = frozenset({"x"})
