"""What a file says of the network that it holds."""

from collections.abc import Sequence
from typing import Any

from .network import Network

__all__ = ["described"]


def described(network: Network, classes: Sequence[str] | None = None, preprocessing: Any = None) -> dict[str, Any]:
    """The input shape and the names of the classes, as metadata."""
    return {"input_shape": list(network.input_shape), "classes": None if classes is None else list(classes)}
