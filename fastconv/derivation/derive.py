"""The function `derive`, and what it refuses."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import Network, data, layers, losses, models
from ..ops import check
from ..typing import Array
from . import general, paper
from .result import Derivation
from .run import Run, layers_of

__all__ = ["derive"]

LINE = "write fastconv.Network(model, (1, 28, 28))"


def derive(
    network: Network | None = None,
    image: ArrayLike | None = None,
    label: Any = None,
    *,
    loss: Any = None,
    learning_rate: float = 0.1,
    values: int = 8,
    seed: int = 0,
) -> Derivation:
    """Backpropagation step by step, as Zhang 2016 [1] derives it, with the numbers of one image.

    Forward, backward and the update w <- w - alpha dL/dw of one image. Each step has its equation, its values and a
    check: values against sums in float64 NumPy, gradients against central differences
    (L(w + h) - L(w - h)) / 2h, lines of a derivation against the line above.

    Parameters
    ----------
    network : Network, optional
        A sequential network; it is not changed. By default that of the paper, `models.zhang2016()`: then the steps
        are the equations 4 to 70, each with its number. Other networks name the nearest equation.
    image : array of the network's input shape, optional
        Floating-point numbers. By default an image of a class (`label`, or the first) among the test images that
        `data.load` finds; random numbers where the network reads images of another shape.
    label : int or array, optional
        The class, or what the loss takes as the target of one image; by default that of the image, else 0.
    loss : a loss of `fastconv.losses`, optional
        By default half the sum of squares where the network ends with Sigmoid, as in the paper, else cross entropy.
    learning_rate : float > 0, default 0.1
        alpha
    values : int >= 1, default 8
        How many values of a long array are shown; arrays up to twice as long are shown whole.
    seed : int, default 0
        Of the default network's weights, of a random image, and of the choice of entries in large arrays.

    Returns
    -------
    Derivation
        ``print(derivation)`` shows it, a notebook too; `html` gives a page, `steps` the values, `check` the largest
        differences, `passed` whether all are as small as rounding explains.

    Raises
    ------
    TypeError, ValueError
        For a network that is not sequential, and arguments that do not fit it.

    Notes
    -----
    Everything is computed in float64, as in prediction: dropout lets everything through, batch norm takes its running
    statistics. At a kink or a tie (ReLU at 0, two equal values in max pooling) there is no derivative: such entries
    are counted and do not fail. Of arrays with more than 4,096 entries 1,024 are compared.

    Examples
    --------
    >>> from fastconv.derivation import derive
    >>> derivation = derive()
    >>> derivation.passed, len(derivation.steps)
    (True, 67)
    >>> step = derivation.steps[2]
    >>> print(step.number, step.title, step.values.shape)
    6 Pooling layer S1 (6, 12, 12)

    A network of your own:

    >>> import fastconv
    >>> from fastconv import layers
    >>> model = fastconv.sequential(layers.Conv2D(4, 3, stride=2), layers.ReLU(), layers.Flatten(), layers.Linear(3))
    >>> derivation = derive(fastconv.Network(model, (1, 8, 8), seed=0), label=2)
    >>> derivation.passed, derivation.steps[0].cites
    (True, 'as (38), stride 2, without the rotation')
    """
    seed, values = check.integer(seed, "seed", 0), check.integer(values, "values", 1)
    learning_rate = rate(learning_rate)
    network = paper_network(seed) if network is None else checked(network)
    loss = usual_loss(network) if loss is None else checked_loss(loss)
    array, target, words = chosen(network, image, label, seed)
    run = Run(network, array, prepared(loss, target, network), loss, learning_rate)
    finite(run)
    shown = paper.is_paper(network, loss)
    with np.errstate(over="ignore", invalid="ignore"):  # exp of large numbers in the printed sigmoid
        steps = tuple((paper if shown else general).steps(run, seed))
    head = about(network, run, shown, words, label_of(target))
    return Derivation(steps, head, array, (run.loss, run.loss_after()), values)


def paper_network(seed: int) -> Network:
    """The network of the paper, with weights from the seed."""
    return Network(models.zhang2016(), (1, 28, 28), "float64", seed=seed)


def checked(network: Any) -> Network:
    """The network; TypeError or ValueError if it is none, or not sequential."""
    if not isinstance(network, Network):
        model = callable(network)
        cure = "write fastconv.Network(model, input_shape)" if model else LINE
        what = f"the model {type(network).__name__}" if model else check.shown(network)
        raise TypeError(f"network must be a Network, got {what}; {cure}")
    layers_of(network)
    return network


def checked_loss(loss: Any) -> Any:
    """The loss; TypeError for what is none."""
    if isinstance(loss, type | str) or not (hasattr(loss, "prepare") and hasattr(loss, "bind")):
        raise TypeError(f"loss must be a loss of fastconv.losses, got {check.shown(loss)}; write loss=losses.MSE()")
    return loss


def rate(value: Any) -> float:
    """A number above 0."""
    number = check.number(value, "learning_rate")
    if not 0 < number < np.inf:
        raise ValueError(f"learning_rate must be a number > 0, got {check.shown(value)}")
    return number


def usual_loss(network: Network) -> Any:
    """The loss that fits the last layer."""
    last = network.nodes[-1].layer
    if isinstance(last, layers.LogSoftmax):
        return losses.NLL()
    bounded = isinstance(last, layers.Sigmoid | layers.Softmax | layers.Tanh | layers.HardSigmoid)
    return losses.MSE() if bounded else losses.CrossEntropy()


def chosen(network: Network, image: ArrayLike | None, label: Any, seed: int) -> tuple[Array, Any, str]:
    """(image, targets of a batch of one, what the image is); arguments that are not given are found."""
    if image is not None:
        return checked_image(image, network), batch_of(0 if label is None else label), "given"
    array, own, words = found(network, label, seed)
    return array, batch_of(own if label is None else label), words


def checked_image(image: ArrayLike, network: Network) -> Array:
    """The image in float64; TypeError or ValueError for another shape, no floating-point numbers, NaN and infinity."""
    array, shape = check.given(image, "image"), network.input_shape
    if array.dtype.kind != "f":
        cure = "; write image.astype('float64') / 255" if array.dtype.kind in "iu" else ""
        raise TypeError(f"image must hold floating-point numbers, got {array.dtype}{cure}")
    if array.shape == (1, *shape) or (shape[0] == 1 and array.shape == shape[1:]):
        array = array.reshape(shape)
    if array.shape != shape:
        raise ValueError(f"image must have shape {shape}, that of one image of the network, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("image must hold finite numbers, got NaN or infinity")
    return np.array(array, "float64")


def batch_of(label: Any) -> Any:
    """The targets of one image as those of a batch; TypeError for text."""
    array = check.given(label, "label")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"label must be a number or an array of numbers, got {check.shown(label)}")
    return array[None]


def found(network: Network, label: Any, seed: int) -> tuple[Array, Any, str]:
    """(image, its class, what it is): a test image of this class, or random numbers for images of another shape."""
    shape = network.input_shape
    if shape != (1, 28, 28):
        return np.random.default_rng(seed).uniform(size=shape), 0, f"random numbers from 0 to 1, seed {seed}"
    sample = data.load()
    labels, names = sample.test.labels, data.class_names(sample.folder)
    own = int(labels[0]) if not isinstance(label, int | np.integer) else int(label)
    places = np.flatnonzero(labels == own)
    k = int(places[0]) if places.size else 0
    which = names[int(labels[k])] if names else str(labels[k])
    return (
        np.array(sample.test.images[k], "float64"),
        int(labels[k]),
        f"test image {k} of {sample.folder.name}: {which}",
    )


def prepared(loss: Any, target: Any, network: Network) -> Array:
    """The targets as the loss takes them; its errors say that they are the label's."""
    try:
        targets: Array = loss.prepare(target, (1, *network.output_shape), np.dtype("float64"))
    except (TypeError, ValueError) as error:
        raise type(error)(f"label, as the targets of a batch of one image: {error}") from None
    return targets


def finite(run: Run) -> None:
    """ValueError where the network gives NaN or infinity."""
    if not (np.isfinite(run.loss) and all(np.isfinite(value).all() for value in run.values)):
        raise ValueError("network gives NaN or infinity for this image; look at its parameters and the image")


def label_of(target: Any) -> str:
    """The target in one line."""
    array = np.asarray(target)[0]
    return f"class {array}" if array.ndim == 0 and array.dtype.kind in "iu" else f"values of shape {array.shape}"


def about(network: Network, run: Run, shown: bool, image: str, label: str) -> dict[str, str]:
    """What was computed, and with what."""
    number = sum(array.size for array in network.parameters.values())
    which = "the network of Zhang 2016" if shown else (network.model or {}).get("name", "a sequential network")
    return {
        "network": f"{which}, {number:,} parameters, in float64",
        "image": image,
        "target y": label,
        "loss": f"{run.loss_object!r}",
        "learning rate α": f"{run.learning_rate:g}",
        "loss L": f"{run.loss:.6g} before the update, {run.loss_after():.6g} after it",
    }
