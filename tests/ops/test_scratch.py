"""No kernel reads or writes beyond its scratch memory, its operands or its results, for any tail and any path.

All of it ends, then starts, at a page that may not be touched; what is not asked for as zeros begins as NaN. A fault
would end the process, so the cases run in another one, which says what bits it found: those found here.
"""

import hashlib
import os
import sys
from functools import lru_cache, partial
from itertools import product

import child
import guarded
import inputs
import numpy as np
import problems
import pytest
from problems import DEPTHWISE, TAILS, WINOGRAD, Conv, operands

import fastconv
from fastconv.ops import norm

WIDTHS = (1, 3, 5, 8, 15, 16, 17, 33, 67)  # of a row: around the vectors of all builds, and their multiples
LAYOUTS = (np.array, inputs.channels_last)


# ---------------------------------------------------------------- cases: a sentence, a function, its arrays


def convolutions():
    """Every path, both layouts, both dtypes, with an epilogue and with packed weights."""
    rng = np.random.default_rng(1)
    some = [problems.random_conv(rng) for _ in range(24)] + [problems.random_transposed(rng) for _ in range(12)]
    for seed, problem in enumerate(NARROW + BORDERS + TAILS[::5] + DEPTHWISE + WINOGRAD + some):
        dtype = inputs.DTYPES[seed % 2] if problem not in WINOGRAD else "float32"
        for layout in LAYOUTS:
            a = operands(problem, inputs.real, seed, dtype)
            name = f"{problem} {layout.__name__} {dtype}"
            yield name, partial(passes, problem), a.replace(x=layout(a.x), dy=layout(a.dy))


def passes(problem, *arrays):
    a = problems.Operands(*arrays)
    results = tuple(problem.call(fastconv, which, a) for which in problems.PASSES)
    return results + finished(problem, *a) if isinstance(problem, Conv) else results


def finished(problem, x, weight, bias, dy):
    packed = fastconv.ops.pack_weight(weight, x.shape, *problem.window)
    y = fastconv.conv2d(x, packed, bias, *problem.window, activation="relu", residual=dy)
    return y, fastconv.conv2d_backward_input(dy, packed, x.shape, *problem.window)


