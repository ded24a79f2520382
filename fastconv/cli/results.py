"""How `fastconv predict` prints: as text with tabs, as CSV, or as a JSON object in each line."""

import csv
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .documents import as_json
from .streams import Stream, field

__all__ = ["FORMATS", "Result"]


class Result(NamedTuple):
    """The best classes of one image, each with a number: its probability, or the network's output."""

    file: str
    number: int | None  # of the image, where the file holds several
    best: Sequence[tuple[object, float]]

    @property
    def name(self) -> str:
        """The file, with the index where it holds several."""
        return self.file if self.number is None else f"{self.file}[{self.number}]"


def text(kind: str, top: int, output: Stream) -> Callable[[Result], None]:
    """Lines of fields with tabs between: the name, a class, its number, the next class ..."""

    def show(result: Result) -> None:
        cells = (cell for name, number in result.best for cell in (field(name), f"{number:.3f}"))
        print(field(result.name), *cells, sep="\t", file=output)

    return show


def table(kind: str, top: int, output: Stream) -> Callable[[Result], None]:
    """CSV with a head: file, class, probability; for several classes class_1, probability_1, class_2 ..."""
    writer = csv.writer(output, lineterminator="\n")
    endings = [""] if top == 1 else [f"_{place}" for place in range(1, top + 1)]
    writer.writerow(["file", *(f"{word}{ending}" for ending in endings for word in ("class", kind))])

    def show(result: Result) -> None:
        writer.writerow([result.name, *(cell for name, number in result.best for cell in (name, f"{number:.6g}"))])

    return show


def objects(kind: str, top: int, output: Stream) -> Callable[[Result], None]:
    """A JSON object in each line: file, number, class, probability, and `top` where several classes are asked for."""

    def show(result: Result) -> None:
        best: list[dict[str, Any]] = [{"class": str(name), kind: value} for name, value in result.best]
        number = {} if result.number is None else {"number": result.number}
        more = {"top": best} if top > 1 else {}
        print(as_json({"file": result.file, **number, **best[0], **more}), file=output)

    return show


FORMATS = {"text": text, "csv": table, "json": objects}  # a format -> (kind of number, classes, output) -> a printer
