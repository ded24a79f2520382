"""Several classifiers in one network: all are trained, one predicts.

training    y = x, dx = dy: the logits of all heads, (heads K,)
prediction  y = x for the first K, -inf for the others: argmax and softmax are those of the first head
"""

from functools import partial

import numpy as np

from ..layer import Layer, Spec
from ..ops import check
from .common import features, same_start


class MainHead(Layer):
    """The concatenated logits of a main classifier and of auxiliary ones, for `losses.AuxiliaryCrossEntropy`.

    Examples
    --------
    >>> import numpy as np
    >>> import fastconv
    >>> network = fastconv.Network(fastconv.layers.MainHead(2), (4,))
    >>> network.predict(np.array([1, 2, 3, 4], "float32"))
    array([  1.,   2., -inf, -inf], dtype=float32)
    """

    in_place = True
    kind = "heads"

    def __init__(self, num_classes, name=None):
        super().__init__(name)
        self.num_classes = check.integer(num_classes, "num_classes", 1)

    def spec(self, x_shape, dtype):
        if features(x_shape) % check.integer(self.num_classes, "num_classes", 1):
            raise ValueError(f"needs a multiple of num_classes={self.num_classes} logits, got {x_shape}")
        return Spec(x_shape)

    def forward(self, b):
        calls = [] if same_start(b.x, b.y) else [partial(np.copyto, b.y, b.x)]
        return calls if b.training else [*calls, partial(np.copyto, b.y[:, self.num_classes :], -np.inf)]

    def backward(self, b):
        return [] if b.dx is None or same_start(b.dy, b.dx) else [partial(np.copyto, b.dx, b.dy)]
