"""What a file of a network tells of its training: for people, and for reports."""

import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..kernels.runtime.threads import get_num_threads

__all__ = ["record"]

MOST_NUMBERS = 20_000  # of all epochs together: metadata has room for about ten times as many
DIGITS = 6
LONGEST = 500  # characters of an optimizer or a loss


def record(history: Sequence[Any], optimizer: Any, loss: Any) -> dict[str, Any]:
    """{"history": a dict for each epoch, "optimizer", "loss", "date", "versions", "threads"}, as JSON holds it.

    Numbers of the history are rounded to six digits. Of very many epochs every second, third ... is kept, and the last.
    """
    package = sys.modules[__name__.partition(".")[0]]
    return {
        "history": [row(epoch) for epoch in thinned(history)],
        "optimizer": repr(optimizer)[:LONGEST],
        "loss": repr(loss)[:LONGEST],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {
            "fastconv": package.__version__,
            "NumPy": np.__version__,
            "Python": platform.python_version(),
        },
        "threads": get_num_threads(),
    }


def thinned(history: Sequence[Any]) -> Sequence[Any]:
    """The epochs, so few that their numbers have room; always the last."""
    numbers = sum(len(epoch) + len(epoch.metrics) for epoch in history[-1:]) * len(history)
    step = -(-numbers // MOST_NUMBERS) or 1
    return history[::-step][::-1]


def row(epoch: Any) -> dict[str, Any]:
    """The fields of an epoch, rounded."""
    fields = {name: rounded(value) for name, value in epoch._asdict().items() if name != "metrics"}
    return {**fields, "metrics": {str(name): rounded(value) for name, value in epoch.metrics.items()}}


def rounded(value: Any) -> Any:
    """A number with few digits; None as it is."""
    return value if value is None or isinstance(value, int) else float(f"{float(value):.{DIGITS}g}")
