"""The names of layers: those for which their parameters are called as in the file, wherever there are such names."""

from collections.abc import Mapping

from .parsed import Operation

__all__ = ["layer_name"]


def layer_name(arrays: Mapping[str, str | None], operation: Operation, taken: set[str]) -> str:
    """A name that no other layer has; `arrays`: parameter of the layer -> its name in the file.

    "conv1" where the weight is "conv1.weight" there; otherwise the name of the operation, or of its first array.
    """
    wanted = [name.removesuffix(f".{slot}") for slot, name in arrays.items() if name and name.endswith(f".{slot}")]
    names = [*filter(None, wanted), operation.name, *filter(None, arrays.values()), *filter(None, operation.outputs)]
    first = name = names[0]
    number = 1
    while name in taken:
        number += 1
        name = f"{first}#{number}"
    taken.add(name)
    return name
