"""What classifier and regressor share: the parameters, and training."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_random_state

from .. import Network, callbacks, data, fit
from ..ops import check
from ..typing import Array, Shape
from .architecture import model_for
from .images import images_of
from .optimizers import optimizer_for

__all__ = ["ConvNet"]

SEEDS = 2**31 - 1
SHARE = 0.1  # of the images, for early stopping, unless a validation is given
ALWAYS = ("accumulate", "max_norm", "lean", "progress")  # options of `fastconv.fit` in every step


class Seen(callbacks.Callback):
    """Remembers the epochs, also where Ctrl-C ends them; `before` are those of earlier trainings."""

    def __init__(self, before: Sequence[Any]) -> None:
        self.before, self.begun = before, False

    def on_begin(self, run: callbacks.Run) -> None:
        """The list of epochs, which grows."""
        self.begun, self.epochs = True, run.history

    def history(self) -> list[Any]:
        """All epochs."""
        return [*self.before, *self.epochs]


class ConvNet(BaseEstimator):  # type: ignore[misc]
    """The base of `ConvNetClassifier` and `ConvNetRegressor`, which say what is different in five methods.

    _loss()                       the loss to train with
    _targets(y, known, dtype)     y as the loss takes it; errors for what is not among the known classes or values
    _known()                      what is known of y after a training
    _outputs(targets)             how many outputs the network needs
    _check_outputs(network, ...)  whether it has them
    """

    network_: Network
    history_: list[Any]
    _optimizer: Any
    _draws: Any

    def __init__(
        self,
        model: Any = None,
        *,
        image_shape: Sequence[int] | None = None,
        epochs: int = 20,
        batch_size: int = 50,
        optimizer: Any = "adam",
        lr: float | None = None,
        momentum: float | None = None,
        weight_decay: float | None = None,
        loss: Any = None,
        schedule: Any = None,
        validation: Any = None,
        early_stopping: bool = False,
        patience: int = 5,
        augment: Any = (),
        callbacks: Sequence[Any] = (),
        on_epoch: Callable[[Any], object] | None = None,
        metrics: Mapping[str, Callable[[Any, Any], float]] | None = None,
        accumulate: int = 1,
        max_norm: float | None = None,
        drop_last: bool = False,
        lean: bool = False,
        progress: bool = False,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.image_shape = image_shape
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.loss = loss
        self.schedule = schedule
        self.validation = validation
        self.early_stopping = early_stopping
        self.patience = patience
        self.augment = augment
        self.callbacks = callbacks
        self.on_epoch = on_epoch
        self.metrics = metrics
        self.accumulate = accumulate
        self.max_norm = max_norm
        self.drop_last = drop_last
        self.lean = lean
        self.progress = progress
        self.warm_start = warm_start
        self.dtype = dtype
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train on images X with targets y, from the beginning; with ``warm_start`` from where training ended.

        Parameters
        ----------
        X : array (N, C, H, W), (N, H, W) or (N, features); or a pandas frame
            Numbers near 0 to 1. Bytes (uint8) of images are divided by 255.
        y : array (N,); for a regression also (N, values)
        sample_weight : array (N,) of numbers >= 0, optional
            How much each image counts: with weight 2 as if it were there twice, with weight 0 as if it were not.

        Returns
        -------
        self
        """
        going_on = check.flag(self.warm_start, "warm_start") and hasattr(self, "network_")
        return self._train(X, y, sample_weight, self._run(), self._known() if going_on else None, going_on)

    def _step(self, X: Any, y: Any, sample_weight: Any, known: Any = None) -> Any:
        """One epoch on these images; the first call builds the network, for what is known of y."""
        going_on = hasattr(self, "network_")
        return self._train(X, y, sample_weight, {"epochs": 1}, self._known() if going_on else known, going_on)

    def _train(self, X: Any, y: Any, sample_weight: Any, run: dict[str, Any], known: Any, going_on: bool) -> Any:
        """Train with the options of this run; an error leaves the estimator as it was."""
        before = dict(vars(self))
        try:
            self._train_on(X, y, sample_weight, run, known, going_on)
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt):
                self.__dict__ = before
            raise
        return self

    def _train_on(self, X: Any, y: Any, sample_weight: Any, run: dict[str, Any], known: Any, going_on: bool) -> None:
        """The same, once an error is provided for."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        images, y = images_of(self, X, y, self.network_ if going_on else None)
        if sample_weight is not None:
            run["sample_weight"] = _check_sample_weight(
                sample_weight, images, dtype="float64", ensure_non_negative=True
            )
        loss, targets = self._loss(), self._targets(y, known, images.dtype)
        if going_on:
            network, optimizer, draws = self.network_, self._optimizer, self._draws
        else:
            network, optimizer, draws = self._begun(images.shape[1:], targets)
        if isinstance(run.get("validation"), tuple | list):
            run["validation"] = self._held_out(network)
        options = {**run, **self._source(images, targets, int(draws.randint(SEEDS)))}
        options |= {name: getattr(self, name) for name in ALWAYS}
        seen = Seen(self.history_ if going_on else [])
        options["callbacks"] = [*run.get("callbacks", ()), seen]
        try:
            fit(network, **options, optimizer=optimizer, loss=loss)
        finally:
            if seen.begun:
                self.network_, self._optimizer, self._draws, self._trained_for = network, optimizer, draws, loss
                self.history_ = seen.history()
                self.n_iter_, self.loss_curve_ = len(self.history_), [epoch.loss for epoch in self.history_]

    def _begun(self, shape: Shape, targets: Array) -> tuple[Network, Any, Any]:
        """(network, optimizer, random numbers) at the beginning of a training."""
        draws = np.random.RandomState(check_random_state(self.random_state).randint(SEEDS))
        model = model_for(self.model, shape, self._outputs(targets))
        network = Network(model, shape, self.dtype, seed=int(draws.randint(SEEDS)))
        self._check_outputs(network, targets)
        settings = {"lr": self.lr, "momentum": self.momentum, "weight_decay": self.weight_decay}
        return network, optimizer_for(self.optimizer, **settings), draws

    def _run(self) -> dict[str, Any]:
        """The options of `fastconv.fit` that make a whole training; one step of `partial_fit` is without them."""
        each = self.callbacks if isinstance(self.callbacks, tuple | list) else [self.callbacks]
        validation = self.validation
        if check.flag(self.early_stopping, "early_stopping"):
            each = [*each, callbacks.EarlyStopping(self.patience)]
            validation = SHARE if validation is None else validation
        options = {"epochs": self.epochs, "schedule": self.schedule, "validation": validation, "callbacks": each}
        return {**options, "on_epoch": self.on_epoch, "metrics": self.metrics}

    def _source(self, images: Array, targets: Array, seed: int) -> dict[str, Any]:
        """The images, and what decides their order: arrays, or a loader that changes them."""
        order: dict[str, Any] = {"batch_size": self.batch_size, "seed": seed, "drop_last": self.drop_last}
        if not callable(self.augment) and not isinstance(self.augment, tuple | list):
            raise TypeError(f"augment must be a transform, or a list of transforms, got {check.shown(self.augment)}")
        if not self.augment:
            return {"images": images, "labels": targets, **order}
        if images.ndim != 4:
            raise ValueError("augment changes images, and X has rows of numbers: write image_shape=(C, H, W)")
        return {"images": data.Loader(data.ArrayData(images, targets), transforms=self.augment, **order)}

    def _held_out(self, network: Network) -> tuple[Array, Array]:
        """The images and targets of the validation."""
        if len(self.validation) != 2:
            raise ValueError(
                f"validation must be a share such as 0.1, or a pair (X, y), got {len(self.validation)} parts"
            )
        try:
            X, y = self.validation
            images, y = images_of(self, X, y, network)
            return images, self._targets(y, self._known(), network.dtype)
        except (TypeError, ValueError) as error:
            raise type(error)(f"validation: {error}") from None

    def _outputs_of(self, X: Any) -> Array:
        """What the network gives for X."""
        check_is_fitted(self, "network_")
        images, _ = images_of(self, X, network=self.network_)
        return self.network_.predict(images)
