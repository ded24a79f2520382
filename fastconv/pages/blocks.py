"""What a page is made of; `page.html` draws each kind of block."""

from collections.abc import Container, Sequence
from typing import NamedTuple, TypeAlias

__all__ = ["Block", "Code", "Facts", "Page", "Picture", "Section", "Table", "Text"]


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


Block: TypeAlias = Text | Code | Facts | Table | Picture
MOST_ROWS = 30


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
