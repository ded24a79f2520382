"""NaN and infinity in training: where they come from, what to try, and the network as it was before them."""

from typing import Any

import numpy as np

from ..arguments.batch import white_of_floats
from ..arguments.finite import contents, item_not_finite
from ..losses import MSE
from ..losses.weighted import plain
from ..network import Network
from ..typing import Array

GROWN = 10_000  # times the first loss: no network learns with such losses
USUAL = 0.01  # a learning rate with which SGD seldom diverges


class Kept:
    """Copies of the buffers of a network, and unless told otherwise of its parameters, which can be put back."""

    def __init__(self, network: Network, parameters: bool = True) -> None:
        buffers = network.buffers
        self.live = [network.parameters.vector] if parameters else []
        self.live += [buffers.memory(name) for name in buffers]
        self.copies = [array.copy() for array in self.live]

    def keep(self) -> None:
        """Copy them as they are now."""
        for copy, array in zip(self.copies, self.live, strict=True):
            np.copyto(copy, array)

    def put_back(self) -> None:
        """Write the copies into the network."""
        for copy, array in zip(self.copies, self.live, strict=True):
            np.copyto(array, copy)


def cause(network: Network, images: Array, targets: Array, chosen: Array | None, optimizer: Any, loss: Any) -> str:
    """Why the loss of a batch is NaN or infinite, and what to write."""
    return (
        item_not_finite("images", images, chosen)
        or item_not_finite("labels", targets, chosen)
        or all_ignored(targets if chosen is None else targets[chosen], loss)
        or too_fast(images if chosen is None else images[chosen], optimizer, loss)
    )


def of_batch(batch: Any, optimizer: Any, loss: Any) -> str:
    """The same for a batch of a loader; None for an epoch in which no batch was at fault."""
    if batch is None:
        return smaller_steps(optimizer, sure=False)
    targets = plain(batch.targets)
    for what, array in (("images", batch.images), ("targets", targets)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return f"{what} of this batch hold {contents(array)}: look at the data set and its transforms"
    return all_ignored(targets, loss) or too_fast(batch.images, optimizer, loss)


def all_ignored(targets: Array, loss: Any) -> str:
    """Whether a batch has no mean, because none of its images (and pixels) counts; '' if some do."""
    ignored = getattr(loss, "ignore_index", None)
    if targets.dtype.kind != "i" or ignored is None or targets.size == 0 or (targets != ignored).any():
        return ""
    return (
        f"all labels of the batch are ignored (ignore_index={ignored}): leave out such images, or take larger batches"
    )


def smaller_steps(optimizer: Any, sure: bool) -> str:
    """The learning rate to try in place of one that is, or may be, too large."""
    rate, kind = getattr(optimizer, "lr", None), type(optimizer).__name__
    if not isinstance(rate, float):
        return f"the steps of {kind} {'are' if sure else 'may be'} too large: try smaller ones"
    smaller = f"{kind}(lr={min(rate / 10, USUAL):.1g})"
    is_or_may = "is" if sure else "may be"
    return f"the learning rate {is_or_may} too large: try a new optimizer with a smaller one than {rate:g}, {smaller}"


def grown(first: float, last: float, loss: Any, targets: Array | None) -> bool:
    """Whether the loss of an image has grown beyond that of the first batch, and beyond what large targets explain."""
    if last <= GROWN * max(1.0, first):
        return False
    if targets is None or targets.dtype.kind != "f":
        return True
    squares = float(np.square(targets, dtype="float64").sum())  # the squared error of a network that gives zeros
    count = targets.size if getattr(loss, "reduction", None) == "mean" else len(targets)
    return last > GROWN * squares / count


def too_fast(images: Array, optimizer: Any, loss: Any) -> str:
    """What to try where images and targets are finite: smaller steps."""
    cure = smaller_steps(optimizer, sure=False)
    if white_of_floats(images) > 1:
        cure += f", images / {white_of_floats(images)}"
    if isinstance(loss, MSE) and loss.reduction != "mean":
        cure += f", loss=fastconv.MSE('mean') instead of {loss!r}"
    return f"{cure}, or fit(..., max_norm=1.0); in a loop of your own fastconv.clip_gradients"
