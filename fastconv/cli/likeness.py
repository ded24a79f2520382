"""Whether pictures look like the images that a network was trained on: their range, and their background."""

import math
from typing import Any

import numpy as np

from ..data.arrays import are_bytes
from ..typing import Array
from .streams import complain
from .words import counted

__all__ = ["Likeness", "background"]

WIDTH = 2  # pixels of the border, which shows the background
MARGIN = 0.1  # how much nearer the background must come if the picture is inverted
BRIGHTEST = 1.5  # images in [0, 1] have no larger value, even where they were resized or computed
WHITES = (255, 65535)
EMPTY = "nothing is to be seen; if it is drawn in black on a transparent ground, put it on white, and add --invert"
ADD = "for dark on bright add --invert"
FLAT = "nothing is to be seen"
PLAIN = 0.1  # the standard deviation of a border that shows paper, or another plain ground
FAR = 0.2  # how far the brightness of a plain ground may be from that of the training images


def border(images: Array) -> Array:
    """The pixels of images (N, C, H, W) that are near an edge, in one dimension."""
    inner = np.zeros(images.shape[-2:], bool)
    inner[WIDTH:-WIDTH, WIDTH:-WIDTH] = True
    return images[..., ~inner].ravel()


def background(images: Array) -> float:
    """The mean of the border of images (N, C, H, W)."""
    return float(border(images).mean(dtype=float))


class Likeness:
    """Compares images with the training images, and says at the end, once for each kind of fault, what to do.

    `trained` is the background of the training images, as a file's metadata have it: a number from 0 to 1, or anything
    else where it is not known; then pictures are not compared, and arrays only with what pictures have.
    """

    def __init__(self, trained: Any, inverted: bool) -> None:
        known = type(trained) in (int, float) and 0 <= trained <= 1
        self.trained = float(trained) if known else None
        self.inverted = inverted
        self.faults: dict[str, tuple[str, list[object]]] = {}  # cure -> what the first file has; all files with it

    def look(self, name: object, images: Array) -> None:
        """Compare the images of one file, before they are inverted."""
        low, high = float(images.min()), float(images.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return
        what, cure = self.fault(images, low, high)
        if cure:
            self.faults.setdefault(cure, (what, []))[1].append(name)

    def fault(self, images: Array, low: float, high: float) -> tuple[str, str]:
        """What the images from `low` to `high` have, and what to do; '' and '' if they look like training images."""
        if self.trained is None:
            scale = f"values from {low:.4g} to {high:.4g}, pictures from 0 to 1", to_scale(low, high)
            return scale if are_bytes(images) else ("", "")
        if low == high:
            return f"one value alone, {low:.4g}, in every pixel", EMPTY if low == 0 else FLAT
        if low < 0 or high > BRIGHTEST:
            return f"values from {low:.4g} to {high:.4g}, the training images from 0 to 1", to_scale(low, high)
        shown = background(images)
        what = f"a border of brightness {shown:.2f}, the training images of {self.trained:.2f}"
        if abs(self.trained - round(self.trained)) < FAR and border(images).std(dtype=float) < PLAIN:
            return what, self.on_plain_ground(shown, low, high)
        if self.is_negative(shown):
            return what, "leave out --invert" if self.inverted else ADD
        return "", ""

    def on_plain_ground(self, shown: float, low: float, high: float) -> str:
        """What to do about a picture of one thing on a plain ground of brightness `shown`; '' if nothing."""
        assert self.trained is not None
        dark = shown - low > high - shown  # the thing is darker than its ground, as ink on paper
        turned = dark == (self.trained < 0.5)
        cures = []
        if turned != self.inverted:
            cures.append(ADD if turned else "leave out --invert")
        if abs((1 - shown if turned else shown) - self.trained) > FAR:
            cures.append(f"raise the contrast of the picture until its background is {'white' if dark else 'black'}")
        elif abs((1 - shown if self.inverted else shown) - self.trained) <= FAR:
            return ""
        return ", and ".join(cures)

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
