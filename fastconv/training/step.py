"""One step of training, for loops that people write."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import training as words
from ..arguments.signatures import explained
from ..losses.weighted import checked_weights
from ..network import Network
from .divergence import cause
from .epoch import Data
from .given import STEP, batches, chosen, trainable, usable


@explained("train_step", STEP, words.STEP_WORDS)
def train_step(
    network: Network,
    images: Any,
    labels: ArrayLike | None = None,
    optimizer: Any = None,
    loss: Any = None,
    lean: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """One step of training on one batch: forward, backward, update. Returns the loss before the update.

    For loops of your own; `fit` does the shuffling. The gradients stay inside the network, nothing is copied.

    Parameters
    ----------
    network : Network
    images : array (N, *input_shape), the network's dtype, N >= 1; or a pair (images, labels)
    labels : class indices (N,), or targets of the output's shape
    optimizer : object with step(parameters, gradients)
        The same for all steps, because it keeps its state; ``SGD(lr=0.1)`` unless given.
    loss : a loss of `fastconv.losses`
        ``CrossEntropy()`` unless given.
    lean : bool
        As in `fit`.
    sample_weight : array (N,) of numbers >= 0, optional
        How much each image counts: the loss is sum w[n] l[n] / sum w[n], or sum w[n] l[n] if it is a sum.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit; nothing changes.
    FloatingPointError
        If the loss is NaN or infinite; it says why, and what to try.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import SGD, Network, layers, train_step
    >>> network = Network(layers.Linear(2, init="zeros"), (3,))
    >>> x, labels, sgd = np.ones((4, 3), "float32"), [0, 0, 0, 1], SGD(0.1)
    >>> [round(train_step(network, x, labels, sgd), 3) for _ in range(3)]
    [0.693, 0.648, 0.619]
    """
    trainable(network, STEP)
    images, labels = batches(network, images, labels, STEP)
    optimizer, loss = usable(optimizer, lean), chosen(loss)
    with network.training():
        weights = None if sample_weight is None else checked_weights(sample_weight, len(np.asanyarray(images)))
        data = Data(network, images, labels, loss, scored=False, weights=weights)
        try:
            return network.train_batch(data.images, data.targets_of(slice(None)), data.loss, optimizer, lean)
        except FloatingPointError as error:
            why = cause(network, data.images, data.targets, None, optimizer, loss)
            raise FloatingPointError(f"the loss is NaN or infinite; {why}") from error
