"""The calls that `costs.py` times: for each name in the table of costs, one that spends its time on that cost.

To add a cost, add a line to `CASES`: name -> a function that makes the call and says how many units of the cost the
call does. Where it does units of other costs as well, `{"": units, "OTHER": units}`: their time by the file is
subtracted.
"""

from functools import partial

import numpy as np

import fastconv as fc
from fastconv import kernels

LANES = {"baseline": 4, "v3": 8, "v4": 16}[kernels.build]  # of a vector of float32
PLANAR_LANES = min(LANES, 8)
MAPS = (8, 64, 56, 56)
N, C, H, W = MAPS
SIZE = N * C * H * W
PATCHES = N * -(-H // 4) * -(-W // 4) * 36  # of 4 x 4 results, in 36 frequencies

INSIDE = {  # costs of a part that no public call does alone
    "DIRECT_PAD_NS": "conv2d with padding",
    "DIRECT_ADD_NS": "conv2d_backward_weight",
    "DENSE_PACK_X_NS": "linear",
    "DENSE_PACK_PANELS_NS": "linear_backward_weight",
    "DENSE_PACK_DY_NS": "linear_backward_weight",
}


def draw(*shape):
    """Numbers in [-1, 1), the same on every run."""
    return np.random.default_rng(0).random(shape, np.float32) * 2 - 1


def last(*shape):
    """The same in channels-last memory."""
    return fc.to_channels_last(draw(*shape))


def into(function, *arguments, **options):
    """The call, which overwrites one result, so that no memory is allocated in it."""
    return partial(function, *arguments, **options, out=function(*arguments, **options))


def step(optimizer):
    """One step of the optimizer on 2^20 parameters."""
    w, g = {"w": draw(1 << 20)}, {"w": draw(1 << 20)}
    return partial(optimizer.step, w, g)


def indices():
    """Indices of the largest values in windows of 2 x 2."""
    return fc.max_pool2d(draw(*MAPS), 2, return_indices=True)[1]


def saved(function, *arguments, **options):
    """The mean and the inverse standard deviation that the backward pass of a norm needs."""
    return function(*arguments, return_saved=True, **options)[1:]


def batch_norm(x):
    """The function and its arguments but `training`."""
    return fc.batch_norm, x, np.zeros(C, np.float32), np.ones(C, np.float32)


def elementwise(function, *arguments):
    """A case of a function that makes one result of each element."""
    return lambda: (into(function, draw(*MAPS), *arguments), SIZE)


def loss(function, targets):
    """A case of a loss with its gradient."""
    shape = (1024, 1000)
    return lambda: (partial(function, draw(*shape), targets(*shape), return_gradient=True), 1024 * 1000)


def classes(rows, columns):
    """A class for each row."""
    return np.random.default_rng(0).integers(columns, size=rows)


def direct():
    """A 1 x 1 convolution: 64 to 64 channels and the start of each sum, which counts as four products."""
    return into(fc.conv2d, last(*MAPS), draw(64, C, 1, 1)), SIZE // C * 64 * (C + 4)


def winograd(K):
    """3 x 3, 64 to K channels, the weight packed beforehand."""
    x, w = last(*MAPS), draw(K, C, 3, 3)
    packed = fc.pack_weight(w, MAPS, padding=1, backward=False)
    return into(fc.conv2d, x, packed, padding=1)


def winograd_products():
    """Many filters: nearly all time goes into products."""
    return winograd(256), {"": PATCHES * C * 256, "WINOGRAD_TRANSFORM_NS": PATCHES * (C + 256)}


def winograd_transforms():
    """Few filters: much time goes into transforms."""
    return winograd(16), {"": PATCHES * (C + 16), "WINOGRAD_PRODUCT_NS": PATCHES * C * 16}


def winograd_back():
    """The weight gradient of a small plane and many filters."""
    x, dy = last(1, 256, 8, 8), last(1, 256, 8, 8)
    patches = 4 * 36
    others = {"WINOGRAD_PRODUCT_NS": patches * 256 * 256, "WINOGRAD_TRANSFORM_NS": patches * 512}
    call = into(fc.conv2d_backward_weight, dy, x, (256, 256, 3, 3), padding=1)
    return call, {"": 256 * 256, **others}


def planar():
    """3 to 16 channels, rows of one channel side by side in memory."""
    call = into(fc.conv2d, draw(8, 3, 56, 56), draw(16, 3, 3, 3), padding=1)
    return call, 8 * 56 * -(-56 // PLANAR_LANES) * 16 * 3 * 9


def planar_spread():
    """The input gradient of a strided convolution."""
    call = into(fc.conv2d_backward_input, draw(8, 6, 28, 28), draw(6, 3, 2, 2), (8, 3, 56, 56), stride=2)
    return call, 8 * 28 * -(-28 // PLANAR_LANES) * 3 * 4 * 6


def pointwise():
    """A 1 x 1 convolution on planes; the start of each sum counts as four products."""
    return into(fc.conv2d, draw(*MAPS), draw(64, C, 1, 1)), SIZE // C * 64 * (C + 4)


def pointwise_weight():
    """The weight gradient of the same."""
    return into(fc.conv2d_backward_weight, draw(*MAPS), draw(*MAPS), (64, C, 1, 1)), SIZE * 64


def plane():
    """3 x 3, one filter per channel, rows of one channel side by side in memory; copying x and storing y: four taps."""
    call = into(fc.conv2d, draw(*MAPS), draw(C, 1, 3, 3), padding=1, groups=C)
    return call, N * C * H * -(-W // LANES) * (4 + 9)


def small():
    """3 x 3, one filter per channel, a row of y fits into a vector; reading x and storing y: four taps."""
    call = into(fc.conv2d, draw(8, 256, 14, 14), draw(256, 1, 3, 3), padding=1, groups=256)
    return call, 8 * 256 * 14 * -(-14 // LANES) * (4 + 9)


def plane_weight():
    """The weight gradient of the same."""
    call = into(fc.conv2d_backward_weight, draw(*MAPS), draw(*MAPS), (C, 1, 3, 3), padding=1, groups=C)
    return call, N * C * H * -(-W // LANES) * (4 + 9)


def depthwise():
    """3 x 3, one filter per channel; reading x and storing y count as two taps."""
    return into(fc.conv2d, last(*MAPS), draw(C, 1, 3, 3), padding=1, groups=C), SIZE * (2 + 9)


def depthwise_weight():
    """The weight gradient of the same."""
    call = into(fc.conv2d_backward_weight, last(*MAPS), last(*MAPS), (C, 1, 3, 3), padding=1, groups=C)
    return call, SIZE * (2 + 9)


def linear(rows, inputs, outputs, first):
    """The forward pass of a dense layer; `first` is the cost that is measured, the other one is subtracted."""
    units = {"DENSE_PRODUCTS_PER_NS": rows * outputs * (inputs + 8 * LANES) / LANES}
    units["WEIGHT_READ_PER_NS"] = outputs * inputs * 4
    return into(fc.linear, draw(rows, inputs), draw(outputs, inputs)), {"": units.pop(first), **units}


def linear_write():
    """The weight gradient of one sample: nearly all time goes into writing it."""
    call = into(fc.linear_backward_weight, draw(1, 4096), draw(1, 4096))
    return call, {"": 4096 * 4096 * 4, "DENSE_PRODUCTS_PER_NS": 4096 * 4096 / LANES}


def unpool():
    """Indices are checked, then values are put in their places."""
    known = indices()
    call = into(fc.max_unpool2d, draw(*known.shape), known, 2)
    return call, {"": SIZE, "POOL_INDEX_CHECK_NS": known.size}


def unpool_backward():
    """Indices are checked, then values are taken from their places."""
    known = indices()
    return into(fc.max_unpool2d_backward, draw(*MAPS), known), {"": known.size, "POOL_INDEX_CHECK_NS": known.size}


def index_check():
    """The gradient of max pooling with indices, which are checked first."""
    known = indices()
    call = into(fc.max_pool2d_backward, draw(*known.shape), draw(*MAPS), 2, indices=known)
    return call, {"": known.size, "POOL_BACKWARD_NS": SIZE}


def pool_backward(name, *arguments):
    """The gradient of windows of 2 x 2; `arguments` come before the size of the window."""
    forward, backward = getattr(fc, name), getattr(fc, f"{name}_backward")
    x = draw(*MAPS)
    dy = draw(*forward(x, *arguments, 2).shape)
    return into(backward, dy, x.shape if name == "avg_pool2d" else x, *arguments, 2), SIZE


def batch_norm_backward():
    """The gradients of x, weight and bias, in training."""
    x = draw(*MAPS)
    function, *arguments = batch_norm(x)
    mean, invstd = saved(function, *arguments, training=True)
    return partial(fc.batch_norm_backward, draw(*MAPS), x, mean, invstd), SIZE


def batch_norm_forward():
    """Moments and result, in training."""
    function, *arguments = batch_norm(draw(*MAPS))
    return into(function, *arguments, training=True), SIZE


def bilinear():
    """Two taps for each value of a row of x and for each of y."""
    return into(fc.interpolate, last(*MAPS), (2 * H, 2 * W), mode="bilinear"), N * C * 2 * H * 2 * (W + 2 * W)


def layer_norm_backward():
    """The gradients of x, weight and bias; rows of 1024."""
    x = draw(2048, 1024)
    return partial(fc.layer_norm_backward, draw(2048, 1024), x, *saved(fc.layer_norm, x, 1024), draw(1024)), x.size


CASES = {  # name: makes (the call, units of this cost, or these under "" and those of others under their names)
    "DIRECT_PRODUCT_NS": direct,
    "POINTWISE_PRODUCT_NS": pointwise,
    "POINTWISE_WEIGHT_NS": pointwise_weight,
    "DIRECT_PACK_NS": lambda: (partial(fc.pack_weight, draw(512, 512, 1, 1), (1, 512, 7, 7), backward=False), 512**2),
    "BIAS_VALUE_NS": lambda: (into(fc.conv2d_backward_bias, draw(*MAPS)), {"": SIZE, "BIAS_MAP_NS": N * C}),
    "BIAS_MAP_NS": lambda: (
        into(fc.conv2d_backward_bias, draw(64, 512, 2, 2)),
        {"": 64 * 512, "BIAS_VALUE_NS": 64 * 512 * 4},
    ),
    "WINOGRAD_FILTER_NS": lambda: (
        partial(fc.pack_weight, draw(256, 256, 3, 3), (8, 256, 28, 28), padding=1, backward=False),
        256 * 256 * 9,
    ),
    "WINOGRAD_PRODUCT_NS": winograd_products,
    "WINOGRAD_TRANSFORM_NS": winograd_transforms,
    "WINOGRAD_BACK_NS": winograd_back,
    "PLANAR_PRODUCT_NS": planar,
    "PLANAR_SPREAD_PRODUCT_NS": planar_spread,
    "PLANE_TAP_NS": plane,
    "SMALL_TAP_NS": small,
    "PLANE_WEIGHT_TAP_NS": plane_weight,
    "DEPTHWISE_TAP_NS": depthwise,
    "DEPTHWISE_WEIGHT_TAP_NS": depthwise_weight,
    "POOL_FORWARD_NS": lambda: (into(fc.max_pool2d, draw(*MAPS), 3, 1, 1), SIZE * 5 * 5),
    "POOL_FORWARD_LP_NS": lambda: (into(fc.lp_pool2d, draw(*MAPS), 3.0, 2), SIZE // 4 * 4 * 4),
    "POOL_BACKWARD_NS": lambda: pool_backward("max_pool2d"),
    "POOL_BACKWARD_L2_NS": lambda: pool_backward("lp_pool2d", 2),
    "POOL_BACKWARD_LP_NS": lambda: pool_backward("lp_pool2d", 3.0),
    "POOL_INDEX_CHECK_NS": index_check,
    "UNPOOL_FORWARD_NS": unpool,
    "UNPOOL_BACKWARD_NS": unpool_backward,
    "WEIGHTED_TAP_NS": bilinear,
    "NORM_FORWARD_NS": batch_norm_forward,
    "NORM_BACKWARD_NS": batch_norm_backward,
    "LAYER_NORM_BACKWARD_NS": layer_norm_backward,
    "LOCAL_RESPONSE_NS": elementwise(fc.local_response_norm, 5),
    "DENSE_BIAS_NS": lambda: (into(fc.linear_backward_bias, draw(256, 4096)), 256 * 4096),
    "DENSE_PRODUCTS_PER_NS": lambda: linear(256, 1024, 1024, "DENSE_PRODUCTS_PER_NS"),
    "WEIGHT_READ_PER_NS": lambda: linear(1, 4096, 4096, "WEIGHT_READ_PER_NS"),
    "DENSE_WRITE_PER_NS": linear_write,
    "RECTIFIER_NS": elementwise(fc.relu),
    "ADD_NS": elementwise(fc.add, draw(*MAPS)),
    "EXP_NS": elementwise(fc.sigmoid),
    "SILU_NS": elementwise(fc.silu),
    "SMOOTH_NS": elementwise(fc.gelu),
    "SOFTMAX_NS": lambda: (into(fc.softmax, draw(1024, 1000)), 1024 * 1000),
    "PRELU_WEIGHT_NS": lambda: (partial(fc.prelu_backward, draw(*MAPS), draw(*MAPS), draw(C)), SIZE),
    "DIFFERENCE_LOSS_NS": loss(fc.mse_loss, draw),
    "EXP_LOSS_NS": loss(fc.cross_entropy, classes),
    "SGD_NS": lambda: (step(fc.SGD(0.1)), 1 << 20),
    "MOMENTS_NS": lambda: (step(fc.Adam()), 1 << 20),
    "GRADIENT_NS": lambda: (partial(fc.clip_gradients, {"g": draw(1 << 20)}, 1e9), 1 << 20),  # so large: not scaled
    "COPY_NS": lambda: (partial(fc.to_planar, last(*MAPS)), SIZE),
    "COPY_SINGLE_NS": lambda: (into(fc.concatenate, [draw(N, C, H, 2 * W)[..., ::2]]), SIZE),
}
