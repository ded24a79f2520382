"""Tables as text of at most 80 columns, and as HTML for notebooks."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

WIDTH = 80  # columns of a terminal
NARROW = 6  # a column that starts at the left may be made so narrow
PIECES = re.compile(r"(?:[^ .,]|[.,](?=\d))*[ .,]?")  # lines may end after a space, a dot or a comma, not in a number


class Table(NamedTuple):
    """A head, rows of texts, perhaps totals; the columns `left` start at the left, the rest end right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] | None = None
    left: Container[int] = (0,)

    def lines(self) -> list[Sequence[str]]:
        """Head, rows and totals."""
        return [self.head, *self.rows, *([] if self.total is None else [self.total])]


class Report:
    """The base of reports: `print` and notebooks show `table()`, and then the lines of `more()`."""

    def table(self) -> Table:
        """The table."""
        raise NotImplementedError

    def more(self) -> Sequence[str]:
        """Lines below the table."""
        return ()

    def __str__(self) -> str:
        return "\n".join([text(self.table()), *(line for long in self.more() for line in wrapped(long, WIDTH))])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """What notebooks show."""
        return html(self.table(), self.more())


def text(table: Table) -> str:
    """The table in at most WIDTH columns: long texts go on in the next line of their column."""
    widths = fitting(list(zip(*table.lines(), strict=True)), table.left)
    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    parts = [list(block(line, widths, table.left)) for line in table.lines()]
    parts.insert(1, [rule])
    if table.total is not None:
        parts.insert(-1, [rule])
    return "\n".join(line for part in parts for line in part)


def fitting(columns: Sequence[Sequence[str]], left: Container[int]) -> list[int]:
    """The widths of the columns: those that may be wrapped are made narrower until all fit, from the left.

    As long as it can be, no word is cut.
    """
    widths = [max(map(len, column)) for column in columns]
    words = [max(len(piece.rstrip()) for each in column for piece in PIECES.findall(each)) for column in columns]
    for least in (words, [NARROW] * len(words)):
        while sum(widths) + 2 * len(widths) - 2 > WIDTH:
            wide = [i for i, width in enumerate(widths) if i in left and width > least[i]]
            if not wide:
                break
            widths[wide[0]] -= 1
    return widths


def block(texts: Sequence[str], widths: Sequence[int], left: Container[int]) -> Iterator[str]:
    """The lines of one row."""
    cells = [list(wrapped(each, width)) for each, width in zip(texts, widths, strict=True)]
    for number in range(max(map(len, cells))):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        yield "  ".join(
            part.ljust(width) if i in left else part.rjust(width)
            for i, (part, width) in enumerate(zip(parts, widths, strict=True))
        ).rstrip()


def wrapped(long: str, width: int) -> Iterator[str]:
    """The text in lines of at most `width` columns; a word without a place to break is cut."""
    line = ""
    for piece in PIECES.findall(long):
        while len(line) + len(piece.rstrip()) > width:
            if line:
                yield line.rstrip()
                line = ""
            else:
                yield piece[:width]
                piece = piece[width:]
        line += piece
    yield line.rstrip()


def html(table: Table, more: Sequence[str]) -> str:
    """The table, and lines below it, for a notebook."""
    from html import escape

    def row(texts: Sequence[str], tag: str) -> str:
        """One line of cells."""
        sides = ("left" if i in table.left else "right" for i in range(len(texts)))
        cells = (f'<{tag} style="text-align: {s}">{escape(t)}</{tag}>' for t, s in zip(texts, sides, strict=True))
        return f"<tr>{''.join(cells)}</tr>"

    head, body = row(table.head, "th"), "".join(row(texts, "td") for texts in table.rows)
    foot = "" if table.total is None else f"<tfoot>{row(table.total, 'th')}</tfoot>"
    lines = "".join(f"<p>{escape(line)}</p>" for line in more)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody>{foot}</table>{lines}"
