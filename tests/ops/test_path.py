"""The choice of the path, and its switches."""

import child
import inputs
import numpy as np
import pytest

import fastconv
from fastconv.ops import geometry, path


def chosen(x_shape, weight_shape, dtype="float32", channels_last=True, **window):
    g = geometry.conv2d(x_shape, weight_shape, **window)
    image = np.zeros((1, 2, 2, 2), dtype)
    if channels_last:
        image = image.transpose(0, 3, 1, 2)
    return path.conv2d(g, image.dtype, image, image)


def test_choices():
    assert chosen((1, 64, 28, 28), (64, 64, 3, 3), padding=1) == "winograd"
    assert chosen((1, 64, 28, 28), (64, 64, 3, 3), padding=1, channels_last=False) == "winograd"
    assert chosen((1, 64, 28, 28), (64, 64, 3, 3), "float64", padding=1) == "direct"
    assert chosen((1, 64, 28, 28), (64, 64, 3, 3), stride=2) == "direct"
    assert chosen((1, 64, 28, 28), (64, 64, 1, 1)) == "direct"
    assert chosen((1, 6, 12, 12), (12, 6, 5, 5), channels_last=False) == "planar"
    assert chosen((1, 16, 32, 32), (16, 16, 3, 3), padding=1, channels_last=False) == "winograd"
    assert chosen((1, 16, 32, 32), (16, 16, 3, 3), "float64", padding=1, channels_last=False) == "planar"
    assert chosen((1, 16, 12, 12), (16, 16, 3, 3), padding=1, channels_last=False) == "planar"
    assert chosen((1, 32, 12, 12), (32, 1, 3, 3), groups=32) == "depthwise"
    assert chosen((1, 32, 12, 12), (32, 8, 3, 3), groups=4) == "direct"


def test_1x1_kernels_on_planar_memory_need_no_conversion():
    def served(weight_shape, direction=path.FORWARD, layout=np.array, **window):
        image = layout(np.zeros((1, 2, 2, 2), "float32"))
        g = geometry.conv2d((1, 64, 8, 8), weight_shape, **window)
        return path.pointwise(g, direction, image, image)

    assert all(served((32, 64, 1, 1), direction) for direction in (path.FORWARD, path.INPUT, path.WEIGHT))
    assert served((32, 16, 1, 1), stride=2, groups=4)
    assert not served((32, 64, 1, 1), path.INPUT, stride=2)
    assert not served((32, 64, 1, 1), layout=inputs.channels_last)
    assert not served((32, 64, 3, 3))
    assert not served((32, 64, 1, 1), padding=1)
    assert not served((32, 64, 1, 1), padding=((0, 1), (0, 0)))
    assert not served((5000, 64, 1, 1))


@pytest.mark.parametrize("n", [2, 7, 64])
def test_the_choice_does_not_depend_on_n(n):
    for image, weight in (((64, 28, 28), (64, 64, 3, 3)), ((6, 12, 12), (12, 6, 5, 5)), ((20, 9, 9), (20, 20, 5, 5))):
        assert chosen((n, *image), weight) == chosen((1, *image), weight)


def test_switches():
    assert fastconv.use_path("winograd", False) is True
    try:
        assert chosen((1, 64, 28, 28), (64, 64, 3, 3)) == "direct"
        assert fastconv.use_path("winograd", True) is False
    finally:
        fastconv.use_path("winograd", True)
    with pytest.raises(ValueError, match="name must be one of 'winograd'"):
        fastconv.use_path("fastest")


def test_switches_in_the_environment():
    program = "from fastconv.ops import path; print([path.enabled(n) for n in path.OPTIONAL])"
    printed = child.run("-c", program, FASTCONV_PATHS_OFF="winograd, planar")
    assert printed.strip() == "[False, False, True, True, True]"
    refused = child.start("-c", program, FASTCONV_PATHS_OFF="fastest")
    assert refused.returncode == 1
    assert "FASTCONV_PATHS_OFF='fastest': must list some of winograd" in refused.stderr


def test_small_patches_serve_few_images_of_small_maps():
    def side(N, size, kernel=3, stride=1):
        return path.patch_side(geometry.conv2d((N, 64, size, size), (64, 64, kernel, kernel), stride, 1))

    assert (side(1, 7), side(1, 8), side(1, 9), side(1, 14)) == (4, 4, 6, 6)
    assert (side(2, 7), side(4, 4), side(5, 4)) == (6, 4, 6)
    assert side(1, 7, kernel=5) == side(1, 8, kernel=4, stride=2) == 6
