"""Predictions in batches, for networks and frozen networks alike."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import fields
from .arguments.batch import batch
from .arguments.finite import contents, first_image_with_nan
from .arguments.signatures import explained
from .ops import check
from .system.caller import warn
from .typing import Array, Shape

BATCH = 256  # images worked on at a time, unless told otherwise
WORDS = {  # arguments of other libraries -> what to write
    "training": "a prediction is never training; the gradients of one are network.gradients(..., training=False)",
    **dict.fromkeys(("verbose", "device", "steps", "workers"), "leave it out"),
    **dict.fromkeys(
        ("layer", "layers", "return_features", "features", "return_nodes"),
        "for a value inside the network write network.features(x, 'relu1'), with the name of a node as "
        "network.summary() shows it",
    ),
    **dict.fromkeys(("images", "inputs", "input", "X", "data"), "x"),
}


class Predictor:
    """The base of classes with `input_shape`, `output_shape`, `dtype`, and `_predict_part(x)` for checked images."""

    input_shape: Shape
    output_shape: Shape
    dtype: np.dtype[Any]
    _has_several = False  # inputs or outputs

    def _predict_part(self, x: Array, y: Array | None = None) -> Array:
        """The output for a checked batch of images: a new array, or `y`, which is overwritten."""
        raise NotImplementedError

    def _not_finite(self) -> str:
        """What of the network makes NaN from a finite image."""
        return f"weights of the network hold NaN, or values in it grow beyond {self.dtype}"

    @explained("predict", "network.predict(x)", WORDS)
    def predict(self, x: ArrayLike, batch_size: int = BATCH) -> Array:
        """The network's output for images `x` (N, ...) or one image (...); the bits do not depend on N or batch_size.

        Parameters
        ----------
        x : array (N, *input_shape) or input_shape, the network's dtype
            Where `input_shape` is a dict or tuple of shapes: a dict or tuple of arrays.
        batch_size : int
            Images worked on at a time, which bounds the memory.

        Returns
        -------
        array (N, *output_shape) or output_shape
            Where `output_shape` is a dict or tuple of shapes: a dict or tuple of arrays.

        Warns
        -----
        RuntimeWarning
            If the result holds NaN: which image has it first, and whether the image or the network holds the NaN.
        """
        if self._has_several:
            several: Array = self._predict_several(x, batch_size)
            return several
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        batch_size = check.integer(batch_size, "batch_size", 1)
        if 0 < len(images) <= batch_size:
            y = self._predict_part(images)
        else:
            y = np.empty((len(images), *self.output_shape), self.dtype)
            for start in range(0, len(images), batch_size):
                self._predict_part(images[start : start + batch_size], y[start : start + batch_size])
        with_nan = first_image_with_nan(y)
        if with_nan is not None:
            self._warn_of_nan(images, with_nan, batched)
        return y if batched else y[0]

    def _predict_several(self, x: Any, batch_size: int) -> Any:
        """The same for several inputs or outputs."""
        images, batched = batch(x, "x", self.input_shape, self.dtype)
        batch_size = check.integer(batch_size, "batch_size", 1)
        y = fields.empty(len(images), self.output_shape, self.dtype)
        for start in range(0, len(images), batch_size):
            self._predict_part(images[start : start + batch_size], y[start : start + batch_size])
        results = fields.unpacked(y, self.output_shape)
        arrays = (fields.several(results) or {}).values() if y.dtype.names else (results,)
        with_nan = [place for place in map(first_image_with_nan, arrays) if place is not None]
        if with_nan:
            self._warn_of_nan(images, min(with_nan), batched)
        if batched:
            return results
        return fields.structured(results, (array[0] for array in arrays)) if y.dtype.names else results[0]

    def _warn_of_nan(self, images: Array, first: int, batched: bool) -> None:
        """The RuntimeWarning of `predict`; `first`: the first image whose result holds NaN."""
        of, image = (f" of image {first}", f"x[{first}]") if batched else ("", "x")
        if what := contents(images[first]):
            cause = f"{image} holds {what}"
        else:
            cause = f"{image} is finite, but {self._not_finite()}"
        warn(f"the prediction{of} is NaN: {cause}", RuntimeWarning)
