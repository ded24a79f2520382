"""Options that several commands have, and the short way to add one."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from . import values

__all__ = ["add_arguments", "add_assignments", "add_json", "add_network", "add_threads", "option"]


def option(command: Any) -> Callable[..., None]:
    """A function that adds an option with a value to the command, or to a group of its options."""

    def add(flag: str, metavar: str, kind: Callable[[str], Any], words: str, default: Any = None) -> None:
        command.add_argument(flag, type=kind, metavar=metavar, help=words, default=default)

    return add


def add_threads(command: Any, default: str) -> None:
    """Add `--threads`; the help shows `default`."""
    option(command)("--threads", "N", values.positive, f"at most (default: {default})")


def add_json(command: Any, what: str) -> None:
    """Add `--json`, which prints `what`."""
    command.add_argument("--json", action="store_true", help=f"print {what}, for programs")


def add_free_size(command: Any, default: str) -> None:
    """Add `--input` for files of ONNX that leave it free; the help shows `default`."""
    words = f"shape of the images, for a file of ONNX that leaves H and W free (default: {default})"
    option(command)("--input", "CxHxW", values.image_shape, words)


def add_network(command: ArgumentParser) -> None:
    """Add MODEL, a name or a file, and what builds a model of this name."""
    command.add_argument("network", metavar="MODEL", help="a model by name, such as resnet18, or a saved network")
    add = option(command)
    add("--input", "CxHxW", values.image_shape, "shape of the images, such as 3x32x32 (default: the model's usual one)")
    add("--classes", "N", values.positive, "outputs of the network (default: the model's own number)")
    add_arguments(command)


def add_arguments(command: Any) -> None:
    """Add `--model-args`."""
    add_assignments(command, "--model-args", "arguments of the model's function, such as width_mult=0.5")


def add_assignments(command: Any, flag: str, words: str) -> None:
    """Add an option that takes one NAME=VALUE or several."""
    command.add_argument(
        flag, nargs="+", action="extend", type=values.assignment, metavar="NAME=VALUE", default=[], help=words
    )
