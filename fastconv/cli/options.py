"""The commands with their options, and the help that people read."""

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from .. import __version__
from . import bench, convert, derive, evaluate, info, predict, profile, report, summary, train_options
from .help import EXAMPLES, PICTURES
from .streams import escaped

__all__ = ["Parser", "parser"]

COMMANDS: dict[str, tuple[Any, str]] = {  # name -> who adds its options, and what it does
    "train": (train_options, "Train a network and say how well it reads test images."),
    "eval": (evaluate, "Say how well a saved network reads images whose classes are known."),
    "predict": (predict, PICTURES),
    "report": (report, "Write a page of HTML about a saved network, with its curves and pictures."),
    "summary": (summary, "Show the layers of a network: shapes, parameters, multiply-adds and memory."),
    "profile": (profile, "Show where the time of a network goes, step by step."),
    "bench": (bench, "Measure how many images a second a network predicts, and trains on."),
    "derive": (derive, "Show backpropagation step by step, with the numbers of one image."),
    "convert": (convert, "Write a network or its weights in another format."),
    "info": (info, "Show versions, build, processor and threads, for a report of a fault."),
}
EXPLAINED = (  # what argparse says of an option -> what is said here
    (r"argument (?:-\w/)?(--[\w-]+): expected one argument", "{} needs a value"),
    (r"argument (?:-\w/)?(--[\w-]+): ignored explicit argument .*", "{} takes no value"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line below the usage, whatever characters were typed."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with 2."""
        for pattern, words in EXPLAINED:
            if found := re.fullmatch(pattern, message):
                message = words.format(found[1])
        super().error(escaped(message))


def parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the program, and those of its commands."""
    top = described(Parser, "fastconv", "Convolutional networks on NumPy arrays.")
    top.add_argument("--version", action="version", version=f"fastconv {__version__}")
    add = top.add_subparsers(metavar="COMMAND", required=True).add_parser
    commands = {name: described(add, name, text) for name, (_, text) in COMMANDS.items()}
    for name, (command, _) in COMMANDS.items():
        command.add_options(commands[name])
    return top, commands


def described(make: Callable[..., Parser], name: str, text: str) -> Parser:
    """A parser of a command, or of the program, with examples below its help."""
    return make(
        name,
        description=text,
        **({} if make is Parser else {"help": text.splitlines()[0]}),
        epilog=f"examples:{EXAMPLES[name]}" if name in EXAMPLES else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
