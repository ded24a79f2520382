"""Several classifiers in one network: all are trained, the first predicts.

training    y = x: the logits of all heads, (heads K,); dx = dy
prediction  y = x for the first K, -inf for the others: argmax and softmax see the first head alone;
            dx = dy for the first K, 0 for the others
"""

from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from ..arguments.attributes import Argument
from ..layer import Bound, Spec
from ..typing import Call, Shape
from .common import Parameterless, at_least, features, same_start


class MainHead(Parameterless):
    """The logits of several classifiers, one after another: all of them in training, the first one's in prediction.

    (N, heads K) -> (N, heads K); in prediction the values after the first K are -inf.
    By position: num_classes; the rest by name.

    Parameters
    ----------
    num_classes : int >= 1
        K, the number of logits per classifier.
    name : str, optional
        The name of its nodes, see `Layer`.

    Notes
    -----
    For the loss `losses.AuxiliaryCrossEntropy`. The auxiliary classifiers of GoogLeNet, Szegedy 2015 [45], section 5.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.MainHead(2), (4,))
    >>> network.predict(np.array([1, 2, 3, 4], "float32"))
    array([  1.,   2., -inf, -inf], dtype=float32)
    """

    in_place = True
    two_modes = True
    kind = "heads"
    num_classes = Argument(at_least)

    def __init__(self, num_classes: int, *, name: str | None = None) -> None:
        super().__init__(name)
        self.num_classes = num_classes

    def spec(self, x_shape: Shape, dtype: DTypeLike) -> Spec:
        """The shape of x."""
        if features(x_shape) % self.num_classes:
            raise ValueError(f"needs a multiple of num_classes={self.num_classes} logits, got {x_shape}")
        return Spec(x_shape)

    def forward(self, b: Bound) -> list[Call]:
        """y = x, in prediction -inf after the first K"""
        calls: list[Call] = [] if same_start(b.x, b.y) else [partial(np.copyto, b.y, b.x)]
        return calls if b.training else [*calls, partial(np.copyto, b.y[:, self.num_classes :], -np.inf)]

    def backward_input(self, b: Bound) -> list[Call]:
        """dx = dy, in prediction 0 after the first K"""
        calls: list[Call] = [] if same_start(b.dy, b.dx) else [partial(np.copyto, b.dx, b.dy)]
        return calls if b.training else [*calls, partial(np.copyto, b.dx[:, self.num_classes :], 0)]
