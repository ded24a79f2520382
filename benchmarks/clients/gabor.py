"""scikit-image: a bank of 24 Gabor filters, two convolutions of SciPy each, and the mean energy of every answer."""

from types import SimpleNamespace

PACKAGES = ("skimage",)
INSTALL = "scikit-image==0.26.0"
TOLERANCE = 1e-5
FREQUENCIES, ANGLES = (0.1, 0.2, 0.3, 0.4), 6


def program():
    import numpy as np
    from skimage import data, filters

    image = data.camera()[:256, :256].astype("float32") / 255

    def call():
        bank = [(frequency, np.pi * n / ANGLES) for frequency in FREQUENCIES for n in range(ANGLES)]
        answers = [filters.gabor(image, frequency, theta) for frequency, theta in bank]
        return [np.array([np.hypot(*parts).mean() for parts in answers]), np.array(answers[::5])]

    return call


def replace():
    from importlib import import_module

    import_module("skimage.filters._gabor").ndi = SimpleNamespace(convolve=convolve)


def convolve(image, weights, mode, cval):
    """scipy.ndimage.convolve of one channel with an odd window; "reflect" repeats the pixels of the edge."""
    import numpy as np

    import fastconv

    padding = [(n // 2, n // 2) for n in weights.shape]
    x = np.pad(image, padding, {"reflect": "symmetric", "mirror": "reflect"}[mode])
    return fastconv.conv2d(x[None], weights[None, None, ::-1, ::-1])[0]
