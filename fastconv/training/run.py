"""A training under way: its steps and epochs, what callbacks see of it, and what is kept when a loss becomes NaN."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from ..arguments.finite import arrays_not_finite, item_not_finite
from ..executor.blocks import share_buffers
from ..network import Network
from ..system.caller import warn
from ..system.interrupt import held_back
from .adjust import Adjust
from .boundary import Boundary
from .divergence import Kept, cause, grown, of_batch, smaller_steps, too_fast
from .epoch import Data, Epoch, History
from .feeds import Batch, Feed
from .progress import Progress, announce
from .rate import Rate
from .score import Count, score
from .together import Together

__all__ = ["Run"]

ENDS = "after_validation", "on_interrupt", "on_end"  # which all callbacks are told, whatever the others raise
UNDOES = "after_validation"  # what before_validation did, which the last callback did last


class Run:
    """What all epochs of a `fit` share; `fastconv.callbacks.Run` says what callbacks may use of it."""

    def __init__(
        self,
        network: Network,
        feed: Feed,
        optimizer: Any,
        loss: Any,
        rate: Rate,
        adjust: Adjust | None,
        accumulate: int,
        lean: bool,
    ) -> None:
        self.network, self.feed, self.optimizer, self.loss = network, feed, optimizer, loss
        self.rate, self.adjust, self.accumulate, self.lean = rate, adjust, accumulate, lean
        self.validation: Any = None
        self.metrics: Mapping[str, Any] = {}
        self.callbacks: Sequence[Any] = ()
        self.together: Together | None = None  # where ranks train, or one process in blocks
        self.epoch, self.batch = 1, 0  # the epoch that runs, and the batches done of it
        self.stop, self.shown, self.broken = False, False, False  # broken: by an error or Ctrl-C
        self.step_loss: float | None = None
        self.history = History()
        self.told = 0  # the last epoch of which the schedule and the callbacks know the results
        self.count = Count(loss)
        self.elapsed, self.started = 0.0, time.perf_counter()  # seconds of this epoch before it was broken off
        self.first: float | None = None  # the loss of the first batch; infinite once it was compared with a large one
        self.boundary = Boundary(self) if accumulate > 1 else None
        self.kept = None if lean else Kept(network)
        if non_finite := arrays_not_finite(network):
            raise self.stopped(f"before training: {non_finite}; load its values again, or build the network anew")

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        return self.rate.epochs

    @property
    def step(self) -> int:
        """The updates done so far."""
        return self.rate.step

    @property
    def rank(self) -> int:
        """The number of this process among those that train together, from 0."""
        return 0 if self.together is None else self.together.ranks.rank

    @property
    def images(self) -> int:
        """The images of an epoch."""
        return self.feed.images

    @property
    def steps(self) -> int:
        """The updates of all epochs."""
        return self.rate.steps * self.rate.epochs

    @property
    def lr(self) -> float | None:
        """The learning rate of the last step; None where the optimizer has none."""
        rate = getattr(self.optimizer, "lr", None)
        return float(rate) if isinstance(rate, int | float) else None

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, where the data set has them."""
        return self.feed.classes

    @property
    def preprocessing(self) -> Any:
        """What raw images pass through: as for the validation, or for the training without what is random."""
        return getattr(self.validation, "preprocessing", self.feed.preprocessing)

    def say(self, line: str) -> None:
        """Show a line on standard error, if progress is shown."""
        announce(line, self.shown)

    def state(self) -> dict[str, Any]:
        """All that the training needs to go on after this step."""
        from .resume import state  # most trainings are not broken off

        return state(self)

    def call(self, event: str) -> None:
        """Tell the callbacks; Ctrl-C waits until all have been told, and at the end so does the error of one."""
        if self.callbacks:
            with held_back(), ExitStack() as ends:
                forward = event not in ENDS or event == UNDOES
                for callback in self.callbacks if forward else reversed(self.callbacks):
                    tell = getattr(callback, event)
                    if event in ENDS:
                        ends.callback(tell, self)  # the stack calls the last first, and all of them
                    else:
                        tell(self)

    def one_epoch(self, bar: Progress) -> Epoch | None:
        """Train on the images that the epoch still has, then look at the validation; None if it was stopped before."""
        self.started = time.perf_counter() - self.elapsed
        if not self.train(bar):
            return None
        number = self.epoch
        if non_finite := arrays_not_finite(self.network):
            raise self.stopped(f"epoch {number}: {non_finite}; {self.cause(None)}")
        checked = self.look_at_validation()
        if not math.isfinite(checked[0] or 0):
            raise self.stopped(f"epoch {number}: the validation loss is {checked[0]}; {self.cause_of_validation()}")
        (loss, accuracy), last = self.count.result(), self.count.per_image()
        seconds = time.perf_counter() - self.started
        self.history.append(Epoch(number, loss, accuracy, *checked[:2], seconds, self.lr, checked[2]))
        self.warn_of_growth(number, last)
        if self.kept is not None:
            self.kept.keep()
        return self.history[-1]

    def end_epoch(self) -> None:
        """Tell the schedule and the callbacks the results, then begin the next; Ctrl-C comes before all or after."""
        with held_back():
            self.told = self.epoch
            self.rate.observe(self.history[-1])
            self.call("on_epoch")
            self.next_epoch()

    def next_epoch(self) -> None:
        """Begin to count anew."""
        self.epoch, self.batch, self.elapsed, self.count = self.epoch + 1, 0, 0.0, Count(self.loss)

    def look_at_validation(self) -> tuple[float | None, float | None, dict[str, float]]:
        """Its loss, accuracy and metrics; None where there is none."""
        if self.together is not None:
            share_buffers(self.together.ranks, self.network.buffers)
        if self.validation is None:
            return None, None, {}
        try:
            self.call("before_validation")  # Ctrl-C meanwhile is raised after it
            if self.together is None:
                return score(self.network, self.validation, self.metrics)
            return score(self.network, self.validation, self.metrics, self.together.ranks)
        finally:
            self.call("after_validation")

    def train(self, bar: Progress) -> bool:
        """Train on the batches that the epoch still has; False if a callback stopped it before the last."""
        if self.boundary is not None:
            self.boundary.pass_by()
        for batch in self.feed.batches(self.epoch, self.batch):
            with held_back():
                self.train_on(batch)
            if self.together is not None:
                self.together.end_if_told()
                self.agree_to_stop()
            bar.update(batch.size, self.count.per_image(), self.count.accuracy(), self.lr)
            if self.stop and self.batch * self.feed.batch_size < self.feed.images:
                return False
        return True

    def train_on(self, batch: Batch) -> None:
        """The step of one batch; an update, if it is the last of those whose gradients are added."""
        size, updates = batch.size, (self.batch + 1) % self.accumulate == 0 or self.is_last(batch)
        if self.adjust is not None:
            self.adjust.group = size, self.group_size(), updates
        if self.batch % self.accumulate == 0:
            self.rate.next_step()
        try:
            self.step_loss = self.step_of(batch)
        except FloatingPointError as error:
            cause = self.cause(batch)
            if self.together is not None:
                cause = self.together.said(cause, "images" in cause or "labels" in cause)
            raise self.stopped(f"{self.place()}: {self.why(error)}; {cause}") from error
        self.batch += 1
        if self.first is None:
            self.first = self.count.per_image()
        if updates:
            self.rate.step += 1
            if self.boundary is not None:
                self.boundary.pass_by()
            for callback in self.callbacks:
                callback.on_step(self)

    def step_of(self, batch: Batch) -> float:
        """The network's step on a batch; returns its loss."""
        if self.together is not None:
            about = (self.feed.loss, self.optimizer, self.count, self.adjust)
            return self.together.step(self.network, batch, *about)
        watch = partial(self.count.add, classes=batch.classes)
        return self.network.train_batch(
            batch.images, batch.targets, self.feed.loss, self.optimizer, self.lean, watch, self.adjust
        )

    def agree_to_stop(self) -> None:
        """Where several ranks train, all stop if one is told to."""
        if self.together is not None and self.together.ranks.size > 1:
            self.stop = self.together.any(self.stop)

    def is_last(self, batch: Batch) -> bool:
        """Whether the batch is the last of its epoch."""
        return self.batch * self.feed.batch_size + batch.size >= self.feed.images

    def group_size(self) -> int:
        """The images of all batches whose gradients make this update."""
        first = self.batch - self.batch % self.accumulate
        size = self.feed.batch_size
        return min((first + self.accumulate) * size, self.feed.images) - first * size

    def place(self) -> str:
        """Where the training is."""
        return f"epoch {self.epoch}, step {self.batch + 1}"

    def why(self, error: FloatingPointError) -> str:
        """What was not finite, and how large rate and gradients were."""
        what = "a gradient is" if "gradient" in str(error) else "the loss is"
        facts = [] if self.lr is None else [f"learning rate {self.lr:g}"]
        if self.adjust is not None and self.adjust.largest:
            facts.append(f"largest gradient norm so far {self.adjust.largest:.3g}")
        return f"{what} NaN or infinite" + (f" ({', '.join(facts)})" if facts else "")

    def warn_of_growth(self, number: int, last: float) -> None:
        """UserWarning, once, if the loss of an epoch is far beyond that of the first batch."""
        targets = self.feed.data.targets if hasattr(self.feed, "data") else None
        if self.first is not None and grown(self.first, last, self.loss, targets):
            cure = smaller_steps(self.optimizer, sure=True)
            warn(f"epoch {number}: the loss grew from {self.first:.2g} to {last:.2g}; {cure}", UserWarning)
            self.first = math.inf

    def cause(self, batch: Batch | None) -> str:
        """Why the loss of these images is NaN or infinite, and what to write."""
        data = getattr(self.feed, "data", None)
        if data is not None:
            chosen = None if batch is None else batch.indices
            images = data.images[:0] if batch is None else data.images
            targets = data.targets[:0] if batch is None else data.targets
            return cause(self.network, images, targets, chosen, self.optimizer, self.loss)
        return of_batch(batch, self.optimizer, self.loss)

    def cause_of_validation(self) -> str:
        """The same for all images of the validation."""
        data = self.validation
        if not isinstance(data, Data):
            return smaller_steps(self.optimizer, sure=False)
        non_finite = item_not_finite("images", data.images) or item_not_finite("labels", data.targets)
        return f"validation: {non_finite}" if non_finite else too_fast(data.images, self.optimizer, self.loss)

    def stopped(self, says: str) -> FloatingPointError:
        """The error, once the network is as it was after the last good epoch."""
        if self.kept is None:
            state = "No copy was kept (lean=True): the network has the parameters of its last whole step"
        else:
            self.kept.put_back()
            last = f"after epoch {self.epoch - 1}" if self.epoch > 1 else "before training"
            state = f"The network has its parameters and buffers of {last} again"
        error = FloatingPointError(f"{says}. {state}")
        error.history = self.history  # type: ignore[attr-defined]
        return error
