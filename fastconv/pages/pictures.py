"""Figures of matplotlib as pictures that a page holds itself."""

import base64
import warnings
from collections.abc import Callable
from io import BytesIO
from threading import Lock
from typing import Any

from .. import plot
from ..system.extras import needed
from .blocks import Picture, Text

__all__ = ["drawn", "picture"]

PIXELS = 96  # of a page, to an inch
DOTS = 144  # of PNG to an inch: sharp on screens of one and a half times as many
ALONE = Lock()  # settings of matplotlib and of warnings are those of all threads
MOST = 200_000  # bytes of a PNG that is so sharp; larger ones, of photographs, have PIXELS to an inch


def drawn(caption: str, draw: Callable[..., Any], *arguments: Any, **options: Any) -> Picture | Text:
    """The picture of a function of `plot`; a line that says why, where the network has nothing to draw."""
    try:
        return picture(draw(*arguments, **options), caption)
    except ValueError as error:
        return Text(f"{caption}: left out, as {error}")


def picture(figure: Any, caption: str) -> Picture:
    """The figure as SVG or PNG, whichever is smaller."""
    settings = {"svg.hashsalt": "fastconv"}
    with ALONE, needed("matplotlib", "fastconv.pages", "matplotlib").rc_context(settings):
        kinds = {"svg+xml": saved(figure, "svg", metadata={"Date": None}), "png": saved(figure, "png", dpi=DOTS)}
        if len(kinds["png"]) > MOST:
            kinds["png"] = saved(figure, "png", dpi=PIXELS)
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
