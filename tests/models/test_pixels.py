"""Models whose output is an image: U-Net and the autoencoder, for any size, with gradients by central differences."""

import numpy as np
import pytest

from fastconv import CrossEntropy, Network, fit, gradcheck, graph, losses, models
from fastconv.optim import Adam

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 17, 23), (2, 9, 8), (1, 4, 5)])
def test_the_unet_gives_a_class_for_each_pixel_of_images_of_any_size(shape):
    network = Network(models.unet(3, depth=2, width=2), shape, "float64", seed=0)
    assert network.output_shape == (3, *shape[1:])
    x, targets = RNG.standard_normal((2, *shape)), RNG.integers(3, size=(2, *shape[1:]))
    targets[0, 0] = -100
    assert gradcheck(network, x, targets, CrossEntropy(weight=(1, 2, 0.5))).passed


def test_each_size_of_the_unet_gets_what_it_had_on_the_way_there():
    nodes = graph.ancestors(graph.build(models.unet(4, depth=3, width=8), (3, 40, 36), "float32"))
    joined = [node.shape for node in nodes if node.kind == "concat"]
    assert joined == [(64, 10, 9), (32, 20, 18), (16, 40, 36)]
    pooled = [node.shape for node in nodes if type(node.layer).__name__ == "MaxPool2D"]
    assert pooled == [(8, 20, 18), (16, 10, 9), (32, 5, 4)]


def test_the_unet_says_which_images_are_too_small():
    with pytest.raises(ValueError, match="pool"):
        Network(models.unet(depth=3), (1, 7, 8))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 17, 23), (2, 1, 6)])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_autoencoder_gives_the_image_again(shape, depth):
    network = Network(models.autoencoder(3, depth, 4), shape, "float64", seed=0)
    H, W = (-(-extent // 2**depth) for extent in shape[1:])
    code = network.features(np.zeros((1, *shape)), [f"encoder.{2 * depth - 2}"])
    assert [value.shape for value in code.values()] == [(1, 3, H, W)]
    x = RNG.random((2, *shape))
    assert network.predict(x).shape == x.shape
    assert gradcheck(network, x, x, losses.MSE()).passed


def test_the_autoencoder_learns_and_ends_with_a_sigmoid_or_without():
    x = np.zeros((16, 1, 8, 8), "float32")
    for n in range(16):
        x[n, 0, n % 4 : n % 4 + 4, n // 4 : n // 4 + 4] = 1
    network = Network(models.autoencoder(4, 2, 8), (1, 8, 8), seed=0)
    options = {"optimizer": Adam(0.02), "loss": losses.MSE("mean"), "seed": 0, "progress": False}
    history = fit(network, x, x, epochs=40, batch_size=8, **options)
    assert history[-1].loss < 0.1 * history[0].loss
    assert 0 <= network.predict(x).min() <= network.predict(x).max() <= 1
    assert Network(models.autoencoder(sigmoid=False), (1, 8, 8), seed=0).predict(x).min() < 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: models.unet(depth=0), "depth must be >= 1, got 0"),
        (lambda: models.unet(width=1.5), "width must be an integer, got 1.5"),
        (lambda: models.autoencoder(0), "code must be >= 1, got 0"),
        (lambda: models.autoencoder(sigmoid="no"), "sigmoid must be True or False"),
    ],
)
def test_options_are_checked(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()
