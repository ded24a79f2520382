"""How ranks begin a training: what they were given is compared, and rank 0 sends its weights and states."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..executor import Ranks
from ..network import Network
from .feeds import Feed
from .together import Together

__all__ = ["begin_together", "go_on_together", "of_others", "places"]

NAMED = 16  # ranks whose processes are named
SAMPLE = 1 << 16  # bytes of images that are compared, spread over all of them


def begin_together(together: Together, network: Network, feed: Feed, optimizer: Any, settings: dict[str, Any]) -> None:
    """ValueError, on all ranks, if some were given something else than rank 0; else all begin with what it has."""
    with together.agreeing():
        own = prints(network, feed, optimizer, settings)
    told = together.ranks.objects(own)
    differing = {}
    for rank, theirs in enumerate(told):
        names = [name for name in told[0] if theirs.get(name) != told[0][name]]
        if names:
            differing[rank] = names
    if differing:
        together.agreed = True
        what = "; ".join(f"rank {rank}: {', '.join(names)}" for rank, names in differing.items())
        raise ValueError(
            f"all ranks must be given the same network, images and settings, and differ from rank 0 in: {what}"
        )
    send(together, network, optimizer)
    feed.load_state(together.ranks.from_first(feed.state()))


def places(ranks: Ranks) -> str:
    """Which process each rank is, so that the message of an MPI about a process that died names a rank."""
    told = ranks.objects(ranks.place)
    more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return f"{len(told)} ranks: " + ", ".join(f"{rank} is {place}" for rank, place in enumerate(told[:NAMED])) + more


def go_on_together(together: Together, network: Network, stored: Any) -> Any:
    """The state that rank 0 has read from a file, on all ranks; the network gets its arrays."""
    stored = together.ranks.from_first(stored)
    together.send_arrays(network)
    return stored


def send(together: Together, network: Network, optimizer: Any) -> None:
    """The weights, buffers and state of the optimizer of rank 0 become those of all."""
    together.send_arrays(network)
    has_state = hasattr(optimizer, "load_state") and hasattr(optimizer, "state")
    state = together.ranks.from_first(optimizer.state() if has_state and together.ranks.rank == 0 else None)
    if has_state and together.ranks.rank:
        optimizer.load_state(state)


def prints(network: Network, feed: Any, optimizer: Any, settings: dict[str, Any]) -> dict[str, str]:
    """name -> a hash, of everything that must be the same on all ranks."""
    from .. import kernels

    arrays = [(name, array.shape, str(array.dtype)) for name, array in network.arrays().items()]
    model = (arrays, [repr(node.layer) for node in network.nodes], network.trainable, str(network.dtype))
    about = {"model": model, "optimizer": optimizer, **settings}
    about["data set"] = of_data(feed.data if hasattr(feed, "data") else feed.loader)
    about["batches and seed"] = of_batches(feed)
    about["instruction set"] = kernels.build
    return {name: hashlib.sha256(without_addresses(value).encode()).hexdigest()[:16] for name, value in about.items()}


def without_addresses(value: Any) -> str:
    """The repr of a value; addresses of objects in memory differ between processes."""
    return re.sub("0x[0-9a-f]+", "", repr(value))


def of_batches(feed: Any) -> dict[str, Any]:
    """What decides the batches, but for what rank 0 sends: a seed that nobody chose, and how far it is."""
    unknown = {"rng", "first", "seed"} if getattr(feed, "drawn", False) else {"rng", "first"}
    return {name: value for name, value in feed.state().items() if name not in unknown}


def of_data(data: Any) -> tuple[Any, ...]:
    """What tells checked arrays, or a loader, from others: targets, weights, and some bytes of images in memory."""
    if hasattr(data, "targets"):
        weights = None if data.weights is None else digest(data.weights)
        return (digest(data.targets), sampled(data.images), data.images.shape, weights)
    from .loaded import WeightedSet  # arrays need none of it

    source = data.data
    labels, classes = getattr(source, "labels", None), getattr(source, "classes", None)
    weights = digest(source.weights) if isinstance(source, WeightedSet) else None
    known = None if labels is None else digest(np.asarray(labels))
    names = [repr(each) for each in (() if classes is None else classes)]
    return (len(source), type(source).__name__, known, names, weights, data.transforms, data.mix)


def of_others(ranks: Ranks, held_out: Any, callbacks: Sequence[Any]) -> dict[str, Any]:
    """name -> the settings of the ranks, the validation, and the callbacks of fastconv, which may change weights."""
    validation = None if held_out is None else of_data(getattr(held_out, "loader", held_out))
    known = [each for each in callbacks if type(each).__module__.split(".")[0] == __name__.split(".")[0]]
    return {
        "comm": (ranks.synchronise, ranks.bucket_bytes, ranks.wire),
        "validation": validation,
        "callbacks": [(type(each).__name__, plain(vars(each))) for each in known],
    }


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Those that are numbers, texts or None."""
    return {name: value for name, value in values.items() if value is None or isinstance(value, int | float | str)}


def digest(array: Any) -> str:
    """A hash of all bytes of an array."""
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()


def sampled(images: Any) -> str:
    """A hash of some images, at equal distances."""
    each = max(1, images[:1].nbytes)
    step = max(1, len(images) * each // SAMPLE)
    return digest(images[::step])
