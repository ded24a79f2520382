"""Options from a TOML file: keys are the options of a command without their hyphens."""

import argparse
from typing import Any

from ..ops.check import nearest, shown

__all__ = ["defaults"]

OMITTED = ("help", "config")  # options that a file cannot have


def defaults(path: str, command: argparse.ArgumentParser) -> dict[str, Any]:
    """name -> value of the options in a file; ValueError, which names the file, for keys and values that do not fit.

    batch-size = 50
    freeze = ["layer1.*", "bn1.*"]
    [model-args]
    width_mult = 0.5
    """
    found: dict[str, Any] = {}
    for key, value in read(path).items():
        action = option(path, key, command)
        try:
            found[action.dest] = converted(value, action)
        except (argparse.ArgumentTypeError, TypeError, ValueError) as error:
            raise ValueError(f"--config {path}: {key} {error}") from None
    return found


def read(path: str) -> dict[str, Any]:
    """What the file holds."""
    import tomllib  # few trainings have such a file

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"--config {path}: is no TOML: {error}") from None
    except OSError as error:
        raise ValueError(f"--config {path}: {error.strerror}") from None


def option(path: str, key: str, command: argparse.ArgumentParser) -> argparse.Action:
    """The option that a key stands for."""
    name = key.replace("_", "-")
    known = {flag[2:]: action for flag, action in command._option_string_actions.items() if flag.startswith("--")}
    if name in known and name not in OMITTED:
        return known[name]
    near = nearest(name, [each for each in known if each not in OMITTED], 1)
    cure = f"did you mean {near[0]}?" if near else "'fastconv train --help' shows the options, which are the keys"
    raise ValueError(f"--config {path}: there is no option --{name}; {cure}")


def converted(value: Any, action: argparse.Action) -> Any:
    """The value as if it had been typed."""
    if action.nargs == 0 or (action.nargs == "?" and isinstance(value, bool)):
        if not isinstance(value, bool):
            raise TypeError(f"must be true or false, got {shown(value)}")
        return value
    if action.nargs == "+":
        parts = [f"{name}={part}" for name, part in value.items()] if isinstance(value, dict) else value
        return [typed(part, action) for part in (parts if isinstance(parts, list) else [parts])]
    return typed(",".join(map(str, value)) if isinstance(value, list) else value, action)


def typed(value: Any, action: argparse.Action) -> Any:
    """One value, converted and checked by the option's own function."""
    if isinstance(value, bool | dict | list) or not isinstance(value, str | int | float):
        raise TypeError(f"must be a number or a text, got {shown(value)}")
    found = action.type(str(value)) if callable(action.type) else str(value)
    if action.choices is not None and found not in action.choices:
        raise ValueError(f"must be one of {', '.join(map(str, action.choices))}, got {value!r}")
    return found
