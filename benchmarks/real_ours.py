"""The programs of `real.py`, each a function that gives a call without arguments; `real_torch` has them in PyTorch."""

import atexit
import io
import shutil
import tempfile
from pathlib import Path

import numpy as np

from fastconv import SGD, Network, conv2d, data, fit, layers, losses, max_pool2d, models, sequential, train_step

# (batch, channels, height and width, filters, window): one call takes 20 us to 1 ms
SMALL = [(1, 3, 60, 10, 3), (1, 10, 29, 16, 3), (1, 16, 64, 32, 3), (1, 32, 62, 4, 1), (8, 28, 11, 48, 3),
         (16, 3, 24, 28, 3), (4, 64, 21, 64, 3), (1, 64, 56, 64, 1), (2, 32, 46, 64, 3)]  # fmt: skip
PRODUCTS = (64, 256, 512)  # rows of the matrices (rows, 256) times (256, 256)
PICTURES, SIDE, IMAGE = 16, 192, (3, 64, 64)  # JPEG files of SIDE x SIDE pixels, read as IMAGE
RATE = 0.01


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def resnet18():
    frozen = Network(models.resnet18(), (3, 224, 224), seed=0).freeze(1)
    x = numbers(1, 3, 224, 224)
    return lambda: frozen.predict(x)


def conv():
    """One 3x3 convolution of eight images of 64 channels, channels last in memory."""
    x, w = numbers(8, 56, 56, 64).transpose(0, 3, 1, 2), numbers(64, 64, 3, 3)
    return lambda: conv2d(x, w, padding=1)


def step():
    """One training step of the paper's network on 50 images."""
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    x, labels, sgd, loss = numbers(50, 1, 28, 28), np.arange(50) % 10, SGD(RATE), losses.MSE()
    return lambda: train_step(network, x, labels, sgd, loss)


def small_arrays():
    """(images, weight, matrix, matrix): each convolution with the product that follows it."""
    for n, (batch, channels, side, filters, k) in enumerate(SMALL):
        a = numbers(PRODUCTS[n % len(PRODUCTS)], 256)
        yield numbers(batch, channels, side, side), numbers(filters, channels, k, k), a, numbers(256, 256)


def small():
    """Small convolutions; a matrix product of NumPy after each."""
    arrays = list(small_arrays())

    def call():
        for x, w, a, b in arrays:
            max_pool2d(conv2d(x, w), 2)
            a @ b

    return call


def pictures():
    """Paths of JPEG files, which exist as long as this process."""
    from PIL import Image

    folder = Path(tempfile.mkdtemp(prefix="fastconv-real-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for n in range(PICTURES):
        coarse = Image.fromarray(np.random.default_rng(n).integers(0, 256, (12, 12, 3), "uint8"))
        file = io.BytesIO()
        coarse.resize((SIDE, SIDE)).save(file, "JPEG", quality=90)
        (folder / f"{n:02d}.jpg").write_bytes(file.getvalue())
    return sorted(folder.iterdir())


def jpeg():
    """`fit` on one batch of pictures, which Pillow decodes and resizes just before."""
    model = sequential(
        *(layers.Conv2D(16, 3, padding=1), layers.ReLU(), layers.MaxPool2D(2)),
        *(layers.Conv2D(32, 3, padding=1), layers.ReLU(), layers.MaxPool2D(2)),
        *(layers.Flatten(), layers.Linear(10)),
    )
    network = Network(model, IMAGE, seed=0)
    paths, labels, sgd = pictures(), np.arange(PICTURES) % 10, SGD(RATE)

    def call():
        images = data.read_images(paths, IMAGE)
        fit(network, images, labels, batch_size=PICTURES, optimizer=sgd, progress=False)

    return call
