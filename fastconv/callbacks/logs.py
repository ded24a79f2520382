"""Files with a row per epoch: CSV, and JSON lines."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..system.caller import warn
from ..system.files import AnyPath, open_regular
from ..system.paths import named, text_of
from ..system.replace import check_target, replacing
from .base import Callback, Run
from .rows import row

__all__ = ["CSVLog", "JSONLog"]


class Log(Callback):
    """The base: a file of rows, each a dict; how they are written is said by `text` and `rows_of`."""

    columns: tuple[str, ...] = ()

    writes = True

    def __init__(self, path: AnyPath) -> None:
        self.path = text_of(path, ValueError)
        self.rows: list[dict[str, Any]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    def text(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """The lines of these rows."""
        raise NotImplementedError

    def head(self) -> str:
        """What stands before the first row."""
        return ""

    def rows_of(self, text: str) -> list[dict[str, Any]]:
        """The rows of a file; ValueError or KeyError if it is no such file."""
        raise NotImplementedError

    def on_begin(self, run: Run) -> None:
        """Begin a new file; where a training goes on, keep the rows of the epochs that it has done."""
        check_target(self.path, ValueError)
        done = run.history[-1].epoch if run.history else 0
        self.rows = [each for each in self.read() if int(each["epoch"]) <= done]
        self.columns = tuple(dict.fromkeys(name for each in self.rows for name in each))
        self.rewrite()

    def read(self) -> list[dict[str, Any]]:
        """The rows that are there; ValueError for a file that is no log, which would be lost."""
        if not os.path.exists(self.path):
            return []
        with named(self.path), open_regular(self.path, ValueError) as file:
            found = file.read()
        whole = found[: found.rfind(b"\n") + 1] or found  # without a line that was broken off
        try:
            return self.rows_of(whole.decode()) if whole.strip() else []
        except (KeyError, TypeError, ValueError):
            what = f"{self.path} is a file that {type(self).__name__} did not write, and stays as it is"
            raise ValueError(f"{what}: choose another name, or remove it") from None

    def rewrite(self) -> None:
        """Write the file anew."""
        with replacing(self.path, ValueError) as file:
            if self.rows:
                file.write((self.head() + self.text(self.rows)).encode())

    def on_epoch(self, run: Run) -> None:
        """Add the row of the epoch; RuntimeWarning if the file can no longer be written, and training goes on."""
        self.rows.append(row(run))
        new = tuple(name for name in self.rows[-1] if name not in self.columns)
        try:
            if new:
                self.columns += new
                self.rewrite()
            else:
                with named(self.path), open(self.path, "ab") as file:
                    file.write(self.text(self.rows[-1:]).encode())
        except OSError as error:
            warn(f"epoch {run.history[-1].epoch} is missing in the log: {error}", RuntimeWarning)


class CSVLog(Log):
    """Write a table of the epochs: a line of names, then a line per epoch.

    The columns are epoch, step, lr, loss, accuracy, validation_loss, validation_accuracy, seconds, images_per_second
    and the metrics; what an epoch does not have is empty. Each line is in the file when its epoch is over. Where a
    training goes on from a checkpoint, the file does too; else it is begun anew.

    Parameters
    ----------
    path : str or pathlib.Path

    Raises
    ------
    ValueError, OSError
        Before the first step, if the file cannot be written, or if there is one that is no such table.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fastconv import Network, fit, layers
    >>> from fastconv.callbacks import CSVLog
    >>> x, labels = np.eye(4, dtype="float32"), [0, 1, 0, 1]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CSVLog(os.path.join(folder, "log.csv"))
    ...     history = fit(Network(layers.Linear(2), (4,), seed=0), x, labels, epochs=3, callbacks=[log], progress=False)
    ...     with open(log.path) as file:
    ...         lines = file.read().splitlines()
    >>> len(lines), lines[0][:27], lines[3][:8]
    (4, 'epoch,step,lr,loss,accuracy', '3,3,0.1,')
    """

    def head(self) -> str:
        """The names of the columns."""
        return self.text([{name: name for name in self.columns}])

    def text(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """The lines of these rows."""
        import csv
        import io

        file = io.StringIO()
        csv.DictWriter(file, self.columns, lineterminator="\n").writerows(rows)
        return file.getvalue()

    def rows_of(self, text: str) -> list[dict[str, Any]]:
        """The rows of a table, as text."""
        import csv
        import io

        try:
            reader = csv.DictReader(io.StringIO(text))
            rows = list(reader)
        except csv.Error as error:
            raise ValueError(str(error)) from None
        if list(reader.fieldnames or ())[:3] != ["epoch", "step", "lr"]:
            raise ValueError("the columns are others")
        for each in rows:
            int(each["epoch"])
            if None in each or None in each.values():
                raise ValueError("a line is too long or too short")
        return rows


class JSONLog(Log):
    """Write a line of JSON per epoch, an object with the fields that `CSVLog` has as columns.

    What an epoch does not have is null, also NaN and infinity, for which JSON has no numbers. Each line is in the file
    when its epoch is over. Where a training goes on from a checkpoint, the file does too; else it is begun anew.

    Parameters
    ----------
    path : str or pathlib.Path

    Raises
    ------
    ValueError, OSError
        Before the first step, if the file cannot be written, or if there is one that is no such log.

    Examples
    --------
    >>> import json, os, tempfile
    >>> import numpy as np
    >>> from fastconv import Network, fit, layers
    >>> from fastconv.callbacks import JSONLog
    >>> x, labels = np.eye(4, dtype="float32"), [0, 1, 0, 1]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = JSONLog(os.path.join(folder, "log.jsonl"))
    ...     history = fit(Network(layers.Linear(2), (4,), seed=0), x, labels, epochs=3, callbacks=[log], progress=False)
    ...     with open(log.path) as file:
    ...         rows = [json.loads(line) for line in file]
    >>> [row["loss"] == epoch.loss for row, epoch in zip(rows, history)]
    [True, True, True]
    """

    def text(self, rows: Iterable[Mapping[str, Any]]) -> str:
        """The lines of these rows."""
        import json
        from math import isfinite

        def value(given: Any) -> Any:
            return None if isinstance(given, float) and not isfinite(given) else given

        lines = [json.dumps({name: value(given) for name, given in row.items()}, allow_nan=False) for row in rows]
        return "".join(line + "\n" for line in lines)

    def rows_of(self, text: str) -> list[dict[str, Any]]:
        """The rows of the lines."""
        import json

        rows = [json.loads(line) for line in text.splitlines()]
        for each in rows:
            if not isinstance(each, dict) or not isinstance(each["epoch"], int) or "step" not in each:
                raise ValueError("a line is no epoch")
        return rows
