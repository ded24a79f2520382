"""A command line that is not understood: one line says what was typed, and what to type."""

import argparse
import math
import os
from collections.abc import Iterable, Sequence

from ..ops.check import nearest
from .architectures import names
from .config import defaults
from .hints import COMMANDS, HINTS, OPTIONS
from .options import Parser, parser
from .words import quoted

__all__ = ["parsed"]

HELP = ("-h", "--help")
NETWORKS = (".npz", ".safetensors", ".onnx")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; SystemExit after the help, or after a line that says what is not understood."""
    top, commands = parser()
    words = as_options(arguments)
    at = next((k for k, word in enumerate(words) if not word.startswith("-")), len(words))
    check_options(top, words[:at], commands)
    if not any(word in (*HELP, "--version") for word in words[:at]):
        name = words[at] if at < len(words) else ""
        if name not in commands:
            top.error(f"unknown command {name!r}{command_meant(name, commands)}")
        check_options(commands[name], words[at + 1 :], commands)
        check_count(name, commands[name], words[at + 1 :])
    options, rest = top.parse_known_args(words)
    if getattr(options, "config", None) is not None:
        commands[name].set_defaults(**defaults(options.config, commands[name]))
        options, rest = top.parse_known_args(words)  # what was typed comes before what the file says
    if rest:
        commands[name].error(f"unexpected {quoted(*rest)}{argument_meant(name, rest[0])}")
    options.words = words
    return options


def as_options(arguments: Sequence[str]) -> list[str]:
    """The command line with --help in place of the word help, and for an empty one."""
    words = list(arguments) or ["--help"]
    if words[0] == "help":
        words = [*words[1:2], "--help"]
    return words


def check_options(command: Parser, words: Iterable[str], commands: dict[str, Parser]) -> None:
    """An error of the command if one of the words is an option that it has not."""
    known = command._option_string_actions
    for word in words:
        if word == "--":
            return
        flag = word.partition("=")[0]
        if word.startswith("-") and word != "-" and not is_number(word) and flag not in known:
            command.error(f"unknown option {flag}{option_meant(command, flag, commands)}")


def is_number(word: str) -> bool:
    """Whether the word is a negative number, and so the value of an option."""
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def check_count(name: str, command: Parser, words: Sequence[str]) -> None:
    """An error that shows a whole command line if `predict` is given nothing, or one word."""
    given = [word for word in words if word == "-" or not word.startswith("-")]
    if name != "predict" or len(given) > 1 or set(HELP) & set(words) or "--" in words:
        return
    if not given:
        command.error("MODEL and FILE are missing; write for example fastconv predict zhang2016.npz boot.png")
    example = quoted(*given, "boot.png") if given[0].endswith(NETWORKS) else f"MODEL {quoted(*given)}"
    command.error(f"two names are needed, MODEL and FILE, got only {given[0]}; write fastconv predict {example}")


def option_meant(command: Parser, flag: str, commands: dict[str, Parser]) -> str:
    """What to write in place of an unknown option."""
    if os.path.lexists(flag) and command.prog.endswith("predict"):
        return f"; there is a file of this name: write {quoted(os.path.join(os.curdir, flag))}"
    known = command._option_string_actions
    usual = flag.replace("_", "-") if len(flag) == 2 else f"--{flag.lstrip('-').replace('_', '-').lower()}"
    if hint := HINTS.get(command.prog.rpartition(" ")[2], {}).get(usual):
        return f"; {hint}"
    candidates = (usual, OPTIONS.get(flag), OPTIONS.get(usual))
    for word in candidates:
        if word in known:
            return f"; did you mean {word}?"
        if word == "--version":
            return "; write fastconv --version"
    for word in candidates:
        owners = [name for name, other in commands.items() if word in other._option_string_actions]
        if owners:
            return f"; {word} is an option of 'fastconv {owners[0]}'"
    meant = near(usual.lstrip("-"), [word.lstrip("-") for word in known])
    return f"; did you mean --{meant}?" if meant else f"; see {command.prog} --help"


def command_meant(name: str, commands: dict[str, Parser]) -> str:
    """What to write in place of an unknown command."""
    if not name:
        return f"; write one of {', '.join(commands)}"
    if name in names():
        return f"; write fastconv train --model {name}"
    if os.path.exists(name):
        line = f"{quoted(name)} FILE" if name.endswith(NETWORKS) else f"MODEL {quoted(name)}"
        return f"; there is a file of this name: write fastconv predict {line}"
    meant = COMMANDS.get(name.lower()) or near(name.lower(), [*commands, "help"])
    return f"; did you mean {meant!r}?" if meant else f"; the commands are {', '.join(commands)}"


def argument_meant(name: str, word: str) -> str:
    """What to write in place of a word that the command does not take."""
    if name == "info":
        return "; info takes no arguments"
    option, equals, value = word.partition("=")
    if equals and option.isidentifier():
        flag = f"--{option.replace('_', '-')}"
        return f"; write {OPTIONS.get(flag, flag)} {quoted(value)}"
    if word in names():
        return f"; write --model {word}"
    if word.endswith(NETWORKS) and name == "report":
        return "; a page is about one network"
    if word.endswith(NETWORKS):
        return f"; write --out {quoted(word)}"
    if word == "sample" or os.path.isdir(word):
        return f"; write --data {quoted(word)}"
    return f"; see fastconv {name} --help"


def near(word: str, words: Iterable[str]) -> str | None:
    """The one of the words that is spelt most like this word; None if none is."""
    return next(iter(nearest(word, words)), None)
