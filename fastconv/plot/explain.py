"""What in an image speaks for a class, as arrays: the maps that `saliency`, `grad_cam` and `occlusion` draw.

    saliency_map(network, images)      |d score / d pixel|
    grad_cam_map(network, images)      where feature maps raise the score
    occlusion_map(network, images)     loss of probability when covered

The score of a class k is y[k], the network's output: the logit, or the
probability where the network ends with Softmax or Sigmoid. Images are
(N, C, H, W), or one image (C, H, W), of the network's dtype; raw images for
what `fastconv.load` returns. Without labels the predicted class is taken.
"""

from typing import Any

import numpy as np

from ..ops import check
from ..typing import Array
from .subject import classes_for, number_of_classes, pictures, subject

__all__ = ["grad_cam_map", "last_maps", "occlusion_map", "saliency_map"]

AT_ONCE = 64  # images, or covered copies of one


def saliency_map(network: Any, images: Any, labels: Any = None) -> Array:
    """How much each pixel changes the score of a class (Simonyan 2014 [57]).

        S[h, w] = max over c of |d y[k] / d x[c, h, w]|

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    images : array (N, C, H, W) or (C, H, W)
    labels : class number, or (N,) of them; None for the predicted classes

    Returns
    -------
    array (N, H, W), or (H, W) for one image

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models
    >>> from fastconv.plot import explain
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> explain.saliency_map(network, np.ones((2, 1, 28, 28), "float32")).shape
    (2, 28, 28)
    """
    net, x, k, batched = explained(network, images, labels)
    dx = net.feature_gradients(x, "input", slopes(net, k), AT_ONCE)
    maps: Array = np.abs(dx).max(1)
    return maps if batched else maps[0]


def grad_cam_map(network: Any, images: Any, labels: Any = None, name: str | None = None) -> Array:
    """Where feature maps A (C, h, w) of a node raise the score of a class (Selvaraju 2017 [58], eq. 1 and 2).

        a[c] = mean over h, w of d y[k] / d A[c, h, w]
        L[h, w] = max(0, sum over c of a[c] * A[c, h, w])

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    images : array (N, C, H, W) or (C, H, W)
    labels : class number, or (N,) of them; None for the predicted classes
    name : str, optional
        Of a node with maps (C, h, w); else the last one before pooling and flattening, `last_maps(network)`.

    Returns
    -------
    array (N, h, w), or (h, w) for one image
        Of the size of the node's maps; to lay it over the image, enlarge it.

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a node without maps.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models
    >>> from fastconv.plot import explain
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> explain.grad_cam_map(network, np.ones((2, 1, 28, 28), "float32")).shape
    (2, 10, 10)
    """
    net, x, k, batched = explained(network, images, labels)
    name = last_maps(net) if name is None else name
    maps = []
    for start in range(0, len(x), AT_ONCE):  # feature maps may take much memory
        part, label = x[start : start + AT_ONCE], k[start : start + AT_ONCE]
        A = net.features(part, name)
        if not isinstance(name, str) or A.ndim != 4:
            raise ValueError(f"name must be that of one node with maps (C, h, w), got {name!r}")
        a = net.feature_gradients(part, name, slopes(net, label)).mean((2, 3), keepdims=True)
        maps.append(np.maximum((a * A).sum(1), 0))
    joined = np.concatenate(maps)
    return joined if batched else joined[0]


def occlusion_map(
    network: Any, images: Any, labels: Any = None, size: Any = None, stride: Any = None, value: Any = None
) -> Array:
    """How much of a class's probability is lost when a square is covered (Zeiler 2014 [59]).

        M[h, w] = mean of p[k](x) - p[k](x with the square covered), over all squares that cover (h, w)

    Positive where the image speaks for the class, negative where it speaks against it.

    Parameters
    ----------
    network : Network, or what `fastconv.load` returns
    images : array (N, C, H, W) or (C, H, W)
    labels : class number, or (N,) of them; None for the predicted classes
    size : int or (int, int), optional
        Height and width of the square; a quarter of the image's.
    stride : int or (int, int), optional
        Steps from one square to the next, at most `size`; a quarter of it. The last square ends where the image does.
    value : number or (C,), optional
        What the square is covered with; the mean of each channel of the image.

    Returns
    -------
    array (N, H, W), or (H, W) for one image

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit, and for a network with one output and no Sigmoid at its end.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Network, models
    >>> from fastconv.plot import explain
    >>> network = Network(models.lenet5(), (1, 28, 28), seed=0)
    >>> explain.occlusion_map(network, np.ones((1, 28, 28), "float32"), size=14, stride=7).shape
    (28, 28)
    """
    net, x, k, batched = explained(network, images, labels)
    places = squares(net.input_shape[1:], size, stride)
    maps = np.stack([covered(net, image, label, places, value) for image, label in zip(x, k, strict=True)])
    return maps if batched else maps[0]


