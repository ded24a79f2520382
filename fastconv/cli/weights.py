"""The weights that a training begins with, and which of them it changes."""

from argparse import Namespace

from ..network import Network
from .words import quoted

__all__ = ["prepared"]


def prepared(options: Namespace, network: Network) -> list[str]:
    """Load --pretrained and freeze --freeze; returns the lines that say so."""
    lines = []
    if options.pretrained is not None:
        loaded = network.load(options.pretrained, strict=False)
        if not loaded.loaded:
            raise ValueError(f"--pretrained {options.pretrained}: no array of it fits {options.model}: {loaded}")
        lines.append(f"weights   {options.pretrained}: {loaded}")
    if options.freeze:
        try:
            network.set_trainable(options.freeze, False)
        except ValueError as error:
            raise ValueError(f"--freeze: {error}") from None
        if not network.trainable:
            raise ValueError(f"--freeze {quoted(*options.freeze)} leaves no weights to train")
        lines.append(
            f"frozen    {len(network.parameters) - len(network.trainable)} of {len(network.parameters)} arrays"
        )
    return lines
