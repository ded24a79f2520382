"""The command ``fastconv derive``: backpropagation step by step, with the numbers of one image."""

import os
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import data, losses
from ..network import Network
from ..system.replace import replacing
from ..typing import Array
from . import architectures, values
from .documents import as_json
from .flags import add_arguments, add_json, option
from .networks import built, opened
from .saved import Saved
from .streams import Stream, complain, escaped, warnings_in_lines

if TYPE_CHECKING:
    from ..derivation import Derivation

__all__ = ["add_options", "derive"]

SAMPLE = (1, 28, 28)  # the shape of the test images that `derive` chooses from
LOSSES = {"mse": losses.MSE(), "cross-entropy": losses.CrossEntropy()}


def add_options(command: ArgumentParser) -> None:
    """Add the options of `fastconv derive`."""
    command.set_defaults(run=derive)
    add = option(command)
    add("--model", "MODEL", values.path, "a model by name, or a saved network (default: %(default)s)", "zhang2016")
    add("--image", "FILE", values.path, "a picture, or an array in a .npy file (default: an image of --data)")
    add("--data", "FOLDER", values.path, "the folder of test images that 'fastconv train' reads, or 'sample'")
    add("--index", "N", values.seed, "which of the test images (default: the first, or the first of --label)")
    add("--label", "K", values.seed, "the class that the image should get (default: its own, else 0)")
    add("--loss", "NAME", values.loss, "mse or cross-entropy (default: the model's own)")
    add("--lr", "RATE", values.rate, "the learning rate of the update (default: %(default)s)", 0.1)
    add("--values", "N", values.positive, "values that are shown of a long array (default: %(default)s)", 8)
    add("--seed", "N", values.seed, "of the weights of a model by name (default: %(default)s)", 0)
    add("--html", "PAGE", values.path, "write a page of HTML in place of text; a page that is there is replaced")
    add_arguments(command)
    add_json(command, "one JSON object with all values")


def derive(options: Namespace, output: Stream) -> int:
    """Print the derivation, or write it as a page; returns 1 if a check failed."""
    from ..derivation import derive as derived  # other commands do not need it

    network, loss, saved = network_and_loss(options)
    image, label, words = image_of(options, network, saved)
    if image is not None and saved is not None and saved.values:
        image, words = saved.ready(image[None])[0], f"{words}, after the preprocessing of {options.model}"
    with warnings_in_lines():
        found = derived(
            network, image, label, loss=loss, learning_rate=options.lr, values=options.values, seed=options.seed
        )
    if words:
        found.about["image"] = escaped(words)
    if options.html is not None:
        page = found.html().encode()
        with replacing(options.html, ValueError) as file:
            file.write(page)
    if options.json:
        print(as_json(found.to_dict()))
    elif options.html is None:
        print(found)
    if options.html is not None and not options.json:
        print(f"{escaped(options.html)}: {found.summary()}")
    return verdict(found)


def verdict(found: "Derivation") -> int:
    """The exit code; a failed check is also said on standard error."""
    if not found.passed:
        complain(found.summary())
    return 0 if found.passed else 1


def network_and_loss(options: Namespace) -> tuple[Network, Any, Saved | None]:
    """The network of --model, the loss, or None for the one that fits its last layer, and what a file says of it."""
    name, loss = options.model, LOSSES.get(options.loss)
    if name in architectures.names() and not os.path.isfile(name):
        made = architectures.model(name, None, options.model_args)
        network = built(name, architectures.usual_input(name), made, options.seed)
        return network, loss or architectures.loss_of(name), None
    given = Namespace(network=name, input=None, classes=None, model_args=options.model_args)
    network, saved = opened(given)
    return network, loss, saved


def image_of(options: Namespace, network: Network, saved: Saved | None) -> tuple[Array | None, int | None, str]:
    """(image, label, what the image is), before its values change; no image where `derive` chooses one."""
    if options.image is not None:
        if options.data is not None or options.index is not None:
            raise ValueError("--image is one image; leave out --data and --index")
        images = data.read_images(options.image, network.input_shape) if saved is None else saved.read(options.image)
        if len(images) != 1:
            raise ValueError(f"--image {options.image} must hold one image, got {len(images)}")
        return images[0], options.label, options.image
    changed = saved is not None and saved.values and network.input_shape == SAMPLE
    if options.data is None and options.index is None and not changed:
        return None, options.label, ""
    return test_image(options, network)


def test_image(options: Namespace, network: Network) -> tuple[Array, int, str]:
    """An image of the test part of --data, and its class."""
    found = data.load(options.data)
    images, labels = found.test
    if images.shape[1:] != network.input_shape:
        got = f"images of shape {images.shape[1:]}, the network reads {network.input_shape}"
        raise ValueError(f"--data {found.folder} holds {got}; give one by --image")
    index = options.index
    if index is None:
        of_label = np.flatnonzero(labels == options.label)
        index = int(of_label[0]) if of_label.size else 0
    if index >= len(images):
        raise ValueError(f"--index must be below {len(images)}, the test images of {found.folder}, got {index}")
    names = data.class_names(found.folder)
    own = int(labels[index])
    words = f"test image {index} of {found.folder}: {names[own] if names else own}"
    return images[index], own if options.label is None else options.label, words
