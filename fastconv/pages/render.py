"""Pages as HTML text, and in files."""

import os
import sys
from importlib import resources

from ..system.extras import needed
from ..system.files import AnyPath
from ..system.paths import text_of
from ..system.replace import check_target, replacing
from .blocks import Page

__all__ = ["check_path", "html", "write"]

SUFFIXES = (".html", ".htm")
PACKAGE = __name__.partition(".")[0]


def html(page: Page) -> str:
    """The whole document; all that is no part of the template is escaped."""
    jinja2 = needed("jinja2", "fastconv.pages", "jinja2")
    folder = resources.files(__package__)
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(folder.joinpath("page.html").read_text(encoding="utf-8"))
    style = folder.joinpath("style.css").read_text(encoding="utf-8")
    text: str = template.render(page=page, style=style, version=sys.modules[PACKAGE].__version__)
    return text


def check_path(path: AnyPath, overwrite: bool) -> str:
    """The path as text; an error that says what to write, unless a page can be written there."""
    name = text_of(path, ValueError)
    if not name.lower().endswith(SUFFIXES):
        raise ValueError(f"path must end with .html, got {name}")
    if os.path.lexists(name) and not overwrite:
        raise ValueError(f"path {name} exists; write overwrite=True to replace it, or choose another name")
    return check_target(name, ValueError)


def write(path: str, text: str) -> None:
    """The text in a file, whole or not at all; characters that are none become question marks."""
    with replacing(path, ValueError) as file:
        file.write(text.encode("utf-8", "replace"))
