"""Copies in blocks: the bits of one copy of the whole array, at the first call and at those that follow its plan."""

import numpy as np
import pytest

import fastconv
from fastconv.kernels.runtime.calls import forget
from fastconv.ops import copies

N, C, H, W = 5, 6, 24, 40
VIEWS = {
    "rows and columns exchanged": lambda made: made(N, C, W, H).transpose(0, 1, 3, 2),
    "every second channel": lambda made: made(N, H, W, 2 * C)[..., ::2].transpose(0, 3, 1, 2),
    "images and columns back": lambda made: made(N, C, H, W)[::-1, ..., ::-1],
    "all axes turned round": lambda made: made(W, H, C, N).T,
    "one image for all": lambda made: np.broadcast_to(made(1, H, W, C).transpose(0, 3, 1, 2), (N, C, H, W)),
}


def numbers(dtype, seed=0):
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape).astype(dtype)


def in_order(x, seed=1):
    return numbers(x.dtype, seed)(*x.shape)


def into(op):
    """The op with a result in C order."""
    return lambda x: op(x, out=np.full(x.shape, np.nan, x.dtype))


def per_channel(x):
    return [np.linspace(0.5, 2, C).astype(x.dtype) for _ in range(4)]


OPS = {
    "relu": into(fastconv.relu),
    "sigmoid_backward": lambda x: fastconv.sigmoid_backward(in_order(x), y=x, out=np.full(x.shape, np.nan, x.dtype)),
    "of two odd arrays": lambda x: into(lambda a, out: fastconv.add(a, a[:, ::-1], out=out))(x),
    "softmax over columns": into(lambda x, out: fastconv.softmax(x, 3, out=out)),
    "softmax over images": into(lambda x, out: fastconv.softmax(x, 0, out=out)),
    "max_pool2d": lambda x: fastconv.max_pool2d(x, 3, stride=2, return_indices=True),
    "avg_pool2d_backward": lambda x: fastconv.avg_pool2d_backward(x, (N, C, 2 * H, 2 * W), 2),
    "lp_pool2d": lambda x: fastconv.lp_pool2d(x, 2, 2),
    "interpolate": lambda x: fastconv.interpolate(x, 50, mode="bilinear"),
    "batch_norm": lambda x: fastconv.batch_norm(x, *per_channel(x), return_saved=True),
    "batch_norm in training": lambda x: fastconv.batch_norm(x, None, None, training=True, return_saved=True),
    "group_norm": lambda x: fastconv.group_norm(x, 3, *per_channel(x)[:2], return_saved=True),
    "instance_norm": lambda x: fastconv.instance_norm(x, return_saved=True),
    "layer_norm of images": lambda x: fastconv.layer_norm(x, x.shape[1:], return_saved=True),
    "layer_norm of rows": lambda x: fastconv.layer_norm(x, W, return_saved=True),
    "layer_norm of all": lambda x: fastconv.layer_norm(x, x.shape, return_saved=True),
    "local_response_norm": lambda x: fastconv.local_response_norm(x, 3),
    "local_response_norm_backward": lambda x: fastconv.local_response_norm_backward(in_order(x), x, 3),
    "conv2d": lambda x: fastconv.conv2d(x, in_order(x, 2)[:4, :, :3, :3], None, padding=1),
    "conv2d with a residual": lambda x: fastconv.conv2d(x, in_order(x, 2)[:4, :, :1, :1], residual=in_order(x)[:, :4]),
    "mse_loss": lambda x: fastconv.mse_loss(x, in_order(x)),
}


def results(op, x):
    """What three calls give: the first, one of which a plan is made, one that follows it."""
    forget()
    for _ in range(3):
        found = op(x)
        yield found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", OPS)
