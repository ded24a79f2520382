"""Pictures with targets from a table: a CSV file, or a list of (file, label)."""

import csv
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..system.files import AnyPath
from ..typing import Array
from .files import DataError, named, reading
from .kinds import described
from .picture_files import KEEP, FileData, listing

__all__ = ["image_list"]

FILE = ("file", "filename", "file_name", "filepath", "file_path", "path", "image", "image_path", "img", "picture")
LABEL = ("label", "labels", "class", "class_name", "target", "category", "y", "value")
DELIMITERS = ",;\t"


def image_list(
    source: AnyPath | Sequence[tuple[Any, Any]],
    root: AnyPath | None = None,
    *,
    columns: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    channels: int = 3,
    size: Any = None,
    skip_unreadable: bool = False,
    keep: int = KEEP,
) -> FileData:
    """The data set of a table of pictures and their targets.

    Parameters
    ----------
    source : str, bytes or os.PathLike, or list of (file, label)
        A CSV file in UTF-8, separated by commas, semicolons or tabs, with or
        without a line of names; or a list of pairs. Labels are names of
        classes, class indices, or floating-point numbers for a regression.
    root : str, bytes or os.PathLike, optional
        The folder to which the names of files are relative; for a CSV file
        its own folder, for a list the current folder.
    columns : sequence of str, optional
        The columns of the CSV file by name: that of the files, then that of
        the labels, or several of numbers. By default they are found by usual
        names (file, path, image; label, class, target), or there are two.
    classes, channels, size, skip_unreadable, keep
        As in :class:`FileData`.

    Raises
    ------
    DataError
        If the table cannot be read, or names files that are missing.

    Examples
    --------
    >>> from fastconv.data import image_list
    >>> image_list([("one.png", "cat"), ("two.png", "dog")])
    Traceback (most recent call last):
        ...
    fastconv.data.files.DataError: 2 of 2 files are missing: one.png; two.png
    """
    if isinstance(source, str | bytes | os.PathLike):
        path = named(source)
        files, rows = from_csv(path, columns)
        folder = path.parent if root is None else named(root, "root")
        targets = parsed(path, rows)
    else:
        files, targets = from_pairs(source)
        folder = Path() if root is None else named(root, "root")
    files = [str(folder / file) for file in files]
    if not skip_unreadable and (missing := [file for file in files if not os.path.exists(file)]):
        where = f"{path}: " if isinstance(source, str | bytes | os.PathLike) else ""
        raise DataError(f"{where}{len(missing)} of {len(files)} files are missing: {listing(missing)}")
    return FileData(files, targets, classes, channels=channels, size=size, skip_unreadable=skip_unreadable, keep=keep)


def from_pairs(pairs: Any) -> tuple[list[str], Any]:
    """Files and targets from a list of pairs."""
    pairs = list(pairs)
    if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        raise TypeError("source must be the name of a CSV file, or a list of (file, label)")
    if not pairs:
        raise DataError("source must hold at least one (file, label), got an empty list")
    labels = [label for _, label in pairs]
    texts = sum(isinstance(label, str) for label in labels)
    if texts not in (0, len(labels)):
        raise TypeError("labels must be all names or all numbers, got a mixture")
    try:
        return [str(named(file, "source")) for file, _ in pairs], np.asarray(labels)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise ValueError("labels must be numbers, or arrays of one shape") from None


def from_csv(path: Path, columns: Sequence[str] | None) -> tuple[list[str], list[list[str]]]:
    """The names of the files, and for each the texts of its targets."""
    rows = table(path)
    header = has_header(path.parent, rows[0]) or columns is not None
    chosen = by_name(path, rows[0], columns) if header else [0, 1]
    if not header and len(rows[0]) != 2:
        raise DataError(f"{path}: must have two columns, file and label, or a first line with their names")
    rows = rows[1:] if header else rows
    if not rows:
        raise DataError(f"{path}: holds no pictures below the line of names")
    for number, row in enumerate(rows, 1 + header):
        if len(row) <= max(chosen) or any(not row[column].strip() for column in chosen):
            raise DataError(f"{path}: row {number} lacks a file or a label")
    return [row[chosen[0]].strip() for row in rows], [[row[column].strip() for column in chosen[1:]] for row in rows]


def table(path: Path) -> list[list[str]]:
    """The rows of a CSV file without empty ones."""
    with reading(path) as file:
        content = file.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a CSV file in UTF-8: its content is {described(content[:256])}") from None
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(map(str.strip, row))]
    except csv.Error as error:
        raise DataError(f"{path}: not a CSV file that can be read: {error}") from error
    if not rows:
        raise DataError(f"{path}: is empty; each line must hold a file and a label")
    return rows


def has_header(folder: Path, row: list[str]) -> bool:
    """Whether the first row names the columns: no cell of it is a file, or looks like one."""
    usual = [cell.strip().lower() in FILE + LABEL for cell in row]
    return any(usual) or not any("." in cell or os.path.exists(folder / cell) for cell in row)


def by_name(path: Path, header: list[str], columns: Sequence[str] | None) -> list[int]:
    """The numbers of the columns of files and targets."""
    names = [name.strip() for name in header]
    if columns is not None:
        if isinstance(columns, str) or len(columns) < 2:
            raise TypeError(f"columns must name the column of files, then that of labels, got {columns!r}")
        if lacking := [name for name in columns if name not in names]:
            raise DataError(f"{path}: has no column {lacking[0]!r}; it has {', '.join(names)}")
        return [names.index(name) for name in columns]
    lower = [name.lower() for name in names]
    found = [next((lower.index(name) for name in usual if name in lower), None) for usual in (FILE, LABEL)]
    chosen = [number for number in found if number is not None]
    if len(chosen) == 2:
        return chosen
    if len(names) == 2:
        return [0, 1]
    raise DataError(f"{path}: has the columns {', '.join(names)}; write columns=(the one of files, the one of labels)")


def parsed(path: Path, rows: list[list[str]]) -> Array:
    """Targets from texts: integers where all are, else numbers where all are, else names; (N,), or (N, K)."""
    cells = [cell for row in rows for cell in row]
    several = len(rows[0]) > 1
    for kind in (int, float):
        try:
            values = [kind(cell) for cell in cells]
        except ValueError:
            continue
        if not all(map(math.isfinite, values)):
            raise DataError(f"{path}: labels must be finite, got NaN or infinity")
        array = np.asarray(values, np.float64 if several or kind is float else np.int64)
        return array.reshape(len(rows), -1) if several else array
    if several:
        raise DataError(f"{path}: several columns of labels must hold numbers")
    return np.array(cells)
