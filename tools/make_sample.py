"""Rebuild the embedded sample from Debian's package ``dataset-fashion-mnist``.

    python tools/make_sample.py [FOLDER [OUTPUT]]

The training part holds the first 400 images of each of the ten classes, in the order of the package's
training file; the test part the first 100 of each class, in the order of its test file. Nothing is drawn at
random, and the compressed files carry no time: the same package and the same liblzma give the same bytes.
"""

import lzma
import sys
from pathlib import Path

import numpy as np

from fastconv.data import read_idx, write_idx
from fastconv.data.dataset import INSTALLED, KINDS, SAMPLE, needed_file

PER_CLASS = {"train": 400, "t10k": 100}
# lc = 4: the four upper bits of a byte tell most about the next one. Every other setting makes larger files.
SETTINGS = {"preset": 9 | lzma.PRESET_EXTREME, "dict_size": 4 << 20, "lc": 4, "lp": 0, "pb": 2}
FILTERS = [{"id": lzma.FILTER_LZMA2, **SETTINGS}]


def first_of_each_class(labels, count):
    """The positions, in rising order, of the first ``count`` examples of each class."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(10)]))


def write_xz(path, array):
    """An IDX file, compressed with xz."""
    write_idx(path, array)
    path.write_bytes(lzma.compress(path.read_bytes(), check=lzma.CHECK_CRC32, filters=FILTERS))


def main(folder=INSTALLED, output=SAMPLE):
    """Choose the images of both parts, and write four files."""
    for part, count in PER_CLASS.items():
        images, labels = (read_idx(needed_file(Path(folder), part, *kind)) for kind in KINDS)
        chosen = first_of_each_class(labels, count)
        for (what, dimensions), array in zip(KINDS, (images, labels), strict=True):
            write_xz(Path(output) / f"{part}-{what}-idx{dimensions}-ubyte.xz", array[chosen])


if __name__ == "__main__":
    main(*sys.argv[1:])
