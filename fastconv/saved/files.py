"""`fastconv.save` and `fastconv.load`."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from .. import checkpoint, graph, models
from ..checkpoint import CheckpointError
from ..checkpoint.metadata import written
from ..data import transforms
from ..models.blocks import Model
from ..network import Network
from ..ops import check
from ..system.files import AnyPath
from ..system.paths import text_of
from ..typing import Shape
from . import description
from .network import SavedNetwork

__all__ = ["load", "save"]

MOST_VALUES = 1 << 28  # of one value inside a network that a file declares, for one image
MOST_SAID = 500  # characters of an error about a stranger's file
DTYPES = ("float32", "float64")


def save(
    path: AnyPath,
    network: Network,
    classes: Sequence[str] | None = None,
    preprocessing: Sequence[transforms.Transform] | None = None,
    metadata: Any = None,
) -> None:
    """Write a whole network into one file, from which `fastconv.load` makes it ready for images.

    Parameters
    ----------
    path : str, bytes or pathlib.Path
        .safetensors gives that format, any other suffix an .npz; see `Network.save`.
    network : Network
        Of a model of `fastconv.models`; a file holds its name and arguments.
    classes : list of str, optional
        The names of the classes, in the order of the outputs.
    preprocessing : list of transforms, optional
        Of `fastconv.data.transforms`, without random ones: what `load(path).predict` does with raw images first.
    metadata : optional
        Anything that JSON can hold; `load(path).metadata` is equal to it ({} for None).

    Raises
    ------
    TypeError, ValueError
        If `load` could not build the network again: the model is one of your own, or its layers were changed; if a
        transform is one of your own, or random; if there are not as many names as classes. Nothing is written.
    OSError
        If the path cannot be written.

    Notes
    -----
    The old file stays until the new one is whole. The file is also one of weights: `Network.load` reads it.

    Examples
    --------
    >>> import tempfile
    >>> import fastconv
    >>> from fastconv.data import transforms
    >>> network = fastconv.Network(fastconv.models.lenet5(num_classes=2), (1, 28, 28), seed=0)
    >>> steps = [transforms.resize((28, 28)), transforms.to_float()]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fastconv.save(f"{folder}/cats.npz", network, classes=["cat", "dog"], preprocessing=steps)
    ...     saved = fastconv.load(f"{folder}/cats.npz")
    >>> photos = [np.zeros((40, 30), np.uint8), np.full((64, 64), 255, np.uint8)]
    >>> saved.probabilities(photos).shape
    (2, 2)
    """
    check_network(path, network)
    classes = description.class_names(classes, network)
    description.described_steps(preprocessing)
    written({} if metadata is None else metadata)
    check_model(network)
    network.save(path, description.described(network, classes, preprocessing, metadata))


def check_network(path: Any, network: Any) -> None:
    """TypeError unless a network comes second; it says what to write."""
    if isinstance(path, Network | SavedNetwork):
        raise TypeError("path comes before network: write fastconv.save('a.npz', network)")
    if isinstance(network, SavedNetwork):
        raise TypeError("network must be a Network, got a SavedNetwork; write fastconv.save(path, saved.network)")
    if not isinstance(network, Network):
        frozen = "; write the network that it was frozen from" if type(network).__name__ == "FrozenNetwork" else ""
        raise TypeError(f"network must be a Network, got {check.shown(network)}{frozen}")


def check_model(network: Network) -> None:
    """ValueError unless the description of the model gives the same network again."""
    about = f'metadata={{"input_shape": {network.input_shape}, "dtype": "{network.dtype}"}}'
    cure = f"write network.save(path, {about}), and later fastconv.load(path, model=model), with the same model"
    if network.model is None:
        raise ValueError(f"network must be of a model of fastconv.models, for a file holds no code; {cure}")
    output = graph.build(models.build(network.model), network.input_shape, network.dtype)
    params, states = graph.declared(graph.ancestors(output))
    shapes = {name: p.shape for name, p in params.items()} | {name: s.shape for name, s in states.items()}
    if shapes != {name: array.shape for name, array in network.arrays().items()}:
        raise ValueError(f"network has other arrays than a new {network.model['name']}: layers were changed; {cure}")


def load(
    path: AnyPath,
    model: Callable[[graph.Node], graph.Node] | None = None,
    *,
    input_shape: Shape | None = None,
    classes: Sequence[str] | None = None,
    preprocessing: Sequence[transforms.Transform] | None = None,
) -> SavedNetwork:
    """Read a whole network from a file, ready for images.

    Parameters
    ----------
    path : str, bytes or pathlib.Path
        A file of `fastconv.save`, of `fastconv train` or of the callback `Checkpoint`; with `model` and `input_shape`
        any file of weights that `Network.load` reads, such as one of torchvision.
    model : function Node -> Node, optional
        In place of the model that the file names: for a model of your own.
    input_shape : (C, H, W), optional
        In place of the file's.
    classes : list of str, optional
        In place of the file's.
    preprocessing : list of functions (images, draws) -> images, optional
        In place of the file's. Functions of your own may be among them.

    Returns
    -------
    SavedNetwork
        With `network`, `classes`, `preprocessing`, `metadata`, `predict(images)`, `probabilities(images)` and
        `classify(images, top=1)`.

    Raises
    ------
    CheckpointError
        If the file is damaged, does not say which network it holds, or holds another one than it says.
    OSError
        If the file cannot be opened.

    Notes
    -----
    No code in a file is run, and a network that is larger than its file is refused before it is allocated.

    Examples
    --------
    A file of weights alone:

    >>> import tempfile
    >>> import fastconv
    >>> model = fastconv.sequential(fastconv.layers.Flatten(), fastconv.layers.Linear(3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fastconv.Network(model, (1, 2, 2), seed=0).save(f"{folder}/own.npz")
    ...     saved = fastconv.load(f"{folder}/own.npz", model, input_shape=(1, 2, 2), classes=["a", "b", "c"])
    >>> [[(name, probability)]] = saved.classify(np.zeros((2, 2), np.uint8))
    >>> name, round(probability, 2)
    ('a', 0.33)
    """
    path = text_of(path, CheckpointError)
    about = checkpoint.metadata(path)
    about = about if isinstance(about, dict) else {}
    network = filled(path, model, about, input_shape)
    if classes is None:
        names = description.names_in(path, about.get("classes"), description.number_of_classes(network))
    else:
        names = tuple(description.class_names(classes, network) or ())
    steps = description.steps_in(path, about.get("preprocessing")) if preprocessing is None else list(preprocessing)
    return SavedNetwork(network, names, steps, description.metadata_in(about))


def filled(path: str, model: Any, about: Mapping[str, Any], input_shape: Shape | None) -> Network:
    """The network with the weights of the file."""
    if model is None and about.get("model") is None:
        raise without_model(path, "its metadata names no model" if about else "it has no metadata")
    make, name = (None, "") if model is not None else description.model_of(path, about["model"])
    shape = description.shape_in(path, about) if input_shape is None else input_shape
    dtype, precise = about.get("dtype", DTYPES[0]), about.get("precise", False) is True
    if dtype not in DTYPES:
        raise CheckpointError(f"{path}: its metadata has the dtype {check.shown(dtype)}, not one of {DTYPES}")
    if make is None:
        network = Network(model, shape, dtype, precise=precise)
    else:
        network = built(path, make, f"{name} for images of shape {shape}", shape, dtype, precise)
    network.load(path)
    return network


def built(path: str, make: Callable[[], Model], what: str, shape: Shape, dtype: str, precise: bool) -> Network:
    """The network that a file's metadata name; refused before it is allocated if the file is too small for it."""
    try:
        model = make()
        nodes = graph.ancestors(graph.build(model, shape, dtype))
        params, states = graph.declared(nodes)
        smallest = sum(prod(p.shape) for p in params.values()) + sum(prod(s.shape) for s in states.values())
        if smallest > os.path.getsize(path):  # a file has at least a byte for each element
            raise ValueError("the file is too small")
        largest = max(nodes, key=lambda node: prod(node.shape))
        if prod(largest.shape) > MOST_VALUES:
            raise ValueError(f"{largest.name} has {prod(largest.shape):,} values, more than {MOST_VALUES:,}")
        return Network(model, shape, dtype, precise=precise)
    except description.FAULTS as error:
        raise CheckpointError(f"{path} does not fit {what}, as its metadata says: {cut(error)}") from error


def cut(error: BaseException) -> str:
    """The message, cut where a stranger's numbers make it long."""
    text = str(error)
    return text if len(text) <= MOST_SAID else f"{text[:MOST_SAID]}..."


def without_model(path: str, why: str) -> CheckpointError:
    """The error for a file of arrays alone, as `network.save(path)` writes it: which model its arrays fit."""
    fitting = [name for name, entry in models.known.items() if fits(path, entry)]
    if not fitting:
        cure = f"{description.of_ones_own(path)}; fastconv.save writes files that say it"
        return description.unknown_network(path, f"{why}, and fits none of {', '.join(models.known)}; {cure}")
    shape = models.known[fitting[0]].input_shape
    made = "nielsen(pool='l2')" if fitting[0] == "nielsen-l2" else f"{fitting[0]}()"
    others = f"its arrays fit {' and '.join(fitting)} alike, name the one that was trained: " if fitting[1:] else ""
    line = f"write saved = fastconv.load({path!r}, model=fastconv.models.{made}, input_shape={shape})"
    again = f"fastconv.save({path!r}, saved.network, classes=names) then writes a file that says it"
    return description.unknown_network(path, f"{why}; {others}{line}; {again}")


def fits(path: str, entry: models.Entry) -> bool:
    """Whether the file has the arrays of this model."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rounded weights
            Network(entry.build(), entry.input_shape).load(path)
    except checkpoint.Mismatch:
        return False
    return True
