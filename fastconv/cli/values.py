"""The values of options, from text; what is wrong with one is an argparse.ArgumentTypeError, which names the option."""

import argparse
import math
import os
from collections.abc import Sequence
from typing import Any

from ..data.parts import PARTS
from ..ops.check import nearest
from . import architectures

__all__ = [
    "AUGMENTATIONS",
    "SCHEDULES",
    "assignment",
    "augmentations",
    "channels",
    "float_dtype",
    "from_0_to_1",
    "image_shape",
    "log_file",
    "loss",
    "model",
    "normalization",
    "not_negative",
    "optimizer",
    "part",
    "path",
    "positive",
    "rate",
    "schedule",
    "seconds",
    "seed",
    "several",
    "share",
    "size",
]

AUGMENTATIONS = ("flip", "crop", "resized-crop", "rotate", "colour", "erase")
SCHEDULES = ("constant", "step", "multi-step", "exponential", "cosine", "cosine-restarts", "one-cycle", "plateau")
FLOATS = ("float16", "float32", "float64")
MOST_PIXELS = 1 << 24  # of the images that a command should allocate


def path(text: str) -> str:
    """A name of a file or a folder; ~ is the home folder, which shells do not write in its place after --out=."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return os.path.expanduser(text)


def float_dtype(text: str) -> str:
    """The name of a dtype in which weights are stored."""
    if text in FLOATS:
        return text
    near = nearest(text.lower().replace("fp", "float"), FLOATS)
    cure = f"; did you mean {near[0]!r}?" if near else ""
    raise argparse.ArgumentTypeError(f"must be one of {', '.join(FLOATS)}, got {text!r}{cure}")


def model(text: str) -> str:
    """The name of a model of `fastconv.models` that gives a class for each image."""
    known = architectures.classifiers()
    if text in known:
        return text
    if text in architectures.OF_PIXELS:
        raise argparse.ArgumentTypeError(f"must be a model with a class for each image; train {text} with fastconv.fit")
    near = nearest(text.lower().replace("-", "_"), known) or nearest(text.lower().replace("_", "-"), known)
    cure = f"; did you mean {near[0]!r}?" if near else f"; the models are {', '.join(known)}"
    raise argparse.ArgumentTypeError(f"must be the name of a model, got {text!r}{cure}")


def positive(text: str) -> int:
    """A whole number >= 1."""
    return whole_number(text, 1)


def seed(text: str) -> int:
    """A whole number >= 0."""
    return whole_number(text, 0)


def whole_number(text: str, minimum: int) -> int:
    """A whole number >= `minimum`, from text."""
    try:
        value = int(text)
    except ValueError:
        value = minimum - 1
    if value < minimum:
        raise argparse.ArgumentTypeError(f"must be a whole number >= {minimum}, got {text!r}")
    return value


def rate(text: str) -> float:
    """A learning rate > 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        point = text.replace(",", ".", 1)
        cure = f"; write {point}" if point != text and point.replace(".", "", 1).isdigit() else ""
        raise argparse.ArgumentTypeError(f"must be a number > 0, such as 0.1, got {text!r}{cure}")
    return value


def several(text: str) -> list[int]:
    """Whole numbers >= 1, with commas between them."""
    return [positive(each) for each in text.split(",")]


def image_shape(text: str) -> tuple[int, ...]:
    """(C, H, W), written as 3x32x32."""
    parts = text.lower().replace("\u00d7", "x").replace(",", "x").split("x")
    extents = tuple(int(part) for part in parts if part.isascii() and part.isdigit())
    if len(extents) != 3 or len(parts) != 3 or min(extents) < 1 or math.prod(extents) > MOST_PIXELS:
        example = "write CHANNELSxHEIGHTxWIDTH, such as 3x32x32"
        raise argparse.ArgumentTypeError(f"must be the shape of an image, got {text!r}; {example}")
    return extents


def assignment(text: str) -> tuple[str, Any]:
    """(name, value) from NAME=VALUE; the value is a number, true, false, none, a list as 6,12, or a word."""
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier() and value):
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, such as width_mult=0.5, got {text!r}")
    parts = [literal(part) for part in value.split(",")]
    return name, parts[0] if len(parts) == 1 else tuple(parts)


def literal(text: str) -> Any:
    """A number, true, false, none, or the word itself."""
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def seconds(text: str) -> float:
    """A number of seconds >= 0."""
    return number(text, 0, None, "0.5")


def number(text: str, least: float, most: float | None, example: str) -> float:
    """A number from `least` to `most`, from text."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (least <= value < math.inf and (most is None or value <= most)):
        rule = f">= {least:g}" if most is None else f"from {least:g} to {most:g}"
        raise argparse.ArgumentTypeError(f"must be a number {rule}, such as {example}, got {text!r}")
    return value


def part(text: str) -> str:
    """One of the parts of a data set; val is validation."""
    found = next((name for name, words in PARTS.items() if text.lower() in words), None)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be train, test or validation, got {text!r}")
    return found


def share(text: str) -> float:
    """A number above 0 and below 1."""
    value = number(text, 0, 1, "0.1")
    if value in (0, 1):
        raise argparse.ArgumentTypeError(f"must be a share between 0 and 1, such as 0.1, got {text!r}")
    return value


def from_0_to_1(text: str) -> float:
    """A number from 0 to 1."""
    return number(text, 0, 1, "0.9")


def not_negative(text: str) -> float:
    """A number >= 0."""
    return number(text, 0, None, "0.0005")


def size(text: str) -> int | tuple[int, int]:
    """A side, or HxW."""
    extents = [positive(part) for part in text.lower().split("x")]
    if len(extents) > 2:
        raise argparse.ArgumentTypeError(f"must be N or HxW, such as 64 or 48x64, got {text!r}")
    return (extents[0], extents[1]) if len(extents) == 2 else extents[0]


def augmentations(text: str) -> list[str]:
    """Names with commas between them."""
    return [named(name, AUGMENTATIONS) for name in text.split(",")]


def schedule(text: str) -> str:
    """The name of a schedule."""
    return named(text, SCHEDULES)


def optimizer(text: str) -> str:
    """The name of an optimizer."""
    return named(text, ("sgd", "adam", "adamw", "rmsprop"))


def loss(text: str) -> str:
    """The name of a loss for classes."""
    return named(text, ("cross-entropy", "mse"))


def normalization(text: str) -> str:
    """Whose mean and standard deviation are used."""
    return named(text, ("imagenet", "data"))


def channels(text: str) -> int:
    """1 for grey, 3 for colour."""
    if text not in ("1", "3"):
        raise argparse.ArgumentTypeError(f"must be 1 for grey or 3 for colour, got {text!r}")
    return int(text)


def log_file(text: str) -> str:
    """The name of a CSV file, or of one with JSON in each line."""
    if not text.lower().endswith((".csv", ".jsonl")):
        raise argparse.ArgumentTypeError(f"must end with .csv or .jsonl, got {text!r}")
    return path(text)


def named(text: str, known: Sequence[str]) -> str:
    """One of the names, in any spelling of hyphens and capitals."""
    usual = text.strip().lower().replace("_", "-")
    if usual in known:
        return usual
    near = nearest(usual, list(known))
    cure = f"; did you mean {near[0]}?" if near else ""
    raise argparse.ArgumentTypeError(f"must be one of {', '.join(known)}, got {text!r}{cure}")
