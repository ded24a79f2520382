"""The libraries to compare with, each imported only when it is asked for.

A peer has a name and `prepare(case, threads)`, which gives a call without arguments that returns the result (an
array, or value and gradient), or None where the peer cannot do the case. A peer that `packs` has arranged the weight
before the clock starts; it counts only against packed weights of ours.
"""

import importlib
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from shapes import FORWARD, INPUT, WEIGHT


class Numpy:
    """Plain NumPy: a window view and one matrix product (im2col), groups = 1."""

    name, package, packs = "numpy", "numpy", False

    def prepare(self, case, threads):
        return NUMPY[case.shape.family](case, case.shape, case.direction)


def windows(x, k, s):
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::s, ::s]


def pad(x, p):
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p))) if p else x


def correlate(x, w, s, p):
    return np.tensordot(windows(pad(x, p), w.shape[2], s), w, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def numpy_conv(case, shape, direction):
    s, p, k = shape.options["stride"], shape.options["padding"], shape.weight[2]
    if shape.options["groups"] != 1 or shape.op != "conv2d":
        return None
    x, w, dy = case.x, case.weight, case.dy
    if direction == FORWARD:
        return lambda: correlate(x, w, s, p) + case.bias[:, None, None]
    if direction == WEIGHT:
        return lambda: np.tensordot(dy, windows(pad(x, p), k, s), ((0, 2, 3), (0, 2, 3)))
    if s == 1 and p < k:
        return lambda: correlate(dy, w[:, :, ::-1, ::-1].swapaxes(0, 1), 1, k - 1 - p)
    return None


def numpy_pool(case, shape, direction):
    options = shape.options
    if direction != FORWARD or options["padding"]:
        return None
    view = windows(case.x, options["kernel_size"], options["stride"])
    return {
        "max_pool2d": lambda: view.max(axis=(4, 5)),
        "avg_pool2d": lambda: view.mean(axis=(4, 5)),
        "lp_pool2d": lambda: np.sqrt((view * view).sum(axis=(4, 5))),
    }[shape.op]


def numpy_activation(case, shape, direction):
    x, y = case.x, np.empty_like(case.x)
    calls = {
        "tanh": partial(np.tanh, x, out=y),
        "relu": partial(np.maximum, x, 0, out=y),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
    }
    return calls.get(shape.op) if direction == FORWARD else None


def numpy_dense(case, shape, direction):
    if direction == FORWARD:
        return lambda: case.x @ case.weight.T + case.bias
    if direction == INPUT:
        return lambda: case.dy @ case.weight
    return lambda: case.dy.T @ case.x


NUMPY = {
    "conv": numpy_conv,
    "pool": numpy_pool,
    "activation": numpy_activation,
    "dense": numpy_dense,
    "norm": lambda *case: None,
    "loss": lambda *case: None,
    "optim": lambda *case: None,
}

PEERS = {  # name: the module and class
    "torch-nchw": ("peer_torch", "Torch"),
    "torch-channels-last": ("peer_torch", "TorchChannelsLast"),
    "torch-prepacked": ("peer_torch", "TorchPrepacked"),
    "onnxruntime": ("peer_onnx", "OnnxRuntime"),
    "onnxruntime-prepacked": ("peer_onnx", "OnnxRuntimePrepacked"),
    "numpy": ("peers", "Numpy"),
}


def installed(names=None):
    """The peers of these names, or all that are installed; asking for one that is missing is an error."""
    found = {}
    for name in names or PEERS:
        if name not in PEERS:
            raise SystemExit(f"--peers: {name!r} is unknown; must be some of {', '.join(PEERS)}")
        module, kind = PEERS[name]
        try:
            found[name] = getattr(importlib.import_module(module), kind)()
        except ImportError as error:
            if names:
                raise SystemExit(f"--peers: {name} cannot be imported: {error}") from None
    return found


def versions(peers):
    """package: version, of the peers' packages."""
    known = {}
    for package in sorted({peer.package for peer in peers.values()} | {"numpy"}):
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            known[package] = "unknown"
    return known
