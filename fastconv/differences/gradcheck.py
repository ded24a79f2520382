"""The public function: any op, layer, network, or function of one's own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .. import Layer, Network, losses
from ..ops import check
from ..typing import Generator
from .batches import images, of_one
from .examine import Settings, examine
from .functions import is_op, op_problem, pair_problem
from .networks import in_float64, loss_problem, made, model_problem
from .problem import Problem
from .report import GradientError, Report

MODEL = ("targets", "loss", "training")  # what a check of a layer or network takes by name
HOW = (
    "write gradcheck(fastconv.conv2d, x, weight), gradcheck(layer, (3, 8, 8)), gradcheck(network, x, targets, loss), "
    "or gradcheck((forward, backward), x), with backward(dy, x)"
)


def gradcheck(
    target: Any,
    *arguments: Any,
    entries: int = 64,
    tolerance: float = 1e-6,
    seed: int = 0,
    raise_exception: bool = True,
    **options: Any,
) -> Report:
    """Compare gradients with central differences, in float64: dL/da[i] = (L(a + h e_i) - L(a - h e_i)) / 2h.

    L = sum dy y with random dy, or the loss that is given. Each array a of real numbers, inputs and parameters, has
    a row in the result.

    Parameters
    ----------
    target : what is checked
        A function of `fastconv.ops`; a layer, or a model such as ``sequential(...)``; a network; or a pair of
        functions (forward, backward): ``y = forward(*arrays)``, ``gradients = backward(dy, *arrays)``, one for each
        array of real numbers, or None, or all in a dict by name. A backward that takes dy alone is called right after
        a forward pass.
    *arguments : the arguments of a call
        Of an op or a pair: those of the function. Of a layer or model: images (N, ...), or the shape of one image,
        for random ones. Of a network: images, targets and a loss, all three optional. Of several inputs, a dict or
        tuple of images or shapes; of several outputs, a dict or tuple of targets and losses.
    entries : int, default 64
        How many entries of each array are tested alone; of larger arrays these are random ones, and besides them
        all entries are tested together, along two random directions. If these show an error, the entry is found by
        halving.
    tolerance : float, default 1e-6
        Relative, beside ten times the estimated error of the central difference.
    seed : int, default 0
        Of all random choices.
    raise_exception : bool, default True
        Raise GradientError if a gradient is wrong; otherwise only the result says so.
    **options
        Of an op or a pair: further arguments by name, such as ``padding=1``. Of a layer, model or network: `targets`,
        `loss`, and `training`, True or False; by default both modes are checked where they differ.

    Returns
    -------
    Report
        True if all gradients are right. `passed`, `rows`, `faults`; printed, it is a table.

    Raises
    ------
    GradientError
        One line for each array that is wrong: the entry, both numbers, by how much, and what it looks like.
    TypeError, ValueError
        For arguments that cannot be checked.

    Notes
    -----
    Everything is done on float64 copies: nothing that was given changes. Steps h follow the size of each entry and
    become smaller until two agree; their difference is the estimate of the error. At a kink (ReLU at 0, equal values
    in max pooling) the slopes of each element of y to the left and right differ however small h is; there every
    gradient between them is right, and the row counts the entry. In models of several layers, where kinks meet,
    what is not between them is compared again at a point a thousandth away.

    Backward is called several times, also at another point: its results must not depend on earlier calls, be added
    to what was there, or share memory with what it was given.

    Dropout draws the same mask in each forward pass. Batch norm in training takes the statistics of the batch.

    Examples
    --------
    An op, a layer, a network:

    >>> import numpy as np
    >>> import fastconv
    >>> from fastconv.differences import gradcheck
    >>> x, weight = np.random.default_rng(0).standard_normal((2, 3, 5, 5)), np.ones((4, 3, 3, 3))
    >>> gradcheck(fastconv.conv2d, x, weight, padding=1).passed
    True
    >>> gradcheck(fastconv.layers.BatchNorm(), (2, 4, 4)).passed
    True
    >>> network = fastconv.Network(fastconv.models.nielsen(), (1, 28, 28), seed=0)
    >>> gradcheck(network, np.ones((2, 1, 28, 28)), [3, 7], fastconv.MSE(), entries=5).passed
    True

    A layer of one's own:

    >>> from functools import partial
    >>> class Negative(fastconv.Layer):
    ...     def spec(self, x_shape, dtype):
    ...         return fastconv.Spec(x_shape)
    ...     def forward(self, b):
    ...         return [partial(np.negative, b.x, b.y)]
    ...     def backward(self, b):
    ...         return [] if b.dx is None else [partial(np.negative, b.dy, b.dx)]
    >>> gradcheck(Negative(), (4,)).passed
    True

    Functions of one's own; the factor 2 is forgotten:

    >>> report = gradcheck((np.square, lambda dy, x: dy * x), np.array([1.0, 3.0]), raise_exception=False)
    >>> print(report.message())  # doctest: +ELLIPSIS
    dx[...]: backward gives ..., difference ... = 50 %; 2 of 2 entries differ; all are 1/2 times what they should be
    """
    how = settings(entries, tolerance, seed)
    raise_exception = check.flag(raise_exception, "raise_exception")
    rows, faults = [], []
    found = problems(target, arguments, options, how.rng)
    for note, problem in found:
        with np.errstate(all="ignore"):
            for row in examine(problem, how):
                rows.append(replace(row, note=note) if note else row)
        faults += [f"{fault} ({note})" if note else fault for fault in problem.faults]
    report = Report(found[0][1].title, tuple(rows), tuple(faults))
    if raise_exception and not report.passed:
        error = GradientError(f"{report.title}: {report.message()}")
        error.report = report
        raise error
    return report


def settings(entries: Any, tolerance: Any, seed: Any) -> Settings:
    """Checked."""
    count, share = check.integer(entries, "entries", 1), check.number(tolerance, "tolerance")
    if not 0 < share < 1:
        raise ValueError(f"tolerance must be above 0 and below 1, a relative difference, got {tolerance!r}")
    return Settings(count, share, check.random(seed))


def problems(
    target: Any, arguments: tuple[Any, ...], options: Mapping[str, Any], rng: Generator
) -> list[tuple[str, Problem]]:
    """What is to be checked, each with a note that tells it from the others."""
    if is_op(target):
        return [("", op_problem(target, arguments, options))]
    if isinstance(target, tuple | list):
        return [("", pair_problem(target, arguments, options))]
    if isinstance(target, Network | Layer) or is_model(target, arguments):
        return of_model(target, arguments, options, rng)
    raise TypeError(f"gradcheck cannot check {check.described(target)}; {HOW}")


def is_model(target: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether this may be a function of nodes: what people write first is then images or their shape."""
    return callable(target) and not isinstance(target, type) and len(arguments) >= 1


