"""Files that hold a whole network: weights, which model it is, its classes, what images pass through before it."""

import math
import os
from collections.abc import Sequence
from reprlib import repr as shortened
from typing import Any

from .. import checkpoint, graph, models
from ..data import transforms
from ..network import Network
from ..ops import check
from ..system.files import AnyPath
from ..system.paths import text_of
from ..typing import Shape
from .network import SavedNetwork

__all__ = ["UNKNOWN", "described", "load", "save"]

MOST_PIXELS = 1 << 22  # of the input that a file may declare
UNKNOWN = "unknown"  # what is written where images pass through functions that a file cannot hold


def save(
    path: AnyPath,
    network: Network,
    classes: Sequence[str] | None = None,
    preprocessing: Any = None,
    metadata: Any = None,
) -> None:
    """Write a network with all that is needed to predict on raw images; `load` gives it back.

    Parameters
    ----------
    path : str or pathlib.Path
        .npz, or .safetensors if that is its suffix. Replaced as a whole, as by `Network.save`.
    network : Network
        Of a model of `fastconv.models`. For one of your own write ``load(path, model=function)``.
    classes : sequence of str, optional
        A name for each output.
    preprocessing : transform or sequence of transforms, optional
        What an image passes through, such as ``[transforms.resize(40), transforms.center_crop(32),
        transforms.normalize()]``. By default bytes are divided by 255.
    metadata : optional
        Anything of your own that JSON holds.

    Raises
    ------
    TypeError, ValueError
        For what a file cannot hold; nothing is written.
    OSError
        If the path cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.models.lenet5(num_classes=3), (1, 28, 28), seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "pets.npz")
    ...     fastconv.save(path, network, classes=["cat", "dog", "hamster"])
    ...     saved = fastconv.load(path)
    >>> image = np.zeros((28, 28), "uint8")
    >>> len(saved.classify(image)), saved.network
    (1, <Network (1, 28, 28) -> (3,), 61,111 parameters, float32>)
    """
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {check.shown(network)}; write save(path, network)")
    about = described(network, classes, preprocessing)
    if about["preprocessing"] == UNKNOWN:
        raise ValueError("preprocessing must be transforms of fastconv.data.transforms, which a file can name")
    if metadata is not None:
        about["metadata"] = metadata
    with network.executor.lock:
        arrays = {name: array.copy() for name, array in network.arrays().items()}
    checkpoint.save(path, arrays, about)


def described(network: Network, classes: Any = None, preprocessing: Any = None) -> dict[str, Any]:
    """What a file says of the network that it holds."""
    return {
        "model": models.described(network),
        "input_shape": list(network.input_shape),
        "dtype": network.dtype.name,
        "classes": None if classes is None else names(classes, network.output_shape[0]),
        "preprocessing": None if preprocessing is None else descriptions(preprocessing),
    }


def descriptions(preprocessing: Any) -> Any:
    """The transforms as names and arguments; UNKNOWN if one of them has none."""
    if preprocessing == UNKNOWN:
        return UNKNOWN
    given = (preprocessing,) if callable(preprocessing) else tuple(preprocessing)
    found = [transforms.described(transform) for transform in given]
    return UNKNOWN if None in found else found


def names(classes: Any, count: int) -> list[str]:
    """Names of classes, as many as the network has outputs; ValueError else."""
    given = list(classes) if isinstance(classes, list | tuple) else None
    if given is None or len(given) != count or not all(isinstance(name, str) for name in given):
        raise ValueError(f"classes must be {count} texts, one for each output of the network, got {shortened(classes)}")
    return given


def load(path: AnyPath, model: Any = None, preprocessing: Any = None) -> SavedNetwork:
    """The network in a file, ready to predict on raw images.

    Parameters
    ----------
    path : str or pathlib.Path
        A file of `save`, of `callbacks.Checkpoint` or of ``fastconv train``.
    model : function Node -> Node, optional
        For a network of your own, which a file cannot name.
    preprocessing : transform or sequence of transforms, optional
        In place of what the file says.

    Returns
    -------
    SavedNetwork

    Raises
    ------
    CheckpointError
        If the file is damaged, or does not say which network it holds.
    OSError
        If it cannot be opened.

    Examples
    --------
    See `save`.
    """
    name = text_of(path, checkpoint.CheckpointError)
    about = checkpoint.metadata(path)
    if not isinstance(about, dict) or about.get("input_shape") is None:
        raise unknown(name, "it holds weights alone, as Network.save writes them: write network.load(path)")
    shape, dtype = checked_shape(name, about["input_shape"]), about.get("dtype", "float32")
    if dtype not in ("float32", "float64"):
        raise unknown(name, f"its dtype is {shortened(dtype)}, not float32 or float64")
    network = built(name, model_of(name, about, model), shape, dtype)
    network.load(path)
    try:
        classes = None if about.get("classes") is None else names(about["classes"], network.output_shape[0])
        steps = steps_of(about.get("preprocessing") if preprocessing is None else preprocessing)
    except (TypeError, ValueError) as error:
        raise checkpoint.CheckpointError(f"{name}: {error}") from error
    return SavedNetwork(network, classes, steps, about.get("metadata"))


def unknown(name: str, why: str) -> checkpoint.CheckpointError:
    """The error for a file that does not say which network it holds."""
    return checkpoint.CheckpointError(f"{name} does not say which network it holds: {why}")


def checked_shape(name: str, shape: Any) -> Shape:
    """(C, H, W) or (features,), of a size that a file may ask for."""
    whole = isinstance(shape, list | tuple) and all(type(extent) is int and extent > 0 for extent in shape)
    if not whole or len(shape) not in (1, 3) or math.prod(shape) > MOST_PIXELS:
        raise unknown(name, f"its input_shape is {shortened(shape)}, not three integers such as [3, 32, 32]")
    return tuple(shape)


def model_of(name: str, about: dict[str, Any], model: Any) -> Any:
    """The function that makes the model."""
    if model is not None:
        return model
    description = about.get("model")
    if isinstance(description, str) and description in models.known:
        return models.known[description].build()
    if description is None:
        raise unknown(name, "its model is a function of somebody's own: write fastconv.load(path, model=function)")
    try:
        return models.build({"name": description} if isinstance(description, str) else description)
    except ValueError as error:
        raise unknown(name, str(error)) from None


def built(name: str, model: Any, shape: Shape, dtype: str) -> Network:
    """The network of the model; refused before it is allocated if the file is too small for its weights."""
    try:
        params, _ = graph.declared(graph.ancestors(graph.build(model, shape, dtype)))
        smallest = sum(math.prod(p.shape) for p in params.values())  # a file has at least a byte per element
        if smallest > os.path.getsize(name):
            raise ValueError("the file is too small for its weights")
        return Network(model, shape, dtype)
    except ValueError as error:
        raise checkpoint.CheckpointError(f"{name} does not fit the model that it names: {error}") from error


def steps_of(preprocessing: Any) -> Any:
    """The transforms, given as such or by name; None and UNKNOWN stay."""
    if preprocessing is None or preprocessing == UNKNOWN:
        return preprocessing
    given = (preprocessing,) if callable(preprocessing) else tuple(preprocessing)
    return tuple(transform if callable(transform) else transforms.made(transform) for transform in given)
