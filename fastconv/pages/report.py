"""The page about one network: what it is, how it learned, how good it is, and what it looks at."""

from typing import Any

from ..ops import check
from ..system.extras import needed
from ..system.files import AnyPath
from .about import about, again, place_of
from .blocks import Page
from .epochs import best, epochs_of, given_epochs
from .inside import filters, looking
from .learning import learning
from .quality import quality, sentence
from .render import check_path, html, write
from .results import given_data, results
from .run import Run, given_run
from .structure import structure
from .words import counted, number, percent

__all__ = ["report"]


def report(
    run: Any,
    data: Any = None,
    path: AnyPath | None = None,
    *,
    history: Any = None,
    title: str | None = None,
    place: str | None = None,
    examples: int = 3,
    overwrite: bool = False,
) -> str:
    """Describe a trained network on one page of HTML, which holds all its pictures and needs nothing else.

    What it is, the learning curves, the accuracy with its confidence interval, precision, recall and F1 of each class,
    the confusion matrix, the worst mistakes, filters, feature maps, saliency, Grad-CAM and occlusion of a few images,
    the graph, the layers, the plan of the memory, and how to run it again.

    Parameters
    ----------
    run : str, pathlib.Path, SavedNetwork or Network
        A file of `fastconv train`, `fastconv.save` or `callbacks.Checkpoint`; or what `fastconv.load` returns.
    data : data set, or pair (images, labels), optional
        Images as `SavedNetwork.predict` takes them, with class indices (N,). The names of its classes may be in
        another order than those of the network. Without it the parts that need images are left out.
    path : str or pathlib.Path, optional
        The file into which the page is written as well.
    history : list of Epoch, or str, optional
        What `fit` returned, or the path of a file of `callbacks.CSVLog` or `callbacks.JSONLog`; by default what the
        file of the network says.
    title : str, optional
        By default the name of the model.
    place : str, optional
        What the page says of where `data` comes from.
    examples : int
        Images of which feature maps and explanations are shown, from 1; the last is the worst mistake.
    overwrite : bool
        Replace a file that exists.

    Returns
    -------
    str
        The page.

    Raises
    ------
    MissingPackage
        If matplotlib or jinja2 is not installed.
    CheckpointError, OSError
        If the file is no network, or the page cannot be written.
    TypeError, ValueError
        If the data does not fit the network, or the file exists; before anything is drawn.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> from fastconv.pages import report
    >>> network = fastconv.Network(fastconv.models.lenet5(2), (1, 28, 28), seed=0)
    >>> images = np.random.default_rng(0).integers(0, 255, (8, 1, 28, 28), np.uint8)
    >>> page = report(network, (images / np.float32(255), [0, 1] * 4), examples=1)
    >>> page[:15]
    '<!doctype html>'
    """
    for package in ("jinja2", "matplotlib"):
        needed(package, "fastconv.pages.report", package)
    target = None if path is None else check_path(path, overwrite)
    examples = check.integer(examples, "examples", 1)
    for name, words in (("title", title), ("place", place)):
        if words is not None and not isinstance(words, str):
            raise TypeError(f"{name} must be text, got {check.shown(words)}")
    text = html(page_of(given_run(run), data, history, title, place, examples))
    if target is not None:
        write(target, text)
    return text


def page_of(run: Run, data: Any, history: Any, title: str | None, place: str | None, examples: int) -> Page:
    """All sections, and the result in one sentence."""
    epochs = epochs_of(run.metadata.get("history")) if history is None else given_epochs(history)
    sections = [about(run), learning(epochs)]
    notes, result = [], f"{run.model} with {counted(run.network.summary().parameters, 'parameter')}."
    if epochs:
        result = told(run, best(epochs))
    if not run.outputs:
        notes.append("The network gives values, no classes: the parts about classes are left out.")
    elif data is None:
        notes.append(f"The parts that need images are left out; to have them, {option(run)}.")
    else:
        found = results(run, given_data(data), place)
        result = sentence(run, found, place)
        sections += [quality(run, found), filters(run), looking(run, found, examples)]
    if len(sections) == 2:
        sections.append(filters(run))
    sections += [structure(run), again(run, place or place_of(run))]
    return Page(title or run.model, result, notes, [section for section in sections if section.blocks])


def told(run: Run, epoch: Any) -> str:
    """The result as the training saw it."""
    if epoch.validation_accuracy is not None:
        share = f"the right class for {percent(epoch.validation_accuracy)} of the validation images"
        return f"{run.model} named {share} in its best epoch, {epoch.epoch}."
    return f"{run.model} reached a loss of {number(epoch.loss)} in its best epoch, {epoch.epoch}."


def option(run: Run) -> str:
    """What to write to have the images."""
    place = place_of(run) or "FOLDER"
    return f"add --data {place} to the command, or data=fastconv.data.read({place!r}, 'test') in Python"
