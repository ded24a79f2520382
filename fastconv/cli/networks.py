"""The network that a command works on: a model by name, or a saved one."""

import os
from argparse import Namespace
from collections.abc import Sequence

from ..network import Network
from ..ops.check import nearest
from . import architectures, onnx_files
from .architectures import model
from .saved import NETWORKS, Saved, load_network
from .words import quoted

__all__ = ["built", "network_of", "opened"]


def network_of(options: Namespace) -> Network:
    """The network of MODEL, which is a file or a name; ValueError for what is neither."""
    return opened(options)[0]


def opened(options: Namespace) -> tuple[Network, Saved | None]:
    """The network of MODEL, and what its file says, if it is one."""
    name = options.network
    known = architectures.names()
    if name in known and not os.path.isfile(name):
        shape = options.input or architectures.usual_input(name)
        return built(name, shape, model(name, options.classes, options.model_args)), None
    if not (name.endswith(NETWORKS) or os.path.lexists(name)):
        near = nearest(name.lower(), known)
        cure = f"did you mean {near[0]}?" if near else f"the models are {', '.join(known)}"
        raise ValueError(f"{name}: is neither a file nor a model of fastconv.models; {cure}")
    if onnx_files.is_onnx(name) and not (options.classes or options.model_args):
        return onnx_files.network_in(name, options.input), None
    flags = {"--input": options.input, "--classes": options.classes, "--model-args": options.model_args}
    if given := [flag for flag, value in flags.items() if value]:
        raise ValueError(f"{name} is a saved network, which says itself what it is; leave out {quoted(*given)}")
    saved = load_network(name, [])
    return saved.network, saved


def built(name: str, shape: Sequence[int], made: architectures.Model, seed: int = 0) -> Network:
    """The network of a model; an error names the option that is wrong."""
    try:
        return Network(made, tuple(shape), seed=seed)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} for images of {'x'.join(map(str, shape))}: {error}") from None
