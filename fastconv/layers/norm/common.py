"""What batch, group and layer norm share.

y = z w + b, z = (x - mean) / sqrt(var + eps)
db = sum dy, dw = sum dy z
dx = (g - mean g - z mean(g z)) / sqrt(var + eps), g = w dy; the means are over the values that share statistics
"""

from typing import Any

from ... import init
from ...arguments.attributes import Argument
from ...layer import Array, Bound, Layer, Parameter
from ...ops import check
from ...ops.elementwise import positive
from ...typing import Shape


def small(value: Any, name: str) -> float:
    """A float from above 0 to below 1: not a number of channels."""
    number = positive(value, name)
    if number >= 1:
        raise ValueError(f"{name} must be below 1, got {value!r}; the number of channels is not given, it is that of x")
    return number


class Normalisation(Layer):
    """A layer that normalises, then scales and shifts; its gradient reads x and the saved statistics.

    Parameters
    ----------
    eps : float from above 0 to below 1
        Added to the variance.
    affine : bool
        Have a trained weight and bias.
    name : str or None
        See `Layer`.
    """

    saves = frozenset({"x"})
    in_place = True
    kind = "norm"
    eps = Argument(small)
    affine = Argument(check.flag)

    def __init__(self, eps: float, affine: bool, name: str | None) -> None:
        super().__init__(name)
        self.eps, self.affine = eps, affine

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """The weight and the bias; none with affine=False."""
        if not self.affine:
            return {}
        return {"weight": Parameter(shape, init.ones), "bias": Parameter(shape, init.zeros)}

    def scratch(self, shape: Shape) -> dict[str, Array]:
        """Memory for the gradients of a weight and a bias that do not exist: the kernels write them all the same."""
        return {} if self.affine else {"dweight": Array(shape, None, False), "dbias": Array(shape, None, False)}

    def weights(self, b: Bound) -> tuple[Any, Any]:
        """The weight and the bias, or (None, None)."""
        return (b.params.weight, b.params.bias) if self.affine else (None, None)

    def gradients(self, b: Bound) -> tuple[Any, Any]:
        """Where the kernels write dw and db."""
        return (b.grads.weight, b.grads.bias) if self.affine else (b.scratch.dweight, b.scratch.dbias)
