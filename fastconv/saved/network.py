"""A network with its classes and with what images pass through before it."""

import os
from collections.abc import Sequence
from reprlib import repr as shortened
from typing import Any

import numpy as np

from ..data import transforms
from ..data.draws import Draws
from ..executor.logits import last_activation
from ..network import Network
from ..ops import check, softmax
from ..typing import Array, Shape

__all__ = ["SavedNetwork"]


class SavedNetwork:
    """A network with its classes and preprocessing: what `load` returns.

    Attributes
    ----------
    network : Network
    classes : tuple of str, or None
        The names of the outputs.
    preprocessing : tuple of transforms, or None
        What raw images pass through; None: bytes are divided by 255.
    metadata
        What `save` was given.

    Examples
    --------
    See `save`.
    """

    def __init__(self, network: Network, classes: Sequence[str] | None, preprocessing: Any, metadata: Any) -> None:
        self.network, self.preprocessing, self.metadata = network, preprocessing, metadata
        self.classes = None if classes is None else tuple(classes)

    def __repr__(self) -> str:
        return f"SavedNetwork({self.network!r}, classes={shortened(self.classes)})"

    def prepare(self, images: Any) -> Array:
        """Raw images as the network sees them, (N, *input_shape).

        Parameters
        ----------
        images : array, or list of arrays, or path, or list of paths
            Bytes or floating-point numbers: (N, C, H, W), or one image (C, H, W); grey ones also (N, H, W) or (H, W);
            lists where sizes differ. Pictures in files come with the network's channels, and, without a preprocessing,
            resized to its size.

        Returns
        -------
        array (N, *input_shape), the network's dtype
        """
        if isinstance(self.preprocessing, str):
            raise ValueError(
                "the file does not know what images pass through before the network, a function of somebody's own: "
                "give it, fastconv.load(path, preprocessing=[...]), or call network.predict with images that are ready"
            )
        shape = self.network.input_shape
        raw = from_files(images, shape, self.preprocessing) if paths(images) else from_arrays(images, shape)
        steps = (transforms.to_float(),) if self.preprocessing is None else self.preprocessing
        changed = transforms.apply(steps, raw, Draws(0, 0, np.arange(len(raw))))
        if isinstance(changed, list) or changed.shape[1:] != shape:
            found = changed[0].shape if isinstance(changed, list) else changed.shape[1:]
            raise ValueError(
                f"images must have the shape {shape} after the preprocessing, got {found}; give a preprocessing that "
                "brings them to one size: transforms.resize((H, W))"
            )
        return transforms.to_float()(changed, Draws(0, 0, [])).astype(self.network.dtype, copy=False)  # type: ignore[union-attr]

    def predict(self, images: Any) -> Array:
        """The network's output for raw images, (N, *output_shape); `prepare` says what images may be."""
        return self.network.predict(self.prepare(images))

    def probabilities(self, images: Any) -> Array:
        """softmax of the output for raw images, (N, K); the output itself where the network ends with probabilities."""
        y = self.predict(images)
        return y if last_activation(self.network.output) is not None else softmax(y)

    def classify(self, images: Any, top: int = 1) -> list[list[tuple[str, float]]]:
        """For each image the `top` most probable classes, best first: (name, probability)."""
        top = check.integer(top, "top", 1)
        p = self.probabilities(images)
        if p.ndim != 2:
            raise ValueError(f"classify needs a network of one class an image, with outputs (K,), got {p.shape[1:]}")
        called = self.classes or tuple(map(str, range(p.shape[1])))
        best = np.argsort(-p, axis=1, kind="stable")[:, :top]
        return [[(called[k], float(row[k])) for k in order] for row, order in zip(p, best, strict=True)]


def paths(images: Any) -> bool:
    """Whether these are names of files."""
    first = images[0] if isinstance(images, list | tuple) and images else images
    return isinstance(first, str | bytes | os.PathLike)


def from_files(given: Any, shape: Shape, preprocessing: Any) -> Any:
    """The pictures in files, with the channels of a network; of its size, if no preprocessing gives it."""
    from ..data.listed import image_list

    files = list(given) if isinstance(given, list | tuple) else [given]
    size = tuple(shape[1:]) if preprocessing is None else None
    pictures = image_list([(file, 0) for file in files], channels=shape[0], size=size)
    return pictures.batch(np.arange(len(files)))[0]


def from_arrays(images: Any, shape: Shape) -> Any:
    """(N, C, H, W), or a list of (C, H, W); one image alone becomes a batch."""
    from ..data.in_memory import checked_images

    array = images if isinstance(images, list) else np.asarray(images)
    if isinstance(array, list) and not array:
        raise ValueError("images must hold at least one, got an empty list")
    if isinstance(array, np.ndarray) and len(shape) == 1:
        return array.reshape(-1, *shape) if array.ndim in (1, 2) else array
    if isinstance(array, np.ndarray) and (array.ndim == 2 or (array.ndim == 3 and len(array) == shape[0] != 1)):
        array = array[None]
    return checked_images(array)
