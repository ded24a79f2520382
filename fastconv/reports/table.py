"""Text in columns."""

from collections.abc import Container, Sequence


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] | None = None, left: Container[int] = (0,)
) -> str:
    """Lines of a head, rows of texts and perhaps totals; the columns `left` start at the left, the rest end right."""
    last = [] if total is None else [total]
    widths = [max(map(len, column)) for column in zip(head, *rows, *last, strict=True)]

    def line(texts: Sequence[str]) -> str:
        """One line of cells."""
        cells = (
            text.ljust(width) if i in left else text.rjust(width)
            for i, (text, width) in enumerate(zip(texts, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    return "\n".join([line(head), rule, *map(line, rows), *([] if total is None else [rule, line(total)])])
