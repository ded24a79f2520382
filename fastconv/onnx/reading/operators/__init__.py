"""One table: the name of an operation -> the function that translates it.

Each takes a `Call`, and gives the operation's result, or a list of them.
"""

from . import (
    activation,
    arithmetic,
    channels,
    choice,
    conv,
    dense,
    norm,
    pool,
    quantized,
    recorded,
    reduction,
    resize,
    shape,
)
from .anywhere import of_each_value

__all__ = ["KNOWN", "TABLE"]

FAMILIES = (activation, arithmetic, channels, choice, conv, dense, norm, pool, quantized, reduction, resize, shape)
EACH_VALUE = {*activation.TABLE, *arithmetic.TABLE} - {"PRelu", "Softmax", "LogSoftmax", "Erf"}
TABLE = {name: translate for family in FAMILIES for name, translate in family.TABLE.items()}
TABLE = of_each_value(TABLE, EACH_VALUE)
KNOWN = TABLE | recorded.TABLE  # and what fastconv itself wrote