def last_maps(network: Any) -> str:
    """The name of the last node with maps (C, h, w) larger than 1 x 1 that is no pooling: the default of Grad-CAM.

    Examples
    --------
    >>> from fastconv import Network, models
    >>> from fastconv.plot import explain
    >>> explain.last_maps(Network(models.lenet5(), (1, 28, 28)))
    'tanh2'
    """
    nodes = subject(network).network.nodes
    for node in reversed(nodes[1:]):
        if len(node.shape) == 3 and node.shape[1] * node.shape[2] > 1 and getattr(node.layer, "kind", "") != "pool":
            return node.name
    raise ValueError("network must have a node with maps (C, h, w) besides its input, got none")


def explained(network: Any, images: Any, labels: Any) -> tuple[Any, Array, Array, bool]:
    """The network, images (N, C, H, W), a class for each, and whether they came with a batch axis."""
    found = subject(network)
    number_of_classes(found.network)
    x, batched = pictures(found, images, "images")
    return found.network, x, classes_for(found.network, labels, x, "labels"), batched


def slopes(network: Any, classes: Array) -> Array:
    """d y[k] / dy: a row of the identity for each image."""
    return np.eye(network.output_shape[0], dtype=network.dtype)[classes]


def squares(extents: tuple[int, ...], size: Any, stride: Any) -> list[tuple[slice, slice]]:
    """The rows and columns of each square; together they cover the image."""
    sizes = [max(1, extent // 4) for extent in extents] if size is None else pair(size, "size")
    strides = [max(1, each // 4) for each in sizes] if stride is None else pair(stride, "stride")
    for extent, each, step in zip(extents, sizes, strides, strict=True):
        if each > extent:
            raise ValueError(f"size must be at most that of the image, {extents}, got {size!r}")
        if step > each:
            raise ValueError(
                f"stride must be at most size, {tuple(sizes)}, so that each pixel is covered, got {stride!r}"
            )
    rows, columns = (starts(*each) for each in zip(extents, sizes, strides, strict=True))
    return [(slice(i, i + sizes[0]), slice(j, j + sizes[1])) for i in rows for j in columns]


def pair(value: Any, name: str) -> list[int]:
    """One integer >= 1 for both axes, or one for each."""
    several = list(value) if isinstance(value, tuple | list) else [value, value]
    if len(several) != 2:
        raise ValueError(f"{name} must be one integer, or two for height and width, got {value!r}")
    return [check.integer(each, name, 1) for each in several]


def starts(extent: int, size: int, stride: int) -> list[int]:
    """The first pixel of each square along an axis."""
    return sorted({*range(0, extent - size + 1, stride), extent - size})


def covered(network: Any, image: Array, label: int, places: list[tuple[slice, slice]], value: Any) -> Array:
    """The map (H, W) of one image."""
    colour = cover(image, value)
    before = float(network.probabilities(image)[label])
    total, count = np.zeros(image.shape[1:]), np.zeros(image.shape[1:])
    for start in range(0, len(places), AT_ONCE):
        part = places[start : start + AT_ONCE]
        x = np.repeat(image[None], len(part), 0)
        for each, (rows, columns) in zip(x, part, strict=True):
            each[:, rows, columns] = colour
        for place, p in zip(part, network.probabilities(x)[:, label], strict=True):
            total[place] += before - p
            count[place] += 1
    return (total / count).astype(image.dtype)


def cover(image: Array, value: Any) -> Array:
    """The colour (C, 1, 1) of the square."""
    if value is None:
        own: Array = image.mean((1, 2), np.float64, keepdims=True).astype(image.dtype)
        return own
    colour = check.given(value, "value", "a number, or one for each channel")
    if colour.dtype.kind not in "biuf" or colour.shape not in ((), image.shape[:1]):
        raise ValueError(f"value must be a number, or one for each of {len(image)} channels, got {check.shown(value)}")
    return np.broadcast_to(colour.astype(image.dtype), len(image))[:, None, None]
