"""Classes, as scikit-learn knows them."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .. import CrossEntropy, Network, models
from ..losses import BCEWithLogits
from ..ops import check
from ..typing import Array
from .estimator import ConvNet
from .parameters import documented
from .probabilities import probabilities

__all__ = ["ConvNetClassifier"]


@documented
class ConvNetClassifier(ClassifierMixin, ConvNet):  # type: ignore[misc]
    """A convolutional network that tells classes apart, as an estimator of scikit-learn.

    Parameters
    ----------
    PARAMETERS

    Attributes
    ----------
    classes_ : array (K,)
        The classes, sorted: numbers or text, as in y.
    network_ : Network
    history_ : list of Epoch
        Of all epochs since the network was built; the losses alone are loss_curve_, their number n_iter_.
    n_features_in_ : int
        The values of one image.
    feature_names_in_ : array
        The names of the columns, where X is a frame.

    Notes
    -----
    The loss is ``CrossEntropy()`` unless given, or that of a known model ("zhang2016": MSE).

    Whole-number weights give the network that repeated images give (up to rounding) only where both are trained with
    the same steps: batches that hold all images, no batch norm, no dropout, no augmentation. Smaller batches hold other
    images then, so the two trainings differ as those of two seeds do. A weight of 0 always leaves the image out.
    In float32 the two agree in about six digits: scikit-learn's ``check_sample_weight_equivalence_on_dense_data`` asks
    for seven, and passes with ``dtype="float64"``.

    Examples
    --------
    >>> from fastconv.sklearn import ConvNetClassifier
    >>> X, y = np.repeat(np.eye(2), 20, axis=0), np.repeat(["left", "right"], 20)
    >>> net = ConvNetClassifier(epochs=10, lr=0.01, random_state=0).fit(X, y)
    >>> net.predict([[1, 0], [0, 1]])
    array(['left', 'right'], dtype='<U5')
    >>> net.score(X, y)
    1.0
    """

    classes_: Array

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> "ConvNetClassifier":
        """Train for one epoch on these images, without validation, schedule and callbacks.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array (K,)
            All classes that there will be; needed in the first call, unless `fit` came before.

        Returns
        -------
        self
        """
        if hasattr(self, "network_"):
            if classes is not None and not np.array_equal(np.unique(column_or_1d(classes)), self.classes_):
                raise ValueError(f"classes={classes} is not the same as on last call to partial_fit: {self.classes_}")
        elif classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit: write classes=numpy.unique(y)")
        else:
            classes = np.unique(column_or_1d(classes))
        self._step(X, y, sample_weight, classes)
        return self

    def predict(self, X: Any) -> Array:
        """The most probable class of each image: array (N,), of the kind of y."""
        probable = np.argmax(self.predict_proba(X), axis=1)
        predicted: Array = self.classes_[probable]
        return predicted

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class: array (N, K) of float64, columns in the order of classes_."""
        outputs = self._outputs_of(X)
        return probabilities(self._trained_for, outputs, len(self.classes_))

    def _known(self) -> Any:
        """The classes."""
        return self.classes_

    def _targets(self, y: Any, known: Any, dtype: Any) -> Array:
        """Class indices, int64, among the known classes (None: those of y); for questions one-hot vectors."""
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        if known is None:
            known = np.unique(y)
        unknown = np.setdiff1d(y, known).tolist()
        if unknown:
            raise ValueError(f"y has {check.shown(unknown[0])}, which is none of the classes {known}")
        self.classes_ = known
        indices: Array = np.searchsorted(known, y).astype(np.int64)
        vectors: Array = np.eye(len(known), dtype=dtype)
        return vectors[indices] if isinstance(self._loss(), BCEWithLogits) else indices

    def _outputs(self, targets: Array) -> int:
        """The number of classes."""
        return len(self.classes_)

    def _check_outputs(self, network: Network, targets: Array) -> None:
        """ValueError unless the network has logits for each class."""
        shape, count = network.output_shape, len(self.classes_)
        if len(shape) != 1 or shape[0] % count or (shape[0] != count and not hasattr(self._loss(), "class_count")):
            raise ValueError(
                f"model gives {shape} for an image, and y has {count} classes; write a function with the parameter "
                "num_classes that makes the model, or end it with Linear"
            )

    def _loss(self) -> Any:
        """Cross entropy unless another is given, or known for the model."""
        if self.loss is not None:
            return self.loss
        entry = models.known.get(self.model) if isinstance(self.model, str) else None
        return CrossEntropy() if entry is None else entry.loss
