"""The size of the images in a file is that of the images that are read from it."""

import numpy as np
import pytest
from PIL import Image

from fastconv.data import DataError, write_idx
from fastconv.data.image_sizes import image_size
from fastconv.data.pictures import read_pixels


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_pictures_are_measured_upright(suffix, orientation, tmp_path):
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(path, exif=exif)
    assert image_size(path) == read_pixels(path, 1).shape[1:] == ((6, 4) if orientation > 4 else (4, 6))


def test_arrays_are_measured_by_their_headers(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 5, 7), np.uint8))
    for name in ("a.idx", "a.gz"):
        write_idx(tmp_path / name, np.zeros((2, 5, 7), np.uint8))
    assert {image_size(tmp_path / name) for name in ("a.npy", "a.idx", "a.gz")} == {(5, 7)}
    np.save(tmp_path / "flat.npy", np.zeros(3))
    (tmp_path / "odd.png").write_bytes(b"\x89PNG odd")
    for name, says in (("flat.npy", "holds no images"), ("odd.png", "not a picture that can be read")):
        with pytest.raises(DataError, match=says):
            image_size(tmp_path / name)
