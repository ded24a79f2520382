"""Changes of images on their way to a network, as functions on batches.

Made once, then called as (images, draws) -> images:

    resize                   to a shorter side or to a size, antialiased
    center_crop              the middle
    random_crop              a window at a random place, after padding
    random_resized_crop      a random part, resized
    random_flip              left to right, or upside down
    random_rotation          about the middle
    color_jitter             brightness, contrast, saturation, hue
    random_erasing           a rectangle becomes one value
    to_float                 bytes / 255
    normalize                minus the mean, divided by the deviation

    IMAGENET_MEAN, IMAGENET_STD   of the three channels
    apply                    a list of them, in order
    mixup                    mixes images and targets of a batch
    unchanging               those of a list that draw no random numbers
    described, made          one as a name and arguments, and back

Images are an array (N, C, H, W) of bytes or floating-point numbers, or a list
of arrays (C, H, W) where their sizes differ. The random numbers of an image
come from `Draws`, and do not depend on the batch that it is in.
"""

from .batches import Transform, apply
from .colour import color_jitter
from .described import described, made, unchanging
from .erasing import random_erasing
from .mixing import Mix, mixup
from .scaling import IMAGENET_MEAN, IMAGENET_STD, normalize, to_float
from .sizes import center_crop, random_crop, random_resized_crop, resize
from .turning import random_flip, random_rotation

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Mix",
    "Transform",
    "apply",
    "center_crop",
    "color_jitter",
    "described",
    "made",
    "mixup",
    "normalize",
    "random_crop",
    "random_erasing",
    "random_flip",
    "random_resized_crop",
    "random_rotation",
    "resize",
    "to_float",
    "unchanging",
]
