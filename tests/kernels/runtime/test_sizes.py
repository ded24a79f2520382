"""Scratch memory where strides, dilation and padding are as large as they may be: enough of it, or an error."""

from itertools import product

import child
import inputs
import numpy as np
import pytest

import fastconv

MOST = 2**31 - 1
CHANNELS = [(1, 1, 1), (2, 17, 1), (2, 20, 1), (4, 4, 1), (8, 40, 1), (16, 3, 1), (40, 40, 1), (6, 6, 6), (20, 20, 20)]
LAYOUTS = [np.array, inputs.channels_last]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("C", "K", "groups"), CHANNELS)
@pytest.mark.parametrize("stride", [(MOST, MOST), (2**30, 2**30), (2**30, 1000), (10**6, 3000)])
def test_a_stride_beyond_the_image_does_what_one_just_beyond_it_does(C, K, groups, stride, layout):
    rng = np.random.default_rng(1)
    x, w = layout(inputs.whole(rng, (2, C, 5, 6))), inputs.whole(rng, (K, C // groups, 3, 2))
    dy = layout(inputs.whole(rng, (2, K, 1, 1)))

    def results(stride):
        window = stride, 0, 1, groups
        packed = fastconv.ops.pack_weight(w, x.shape, *window)
        yield from (fastconv.conv2d(x, v, None, *window) for v in (w, packed))
        yield from (fastconv.conv2d_backward_input(dy, v, x.shape, *window) for v in (w, packed))
        yield fastconv.conv2d_backward_weight(dy, x, w.shape, *window)

    for far, near in zip(results(stride), results(8), strict=True):
        np.testing.assert_array_equal(far, near, strict=True)


WINDOWS = [
    ((1, MOST), ((MOST // 2, MOST // 2 + 1), (MOST, MOST)), (MOST, 1)),
    ((1, 2**30), ((2**30, 2**30), (2**30, 2**30)), (2**30, 1)),
    ((2**30, 2**30), (2**30, 2**30), 1),
    (MOST, (MOST, MOST), 1),
    (1, ((2**30, 2**30), 0), (MOST, 1)),
]


def padded_giants():
    """Copies of padded images whose sizes are beyond a Py_ssize_t, or nearly: in 4 GB of memory."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    for (C, K, groups), layout, window in product(CHANNELS, LAYOUTS, WINDOWS):
        x, w = layout(np.ones((1, C, 1, 2), "float32")), np.ones((K, C // groups, 2, 2), "float32")
        try:
            y = fastconv.conv2d(x, w, None, *window, groups)
            fastconv.conv2d_backward_input(y, w, x.shape, *window, groups)
            fastconv.conv2d_backward_weight(y, x, w.shape, *window, groups)
        except MemoryError:
            continue
        except ValueError as error:
            if "padding must make images of at most 2**40 pixels" not in str(error):
                raise
            continue
        assert y.max() <= w[0].size


def test_padded_giants_are_computed_or_refused():
    child.run(__file__)


if __name__ == "__main__":
    padded_giants()
