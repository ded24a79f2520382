"""Images and labels from files: MNIST and Fashion-MNIST, pictures, a sample.

    load(folder)             training and test images with their labels
    read_images(path, ...)   pictures or arrays for a trained network
    read_idx, write_idx      one array in the IDX format

The images of `load` and `read_images` are float32 from 0 to 1, labels are
int64. Whatever is wrong with a file raises `DataError`, before memory of a
declared size is allocated.
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