def of_model(
    target: Any, arguments: tuple[Any, ...], options: Mapping[str, Any], rng: Generator
) -> list[tuple[str, Problem]]:
    """The problems of a layer, model or network: one, or one for each mode."""
    given = named(arguments, options)
    x = images(given.pop("x", None), target, rng)
    targets, loss, training = given.get("targets"), given.get("loss"), given.get("training")
    if (loss is None) != (targets is None):
        raise TypeError("a loss and targets belong together: gradcheck(network, x, targets, loss)")
    network = in_float64(target) if isinstance(target, Network) else built(target, of_one(x), rng)
    modes = [True, False] if training is None else [check.flag(training, "training")]
    if training is None and not any(node.layer and node.layer.two_modes for node in network.nodes):
        modes = [True]
    title = repr(target) if isinstance(target, Network | Layer) else "model"
    found = []
    for mode in modes:
        note = f"training={mode}" if len(modes) > 1 else ""
        made_of = (network, x, mode, title) if loss is None else (network, x, targets, loss, mode, title)
        found.append((note, (model_problem if loss is None else loss_problem)(*made_of)))
    return found


def named(arguments: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for a layer, model or network by name."""
    names = ("x", "targets", "loss")
    if len(arguments) > len(names):
        raise TypeError(f"gradcheck of a network takes x, targets and loss by position, got {len(arguments)} arguments")
    given = dict(zip(names, arguments, strict=False))
    for name, value in options.items():
        if name in given:
            raise TypeError(f"{name} is given twice")
        if name not in ("x", *MODEL):
            raise TypeError(f"gradcheck of a layer or network takes no {name}; it takes {', '.join(('x', *MODEL))}")
        given[name] = value
    if isinstance(given.get("targets"), losses.Loss):
        raise TypeError("targets come before the loss: gradcheck(network, x, targets, loss)")
    return given


def built(model: Any, input_shape: Any, rng: Generator) -> Network:
    """The network of a layer or model; a function of arrays is no model, and the error says what to write."""
    try:
        return made(model, input_shape, rng)
    except TypeError as error:
        cure = "" if isinstance(model, Layer) else "; of a function of arrays write gradcheck((forward, backward), x)"
        raise TypeError(f"{error}{cure}") from None
