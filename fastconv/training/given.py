"""What is given to `fit`, `train_step` and `evaluate`; errors say what to write instead."""

import os
from math import prod
from typing import Any

import numpy as np

from .. import losses
from ..arguments import training as given
from ..arguments.batch import white_of_floats
from ..fields import packed, several
from ..frozen import FrozenNetwork
from ..losses.per_output import of_outputs
from ..network import Network
from ..ops import check
from ..optim import SGD, Optimizer
from ..predictor import Predictor
from ..system.caller import warn
from ..typing import Array, Shape

FIT = "fit(network, images, labels, epochs=10, batch_size=50)"
EVALUATE = "evaluate(network, images, labels)"
MANY = 100  # values of an output, with which usual learning rates do not fit the sum of their squares
CROSS_ENTROPY = losses.CrossEntropy()
STEP = "train_step(network, images, labels, optimizer=optimizer)"


def trainable(network: object, line: str) -> None:
    """TypeError or ValueError if the network cannot be trained, with what to write."""
    if isinstance(network, FrozenNetwork):
        raise TypeError(
            "network must be a Network, got a frozen network: train the network it was made from, then freeze it anew"
        )
    if not isinstance(network, Network):
        raise no_network(network, "network must be a Network", line)
    parameters = network.parameters
    if parameters.writable():
        return
    for name, array in ((".flat", parameters.flat), *((f"[{name!r}]", array) for name, array in parameters.items())):
        if not array.flags.writeable:
            raise ValueError(f"network.parameters{name} must be writable, because training changes it")


def predicting(network: object, line: str) -> None:
    """TypeError if this is neither a network nor a frozen one."""
    if not isinstance(network, Predictor):
        raise no_network(network, "network must be a Network, or a frozen one", line)


def no_network(value: object, rule: str, line: str) -> TypeError:
    """The error for something else, with what to write."""
    if isinstance(value, np.ndarray | tuple | list):
        return TypeError(f"{rule}, got a {type(value).__name__}; the network comes first: write {line}")
    if isinstance(value, str | os.PathLike):
        made = "make one of a model, Network(model, input_shape)"
        return TypeError(f"{rule}, got {value!r}; {made}, and load the weights of a file into it, network.load(path)")
    if isinstance(value, type) and issubclass(value, Predictor):
        return TypeError(f"{rule}, got the class {value.__name__}; make one of a model: Network(model, input_shape)")
    if isinstance(value, type):
        return TypeError(f"{rule}, got the class {value.__name__}; write Network({value.__name__}(...), input_shape)")
    return TypeError(f"{rule}, got {check.shown(value)}; make one of a model: Network(model, input_shape)")


def as_batches(network: Predictor, images: Any, labels: Any) -> tuple[Any, Any]:
    """(images, labels) of networks with several inputs or outputs: each a batch of several arrays as one.

    Images without labels stay: they may be a pair of both, or a data set.
    """
    if not network._has_several or labels is None:
        return images, labels
    return packed(images, network.input_shape, "images"), packed(labels, network.output_shape, "labels")


def batches(network: Predictor, images: Any, labels: Any, line: str) -> tuple[Any, Any]:
    """(images, labels), also from a pair in place of images; of several arrays each a batch of them as one."""
    return as_batches(network, *pair(*as_batches(network, images, labels), line))


def pair(images: Any, labels: Any, line: str) -> tuple[Any, Any]:
    """(images, labels), also from a pair in place of images, such as the Split that `fastconv.data.load` makes."""
    if type(images) is type(labels) is np.ndarray:
        return images, labels
    if hasattr(images, "train") and hasattr(images, "test"):
        fits = "data.test" if line == EVALUATE else "data.train"
        raise TypeError(
            f"images must be an array, or a pair (images, labels), got a {type(images).__name__}; "
            f"write {line.replace('images, labels', fits)}"
        )
    if labels is None and is_pair(images):
        return images[0], images[1]
    if is_split(images) and is_split(labels):
        raise TypeError(
            "labels must be an array or a list, got a second pair; write fit(network, train, validation=test)"
        )
    for name, value in (("images", images), ("labels", labels)):
        kind = "optimizer" if has(value, "step") else "loss" if has(value, "bind") else ""
        if kind:
            order = line.replace("images, labels", "*pair") if is_split(images) else line
            order = f"{order[:-1]}, {kind}={kind})" if f"{kind}={kind}" not in order else order
            raise TypeError(f"{name} must be an array, got the {kind} {value!r}; write {order}")
    return images, labels


def has(value: object, method: str) -> bool:
    """Whether the value has this method."""
    return callable(getattr(value, method, None))


def is_data_set(value: object) -> bool:
    """Whether this is a data set, or a loader of one."""
    loader = hasattr(value, "epoch") and is_data_set(getattr(value, "data", None))
    return loader or (not isinstance(value, type) and has(value, "batch") and hasattr(value, "__len__"))


def is_pair(value: object) -> bool:
    """Whether this is a tuple or a list of two."""
    return isinstance(value, tuple | list) and len(value) == 2


def is_split(value: object) -> bool:
    """Whether this is a pair of arrays, one of images and one of labels, by their dimensions."""
    return is_pair(value) and len({getattr(part, "ndim", 0) for part in value}) == 2  # type: ignore[attr-defined]


def usable(optimizer: Any, lean: object) -> Any:
    """The optimizer, or SGD; TypeError where lean training cannot use it."""
    optimizer = SGD(lr=0.1) if optimizer is None else given.check_optimizer(optimizer)
    if check.flag(lean, "lean") and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one of fastconv.optim where lean=True, got {type(optimizer).__name__}")
    return optimizer


def count(value: Any, name: str, minimum: int, default: int) -> int:
    """An integer >= `minimum`; TypeError for None, which other libraries take for their default."""
    if value is None:
        raise TypeError(f"{name} must be an integer, got None; leave it out for {default}")
    return check.integer(value, name, minimum)


def chosen(loss: Any) -> Any:
    """The loss, or cross entropy."""
    return CROSS_ENTROPY if loss is None else given.check_loss(of_outputs(loss))


def remark(loss: Any, output_shape: Shape) -> str:
    """What people may not expect of the size of this loss; '' for nothing."""
    values = 0 if several(output_shape) is not None else prod(output_shape)
    if loss != losses.MSE() or values <= MANY:
        return ""
    return f"MSE() is half the sum over {values} values per image: {values / 2:g} times MSE('mean')"


def begins_with_norm(network: Network) -> bool:
    """Whether the first layer normalises, so that the size of the images does not matter."""
    inputs = [node for node in network.nodes if node.kind == "input"]
    first = [node for node in network.nodes if any(source in inputs for source in node.inputs)]
    return all(node.layer is not None and node.layer.kind in ("bn", "norm") for node in first)


def warn_of_pixels(name: str, array: Array) -> None:
    """UserWarning for images in 0 to 255, on which networks train badly; looks at what it is given alone.

    Vectors, and targets, may be other quantities: there only whole numbers are those of pixels.
    """
    if array.dtype.kind != "f" or (name == "labels" and array.ndim != 4):
        return
    white = white_of_floats(array)
    if white > 1 and ((name == "images" and array.ndim == 4) or (array == np.trunc(array)).all()):
        where = ", here and wherever the network is given images" if name == "images" else ""
        warn(
            f"{name} reach {array.max():g}: networks train best on numbers from 0 to 1; write {name} / {white}{where}",
            UserWarning,
        )
