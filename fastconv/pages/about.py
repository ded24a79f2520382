"""What a network is, and how it was trained, as a file says it; and how to do it again."""

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .blocks import Block, Code, Facts, Section, Text
from .run import Run
from .words import counted, size

__all__ = ["about", "again", "place_of"]

LONGEST = 500  # characters of a value that a file gives


def about(run: Run) -> Section:
    """Names with values: the network, its training, and with what it was made."""
    network, told = run.network, run.metadata
    classes = run.classes
    shown = ", ".join(classes[:20]) + (", ..." if len(classes) > 20 else "")
    rows: list[tuple[str, Any]] = [
        ("model", run.model),
        ("arguments", listed((network.model or {}).get("arguments"))),
        ("input", size(network.input_shape)),
        ("classes", f"{len(classes)}: {shown}" if classes else None),
        ("parameters", f"{network.summary().parameters:,}, {network.dtype}"),
        ("preprocessing", preprocessing(run)),
        ("data", data_of(told.get("data"))),
        ("optimizer", told.get("optimizer")),
        ("loss", told.get("loss")),
        ("settings", settings(told.get("settings"))),
        ("trained", moment(told.get("date"))),
        ("versions", listed(told.get("versions"), " ")),
        ("threads", told.get("threads")),
        ("file", run.path),
    ]
    known = [(name, text(value)) for name, value in rows if isinstance(value, str | int) and value != ""]
    return Section("What it is", [Facts(known)])


def text(value: object) -> str:
    """A value from a file, of a length that a page has room for."""
    found = str(value)
    return found if len(found) <= LONGEST else f"{found[:LONGEST]}..."


def listed(pairs: Any, between: str = "=") -> str:
    """Names with values in one line."""
    return ", ".join(f"{name}{between}{value}" for name, value in pairs.items()) if isinstance(pairs, Mapping) else ""


def settings(found: Any) -> str:
    """The settings but for the model, which has its own row."""
    rest = {name: value for name, value in found.items() if name != "model"} if isinstance(found, Mapping) else {}
    return listed(rest)


def moment(date: Any) -> str:
    """A date with its time, without seconds."""
    try:
        found = datetime.fromisoformat(date)
    except (TypeError, ValueError):
        return ""
    return f"{found:%Y-%m-%d %H:%M %Z}".strip()


def data_of(found: Any) -> str:
    """Where the images came from, and how many there were."""
    if not isinstance(found, Mapping):
        return ""
    images = found.get("images")
    counts = images.items() if isinstance(images, Mapping) else ()
    parts = [counted(count, f"{part} image") for part, count in counts if isinstance(count, int)]
    return ": ".join(filter(None, (str(found.get("place", "")), ", ".join(parts))))


def place_of(run: Run) -> str | None:
    """The data that it was trained on, where the file says it."""
    found = run.metadata.get("data")
    place = found.get("place") if isinstance(found, Mapping) else None
    return place if isinstance(place, str) else None


def preprocessing(run: Run) -> str:
    """The steps by name."""
    steps = run.preprocessing
    if steps is None or isinstance(steps, str):
        return steps or ""
    return ", ".join(name_of(step) for step in steps)


def name_of(step: Any) -> str:
    """A transform with its arguments."""
    function = getattr(step, "func", step)
    name = getattr(function, "__name__", type(function).__name__).strip("_")
    return f"{name}({listed(getattr(step, 'keywords', None))})"


def again(run: Run, place: str | None) -> Section:
    """The command lines that train, measure and show this network; `place`: the data of this page."""
    blocks: list[Block] = []
    command = run.metadata.get("command")
    if isinstance(command, str):
        blocks += [Text("To train it again:"), Code(command)]
    if run.path is not None:
        file = shlex.quote(run.path)
        of = f" --data {shlex.quote(place)}" if place else ""
        blocks += [
            Text("To measure it, to make this page again, and to classify a picture:"),
            Code(f"fastconv eval {file}{of}\nfastconv report {file}{of}\nfastconv predict {file} PICTURE"),
            Text("In Python:"),
            Code(f"import fastconv\n\nsaved = fastconv.load({run.path!r})\nsaved.classify('PICTURE', top=3)"),
        ]
    return Section("How to run it again", blocks)
