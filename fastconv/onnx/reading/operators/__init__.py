"""One table: the name of an operation -> the function that translates it.

Each takes a `Call`, and gives the operation's result, or a list of them.
"""

from . import activation, arithmetic, conv, dense, norm, pool, reduction, shape

__all__ = ["TABLE"]

TABLE = {
    name: translate
    for family in (activation, arithmetic, conv, dense, norm, pool, reduction, shape)
    for name, translate in family.TABLE.items()
}
