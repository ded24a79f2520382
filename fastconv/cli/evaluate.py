"""The command ``fastconv eval``: how well a saved network reads images whose classes are known."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import data, metrics
from ..data.picture_files import FileData
from ..data.renumbered import renumbered
from ..typing import Array
from .datasets import held_out_part, labels_of, parts_of, read, refuse_unreadable
from .documents import as_json
from .flags import add_free_size, add_json, add_threads, option
from .saved import Saved, load_network
from .streams import Stream, escaped, field
from .threads import use_threads
from .values import part, path, positive
from .words import counted, percent

__all__ = ["add_options", "evaluate", "outputs"]


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv eval`."""
    command.set_defaults(run=evaluate)
    command.add_argument("model", metavar="FILE", help="a network saved by 'fastconv train', or a file of ONNX")
    add = option(command)
    add("--data", "PATH", path, "images with classes, as 'fastconv train' takes them (default: as there)")
    add_free_size(command, "none")
    add("--part", "NAME", part, "train, test or validation, where the data has parts (default: test)")
    add("--batch-size", "N", positive, "images worked on at a time (default: %(default)s)", 100)
    command.add_argument("--skip-unreadable", action="store_true", help="leave out pictures that cannot be read")
    add_threads(command, "all processors")
    add_json(command, "one JSON object, with the confusion matrix")


def evaluate(options: Namespace, output: Stream) -> int:
    """Print loss, accuracy, and precision, recall and F1 of each class; returns the exit code."""
    use_threads(options.threads)
    saved = load_network(options.model, [], options.input)
    place = options.data or str(data.find_folder())
    found = opened(saved, place, options)
    labels = in_order(saved, found, labels_of(found, place), place)
    try:
        y = outputs(saved, found, options.batch_size)
    except ValueError as error:
        raise error if isinstance(error, data.DataError) else data.DataError(f"{place}: {error}") from None
    report = scores(saved, y, labels)
    print(as_json(report, indent=2) if options.json else table(report, place))
    return 0


def opened(saved: Saved, place: str, options: Namespace) -> Any:
    """The images, pictures among them as the network takes them; DataError that names all that cannot be read."""
    parts = parts_of(place)
    wanted = options.part or held_out_part(parts)
    channels, size = saved.pictures
    found = read(place, wanted if parts or options.part else None, channels, size, options.skip_unreadable)
    if isinstance(found, FileData) and not options.skip_unreadable:
        refuse_unreadable(place, list(found.unreadable().values()), len(found))
    return found


def in_order(saved: Saved, found: Any, labels: Array, place: str) -> Array:
    """The labels as the network numbers its classes: by name where both have names."""
    labels = renumbered(labels, getattr(found, "classes", None), saved.names, f"{place}:")
    most = len(saved.classes)
    if labels.max() >= most:
        raise data.DataError(f"{place}: has the class {labels.max()}, and the network has {most} outputs, from 0")
    return labels


def outputs(saved: Saved, found: Any, batch_size: int) -> Array:
    """(N, K) the network's outputs."""
    return np.concatenate(list(batches(saved, found, batch_size)))


def batches(saved: Saved, found: Any, batch_size: int) -> Iterator[Array]:
    """The outputs of one batch after another."""
    for start in range(0, len(found), batch_size):
        images, _ = found.batch(np.arange(start, min(start + batch_size, len(found))))
        yield saved.predict(images)


def scores(saved: Saved, y: Array, labels: Array) -> dict[str, Any]:
    """Loss, accuracy, and what each class has."""
    value = np.zeros((), y.dtype)
    saved.loss.bind(y, saved.loss.prepare(labels, y.shape, y.dtype), value, None)()
    matrix = metrics.confusion_matrix(y, labels)
    each = zip(
        saved.classes,
        np.bincount(labels, minlength=y.shape[1]),
        *(measure(y, labels, average="none") for measure in (metrics.precision, metrics.recall, metrics.f1)),
        strict=True,
    )
    heads = ("class", "images", "precision", "recall", "f1")
    return {
        "images": len(y),
        "loss": float(value),
        "accuracy": metrics.accuracy(y, labels),
        "f1": metrics.f1(y, labels),
        "classes": [dict(zip(heads, (str(name), *rest), strict=True)) for name, *rest in each],
        "confusion_matrix": matrix,
    }


def table(report: dict[str, Any], place: str) -> str:
    """The report as lines."""
    rows = report["classes"]
    width = max(5, *(len(field(row["class"])) for row in rows))
    lines = [
        f"data      {escaped(place)}: {counted(report['images'], 'image')}",
        f"loss      {report['loss']:.4f}",
        f"accuracy  {percent(report['accuracy'])}",
        "",
        f"{'class':<{width}}{'images':>8}{'precision':>12}{'recall':>12}{'F1':>12}",
    ]
    for row in rows:
        shares = "".join(f"{share(row[name]):>12}" for name in ("precision", "recall", "f1"))
        lines.append(f"{field(row['class']):<{width}}{row['images']:>8,}{shares}")
    return "\n".join([*lines, *confusions(rows, report["confusion_matrix"])])


def share(value: float) -> str:
    """A share in percent; a hyphen where there is none."""
    return "-" if np.isnan(value) else percent(value)


def confusions(rows: Sequence[dict[str, Any]], matrix: Array, most: int = 5) -> Iterator[str]:
    """The classes that are most often taken for others."""
    wrong = matrix * (1 - np.eye(len(matrix), dtype=matrix.dtype))
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(matrix)) for place in order if wrong.flat[place]]
    if pairs:
        yield ""
    for true, taken in pairs:
        names = (field(rows[k]["class"]) for k in (true, taken))
        yield "{} taken for {}: {}".format(*names, counted(int(wrong[true, taken]), "image"))