# a row of the kernel read as one run: what lies beyond the last whole tile of pixels reads as many zeros
NARROW = [
    Conv((N, C, H, kw + extra), (K, C, kh, kw), stride, padding)
    for N, C, K, kh, H in ((1, 16, 20, 1, 1), (2, 3, 17, 2, 3), (1, 1, 64, 1, 2), (3, 9, 33, 3, 4))
    for kw, extra in ((2, 0), (7, 2), (40, 2))
    for stride, padding in ((1, 0), (2, (kh - 1, kw - 1)))
] + [Conv((1, 16, 1, 3002), (20, 16, 1, 3000))]
# images of a pixel, kernels wider than the image, strides and dilations beyond it, no image
BORDERS = [
    Conv((N, C, H, W), (K, C // groups, kh, kw), stride, padding, dilation, groups)
    for N, C, K, groups in ((0, 3, 5, 1), (1, 1, 1, 1), (2, 4, 6, 2), (1, 18, 35, 1), (1, 9, 9, 9))
    for (H, W), (kh, kw), stride, padding, dilation in (
        ((1, 1), (1, 1), 1, 0, 1),
        ((1, 1), (3, 5), 1, (2, 4), 1),
        ((2, 1), (2, 3), (9, 7), ((3, 1), (2, 5)), (2, 3)),
        ((3, 33), (1, 2), (1, 40), 0, (1, 30)),
        ((5, 2), (4, 1), (3, 1), (9, 0), (5, 1)),
    )
]


def pools():
    rng = np.random.default_rng(2)
    for W in WIDTHS:
        for layout in LAYOUTS:
            shape = 2, int(rng.integers(1, 40)), int(rng.integers(1, 9)), W
            x = layout(inputs.real(rng, shape, inputs.DTYPES[W % 2]))
            for kernel, stride, padding, dilation, ceil in (
                (1, 1, 0, 1, False),
                (2, 2, 0, 1, True),
                (3, 2, 1, 1, True),
                ((1, 2), 1, (0, 1), 1, False),
                ((1, 3), (1, 3), (0, 2), (1, 2), True),
                ((1, min(W, 9)), 1, 0, 1, False),
            ):
                if shape[2] + 2 * np.max(np.ravel(padding)[0]) < np.ravel(kernel)[0]:
                    continue
                if W + 2 * np.ravel(padding)[-1] < (np.ravel(kernel)[-1] - 1) * np.ravel(dilation)[-1] + 1:
                    continue
                window = kernel, stride, padding
                yield f"max {shape} {window}", partial(maxima, (*window, dilation, ceil)), (x,)
                if dilation == 1:
                    yield f"mean {shape} {window}", partial(means, (*window, ceil)), (x,)
                if padding == 0:
                    for p in (1, 2, 3):
                        yield f"norm {p} {shape} {window}", partial(norms, p, (kernel, stride, ceil)), (x,)
            yield f"adaptive {shape}", adaptive, (x,)
            yield f"unpooled {shape}", unpooled, (x,)


def maxima(window, x):
    y, indices = fastconv.max_pool2d(x, *window, return_indices=True)
    return y, indices, fastconv.max_pool2d(x, *window), fastconv.max_pool2d_backward(y, x, *window, indices=indices)


def means(window, x):
    y = fastconv.avg_pool2d(x, *window)
    return y, fastconv.avg_pool2d_backward(y, x.shape, *window)


def norms(p, window, x):
    y = fastconv.lp_pool2d(x, p, *window)
    return y, fastconv.lp_pool2d_backward(y, x, p, *window)


def adaptive(x):
    size = (x.shape[2] + 1) // 2, (x.shape[3] + 2) // 3
    y, (z, indices) = fastconv.adaptive_avg_pool2d(x, size), fastconv.adaptive_max_pool2d(x, size, return_indices=True)
    dx = fastconv.adaptive_avg_pool2d_backward(y, x.shape), fastconv.adaptive_max_pool2d_backward(z, x, indices=indices)
    return y, z, *dx, fastconv.global_avg_pool2d(x), fastconv.global_max_pool2d(x)


def unpooled(x):
    up = fastconv.upsample_nearest2d(x, 2)
    y, indices = fastconv.max_pool2d(up, 2, return_indices=True)
    z = fastconv.max_unpool2d(y, indices, output_size=up.shape[2:])
    return up, z, fastconv.max_unpool2d_backward(z, indices), fastconv.upsample_nearest2d_backward(up, 2)


def normalisations():
    rng = np.random.default_rng(3)
    for W in WIDTHS:
        for channels in (1, 4, 17, 66):
            for layout in LAYOUTS:
                x = layout(inputs.real(rng, (2, channels, 3, W), inputs.DTYPES[W % 2]))
                w, b = inputs.real(rng, (2, channels), x.dtype)
                yield f"norms {x.shape} {layout.__name__}", normalised, (x, w, b)


def normalised(x, w, b):
    y, mean, invstd = fastconv.batch_norm(x, None, None, w, b, training=True, return_saved=True)
    results = [y, *fastconv.batch_norm_backward(y, x, mean, invstd, w), *fused(x, y, w, b, mean, invstd)]
    for size in (1, 2, 5):
        results += [fastconv.local_response_norm(x, size), fastconv.local_response_norm_backward(y, x, size)]
    for groups in {1, x.shape[1]}:
        z, mean, invstd = fastconv.group_norm(x, groups, w, b, return_saved=True)
        results += [z, *fastconv.group_norm_backward(y, x, mean, invstd, w)]
    scale = np.ones(x.shape[1:], x.dtype)
    z, mean, invstd = fastconv.layer_norm(x, x.shape[1:], scale, scale, return_saved=True)
    return *results, z, *fastconv.layer_norm_backward(y, x, mean, invstd, scale)


def fused(x, dy, w, b, mean, invstd):
    """With a residual and an activation, as networks do it; the running statistics in place of the batch's."""
    y, dx, dz, dw, db = np.empty_like(x), np.empty_like(x), np.empty_like(x), np.empty_like(w), np.empty_like(b)
    norm.batch_norm_call(x, y, w, b, (mean, invstd**-2), None, None, 0.1, 1e-5, False, "relu", dy)()
    norm.batch_norm_backward_call(dy, x, dx, w, mean, invstd, (dw, db), True, "relu6", b, y, dz)()
    return y, dx, dz, dw, db


def rows():
    """Dense layers, softmax, losses, activations, copies."""
    rng = np.random.default_rng(4)
    for N in (1, 2, 3, 7, 25):
        for I in WIDTHS:
            for O in (1, 3, 5, 67):
                dtype = inputs.DTYPES[(I + O) % 2]
                x, w, b = (inputs.real(rng, shape, dtype) for shape in ((N, I), (O, I), (O,)))
                yield f"dense {N} {I} {O}", dense, (x, w, b, inputs.real(rng, (N, O), dtype))
            yield f"classes {N} {I}", classes, (x, np.array(rng.integers(0, I, N)))
            yield (
                f"elements {N} {I}",
                elements,
                (inputs.real(rng, (N, I), dtype), np.abs(inputs.real(rng, (N, I), dtype)) % 1),
            )
    for W in WIDTHS:
        x = inputs.real(rng, (2, 19, 3, W), inputs.DTYPES[W % 2])
        yield f"maps {x.shape}", maps, (x,)
        yield f"maps {x.shape} channels last", maps, (inputs.channels_last(x),)


def dense(x, w, b, dy):
    y = fastconv.linear(x, w, b)
    return y, *fastconv.linear_backward(dy, x, w), fastconv.linear(x[:, ::-1], w[:, ::-1], b[::-1])


def classes(x, targets):
    y = fastconv.softmax(x), fastconv.log_softmax(x), fastconv.softmax(x, 0), fastconv.log_softmax(x, 0)
    losses = [fastconv.cross_entropy(x, targets, label_smoothing=s, return_gradient=True) for s in (0.0, 0.1)]
    losses += [
        fastconv.nll_loss(x, targets, return_gradient=True),
        fastconv.cross_entropy(x, y[0], return_gradient=True),
    ]
    backward = fastconv.softmax_backward(x, x), fastconv.log_softmax_backward(x, x), fastconv.softmax_backward(x, x, 0)
    return *y, *backward, *(v for pair in losses for v in pair)


def elements(x, t):
    losses = fastconv.mse_loss, fastconv.l1_loss, fastconv.huber_loss, fastconv.binary_cross_entropy_with_logits
    pairs = [loss(x, t, return_gradient=True) for loss in losses]
    pairs += [loss(x[::-1], t, "none", return_gradient=True) for loss in losses]
    names = "relu", "relu6", "sigmoid", "tanh", "elu", "gelu", "silu", "softplus", "hardswish", "hardsigmoid"
    names += "selu", "celu", "mish", "logsigmoid", "softsign", "hardtanh"
    values = [getattr(fastconv, name)(a) for name in names for a in (x, x[:, ::-1])]
    return *values, fastconv.add(x, t, activation="relu"), *(v for pair in pairs for v in pair)


def maps(x):
    targets = np.zeros(x[:, 0].shape, int)
    w = np.full(x.shape[1], 0.5, x.dtype)
    return (
        fastconv.ops.to_planar(x), fastconv.ops.to_channels_last(x), fastconv.softmax(x, 1), fastconv.prelu(x, w),
        *fastconv.prelu_backward(x, x, w), fastconv.conv2d_backward_bias(x),
        *fastconv.cross_entropy(x, targets, return_gradient=True),
    )  # fmt: skip


KINDS = {f.__name__: f for f in (convolutions, pools, normalisations, rows)}


# ---------------------------------------------------------------- in another process, and here


def found(kind, place=np.array):
    """A line for each case: the bits of its results."""
    for name, function, arrays in KINDS[kind]():
        results = function(*map(place, arrays))
        results = results if isinstance(results, tuple) else (results,)
        bits = hashlib.sha1(b"".join(np.ascontiguousarray(r).tobytes() for r in results))
        yield f"{name}: {bits.hexdigest()}"


@lru_cache
def found_here(kind, off):
    with problems.paths_off(*off.split(",") if off else []):
        return list(found(kind))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return guarded.build(tmp_path_factory.mktemp("guarded"))


ABLE = sys.platform.startswith("linux") and guarded.compiler() and "asan" not in os.environ.get("LD_PRELOAD", "")
needed = pytest.mark.skipif(not ABLE, reason="needs a C compiler, and no sanitizer in the place of malloc")


SWITCHED_OFF = ["winograd,planar,depthwise", "narrow,pointwise"]


@needed
@pytest.mark.parametrize("side", ["end", "start"])
@pytest.mark.parametrize(("kind", "off"), [*product(KINDS, [""]), *product(["convolutions"], SWITCHED_OFF)])
def test_no_access_beyond_scratch_memory_operands_or_results(library, kind, off, side):
    output = child.run(__file__, kind, LD_PRELOAD=library, GUARD=side, FASTCONV_PATHS_OFF=off, OMP_NUM_THREADS="1")
    assert output.splitlines() == found_here(kind, off)


@needed
def test_the_guard_ends_a_process_that_reads_on(library):
    """From a block into the page behind."""
    program = "import numpy as np, ctypes; a = np.ones(1000); ctypes.string_at(a.ctypes.data, {})"
    assert child.start("-c", program.format(8000), LD_PRELOAD=library, GUARD="end").returncode == 0
    assert child.start("-c", program.format(8001), LD_PRELOAD=library, GUARD="end").returncode < 0


if __name__ == "__main__":
    for line in found(sys.argv[1], lambda a: guarded.between_pages(a, os.environ["GUARD"] == "end")):
        print(line)
    assert min(guarded.counts()) > 100
