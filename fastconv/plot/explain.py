"""Explanations of a prediction, as arrays: which pixels, which regions speak for a class."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import Network, Node
from ..ops import check
from ..typing import Array
from .given import images_of, labels_of, network_of, planes, score_gradient

__all__ = ["grad_cam_map", "occlusion_map", "saliency_map"]


def saliency_map(network: Any, images: ArrayLike, labels: Any = None) -> Array:
    """How strongly the score of a class depends on each pixel [57].

    m[h, w] = max over c of |d y[label] / d x[c, h, w]|, y = predict(x)

    Parameters
    ----------
    network : Network, or what `fastconv.load` returned
    images : array (N, C, H, W) or (C, H, W), the network's dtype
    labels : int, integers (N,), or None
        The class of each image; None takes the predicted one.

    Returns
    -------
    array (N, H, W), the network's dtype, >= 0

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit; for a network whose output is not (K,).

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> plot.saliency_map(network, np.ones((2, 1, 28, 28), "float32")).shape
    (2, 28, 28)
    """
    network, images, labels = checked(network, images, labels)
    slopes = network.feature_gradients(images, "input", score_gradient(network, labels))
    largest: Array = np.abs(slopes).max(1)
    return largest


def grad_cam_map(network: Any, images: ArrayLike, labels: Any = None, name: str | None = None) -> Array:
    """Where in the planes of a node the evidence for a class lies: Grad-CAM [58].

    m = relu(sum over k of alpha_k a_k),   alpha_k = mean over pixels of d y[label] / d a_k

    for the planes a_k of the node, y = predict(x).

    Parameters
    ----------
    network, images, labels
        As in `saliency_map`.
    name : str, optional
        The node; None takes the last one whose value has more than one pixel.

    Returns
    -------
    array (N, h, w), the network's dtype, >= 0
        Of the size of the node's planes.

    Raises
    ------
    TypeError, ValueError
        As in `saliency_map`; for a node without planes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.resnet8(), (3, 32, 32), seed=0)
    >>> plot.grad_cam_map(network, np.ones((2, 3, 32, 32), "float32")).shape
    (2, 8, 8)
    """
    network, images, labels = checked(network, images, labels)
    node = explained_node(network, name)
    values = network.features(images, node.name)
    slopes = network.feature_gradients(images, node.name, score_gradient(network, labels))
    alpha = slopes.mean((2, 3), keepdims=True)
    evidence: Array = np.maximum((alpha * values).sum(1), 0)
    return evidence


def occlusion_map(
    network: Any,
    images: ArrayLike,
    labels: Any = None,
    size: int | None = None,
    stride: int | None = None,
    value: float | None = None,
) -> Array:
    """How much the probability of a class falls when a square of the image is covered [59].

    m[i, j] = p[label](x) - p[label](x with the square of `size` pixels at (i stride, j stride) set to `value`)

    Parameters
    ----------
    network, images, labels
        As in `saliency_map`.
    size : int, optional
        Pixels along a side of the square; None takes a quarter of the smaller side of the image.
    stride : int, optional
        From one square to the next; None takes half of `size`.
    value : float, optional
        None takes the mean of each channel of the image.

    Returns
    -------
    array (N, rows, columns), the network's dtype
        The last squares end at the edge of the image.

    Raises
    ------
    TypeError, ValueError
        As in `saliency_map`; for a square larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models, plot
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> plot.occlusion_map(network, np.ones((2, 1, 28, 28), "float32"), size=8, stride=4).shape
    (2, 6, 6)
    """
    network, images, labels = checked(network, images, labels)
    _, _, H, W = images.shape
    size = max(1, min(H, W) // 4) if size is None else check.integer(size, "size", 1)
    stride = max(1, size // 2) if stride is None else check.integer(stride, "stride", 1)
    if size > min(H, W):
        raise ValueError(f"size must be at most {min(H, W)}, the smaller side of the image, got {size}")
    cover = images.mean((2, 3), keepdims=True) if value is None else np.full((1, 1, 1, 1), check.number(value, "value"))
    rows, columns = (starts(extent, size, stride) for extent in (H, W))
    each = np.arange(len(images))
    whole = network.probabilities(images)[each, labels]
    found = np.empty((len(images), len(rows), len(columns)), network.dtype)
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            covered = images.copy()
            covered[:, :, top : top + size, left : left + size] = cover
            found[:, i, j] = whole - network.probabilities(covered)[each, labels]
    return found


def checked(network: Any, images: Any, labels: Any) -> tuple[Network, Array, Array]:
    """The network, its images as a batch, and the class of each."""
    network = network_of(network)
    if len(network.input_shape) != 3:
        raise ValueError(f"network must take images (C, H, W), it takes {network.input_shape}")
    images = images_of(network, images)
    return network, images, labels_of(network, labels, images)


def explained_node(network: Network, name: str | None) -> Node:
    """The node of this name, or the last with planes; ValueError for one without."""
    known = planes(network)
    if name is None:
        if not known:
            raise ValueError("network has no node whose value has more than one pixel")
        return known[-1]
    network.features(np.zeros((0, *network.input_shape), network.dtype), name)  # says which names there are
    for node in known:
        if node.name == name:
            return node
    raise ValueError(f"name must be a node with planes (C, H, W), such as {known[-1].name!r}, got {name!r}")


def starts(extent: int, size: int, stride: int) -> list[int]:
    """Where the squares begin along an axis; the last one ends at the edge."""
    found = list(range(0, extent - size + 1, stride))
    return found if found[-1] == extent - size else [*found, extent - size]
