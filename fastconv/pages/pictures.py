"""Figures of matplotlib as pictures that a page holds itself."""

import base64
import warnings
from collections.abc import Callable
from io import BytesIO
from typing import Any

from .. import plot
from ..system.extras import needed
from .blocks import Picture, Text

__all__ = ["drawn", "picture"]

DOTS = 144  # per inch, for PNG: sharp on screens of one and a half times 96
PIXELS = 96  # of a page, to an inch


def drawn(caption: str, draw: Callable[..., Any], *arguments: Any, **options: Any) -> Picture | Text:
    """The picture of a function of `plot`; a line that says why, where the network has nothing to draw."""
    try:
        return picture(draw(*arguments, **options), caption)
    except ValueError as error:
        return Text(f"{caption}: left out, as {error}")


def picture(figure: Any, caption: str) -> Picture:
    """The figure as SVG or PNG, whichever is smaller."""
    with needed("matplotlib", "fastconv.pages", "matplotlib").rc_context({"svg.hashsalt": "fastconv"}):
        kinds = {"svg+xml": saved(figure, "svg", metadata={"Date": None}), "png": saved(figure, "png", dpi=DOTS)}
    kind = min(kinds, key=lambda name: len(kinds[name]))
    inches = figure.get_size_inches()
    source = f"data:image/{kind};base64,{base64.b64encode(kinds[kind]).decode()}"
    width, height = (round(PIXELS * float(side)) for side in inches)
    return Picture(source, plot.text_of(figure), caption, width, height)


def saved(figure: Any, kind: str, **options: Any) -> bytes:
    """The bytes of a file of this kind; warnings about letters that the font lacks are no news to the reader."""
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure.savefig(file, format=kind, facecolor="white", **options)
    return file.getvalue()
