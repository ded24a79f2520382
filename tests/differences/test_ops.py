"""All ops with gradients pass, at random points and at points made of kinks and ties."""

import numpy as np
import pytest

import fastconv
from fastconv import ops
from fastconv.differences import gradcheck
from fastconv.differences.pairing import backwards

WORDS = "elu gelu hardsigmoid hardswish leaky_relu relu relu6 sigmoid silu softplus tanh softmax log_softmax"
WORDS += " selu celu softsign mish logsigmoid hardtanh"
CLASSES = np.array([0, 2, 1, 1])
POINTS = {
    "random": lambda rng, shape: rng.standard_normal(shape),
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "integers": lambda rng, shape: rng.integers(-3, 4, shape).astype(float),
    "ties": lambda rng, shape: 6.0 * rng.integers(0, 2, shape),
    "thresholds": lambda rng, shape: rng.choice([-3.0, 0, 3, 6, 20, -1, 1], shape),
}


def activations(n):
    x = n(2, 3, 4, 4)
    yield from ((getattr(ops, word), (x,), {}) for word in WORDS.split())
    yield ops.elu, (x, 0.5), {}
    yield ops.celu, (x, 0.5), {}
    yield ops.hardtanh, (x, 0.0, np.inf), {}
    yield ops.threshold, (x, 0.0, 0.0), {}
    yield ops.threshold, (x, 1.0), {"value": 1.0}
    yield ops.gelu, (x, "tanh"), {}
    yield ops.softmax, (n(3, 4),), {"axis": 0}
    yield ops.log_softmax, (n(3, 4), -1), {}
    yield ops.prelu, (x, n(3)), {}
    yield ops.prelu, (x, n(1)), {}


def convolutions(n):
    x = n(2, 3, 6, 6)
    yield ops.conv2d, (x, n(4, 3, 3, 3), n(4)), {"padding": 1}
    yield ops.conv2d, (x, n(4, 3, 3, 3)), {"stride": 2, "padding": "same"}
    yield ops.conv2d, (x[0], n(4, 3, 3, 3), n(4)), {"dilation": 2}
    yield ops.conv2d, (x, n(6, 1, 3, 3)), {"groups": 3, "precise": True}
    yield ops.conv_transpose2d, (x, n(3, 4, 3, 3), n(4)), {"stride": 2, "padding": 1, "output_padding": 1}
    yield ops.conv_transpose2d, (x, n(3, 2, 3, 3)), {"groups": 3}
    yield from ((ops.convolve2d, (n(5, 6), n(3, 3)), {"mode": mode}) for mode in ("full", "same", "valid"))
    x, x2 = n(2, 3, 8), x
    yield ops.conv1d, (x, n(4, 3, 3), n(4)), {"stride": 2, "padding": 1}
    yield ops.conv1d, (x[0], n(6, 1, 3)), {"groups": 3, "dilation": 2}
    yield ops.conv_transpose1d, (x, n(3, 4, 3), n(4)), {"stride": 2, "padding": 1, "output_padding": 1}
    yield ops.matmul, (x2, n(2, 3, 6, 4)), {}
    yield ops.multiply, (x2, n(2, 3, 6, 6)), {}
    yield ops.multiply, (x2, n(2, 3, 1, 1)), {}
    yield ops.multiply, (x2, n(2, 1, 6, 6)), {}
    yield ops.linear, (n(4, 3), n(5, 3), n(5)), {}
    yield ops.linear, (n(4, 3), n(5, 3)), {}


def poolings(n):
    x = n(2, 3, 6, 6)
    yield ops.adaptive_avg_pool2d, (x, 4), {}
    yield ops.adaptive_max_pool2d, (x, (4, 2)), {}
    yield ops.avg_pool2d, (x, 2), {}
    yield ops.avg_pool2d, (x, 3), {"stride": 2, "padding": 1, "count_include_pad": False, "ceil_mode": True}
    yield ops.max_pool1d, (x[:, :, 0], 3, 2, 1), {}
    yield ops.avg_pool1d, (x[:, :, 0], 3, 2, 1), {"count_include_pad": False}
    yield ops.adaptive_avg_pool1d, (x[:, :, 0], 4), {}
    yield ops.adaptive_max_pool1d, (x[:, :, 0], 4), {}
    yield ops.global_avg_pool1d, (x[:, :, 0],), {}
    yield ops.global_max_pool1d, (x[:, :, 0],), {}
    yield ops.global_avg_pool2d, (x,), {}
    yield ops.global_max_pool2d, (x,), {}
    yield from ((ops.lp_pool2d, (x, p, 2), {}) for p in (1, 1.5, 2, 3))
    yield ops.lp_pool2d, (x, 2, 3), {"stride": 1}
    yield ops.max_pool2d, (x, 2), {}
    yield ops.max_pool2d, (x, 3), {"stride": 2, "padding": 1}
    yield ops.max_pool2d, (x, 2), {"stride": 1, "dilation": 2, "ceil_mode": True}
    y, indices = ops.max_pool2d(np.random.default_rng(0).standard_normal((2, 3, 6, 6)), 2, return_indices=True)
    yield ops.max_unpool2d, (n(*y.shape), indices, 2), {}
    yield ops.pad, (x, (1, 2, 0, 1)), {"value": 3.0}
    yield ops.pad, (x, 0), {}
    yield from ((ops.pad, (x, (1, 2, 0, 1)), {"mode": mode}) for mode in ("reflect", "replicate", "circular"))
    yield ops.interpolate, (x, (4, 9)), {"mode": "bilinear"}
    yield ops.interpolate, (x, None, (1.5, 0.5)), {"mode": "bilinear", "align_corners": True}
    yield ops.interpolate, (x, (5, 8)), {}
    yield ops.upsample_nearest2d, (x, (2, 1)), {}
    yield ops.upsample_nearest2d, (x, 1), {}


