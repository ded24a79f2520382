"""faceie: a face detector (MTCNN) in NumPy, on a photo of scikit-image: about 250 small convolutions."""

from functools import partial
from pathlib import Path

PACKAGES = ("faceie", "skimage")
INSTALL = "faceie==0.0.5 scikit-image"
TOLERANCE = 1e-4  # the boxes are sums of many float32 products, in another order


def program():
    import skimage
    from faceie import detect_faces
    from PIL import Image

    with Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png") as file:
        photo = file.convert("RGB")

    def call():
        found = detect_faces(photo)
        return [found.probabilities, found.angles, found.bounding_boxes, found.landmarks]

    return call


def replace():
    import faceie.mtcnn.model

    import fastconv

    faceie.mtcnn.model.conv2d = fastconv.conv2d
    faceie.mtcnn.model.max_pool_2d = partial(max_pool_2d, fastconv.max_pool2d)


def max_pool_2d(pool, x, kernel, stride, ceil_mode=False):
    return pool(x, kernel, stride, ceil_mode=ceil_mode)
