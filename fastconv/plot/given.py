"""What the figures are given: a network, its images, and the classes to explain."""

from typing import Any

import numpy as np

from .. import Network, Node
from ..arguments.batch import batch, shape_of_batch
from ..ops import check
from ..typing import Array


def network_of(given: Any) -> Any:
    """The Network of what is given: itself, or what `fastconv.load` returned."""
    network = given if isinstance(given, Network) else getattr(given, "network", None)
    if isinstance(network, Network):
        return network
    raise TypeError(
        "network must be a fastconv.Network, or what fastconv.load returned"
        + ("; a frozen network has no gradients and no inner values: give the network it was made of" if frozen(given)
           else f", got {check.shown(given)}")
    )  # fmt: skip


def frozen(given: object) -> bool:
    """Whether this is a network that was made ready for prediction alone."""
    return type(given).__name__ == "FrozenNetwork"


def images_of(network: Network, images: Any, name: str = "images") -> Array:
    """The images as a batch (N, *input_shape) of at least one."""
    found, _ = batch(images, name, network.input_shape, network.dtype)
    if len(found) == 0:
        raise ValueError(f"{name} must be at least one image, {shape_of_batch(network.input_shape)}, got {found.shape}")
    return found


def image_of(network: Network, image: Any) -> Array:
    """One image, as a batch of one."""
    if len(network.input_shape) != 3:
        raise ValueError(f"network must take images (C, H, W), it takes {network.input_shape}")
    found = images_of(network, image, "image")
    if len(found) > 1:
        raise ValueError(f"image must be one image {network.input_shape}, got {len(found)}; write images[0]")
    return found


def labels_of(network: Network, labels: Any, images: Array) -> Array:
    """The class to explain for each image: those given (one number is for all), or None: the predicted ones."""
    if len(network.output_shape) != 1:
        raise ValueError(f"network must have an output (K,), one score for each class, it has {network.output_shape}")
    if labels is None:
        return network.predict(images).argmax(1)
    K, labels = network.output_shape[0], check.given(labels, "labels")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be class indices, integers from 0 to {K - 1}, got {labels.dtype}")
    if labels.ndim and labels.shape != (len(images),):
        raise ValueError(f"labels must have shape ({len(images)},), one class for each image, got {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < K:
        raise ValueError(f"labels must be from 0 to {K - 1}, got {labels.min()} to {labels.max()}")
    return np.broadcast_to(labels, len(images))


def score_gradient(network: Network, labels: Array) -> Array:
    """dL / dy, where L is the score of the given class of each image: rows of the identity."""
    return np.eye(network.output_shape[0], dtype=network.dtype)[labels]


def planes(network: Network) -> list[Node]:
    """The nodes whose values are images (C, H, W) with more than one pixel, but for the input."""
    return [node for node in network.nodes[1:] if len(node.shape) == 3 and node.shape[1] * node.shape[2] > 1]
