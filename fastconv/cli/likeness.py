"""Whether pictures look like the images that a network was trained on: their range, and their background."""

import math
from typing import Any

from ..typing import Array
from .streams import complain
from .words import counted

__all__ = ["Likeness", "background"]

WIDTH = 2  # pixels of the border, which shows the background
MARGIN = 0.1  # how much nearer the background must come if the picture is inverted
BRIGHTEST = 1.5  # images in [0, 1] have no larger value, even where they were resized or computed
WHITES = (255, 65535)


def background(images: Array) -> float:
    """The mean of the border of images (N, C, H, W)."""
    inner = images[..., WIDTH:-WIDTH, WIDTH:-WIDTH]
    total = images.sum(dtype=float) - inner.sum(dtype=float)
    return float(total / (images.size - inner.size))


class Likeness:
    """Compares images with the training images, and says at the end, once for each kind of fault, what to do.

    `trained` is the background of the training images, as a file's metadata have it: a number from 0 to 1, or anything
    else where it is not known; then nothing is compared.
    """

    def __init__(self, trained: Any, inverted: bool) -> None:
        known = type(trained) in (int, float) and 0 <= trained <= 1
        self.trained = float(trained) if known else None
        self.inverted = inverted
        self.faults: dict[str, list[object]] = {}  # the first file with this fault in words, and all of that kind
        self.said: dict[str, str] = {}

    def look(self, name: object, images: Array) -> None:
        """Compare the images of one file, before they are inverted."""
        if self.trained is None:
            return
        low, high = float(images.min()), float(images.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return
        if low < 0 or high > BRIGHTEST:
            self.note(
                "range", name, f"from {low:.4g} to {high:.4g}, but the training images from 0 to 1{cure(low, high)}"
            )
        elif self.is_negative(shown := background(images)):
            self.note("negative", name, f"{shown:.2f}, but the training images {self.trained:.2f}")

    def is_negative(self, shown: float) -> bool:
        """Whether the background would be nearer to that of the training images if --invert were changed."""
        assert self.trained is not None
        now, other = (1 - shown, shown) if self.inverted else (shown, 1 - shown)
        return abs(now - self.trained) > abs(other - self.trained) + MARGIN

    def note(self, kind: str, name: object, words: str) -> None:
        """Keep a fault of one file."""
        self.faults.setdefault(kind, []).append(name)
        self.said.setdefault(kind, words)

    def report(self) -> None:
        """One line on standard error for each kind of fault."""
        for kind, files in self.faults.items():
            first, more = files[0], len(files) - 1
            which = f"{first}" + (f" and {counted(more, 'more file')}" if more else "")
            has = "have" if more else "has"
            if kind == "range":
                complain(f"warning: {which} {has} values {self.said[kind]}")
            else:
                flag = "leave out --invert" if self.inverted else "add --invert"
                complain(
                    f"warning: {which} {has} another background than the training images (brightness "
                    f"{self.said[kind]}): {flag}"
                )


def cure(low: float, high: float) -> str:
    """What to write where values of an array are not divided by the value of white."""
    white = next((white for white in WHITES if high <= white), None)
    return f": save them as x / {white}" if low >= 0 and white else ""
