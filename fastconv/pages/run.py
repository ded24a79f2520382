"""The network that a page is about, whatever it was given as, and what its file tells of its training."""

from collections.abc import Mapping, Sequence
from typing import Any

from .. import Network, load
from ..ops import check
from ..system.paths import check_type
from ..typing import Array
from .words import percent

__all__ = ["Run", "given_run"]


class Run:
    """A network with its classes and with what is known of its training.

    `subject` is what plots take: with what `fastconv.load` returns, raw images.
    """

    def __init__(self, subject: Any, path: str | None = None) -> None:
        self.subject, self.path = subject, path
        self.network: Network = getattr(subject, "network", subject)
        metadata = getattr(subject, "metadata", None)
        self.metadata: Mapping[str, Any] = metadata if isinstance(metadata, Mapping) else {}
        self.preprocessing: Any = getattr(subject, "preprocessing", None)
        self.names: Sequence[str] | None = getattr(subject, "classes", None)

    @property
    def model(self) -> str:
        """The name of the architecture."""
        model = self.network.model
        return str(model["name"]) if model else "a model of its own"

    @property
    def outputs(self) -> int:
        """How many classes it tells apart; 0 where its output is no list of classes."""
        layer, shape = self.network.output.layer, self.network.output_shape
        if layer is not None and layer.kind == "heads":
            return int(layer.num_classes)
        return shape[0] if len(shape) == 1 and shape[0] > 1 else 0

    @property
    def classes(self) -> list[str]:
        """The names of the classes; their numbers where they have none."""
        return [str(name) for name in self.names or range(self.outputs)]

    def said(self, share: float) -> str:
        """What the network gives for a class, in words."""
        if getattr(self.network.output.layer, "kind", "") == "sigmoid":
            return f"an output of {share:.3f}"
        return f"a probability of {percent(share)}"

    def prepared(self, images: Any) -> Any:
        """Raw images as the network reads them."""
        return images if self.subject is self.network else self.subject.prepare(images)

    def probabilities(self, x: Array) -> Array:
        """(N, K): of each class, for images as the network reads them; of several classifiers those of the first."""
        p = self.network.probabilities(x)
        own = p[:, : self.outputs]
        return own if p.shape == own.shape else own / own.sum(axis=1, keepdims=True)


def given_run(run: Any) -> Run:
    """What the caller gave: the path of a file, what `fastconv.load` returned, or a network."""
    if isinstance(run, Network) or isinstance(getattr(run, "network", None), Network):
        return Run(run)
    if not hasattr(run, "__fspath__") and not isinstance(run, str | bytes):
        raise TypeError(
            f"run must be the path of a saved network, what fastconv.load returns, or a Network, got {check.shown(run)}"
        )
    check_type(run, "run")
    import os

    return Run(load(run), os.fsdecode(run))
