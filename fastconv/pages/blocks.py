"""What a page is made of; `page.html` draws each kind of block."""

from collections.abc import Container, Sequence
from typing import NamedTuple, TypeAlias

__all__ = ["Block", "Code", "Facts", "Gallery", "Page", "Picture", "Section", "Table", "Text"]


class Text(NamedTuple):
    """A paragraph."""

    text: str
    kind: str = "text"


class Code(NamedTuple):
    """Lines to type."""

    text: str
    kind: str = "code"


class Facts(NamedTuple):
    """Names with values."""

    rows: Sequence[tuple[str, str]]
    kind: str = "facts"


class Table(NamedTuple):
    """A table; the columns `left` hold text, the others numbers. A long one is folded away."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: Container[int] = (0,)
    kind: str = "table"

    @property
    def long(self) -> bool:
        """Whether it is folded away."""
        return len(self.rows) > MOST_ROWS


class Picture(NamedTuple):
    """An image in the page itself, as a data URL, and what it shows in words."""

    source: str
    alt: str
    caption: str
    width: int  # pixels of a page, in which its text has the size of the page's text
    height: int
    kind: str = "picture"

    @property
    def long(self) -> bool:
        """Whether it is folded away."""
        return self.height > MOST_HEIGHT

    @property
    def least(self) -> int:
        """The width below which it is moved in its box, not made smaller: words on it would be too small to read."""
        return round(LEAST * self.width) if self.width > FITS else 0


class Gallery(NamedTuple):
    """Pictures that belong together, below a heading; a text stands for one that could not be drawn."""

    title: str
    pictures: Sequence[Picture | Text]
    kind: str = "gallery"


Block: TypeAlias = Text | Code | Facts | Table | Picture | Gallery
MOST_ROWS = 30
MOST_HEIGHT = 1200  # pixels
FITS = 700  # pixels; pictures of at most this width are made as narrow as a phone
LEAST = 0.55


class Section(NamedTuple):
    """A heading, and what stands below it."""

    title: str
    blocks: Sequence[Block]

    @property
    def name(self) -> str:
        """What a link to it says."""
        return "-".join(self.title.lower().split())


class Page(NamedTuple):
    """A whole page."""

    title: str
    result: str  # in one sentence
    notes: Sequence[str]
    sections: Sequence[Section]
