"""The values of options, from text; what is wrong with one is an argparse.ArgumentTypeError, which names the option."""

import argparse
import math
import os

from .. import models
from ..ops.check import nearest

__all__ = ["model", "path", "positive", "rate", "seed"]


def path(text: str) -> str:
    """A name of a file or a folder; ~ is the home folder, which shells do not write in its place after --out=."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return os.path.expanduser(text)


def model(text: str) -> str:
    """The name of a model that the command line trains."""
    if text in models.known:
        return text
    if text in models.__all__ and callable(getattr(models, text)):
        cure = f"; {text} is trained in Python, with Network(fastconv.models.{text}(), input_shape)"
    else:
        near = nearest(text.lower().replace("_", "-"), models.known)
        cure = f"; did you mean {near[0]!r}?" if near else ""
    raise argparse.ArgumentTypeError(f"must be one of {', '.join(models.known)}, got {text!r}{cure}")


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
