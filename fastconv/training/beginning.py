"""How a training begins and ends: callbacks are told, and one that was broken off goes on."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..ops import check
from .run import Run
from .together import agreeing

__all__ = ["begun", "checked_callbacks", "checked_metrics"]

EVENTS = ("on_begin", "on_step", "before_validation", "after_validation", "on_epoch", "on_interrupt", "on_end")


def checked_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """The callbacks, those with ``last`` after the others; TypeError for what is none."""
    found = (callbacks,) if all(hasattr(callbacks, event) for event in EVENTS) else callbacks
    if not isinstance(found, list | tuple):
        cure = "; a function that takes an Epoch is on_epoch=function" if callable(found) else ""
        raise TypeError(f"callbacks must be a list of callbacks, got {check.shown(callbacks)}{cure}")
    for callback in found:
        if isinstance(callback, type):
            raise TypeError(
                f"callbacks must be objects, got the class {callback.__name__}; write {callback.__name__}()"
            )
        missing = [event for event in (*EVENTS, "state", "load_state") if not callable(getattr(callback, event, None))]
        if missing:
            raise TypeError(
                f"each callback must have the methods of fastconv.callbacks.Callback, got {check.shown(callback)}, "
                f"which has no {missing[0]}; derive its class from Callback"
            )
    if again := next((each for n, each in enumerate(found) if any(each is other for other in found[:n])), None):
        raise ValueError(f"callbacks must be different objects, got {check.shown(again)} twice")
    written = [getattr(callback, name, None) for callback in found for name in ("path", "best")]
    paths = [os.path.realpath(os.fsdecode(path)) for path in written if isinstance(path, str | bytes | os.PathLike)]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise ValueError(f"callbacks must write into files of their own, got {twice} twice")
    return tuple(sorted(found, key=lambda callback: bool(getattr(callback, "last", False))))


def checked_metrics(metrics: Any) -> dict[str, Any]:
    """The metrics by name; TypeError for what is no dict of functions."""
    if metrics is None:
        return {}
    line = 'write metrics={"top3": functools.partial(fastconv.metrics.top_k_accuracy, k=3)}, for example'
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"metrics must be a dict, name -> function (outputs, targets) -> number, got {metrics!r}; {line}"
        )
    for name, metric in metrics.items():
        if not isinstance(name, str) or not callable(metric):
            raise TypeError(f"metrics must be functions by name, got {name!r}: {metric!r}; {line}")
    return dict(metrics)


@contextmanager
def begun(run: Run, resume: Any) -> Iterator[None]:
    """The callbacks' begin and end around a training, which first goes on from a file if it is to."""
    if resume is not None and resume is not False:
        go_on(run, resume)
    run.call("on_begin")
    try:
        yield
    except BaseException as error:
        run.broken = True
        if isinstance(error, KeyboardInterrupt):
            if run.boundary is not None:
                run.boundary.go_back()
            run.call("on_interrupt")
        raise
    finally:
        run.call("on_end")


def go_on(run: Run, resume: Any) -> None:
    """Take back the state of a training from a file, and finish what it was doing; rank 0 alone reads the file."""
    from .resume import load_state
    from .start import go_on_together

    stored, together = None, run.together
    with agreeing(together):
        if run.rank == 0:
            stored = state_in(run, resume)
    if together is not None:
        stored = go_on_together(together, run.network, stored)
    if stored is None:
        return
    with agreeing(together):
        try:
            load_state(run, stored)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if run.kept is not None:
                run.kept.put_back()
            where = "the file" if resume is True else os.fspath(resume)
            raise ValueError(f"resume: the training in {where} cannot go on here: {error}") from error
    if run.kept is not None:
        run.kept.keep()
    if run.history and run.history[-1].epoch == run.epoch:  # it ended between two epochs
        for _ in run.feed.batches(run.epoch, run.batch):
            pass
        run.next_epoch()


def state_in(run: Run, resume: Any) -> Any:
    """The state of a training in a file, once the network has its arrays; None where there is no file yet."""
    from ..callbacks.run_files import read_run

    path = resume
    if resume is True:
        path = next((each.path for each in run.callbacks if hasattr(each, "path") and hasattr(each, "every")), None)
        if path is None:
            raise ValueError(
                "resume=True needs a Checkpoint among the callbacks, whose file it reads; or write resume=path"
            )
        if not os.path.lexists(path):
            return None
    return read_run(path, run.network)
