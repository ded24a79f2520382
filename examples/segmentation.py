"""A U-Net learns to find discs and squares in noisy pictures: a class for each pixel.

    python examples/segmentation.py

The classes are background, disc and square. Most pixels are background, so the loss gives the others more weight; the
pixels along the edges of the shapes belong to either side and are left out, as class 255. What is told at the end is
the mean intersection over union, on pictures that training has not seen.
"""

import numpy as np

import fastconv
from fastconv import Adam, CrossEntropy, Network, fit, metrics, models

SIZE, UNKNOWN = 32, 255
WEIGHTS = (0.5, 1.0, 1.0)  # of background, disc, square


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 1, 32, 32) and the classes of their pixels (N, 32, 32), with a disc and a square in each."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    images = rng.normal(0, 0.15, (count, 1, SIZE, SIZE)).astype("float32")
    classes = np.zeros((count, SIZE, SIZE), np.int64)
    for image, target in zip(images[:, 0], classes, strict=True):
        for kind in rng.permutation([1, 2]):
            radius, cy, cx = rng.uniform(4, 8), *rng.uniform(6, SIZE - 6, 2)
            far = np.hypot(y - cy, x - cx) if kind == 1 else np.maximum(abs(y - cy), abs(x - cx))
            inside = far < radius
            image[inside] = rng.uniform(0.5, 1) + image[inside] / 2
            target[inside] = kind
            target[abs(far - radius) < 0.7] = UNKNOWN
    return images, classes


def main(epochs: int = 8, seed: int = 0) -> float:
    """Train, and return the mean intersection over union."""
    images, classes = pictures(384, seed)
    network = Network(models.unet(3, depth=3, width=12), (1, SIZE, SIZE), seed=seed)
    loss = CrossEntropy(weight=WEIGHTS, ignore_index=UNKNOWN)
    fit(network, images, classes, epochs=epochs, batch_size=16, optimizer=Adam(0.01), loss=loss, seed=seed,
        schedule=fastconv.schedules.cosine(), progress=False)  # fmt: skip
    unseen, truth = pictures(64, seed + 1)
    return float(metrics.intersection_over_union(network.predict(unseen), truth, ignore_index=UNKNOWN))


if __name__ == "__main__":
    print(f"mean intersection over union on new pictures: {main():.3f}")
