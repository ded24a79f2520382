"""Predictions in batches, for networks and frozen networks alike."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arguments.batch import batch
from .ops import check
from .typing import Array, Shape

BATCH = 256  # images worked on at a time, unless told otherwise


class Predictor:
    """The base of classes with `input_shape`, `output_shape`, `dtype`, and `_predict_part(x, y)` for checked images."""

    input_shape: Shape
    output_shape: Shape
    dtype: np.dtype[Any]

    def _predict_part(self, x: Array, y: Array) -> None:
        """y = the output for a checked batch of images."""
        raise NotImplementedError

    def predict(self, x: ArrayLike, batch_size: int = BATCH) -> Array:
        """The network's output for images `x` (N, ...) or one image (...); the bits do not depend on N or batch_size.

        Parameters
        ----------
        x : array (N, *input_shape) or input_shape, the network's dtype
        batch_size : int
            Images worked on at a time, which bounds the memory.

        Returns
        -------
        array (N, *output_shape) or output_shape
        """
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        batch_size = check.integer(batch_size, "batch_size", 1)
        y = np.empty((len(images), *self.output_shape), self.dtype)
        for start in range(0, len(images), batch_size):
            self._predict_part(images[start : start + batch_size], y[start : start + batch_size])
        return y if batched else y[0]