def test_blocks_have_the_bits_of_the_whole(name, view, dtype, monkeypatch):
    x = VIEWS[view](numbers(dtype))
    [wanted, *_] = results(OPS[name], x)
    monkeypatch.setattr(copies, "BLOCK", x[:2].nbytes)
    for got in results(OPS[name], x):
        for a, b in zip(got, wanted, strict=True):
            np.testing.assert_array_equal(a, b)
    forget()


LOSSES = {
    "mse_loss": lambda x, t, r: fastconv.mse_loss(x, t, r),
    "l1_loss": lambda x, t, r: fastconv.l1_loss(t, x, r),
    "huber_loss": lambda x, t, r: fastconv.huber_loss(x, t, r, 0.5),
    "the gradient of huber_loss": lambda x, t, r: fastconv.huber_loss_backward(x, t, r, 0.5),
    "of logits": lambda x, t, r: fastconv.binary_cross_entropy_with_logits(x, abs(np.sin(t)), reduction=r),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("images", [1, 2, 3])  # of 8192 values, a job, or of half a job
@pytest.mark.parametrize("rows", [32, 16])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_of_blocks_has_the_bits_of_the_whole(loss, rows, images, reduction, dtype, monkeypatch):
    made = numbers(dtype)
    x, t = made(5, rows, 32, 16)[..., ::2].transpose(0, 3, 1, 2) ** 5, made(5, 8, rows, 32)  # sums that are rounded
    [wanted, *_] = results(lambda x: LOSSES[loss](x, t, reduction), x)
    monkeypatch.setattr(copies, "BLOCK", images * x[:1].nbytes)
    for [got] in results(lambda x: LOSSES[loss](x, t, reduction), x):
        np.testing.assert_array_equal(got, wanted[0])
    forget()


def test_an_index_out_of_its_window_is_named_as_in_c_order(monkeypatch):
    monkeypatch.setattr(copies, "BLOCK", 1)
    dy = VIEWS["rows and columns exchanged"](numbers("float32"))
    indices = (np.arange(H)[:, None] * 4 * W + np.arange(W) * 2) + np.zeros((N, C, 1, 1), np.int64)
    x = np.zeros((N, C, 2 * H, 2 * W), "float32")
    indices[3, 2, 1, 0] = 5
    with pytest.raises(ValueError, match="indices") as expected:
        fastconv.max_pool2d_backward(np.ascontiguousarray(dy), x, 2, indices=indices)
    with pytest.raises(ValueError, match="indices") as got:
        fastconv.max_pool2d_backward(dy, x, 2, indices=indices)
    assert str(got.value) == str(expected.value)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("block", [1, 4000, 30_000])
@pytest.mark.parametrize("axes", [1, 3, 4])
def test_each_element_is_in_one_block(axes, block, view, monkeypatch):
    monkeypatch.setattr(copies, "BLOCK", block)
    x = VIEWS[view](numbers("float32"))
    count = np.zeros(x.shape, int)
    blocks = copies.cut([x], axes)
    for at in blocks:
        count[at] += 1
    assert (count == 1).all()
    assert len(blocks) <= copies.MOST_BLOCKS * 2


def test_blocks_fit_the_caches_and_read_whole_cache_lines(monkeypatch):
    x = np.zeros((8, 16, 128, 128), "float32")
    assert [x[at].nbytes for at in copies.cut([x], 1)] == [1 << 20] * 8
    assert [x[:1][at].nbytes for at in copies.cut([x[:1]], 4)] == [1 << 20]
    monkeypatch.setattr(copies, "BLOCK", 1 << 18)
    assert [x[:1][at].shape for at in copies.cut([x[:1]], 4)] == [(1, 4, 128, 128)] * 4
    assert copies.cut([x.T], 1) == [(slice(0, 128),)]  # a block would read a part of each cache line
    monkeypatch.setattr(copies, "BLOCK", 1 << 22)
    assert copies.cut([x.T], 1) == [(slice(0, 64),), (slice(64, 128),)]
    assert copies.cut([x], 0) == copies.WHOLE
