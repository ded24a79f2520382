"""What the file of a trained network tells of the command that made it: the line, the data and the settings."""

from argparse import Namespace
from typing import Any

from .training_data import Given
from .words import quoted

__all__ = ["told"]

SETTINGS = (  # the options that change what is learned, and are left out where they were not given
    "loss",
    "label_smoothing",
    "schedule",
    "schedule_args",
    "warm_up",
    "momentum",
    "weight_decay",
    "clip",
    "ema",
    "patience",
    "augment",
    "normalize",
    "size",
    "channels",
    "balanced",
    "validation",
    "model_args",
    "pretrained",
    "freeze",
)


def told(options: Namespace, given: Given, rate: float, epochs: int) -> dict[str, Any]:
    """{"command": ..., "data": {...}, "settings": {...}}, in what JSON holds."""
    sets = {"training": given.training, "test": given.test, given.held_out: given.validation}
    chosen = {name.replace("_", "-"): getattr(options, name) for name in SETTINGS if getattr(options, name)}
    if options.accumulate > 1:
        chosen["accumulate"] = options.accumulate
    return {
        "command": readable(quoted("fastconv", *options.words)),
        "data": {
            "place": readable(given.place),
            "images": {part: len(found) for part, found in sets.items() if found is not None},
        },
        "settings": {
            "model": options.model,
            "epochs": epochs,
            "batch-size": options.batch_size,
            "optimizer": options.optimizer,
            "lr": rate,
            "seed": options.seed,
            **{name: shown(value) for name, value in chosen.items()},
        },
    }


def shown(value: Any) -> str:
    """The value as it would be typed."""
    parts = value if isinstance(value, list | tuple) else [value]
    return readable(", ".join("=".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in parts))


def readable(text: str) -> str:
    """The text without the bytes of names that are no UTF-8, which JSON cannot hold."""
    return text.encode("utf-8", "backslashreplace").decode()
