"""The network in a file: which one it is, and what its classes are called, as the file's metadata say."""

import errno
import math
import os
import warnings
from collections.abc import Callable, Sequence
from reprlib import repr as shortened
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from .. import checkpoint, graph, losses, models
from ..data import DataError
from ..data.arrays import shares
from ..data.files import first_bytes
from ..data.idx import is_idx
from ..data.kinds import picture
from ..network import Network
from ..ops.activation import softmax
from ..typing import Array, Shape
from .streams import complain
from .words import quoted

__all__ = ["Saved", "load_network"]

MOST_PIXELS = 1 << 20  # of the input that a saved network may declare
START = 256  # bytes that tell the format of a file
NETWORKS = (".npz", ".safetensors")
OWN = (
    "a network of your own predicts in Python: network.predict(fastconv.data.read_images('x.png', network.input_shape))"
)


class Saved(NamedTuple):
    """A network, what it was trained to reduce, the names of its classes, and the background of its training images."""

    network: Network
    loss: losses.Loss
    classes: Sequence[object]
    background: object

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the classes; None where they are numbers."""
        return None if isinstance(self.classes, range) else tuple(map(str, self.classes))

    @property
    def pictures(self) -> tuple[int, tuple[int, ...]]:
        """The channels and the size to which pictures are brought."""
        channels, *size = self.network.input_shape
        return channels, tuple(size)

    def predict(self, images: Array | list[Array]) -> Array:
        """The network's outputs for images as a data set gives them; bytes are divided by 255."""
        shown = sorted({str(image.shape) for image in images}) if isinstance(images, list) else []
        if shown or images.shape[1:] != self.network.input_shape:  # type: ignore[union-attr]
            got = " and ".join(shown[:3]) or str(images.shape[1:])  # type: ignore[union-attr]
            raise ValueError(f"the network reads images of shape {self.network.input_shape}, got {got}")
        return self.network.predict(shares(np.asarray(images)).astype(self.network.dtype, copy=False))

    @property
    def kind(self) -> str:
        """What the numbers of classes are."""
        return "output" if self.loss == losses.MSE() else "probability"

    def scores(self, outputs: Array) -> Array:
        """Probabilities from the network's outputs (N, K), or these themselves where they are trained with MSE."""
        return outputs if self.kind == "output" else softmax(outputs)


def load_network(path: str, files: Sequence[str]) -> Saved:
    """The network in a file; CheckpointError if it holds none that the command line can build.

    `files` are those that will be read: an error may propose another order.
    """
    refuse_images(path, files)
    try:
        saved = checkpoint.metadata(path)
    except FileNotFoundError:
        near = next((path + suffix for suffix in NETWORKS if os.path.isfile(path + suffix)), None)
        if near:
            cure = f"there is {near}: write {quoted('fastconv', 'predict', near, *files)}"
        else:
            cure = f"{quoted('fastconv', 'train', '--out', path)} makes it"
        raise ValueError(f"{path}: {os.strerror(errno.ENOENT)}; {cure}") from None
    if not (saved and isinstance(saved, dict)):
        raise without_metadata(path, "it has no metadata")
    if saved.get("model") is None:
        raise without_metadata(path, "its metadata names no model")
    model, shape, classes = (saved.get(name) for name in ("model", "input_shape", "classes"))
    if not (isinstance(model, str) and model in models.known):
        raise unknown_network(
            path, f"its metadata has the model {shortened(model)}, not one of {', '.join(models.known)}; {OWN}"
        )
    if not is_shape(shape):
        why = f"its metadata has the input_shape {shortened(shape)}, not three integers such as [1, 28, 28]"
        raise unknown_network(path, f"{why}; {to_write(path, model)}")
    network = built(path, models.known[model].build, f"{model} for images of shape {tuple(shape)}", tuple(shape))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        network.load(path)
    for warning in said:  # about rounded weights
        complain(warning.message)
    names = names_of_classes(path, classes, network.output_shape[0])
    return Saved(network, models.known[model].loss, names, saved.get("background"))


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


def built(path: str, build: Callable[[], Any], what: str, shape: Shape) -> Network:
    """The network that a file's metadata name; refused before it is allocated if the file is too small for it."""
    try:
        params, _ = graph.declared(graph.ancestors(graph.build(build(), shape, "float32")))
        smallest = sum(math.prod(p.shape) for p in params.values())  # a file has at least a byte per element
        if smallest > os.path.getsize(path):
            raise ValueError("the file is too small")
        return Network(build(), shape)
    except ValueError as error:
        raise checkpoint.CheckpointError(f"{path} does not fit {what}, as its metadata says: {error}") from error


def without_metadata(path: str, why: str) -> checkpoint.CheckpointError:
    """The error for a file of arrays alone, as `network.save(path)` writes it: which line writes the metadata too."""
    fitting = [name for name, entry in models.known.items() if fits(path, entry)]
    if not fitting:
        return unknown_network(path, f"{why}, and fits none of {', '.join(models.known)}; {OWN}")
    others = f"; its arrays fit {' and '.join(fitting)} alike: write the one that was trained" if fitting[1:] else ""
    return unknown_network(path, f"{why}; {to_write(path, fitting[0])}{others}")


def fits(path: str, entry: models.Entry) -> bool:
    """Whether the file has the arrays of this model."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rounded weights
            Network(entry.build(), entry.input_shape).load(path)
    except checkpoint.Mismatch:
        return False
    return True


def to_write(path: str, model: str) -> str:
    """The line of Python that saves the network with its metadata."""
    return (
        f'save the network with them, in Python: network.save({path!r}, metadata={{"model": "{model}", '
        '"input_shape": network.input_shape, "classes": names}), names being a list of text, one for each output '
        "of the network; without it, classes have numbers"
    )


def unknown_network(path: str, why: str) -> checkpoint.CheckpointError:
    """The error for a file whose metadata do not say which network it holds."""
    return checkpoint.CheckpointError(f"{path}: does not say which network it holds: {why}")


def names_of_classes(path: str, classes: Any, count: int) -> Sequence[object]:
    """The names of `count` classes; their numbers if the file has no names."""
    if classes is None:
        return range(count)
    named = isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes)
    if not (named and len(classes) == count):
        raise checkpoint.CheckpointError(
            f"{path}: its metadata has classes that are not {count} strings, as many as the network has outputs"
        )
    return classes  # type: ignore[no-any-return]


def is_shape(value: object) -> TypeGuard[Sequence[int]]:
    """Whether this is (C, H, W), of a size that a command line should allocate."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        return False
    return all(type(extent) is int and extent > 0 for extent in value) and math.prod(value) <= MOST_PIXELS
