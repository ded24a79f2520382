"""What people give to be looked at: a network, or what `fastconv.load` returns, with images and labels for it."""

from typing import Any, NamedTuple

import numpy as np

from .. import Network
from ..arguments.batch import batch
from ..fields import several
from ..ops import check
from ..typing import Array


class Subject(NamedTuple):
    """A network; `saved`, if it came in a file, knows its classes and its preprocessing."""

    network: Network
    saved: Any = None

    @property
    def classes(self) -> Any:
        """The names of the classes, where they are known."""
        return None if self.saved is None else self.saved.classes

    def read(self, images: Any, name: str) -> tuple[Array, bool]:
        """(N, *input_shape), ready for the network, and whether they came with a batch axis."""
        network = self.network
        if self.saved is None:
            return batch(images, name, network.input_shape, network.dtype)
        x = self.saved.prepare(images)
        batched = isinstance(images, list | tuple) or len(x) != 1 or np.ndim(images) > len(network.input_shape)
        return x, batched


def subject(network: Any) -> Subject:
    """The network as a Subject; TypeError for anything else."""
    if isinstance(network, Network):
        return Subject(network)
    if isinstance(getattr(network, "network", None), Network):
        return Subject(network.network, network)
    raise no_network(network)


def no_network(given: Any) -> TypeError:
    """The error for what is no network, with what to give."""
    cure, got = "", check.shown(given)
    if callable(getattr(given, "predict", None)) and hasattr(given, "output_shape"):
        cure = "; it only predicts: give the Network that it was frozen from"
    elif callable(given):
        cure, got = "; write fastconv.Network(model, input_shape)", f"a {type(given).__name__}"
    return TypeError(f"network must be a Network, or what fastconv.load returns, got {got}{cure}")


def pictures(found: Subject, images: Any, name: str) -> tuple[Array, bool]:
    """At least one image (N, C, H, W) for the network, and whether they came with a batch axis."""
    if len(found.network.input_shape) != 3:
        raise ValueError(f"network must read images (C, H, W), got one that reads {found.network.input_shape}")
    x, batched = found.read(images, name)
    if len(x) == 0:
        raise ValueError(f"{name} must be at least one image, got shape {np.shape(images)}")
    return x, batched


def one_picture(found: Subject, image: Any) -> Array:
    """One image (1, C, H, W) for the network, given with or without the batch axis."""
    x, _ = pictures(found, image, "image")
    if len(x) != 1:
        raise ValueError(f"image must be one image, got {len(x)}; write images[0]")
    return x


def number_of_classes(network: Network) -> int:
    """K of a network with outputs (K,)."""
    if len(network.output_shape) != 1:
        raise ValueError(f"network must have outputs (K,), one number for each class, got {network.output_shape}")
    return network.output_shape[0]


def classes_for(network: Network, labels: Any, images: Array, name: str = "label") -> Array:
    """The class to look at for each image (N,): `labels`, one number or one for each image, else the predicted ones."""
    K, count = number_of_classes(network), len(images)
    if labels is None:
        outputs = network.predict(images)
        best: Array = np.nan_to_num(outputs, nan=-np.inf).argmax(1)
        return best
    given = check.given(labels, name, "class numbers")
    if given.dtype.kind not in "iu":
        raise TypeError(f"{name} must be a class number, from 0 to {K - 1}, got {check.shown(labels)}")
    if given.ndim > 1 or (given.ndim == 1 and len(given) != count):
        raise ValueError(f"{name} must be one class number, or one for each of {count} images, got shape {given.shape}")
    if given.size and not 0 <= given.min() <= given.max() < K:
        wrong = given.max() if given.max() >= K else given.min()
        raise ValueError(f"{name} must be from 0 to {K - 1}, got {wrong}")
    return np.broadcast_to(given, count).astype(np.int64)


def drawn(network: Any) -> tuple[list[Any], list[Any]]:
    """(nodes, output nodes) of a network, a frozen one or a saved one; TypeError for anything else."""
    found = getattr(network, "network", network)
    output = getattr(found, "output", None)
    outputs = list((several(output) or {"": output}).values())
    if not all(hasattr(node, "inputs") for node in outputs):
        raise no_network(network)
    return found.nodes, outputs
