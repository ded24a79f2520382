"""Text in columns."""


def table(head, rows, total=None, left=(0,)):
    """Lines of a head, rows of texts and perhaps totals; the columns `left` start at the left, the rest end right."""
    last = [] if total is None else [total]
    widths = [max(map(len, column)) for column in zip(head, *rows, *last, strict=True)]

    def line(texts):
        cells = (
            text.ljust(width) if i in left else text.rjust(width)
            for i, (text, width) in enumerate(zip(texts, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    return "\n".join([line(head), rule, *map(line, rows), *([rule, line(total)] if last else [])])