def norms(n):
    x, one = n(2, 3, 4, 4), (n(3), n(3))
    for mode in ({"training": True}, {"training": False}):
        yield ops.batch_norm, (x, n(3), 1 + n(3) ** 2, *one), mode
        yield ops.batch_norm, (x, n(3), 1 + n(3) ** 2), mode
    yield ops.batch_norm, (n(4, 3), None, None, n(3)), {"training": True}
    yield ops.group_norm, (x, 3, *one), {}
    yield ops.group_norm, (x, 1), {}
    yield ops.instance_norm, (x, *one), {}
    yield ops.instance_norm, (x,), {}
    yield ops.layer_norm, (x, (3, 4, 4), n(3, 4, 4), n(3, 4, 4)), {}
    yield ops.layer_norm, (n(4, 6), 6), {}
    yield ops.local_response_norm, (n(2, 5, 3, 3), 3), {"alpha": 0.5}


def losses(n):
    yes = (n(2, 3) > 0).astype(float)
    weight = np.array([1.0, 2, 3])
    for reduction in ("mean", "sum", "none"):
        how = {"reduction": reduction}
        yield ops.binary_cross_entropy_with_logits, (n(2, 3), yes), how
        yield ops.cross_entropy, (n(4, 3), CLASSES), how
        yield ops.nll_loss, (n(4, 3), CLASSES), how
        yield from ((op, (n(4, 3), n(4, 3)), how) for op in (ops.mse_loss, ops.l1_loss, ops.huber_loss))
    yield ops.binary_cross_entropy_with_logits, (n(2, 3), yes), {"pos_weight": weight, "weight": weight}
    options = {"weight": weight, "label_smoothing": 0.2, "ignore_index": 1}
    yield ops.cross_entropy, (n(4, 3, 2, 2), np.tile(CLASSES[:, None, None], (1, 2, 2))), options


FAMILIES = (activations, convolutions, poolings, norms, losses)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_op_gives_a_false_alarm(family, point, seed):
    rng = np.random.default_rng(seed)
    for op, arguments, options in family(lambda *shape: POINTS[point](rng, shape)):
        report = gradcheck(op, *arguments, entries=20, seed=seed, raise_exception=False, **options)
        assert report, f"{op.__name__} {options}: {report.message()}"


def test_these_are_all_ops_with_gradients():
    tested = {op.__name__ for family in FAMILIES for op, _, _ in family(lambda *shape: np.ones(shape))}
    assert tested == {name for name in ops.__all__ if callable(getattr(ops, name)) and has_backward(name)}


def has_backward(name):
    op = getattr(ops, name)
    return not isinstance(op, type) and bool(backwards(op))


def test_each_array_and_each_backward_function_has_a_row():
    x, weight, bias = np.ones((2, 3)), np.ones((4, 3)), np.ones(4)
    rows = gradcheck(fastconv.linear, x, weight, bias).rows
    assert [(row.name, row.note) for row in rows] == [
        ("dx", "linear_backward"),
        ("dweight", "linear_backward"),
        ("dbias", "linear_backward"),
        ("dbias", "linear_backward_bias"),
        ("dx", "linear_backward_input"),
        ("dweight", "linear_backward_weight"),
    ]
    assert [row.note for row in gradcheck(fastconv.relu, x).rows] == ["", "relu_backward with y"]
    indices = gradcheck(fastconv.max_pool2d, np.ones((1, 1, 4, 4)), 2).rows
    assert [row.note for row in indices] == ["", "max_pool2d_backward with indices"]


def test_ties_are_counted_as_kinks():
    (row, *_) = gradcheck(fastconv.max_pool2d, np.ones((1, 1, 4, 4)), 2).rows
    assert (row.entries, row.kinks) == (16, 16)


def test_arrays_and_running_statistics_stay_as_they_are():
    x, mean, var = np.random.default_rng(0).standard_normal((4, 3)), np.zeros(3), np.ones(3)
    before = x.copy()
    assert gradcheck(fastconv.batch_norm, x, mean, var, training=True)
    assert (x == before).all()
    assert (mean == 0).all()
    assert (var == 1).all()
    x.flags.writeable = False
    assert gradcheck(fastconv.relu, x[::2, ::-1])
