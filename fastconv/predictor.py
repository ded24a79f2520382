"""Predictions in batches, for networks and frozen networks alike."""

import numpy as np

from .arguments.batch import batch
from .ops import check

BATCH = 256  # images worked on at a time, unless told otherwise


class Predictor:
    """The base of classes with `input_shape`, `output_shape`, `dtype`, and `predict_part(x, y)` for a checked batch."""

    def predict(self, x, batch_size=BATCH):
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
        x, batched = batch(x, "x", self.input_shape, self.dtype)
        batch_size = check.integer(batch_size, "batch_size", 1)
        y = np.empty((len(x), *self.output_shape), self.dtype)
        for start in range(0, len(x), batch_size):
            self.predict_part(x[start : start + batch_size], y[start : start + batch_size])
        return y if batched else y[0]
