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
EMPTY = "a picture in black on a transparent ground is black all over; put it on white, and add --invert"


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
        self.faults: dict[str, tuple[str, list[object]]] = {}  # cure -> what the first file has; all files with it

    def look(self, name: object, images: Array) -> None:
        """Compare the images of one file, before they are inverted."""
        if self.trained is None:
            return
        low, high = float(images.min()), float(images.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return
        if low == high:
            what, cure = f"one value alone, {low:.4g}, in every pixel", EMPTY
        elif low < 0 or high > BRIGHTEST:
            what, cure = f"values from {low:.4g} to {high:.4g}, the training images from 0 to 1", to_scale(low, high)
        elif self.is_negative(shown := background(images)):
            what = f"a border of brightness {shown:.2f}, the training images of {self.trained:.2f}"
            cure = "leave out --invert" if self.inverted else "for dark on bright add --invert"
        else:
            return
        self.faults.setdefault(cure, (what, []))[1].append(name)

    def is_negative(self, shown: float) -> bool:
        """Whether the background would be nearer to that of the training images if --invert were changed."""
        assert self.trained is not None
        now, other = (1 - shown, shown) if self.inverted else (shown, 1 - shown)
        return abs(now - self.trained) > abs(other - self.trained) + MARGIN

    def report(self) -> None:
        """One line on standard error for each kind of fault."""
        for cure, (what, (first, *more)) in self.faults.items():
            have = f" and {counted(len(more), 'more file')} have" if more else " has"
            complain(f"warning: {first}{have} {what}: {cure}")


def to_scale(low: float, high: float) -> str:
    """What to do where the values of an array are not those that pictures have."""
    white = next((white for white in WHITES if high <= white), None)
    return f"save x / {white} in place of x" if low >= 0 and white else "scale them as the training images were"
