"""The state of a training that can go on later, and the way back: bit for bit what it would have become."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..ops import check
from ..system.caller import warn
from .epoch import Epoch

__all__ = ["load_state", "state"]

NUMBERS = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds", "lr")


def state(run: Any) -> dict[str, Any]:
    """All that a training needs beside the network's arrays, as nested dicts of arrays and of what JSON holds."""
    import time

    history = [epoch for epoch in run.history if epoch.epoch <= run.told]  # what was not told is looked at again
    optimizer = run.optimizer.state() if hasattr(run.optimizer, "load_state") else None
    return {
        "epoch": run.epoch,
        "batch": run.batch,
        "accumulate": run.accumulate,
        "trainable": list(run.network.trainable),
        "counted": run.count.state(),
        "seconds": time.perf_counter() - run.started,
        "first": run.first,
        "optimizer": optimizer,
        "rate": run.rate.state(),
        "feed": run.feed.state(),
        "split": run.feed.split,
        "history": rows(history),
        "metrics": [dict(epoch.metrics) for epoch in history],
        "callbacks": [{"kind": type(each).__name__, "state": remembered(each)} for each in run.callbacks],
    }


def remembered(callback: Any) -> dict[str, Any]:
    """The state of a callback."""
    found = callback.state()
    if not isinstance(found, Mapping):
        raise TypeError(f"{type(callback).__name__}.state() must return a dict, got {check.shown(found)}")
    return dict(found)


def rows(history: Any) -> Any:
    """(epochs, 7) float64, NaN for None."""
    table = [[getattr(epoch, name) for name in NUMBERS] for epoch in history]
    return np.array(table, dtype="float64").reshape(-1, len(NUMBERS))


def load_state(run: Any, stored: Mapping[str, Any]) -> None:
    """Go on after the step at which `state` was called; the network has its arrays already."""
    if stored["accumulate"] != run.accumulate:
        raise ValueError(
            f"accumulate: {stored['accumulate']} when it was written, now {run.accumulate}; both must agree"
        )
    check_trainable(run.network, stored.get("trainable", run.network.trainable))
    run.feed.load_state(stored["feed"])
    check_split(run.feed.split, stored.get("split", run.feed.split))
    if stored["optimizer"] is None:
        kind = type(run.optimizer).__name__
        warn(f"resume: the file has no state of an optimizer, what {kind} remembers begins anew; one of your own needs "
             "state() and load_state(state)", UserWarning)  # fmt: skip
    else:
        if not hasattr(run.optimizer, "load_state"):
            raise ValueError(f"it has the state of an optimizer, which {type(run.optimizer).__name__} cannot take back")
        run.optimizer.load_state(stored["optimizer"])
    run.rate.load_state(stored["rate"])
    run.epoch, run.batch, run.first = int(stored["epoch"]), int(stored["batch"]), stored["first"]
    run.elapsed = float(stored["seconds"])
    run.count.load_state(stored["counted"])
    run.history.extend(epochs(stored["history"], stored["metrics"]))
    run.told = len(run.history)
    hand_out(run.callbacks, stored["callbacks"])


def check_trainable(network: Any, stored: Any) -> None:
    """ValueError unless the parameters that are trained are those that were."""
    was, now = set(stored), set(network.trainable)
    for other, state, flag in ((was - now, "trained when it was written, and is frozen now", True),
                               (now - was, "frozen when it was written, and is trained now", False)):  # fmt: skip
        if other:
            name = min(other)
            raise ValueError(f"{name} was {state}; write network.set_trainable({name!r}, {flag}), or a pattern of all")


def check_split(now: Any, stored: Any) -> None:
    """ValueError unless the images of the validation are those that were not trained on."""
    if now is not None and stored is not None and tuple(now) != tuple(stored):
        said = [f"{share:g} drawn by the seed {seed}" for share, seed in (stored, now)]
        raise ValueError(f"validation: {said[0]} when it was written, now {said[1]}; both must agree")


def epochs(table: Any, metrics: Any) -> list[Epoch]:
    """The rows of a history as epochs."""
    found = []
    for row, measured in zip(np.asarray(table).tolist(), metrics, strict=True):
        values = dict(zip(NUMBERS, row, strict=True))
        for name in ("accuracy", "validation_loss", "validation_accuracy", "lr"):
            values[name] = None if values[name] != values[name] else values[name]
        found.append(Epoch(**{**values, "epoch": int(values["epoch"])}, metrics=measured))
    return found


def hand_out(callbacks: Any, stored: Any) -> None:
    """Give each callback the state of the one of its kind, in their order; new ones begin anew."""
    waiting = list(stored)
    for callback in callbacks:
        found = next((each for each in waiting if each["kind"] == type(callback).__name__), None)
        if found is not None:
            waiting.remove(found)
            callback.load_state(found["state"])
