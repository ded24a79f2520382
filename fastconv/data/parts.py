"""The parts of a data set: training, test and validation, and what files and folders of each are called."""

from typing import Any

__all__ = ["PARTS", "checked_part"]

PARTS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "val", "valid"),
}


def checked_part(part: Any) -> str | None:
    """One of the parts, or None."""
    if part is not None and part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, or None, got {part!r}")
    found: str | None = part
    return found
