"""What `fit` trains on and looks at, checked, and the memory for it, before anything runs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..fields import empty
from ..losses.weighted import checked_weights
from ..network import Network
from ..ops import check
from ..predictor import BATCH
from ..typing import Array
from .epoch import Data, validation_data
from .feeds import ArrayFeed, Feed
from .given import FIT, batches, begins_with_norm, is_data_set, warn_of_pixels
from .together import Together

__all__ = ["reserve", "sources"]


def sources(
    network: Network,
    images: Any,
    labels: Any,
    validation: Any,
    loss: Any,
    batch_size: int,
    seed: Any,
    drop_last: bool,
    weights: Any,
) -> tuple[Feed, Any]:
    """(what gives the batches, the validation or None), both checked."""
    if labels is None and is_data_set(images):
        return loaded(network, images, validation, loss, batch_size, seed, drop_last, weights)
    if is_data_set(images) and not hasattr(images, "__array__"):
        kind = type(images).__name__
        raise TypeError(f"labels must be left out, for the {kind} has its own: write fit(network, data, epochs=10)")
    images, labels = batches(network, images, labels, FIT)
    if weights is not None:
        images, labels, weights = counting(images, labels, weights)
    share = share_of(validation)
    if share is None:
        data, held_out = Data(network, images, labels, loss, weights=weights), held(network, validation, loss)
    else:
        drawn_by = seed if isinstance(seed, int | np.integer) else 0
        parts = divided(images, labels, weights, share, int(drawn_by))
        data, held_out = (Data(network, x, y, loss, weights=w) for x, y, w in parts)
    seen = images_seen(len(data.images), batch_size, drop_last)
    rng = check.random(seed)
    if not begins_with_norm(network):
        warn_of_pixels("images", data.images[:batch_size])
    warn_of_pixels("labels", data.targets[:batch_size])
    feed = ArrayFeed(data, batch_size, seen, rng)
    feed.split = None if share is None else (share, int(drawn_by))
    return feed, held_out


def loaded(
    network: Network,
    given: Any,
    validation: Any,
    loss: Any,
    batch_size: int,
    seed: Any,
    drop_last: bool,
    weights: Any,
) -> tuple[Feed, Any]:
    """The same for a data set or a loader."""
    from .loaded import LoadedValidation, LoaderFeed, divided, loader_of, with_weights

    drawn = seed is None
    if drawn:
        seed = int(np.random.default_rng().integers(1 << 62))
    loader = loader_of(given, batch_size, check.integer(seed, "seed", 0), drop_last)
    drawn = drawn and loader is not given
    if weights is not None:
        loader = with_weights(loader, weights, loss)
    share = share_of(validation)
    if share is not None:
        loader, validation = divided(loader, share, drawn)
    feed = LoaderFeed(network, loader, loss, drawn)
    feed.split = None if share is None else (share, 0 if drawn else loader.seed)
    if is_data_set(validation):
        return feed, LoadedValidation(network, validation, loss, loader)
    return feed, held(network, validation, loss)


def held(network: Network, validation: Any, loss: Any) -> Any:
    """The checked validation: arrays, or a loader; None stays."""
    if is_data_set(validation):
        from .loaded import LoadedValidation

        return LoadedValidation(network, validation, loss)
    return validation_data(network, validation, loss)


def share_of(validation: Any) -> float | None:
    """A share of the images, from 0 to 1; None for anything else."""
    if isinstance(validation, bool) or not isinstance(validation, int | float | np.number):
        return None
    if not 0 < validation < 1:
        raise ValueError(
            f"validation must be a share between 0 and 1, or images with labels, got {validation}; to keep the last n "
            "images for it: fit(network, images[:-n], labels[:-n], validation=(images[-n:], labels[-n:]))"
        )
    return float(validation)


class Numbered:
    """Images by number alone, of which `split` makes two parts."""

    def __init__(self, count: int, labels: Array | None) -> None:
        self.count = count
        if labels is not None:
            self.labels = labels

    def __len__(self) -> int:
        return self.count

    def batch(self, indices: Array) -> Any:
        """Nothing: the images are not read."""
        raise NotImplementedError


def counting(images: Any, labels: Any, weights: Any) -> tuple[Any, Any, Array]:
    """(images, labels, weights) of the images whose weight is not 0."""
    images, labels = check.given(images, "images"), check.given(labels, "labels")
    weights = checked_weights(weights, len(images) if images.ndim else 0)
    if weights.all() or labels.ndim == 0 or len(labels) != len(images):  # which is refused later
        return images, labels, weights
    return images[weights > 0], labels[weights > 0], weights[weights > 0]


def divided(images: Any, labels: Any, weights: Array | None, share: float, seed: int) -> tuple[Any, Any]:
    """(images, labels, weights) to train on, and those of the validation; the same for the same seed."""
    from ..data.splits import split

    images, classes = check.given(images, "images"), check.given(labels, "labels")
    if images.ndim == 0 or classes.ndim == 0 or len(images) != len(classes):
        raise ValueError(f"labels must be as many as images, got shapes {classes.shape} and {images.shape}")
    stratify = classes.ndim == 1 and classes.dtype.kind in "iu"
    numbered = Numbered(len(images), classes if stratify else None)
    kept, held_out = split(numbered, share, seed, stratify=stratify)
    both = (kept.indices, held_out.indices)
    if not len(held_out):
        raise ValueError(f"validation={share:g} of {len(images)} images is none, of each class; take a larger share")
    first, second = ((images[part], classes[part], None if weights is None else weights[part]) for part in both)
    return first, second


def images_seen(images: int, batch_size: int, drop_last: bool) -> int:
    """How many images an epoch trains on."""
    seen = images - (images % batch_size if drop_last else 0)
    if seen == 0:
        raise ValueError(f"drop_last=True leaves no batch of batch_size={batch_size}: there are only {images} images")
    return seen


def reserve(network: Network, feed: Feed, validation: Any, fused_update: bool, together: Together | None) -> None:
    """Plan every size of batch in an epoch, so that a batch that cannot run is refused before anything changes."""
    plan: Callable[[int], object]
    size, images = feed.batch_size, feed.images
    whole, rest = min(size, images), images % size
    if isinstance(validation, Data):
        network.reserve(min(BATCH, len(validation.images)))
        y: Any = empty(len(validation.images), network.output_shape, network.dtype)
        validation.loss.bind(y, validation.targets_of(slice(None)), np.zeros((), network.dtype), None)
    elif validation is not None:
        validation.reserve(network)
    if together is None:
        plan = partial(network.reserve, loss=feed.loss, fused_update=fused_update)
    else:
        feed.share, plan = together.share, partial(together.blocks, network, loss=feed.loss)
    plan(whole)
    try:
        if rest:
            plan(rest)
    except ValueError as error:
        raise ValueError(
            f"batch_size={size} leaves a last batch of {rest} of {images} images, which cannot be trained "
            f"(pass drop_last=True, or another batch_size): {error}"
        ) from None
