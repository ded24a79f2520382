"""A network with all that it takes to name what is on a picture."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..data.transforms import Transform
from ..executor.logits import probabilities_of
from ..network import Network
from ..ops import check
from ..typing import Array
from .description import UNKNOWN, number_of_classes
from .images import prepared

__all__ = ["SavedNetwork"]


class SavedNetwork:
    """A network from a file, ready for raw images.

    Images may be

    - an array of bytes or floating-point numbers, (N, C, H, W), one image (C, H, W), or (N, H, W) and (H, W) where
      C = 1;
    - a list of such images of different sizes;
    - the path of a picture or of a folder of pictures, or a list of paths.

    With `preprocessing`, pictures are read in their own size; if no transform changes the size, they are brought to
    that of the network, where that is a square from the square in their middle. Without (None), pictures are
    stretched to the size of the network, as `data.read_images` does, which also reads .npy and IDX files. Arrays then
    must have the size of the network. Bytes that no transform made floating-point numbers are divided by 255.

    Attributes
    ----------
    network : Network
    classes : tuple of str, or None
        The names of the classes, where the file has them.
    preprocessing : list of functions (images, draws) -> images, or None
        "unknown", where a function of somebody's own is among them: predictions then ask for it.
    metadata
        What `fastconv.save` was given.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.models.lenet5(2), (1, 28, 28), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fastconv.save(f"{folder}/a.npz", network, classes=["cat", "dog"], metadata={"epochs": 3})
    ...     saved = fastconv.load(f"{folder}/a.npz")
    >>> saved
    <SavedNetwork (1, 28, 28) -> 2 classes: cat, dog>
    >>> saved.metadata
    {'epochs': 3}
    >>> saved.predict(np.zeros((5, 28, 28), np.uint8)).shape
    (5, 2)
    """

    def __init__(
        self,
        network: Network,
        classes: tuple[str, ...] | None = None,
        preprocessing: Sequence[Transform] | str | None = None,
        metadata: Any = None,
    ) -> None:
        self.network, self.classes, self.metadata = network, classes, metadata
        whole = preprocessing is None or isinstance(preprocessing, str)
        self.preprocessing: Any = preprocessing if whole else list(preprocessing or ())

    def predict(self, images: Any) -> Array:
        """The network's output for raw images (N, *output_shape); one image is a batch of one."""
        outputs = [self.network.predict(part) for part in self._parts(images)]
        return np.concatenate(outputs) if outputs else np.empty((0, *self.network.output_shape), self.network.dtype)

    def prepare(self, images: Any) -> Array:
        """What the network is given for raw images: (N, *input_shape) of its dtype, after the preprocessing.

        ``saved.network.predict(saved.prepare(images))`` is ``saved.predict(images)``.
        """
        parts = list(self._parts(images))
        return np.concatenate(parts) if parts else np.empty((0, *self.network.input_shape), self.network.dtype)

    def _parts(self, images: Any) -> Iterator[Array]:
        """The same, a few images at a time."""
        if self.preprocessing == UNKNOWN:
            raise ValueError(
                "the file does not hold the preprocessing, of which a part is a function of somebody's own: write "
                "fastconv.load(path, preprocessing=[...]), or saved.network.predict(x) with images that are ready"
            )
        return prepared(images, self.network.input_shape, self.network.dtype, self.preprocessing)

    def probabilities(self, images: Any) -> Array:
        """The probability of each class, of the shape of the output.

        The softmax of the output over its classes. Where the network ends with Sigmoid or Softmax, the output itself;
        where it ends with LogSoftmax, exp of the output.
        """
        return probabilities_of(self.network.output, self.predict(images))

    def classify(self, images: Any, top: int = 1) -> list[list[tuple[str | int, float]]]:
        """For each image the most probable classes, the best first: a list of (name, probability).

        Without names of classes, the numbers of the classes.

        Parameters
        ----------
        images
            See above.
        top : int
            How many classes.
        """
        count = number_of_classes(self.network)
        if len(self.network.output_shape) != 1:
            shape = self.network.output_shape
            raise ValueError(f"classify needs a network with outputs (K,), got {shape}; write probabilities(images)")
        top = check.integer(top, "top", 1)
        if top > count:
            raise ValueError(f"top must be from 1 to {count}, the number of classes, got {top}")
        names: Sequence[str | int] = self.classes or range(count)
        found = []
        for row in self.probabilities(images)[:, :count]:
            best = np.argsort(-row, kind="stable")[:top]
            found.append([(names[k], float(row[k])) for k in best])
        return found

    def __repr__(self) -> str:
        count = number_of_classes(self.network)
        names = ", ".join((self.classes or ())[:5]) + (", ..." if count > 5 else "")
        return f"<SavedNetwork {self.network.input_shape} -> {count} classes{f': {names}' if self.classes else ''}>"
