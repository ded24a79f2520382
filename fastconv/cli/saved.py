"""The network in a file, what its classes are called, and how images become what it reads."""

import errno
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import checkpoint, data, losses, saved
from ..data import DataError, Draws, transforms
from ..data.arrays import shares
from ..data.files import first_bytes
from ..data.idx import is_idx
from ..data.kinds import picture
from ..executor.logits import last_activation
from ..network import Network
from ..ops.activation import softmax
from ..saved.images import prepared
from ..typing import Array, Shape
from . import onnx_files
from .streams import complain
from .words import quoted

__all__ = ["NETWORKS", "Saved", "load_network"]

WHITE = 255  # of bytes
START = 256  # bytes that tell the format of a file
NETWORKS = (".npz", ".safetensors", ".onnx")
SIZES = ("resize", "center_crop")  # transforms that come before the values change


class Saved(NamedTuple):
    """A network, the names of its classes, the background of its training images, and what images pass through.

    `sizes` bring an image to its size; `values` change its values afterwards, such as normalize.
    """

    network: Network
    classes: Sequence[object]
    background: object
    sizes: Sequence[Any] | None
    values: Sequence[Any]

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes; None where they are numbers."""
        return None if isinstance(self.classes, range) else tuple(map(str, self.classes))

    @property
    def pictures(self) -> tuple[int, Any]:
        """The channels and the size to which pictures are brought; None where a transform does that."""
        channels, *size = self.network.input_shape
        return channels, None if self.sizes else tuple(size)

    def read(self, path: str | Path) -> Array:
        """(N, C, H, W) from 0 to 1: all images of a file, of the network's size, before their values change."""
        if self.sizes is None:
            return data.read_images(path, self.network.input_shape)
        parts = list(prepared([path], self.network.input_shape, np.dtype("float32"), self.sizes))
        return np.concatenate(parts)

    def outputs(self, images: Array) -> Array:
        """The network's outputs for images as `read` gives them."""
        return self.network.predict(self.ready(images))

    def ready(self, images: Array) -> Array:
        """Images as `read` gives them, with their values changed: what the network reads."""
        if self.values:
            images = transforms.apply(self.values, images, Draws(0, 0, np.arange(len(images))))  # type: ignore[assignment]
        return images.astype(self.network.dtype, copy=False)

    def predict(self, images: Any) -> Array:
        """The network's outputs for images as a data set gives them; bytes are divided by 255."""
        if self.sizes:
            images = transforms.apply(self.sizes, images, Draws(0, 0, np.arange(len(images))))
        shown = sorted({str(image.shape) for image in images}) if isinstance(images, list) else []
        if shown or images.shape[1:] != self.network.input_shape:
            got = " and ".join(shown[:3]) or str(images.shape[1:])
            raise ValueError(f"the network reads images of shape {self.network.input_shape}, got {got}")
        return self.outputs(shares(np.asarray(images)))

    @property
    def loss(self) -> losses.Loss:
        """What such a network is trained with."""
        return losses.MSE() if self.kind == "output" else losses.CrossEntropy()

    @property
    def kind(self) -> str:
        """What the numbers of classes are."""
        return "probability" if last_activation(self.network.output) is None else "output"

    def scores(self, outputs: Array) -> Array:
        """Probabilities from the network's outputs (N, K), or these themselves where its last layer makes them."""
        return outputs if self.kind == "output" else softmax(outputs)


def load_network(path: str, files: Sequence[str], shape: Shape | None = None) -> Saved:
    """The network in a file; CheckpointError if it holds none that the command line can build.

    `files` are those that will be read: an error may propose another order, and a file of ONNX that leaves H and W free
    gets their size, unless `shape` is given.
    """
    refuse_images(path, files)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            about, found, bytes_in = contents(path, files, shape)
        except FileNotFoundError:
            near = next((path + suffix for suffix in NETWORKS if os.path.isfile(path + suffix)), None)
            if near:
                cure = f"there is {near}: write {quoted('fastconv', 'predict', near, *files)}"
            else:
                made = ("convert", "network.npz", path) if onnx_files.is_onnx(path) else ("train", "--out", path)
                cure = f"{quoted('fastconv', *made)} makes it"
            raise ValueError(f"{path}: {os.strerror(errno.ENOENT)}; {cure}") from None
    for warning in said:  # about rounded weights
        complain(warning.message)
    if len(found.network.input_shape) != 3 or len(found.network.output_shape) != 1:
        raise checkpoint.CheckpointError(f"{path}: its network gives no classes of pictures; it predicts in Python")
    if found.preprocessing == saved.UNKNOWN:
        raise checkpoint.CheckpointError(
            f"{path}: images pass through a function of somebody's own before its network; it predicts in Python: "
            "fastconv.load(path, preprocessing=[...])"
        )
    sizes, values = parted(found.preprocessing)
    if bytes_in:
        values = [in_bytes, *values]
    classes = found.classes or range(found.network.output_shape[0])
    return Saved(found.network, classes, about.get("background"), sizes, values)


def contents(path: str, files: Sequence[str], shape: Shape | None) -> tuple[Any, saved.SavedNetwork, bool]:
    """(the metadata of a file, its network, whether this reads numbers from 0 to 255)."""
    if onnx_files.is_onnx(path):
        return {}, *onnx_files.opened(path, files, shape)
    if shape is not None:
        raise ValueError(f"{path} is a saved network, which says itself what it is; leave out --input")
    return checkpoint.metadata(path), saved.load(path), False


def in_bytes(images: Array, draws: Draws) -> Array:
    """From 0 to 255 what lies from 0 to 1."""
    return images * np.float32(WHITE)


def parted(preprocessing: Any) -> tuple[list[Any] | None, list[Any]]:
    """(what changes the size of images, what changes their values afterwards); None where there is neither."""
    if preprocessing is None:
        return None, []
    first = next((k for k, step in enumerate(preprocessing) if not changes_size(step)), len(preprocessing))
    return list(preprocessing[:first]), list(preprocessing[first:])


def changes_size(step: Any) -> bool:
    """Whether the transform is one of size alone."""
    description = transforms.described(step)
    return description is not None and description["name"] in SIZES


def refuse_images(path: str, files: Sequence[str]) -> None:
    """CheckpointError if the file that should hold the network holds images, or is a folder."""
    kind = kind_of_images(path)
    if kind is None:
        return
    networks = [file for file in files if file.endswith(NETWORKS)]
    line = quoted(networks[0], path) if networks else f"MODEL {quoted(path)}"
    raise checkpoint.CheckpointError(f"{path} is {kind}; the network comes first: fastconv predict {line}")


def kind_of_images(path: str) -> str | None:
    """What holds images, in words; None for all other files, and for files that cannot be read."""
    if os.path.isdir(path):
        return "a folder"
    if path == "-":
        return "standard input"
    try:
        start = first_bytes(path, START)
    except DataError:
        return None
    if picture(start):
        return "a picture"
    if start.startswith(b"\x93NUMPY"):
        return "a .npy array"
    return "an IDX file" if is_idx(start) else None
