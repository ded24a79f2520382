"""Predictions for more images than memory holds: `dask.array.map_blocks` over a frozen network.

    pip install "dask[array]"
    python examples/predict_dask.py

dask cuts the images into blocks, reads and predicts them one after another or on several workers (a cluster of
`dask.distributed`, if there is one), and puts the results together. fastconv is called with plain NumPy arrays.
"""

import dask.array
import numpy as np

import fastconv


def predictions(network: fastconv.Network, images: dask.array.Array) -> dask.array.Array:
    """The outputs of the network for images (N, C, H, W), a dask array that is cut along N alone."""
    frozen = network.freeze(batch_size=int(images.chunks[0][0]))
    width = network.output_shape[0]
    return images.map_blocks(frozen.predict, dtype=network.dtype, chunks=(images.chunks[0], (width,)), drop_axis=(2, 3))


def main() -> None:
    """Predict the sample of images in blocks of 300, and compare with one prediction of all."""
    train, test, _ = fastconv.data.load("sample")
    network = fastconv.Network(fastconv.models.lenet5(), (1, 28, 28), seed=0)
    fastconv.fit(network, *train, epochs=1, batch_size=50, seed=0, progress=False)
    blocks = dask.array.from_array(test.images, chunks=(300, *test.images.shape[1:]))
    logits = predictions(network, blocks)
    classes = logits.argmax(axis=1).compute()
    whole = network.freeze().predict(test.images).argmax(axis=1)
    print(f"{(classes == test.labels).mean():.1%} right, {np.count_nonzero(classes != whole)} classes differ")


if __name__ == "__main__":
    main()
