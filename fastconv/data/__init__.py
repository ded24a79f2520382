"""Images and targets from files, as data sets, pictures and arrays.

    read(path, ...)          the data set of a path, whatever it is
    image_folder(path, ...)  a folder of class folders with pictures
    image_list(source, ...)  a CSV file, or a list of (file, label)
    read_cifar(folder, ...)  CIFAR-10 and CIFAR-100, binary version
    read_arrays(path, ...)   .npy files, and .npz archives
    ArrayData(images, ...)   a data set of arrays, also mapped from a file
    FileData(files, ...)     a data set of pictures in files
    DataSet                  what a data set of your own must have

    load(folder)             training and test images of MNIST, as arrays
    read_images(path, ...)   pictures or arrays for a trained network
    read_idx, write_idx      one array in the IDX format
    Loader                   batches, epoch after epoch, made ahead
    transforms               changes of images: crops, flips, colours
    Draws                    random numbers of images, for own transforms
    split                    two parts, training and validation
    Subset                   chosen images of a data set

The images of `load` and `read_images` are float32 from 0 to 1, labels are
int64. A data set has a length and a method `batch(indices)`, which gives
images, mostly uint8, and targets. Whatever is wrong with a file raises
`DataError`, before memory of a declared size is allocated.
"""

from typing import TYPE_CHECKING

from .dataset import Dataset, Split, class_names, find_folder, load, load_images, load_labels
from .files import DataError
from .idx import read_idx, write_idx
from .images import read_images

if TYPE_CHECKING:
    from . import transforms as transforms
    from .cifar import read_cifar as read_cifar
    from .draws import Draws as Draws
    from .folder import image_folder as image_folder
    from .found import read as read
    from .in_memory import ArrayData as ArrayData
    from .listed import image_list as image_list
    from .loader import Loader as Loader
    from .numpy_files import read_arrays as read_arrays
    from .picture_files import FileData as FileData
    from .protocol import DataSet as DataSet
    from .splits import Subset as Subset
    from .splits import split as split

_later = {  # names that are imported when they are first used -> their file, or the module itself
    "ArrayData": "in_memory",
    "DataSet": "protocol",
    "Draws": "draws",
    "FileData": "picture_files",
    "Loader": "loader",
    "Subset": "splits",
    "image_folder": "folder",
    "image_list": "listed",
    "read": "found",
    "read_arrays": "numpy_files",
    "read_cifar": "cifar",
    "split": "splits",
    "transforms": "transforms",
}

__all__ = [
    "ArrayData",
    "DataError",
    "DataSet",
    "Dataset",
    "Draws",
    "FileData",
    "Loader",
    "Split",
    "Subset",
    "class_names",
    "find_folder",
    "image_folder",
    "image_list",
    "load",
    "load_images",
    "load_labels",
    "read",
    "read_arrays",
    "read_cifar",
    "read_idx",
    "read_images",
    "split",
    "write_idx",
]
