"""Values, as scikit-learn knows them."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import Tags

from .. import MSE, Network
from ..typing import Array
from .estimator import ConvNet
from .parameters import documented

__all__ = ["ConvNetRegressor"]


@documented
class ConvNetRegressor(RegressorMixin, ConvNet):  # type: ignore[misc]
    """A convolutional network that gives values, as an estimator of scikit-learn.

    Parameters
    ----------
    PARAMETERS

    Attributes
    ----------
    network_ : Network
    history_ : list of Epoch
        Of all epochs since the network was built; the losses alone are loss_curve_, their number n_iter_.
    n_features_in_ : int
        The values of one image.
    feature_names_in_ : array
        The names of the columns, where X is a frame.

    Notes
    -----
    The loss is ``MSE("mean")`` unless given. Networks learn values near -1 to 1 best:
    `sklearn.compose.TransformedTargetRegressor` scales y and the predictions.

    Whole-number weights equal repeated images as far as `ConvNetClassifier` says.

    Examples
    --------
    >>> from fastconv.sklearn import ConvNetRegressor
    >>> X = np.linspace(-1, 1, 100)[:, None]
    >>> net = ConvNetRegressor(epochs=50, lr=0.01, random_state=0).fit(X, 3 * X[:, 0])
    >>> net.score(X, 3 * X[:, 0]) > 0.99
    True
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "ConvNetRegressor":
        """Train for one epoch on these images, without validation, schedule and callbacks.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
        """
        self._step(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> Array:
        """The values of each image: array (N,), or (N, values) where y had several; float64, as scikit-learn's are."""
        y = self._outputs_of(X)
        return y.reshape(len(y), *self._values).astype(np.float64)

    def _known(self) -> Any:
        """The shape of the values of one image."""
        return self._values

    def _targets(self, y: Any, known: Any, dtype: Any) -> Array:
        """(N, values), of the network's dtype."""
        found = np.asarray(y, dtype=np.float64)
        if found.ndim > 2:
            raise ValueError(f"y must be values (N,) or (N, values), got shape {found.shape}")
        if known is not None and found.shape[1:] != known:
            raise ValueError(f"y must have the shape {('N', *known)} as before, got {('N', *found.shape[1:])}")
        largest = np.abs(found).max(initial=0)
        if largest > np.finfo(dtype).max:
            raise ValueError(f"y must hold numbers that {dtype} holds, got one of size {largest:.3g}; scale y")
        self._values = found.shape[1:]
        return found.reshape(len(found), -1).astype(dtype)

    def _outputs(self, targets: Array) -> int:
        """The number of values."""
        return int(targets.shape[1])

    def _check_outputs(self, network: Network, targets: Array) -> None:
        """ValueError unless the network gives as many values as y has."""
        if network.output_shape != targets.shape[1:]:
            raise ValueError(
                f"model gives {network.output_shape} for an image, and y has {targets.shape[1]} values for each; write "
                "a function with the parameter num_classes (the number of values) that makes the model"
            )

    def _loss(self) -> Any:
        """The mean squared error unless another loss is given."""
        return MSE("mean") if self.loss is None else self.loss

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
