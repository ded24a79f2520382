"""One table: the name of a function or method of PyTorch -> the function that makes nodes of it.

Each takes the `Trace` and then the arguments as PyTorch has them, and gives a node, or values whose axes are still to
be brought into order, or several of these. `Refused`, and the errors of layers, say why there is none.
"""

from . import activation, arithmetic, conv, images, matrices, norm, parts, pool, reduction, shape

__all__ = ["TABLE"]

TABLE = {
    name: operation
    for family in (activation, arithmetic, conv, images, matrices, norm, parts, pool, reduction, shape)
    for name, operation in family.TABLE.items()
}
