"""Images and labels: the IDX format, the datasets that come in it, pictures, and the embedded sample.

    load(folder)             training and test images with their labels, as float32 and int64 arrays
    read_images(path, ...)   pictures or arrays for a trained network
    read_idx, write_idx      one array in the IDX format

All readers treat files as hostile: whatever is wrong with one raises :class:`DataError`, before anything of
a declared size is allocated.
"""

from .dataset import Dataset, Split, class_names, find_folder, load, load_images, load_labels
from .files import DataError
from .idx import read_idx, write_idx
from .images import read_images

__all__ = [
    "DataError",
    "Dataset",
    "Split",
    "class_names",
    "find_folder",
    "load",
    "load_images",
    "load_labels",
    "read_idx",
    "read_images",
    "write_idx",
]
