"""NaN and infinity in training: where they come from, what to try, and the network as it was before them."""

import math
from typing import Any

import numpy as np

from ..arguments.batch import white
from ..losses import MSE
from ..network import Network
from ..parameters import Arrays
from ..typing import Array

USUAL = 0.01  # a learning rate with which SGD seldom diverges


class Kept:
    """Copies of the parameters and buffers of a network, which can be put back."""

    def __init__(self, network: Network) -> None:
        buffers = network.buffers
        self.live = [network.parameters.vector, *(buffers.memory(name) for name in buffers)]
        self.copies = [array.copy() for array in self.live]

    def keep(self) -> None:
        """Copy them as they are now."""
        for copy, array in zip(self.copies, self.live, strict=True):
            np.copyto(copy, array)

    def put_back(self) -> None:
        """Write the copies into the network."""
        for copy, array in zip(self.copies, self.live, strict=True):
            np.copyto(array, copy)


def finite(array: Array) -> bool:
    """Whether all numbers are; a sum finds NaN and infinity, and is infinite without them only where it overflows."""
    with np.errstate(all="ignore"):
        return math.isfinite(np.add.reduce(array, axis=None)) or bool(np.isfinite(array).all())


def odd_array(network: Network) -> str:
    """'network.parameters['conv1.weight'] holds NaN' for the first array that is not finite; '' if all are."""
    for held in ("parameters", "buffers"):
        arrays = getattr(network, held)
        if isinstance(arrays, Arrays) and finite(arrays.vector):
            continue
        for name, array in arrays.items():
            if not finite(array):
                return f"network.{held}[{name!r}] holds {odd_value(array)}"
    return ""


def odd_value(array: Array) -> str:
    """'NaN' if there is one, else 'infinity'."""
    return "NaN" if np.isnan(array).any() else "infinity"


def odd_item(name: str, array: Array, chosen: Array | None = None) -> str:
    """'images[512] holds NaN: ...' for the first item with NaN or infinity; '' if there is none.

    Of an epoch only the `chosen` items are looked at; None stands for all.
    """
    items = array if chosen is None else array[chosen]
    if array.dtype.kind != "f" or not items.size:
        return ""
    bad = np.flatnonzero(~np.isfinite(items.reshape(len(items), -1)).all(1))
    if not len(bad):
        return ""
    index = int(bad[0]) if chosen is None else int(chosen[bad[0]])
    axes = "1" if array.ndim == 2 else str(tuple(range(1, array.ndim)))
    kept = f"numpy.isfinite({name})" + (f".all({axes})" if array.ndim > 1 else "")
    return f"{name}[{index}] holds {odd_value(items)}; with good = {kept} write images[good], labels[good]"


def cause(network: Network, images: Array, targets: Array, chosen: Array | None, optimizer: Any, loss: Any) -> str:
    """Why the loss of a batch is NaN or infinite, and what to write."""
    return (
        odd_item("images", images, chosen)
        or odd_item("labels", targets, chosen)
        or too_fast(images if chosen is None else images[chosen], optimizer, loss)
    )


def too_fast(images: Array, optimizer: Any, loss: Any) -> str:
    """What to try where images and targets are finite: smaller steps."""
    rate, kind = getattr(optimizer, "lr", None), type(optimizer).__name__
    if isinstance(rate, float):
        smaller = f"{kind}(lr={min(rate / 10, USUAL):.1g})"
        told = f"the learning rate may be too large: try a new optimizer with a smaller one than {rate:g}, {smaller}"
    else:
        told = f"the steps of {kind} may be too large: try smaller ones"
    if white(images) > 1:
        told += f", images / {white(images)}"
    if isinstance(loss, MSE) and loss.reduction != "mean":
        told += f", loss=fastconv.MSE('mean') instead of {loss!r}"
    return f"{told}, or fastconv.clip_gradients in a loop of your own"
