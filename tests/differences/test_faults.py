"""Planted faults in functions and layers of one's own: each is found, and the entry named is wrong."""

from functools import partial

import numpy as np
import pytest

import fastconv
from fastconv import Layer, Parameter, Spec
from fastconv.differences import GradientError, gradcheck


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def found(target, *arguments, **options):
    """The report of a check that must fail; the error of the same check must say the same."""
    report = gradcheck(target, *arguments, raise_exception=False, **options)
    assert not report
    assert not report.passed
    with pytest.raises(GradientError) as caught:
        gradcheck(target, *arguments, **options)
    assert caught.value.report.message() == report.message()
    assert str(caught.value).endswith(report.message())
    return report


def row(report, name):
    return next(each for each in report.rows if each.name == name)


def times(x, w):
    return x @ w


def times_backward(dy, x, w):
    return dy @ w.T, x.T @ dy


def test_the_right_backward_has_no_fault():
    assert gradcheck((times, times_backward), numbers(3, 4), numbers(4, 2))


@pytest.mark.parametrize(
    ("factor", "words"), [(-1, "the wrong sign"), (2, "2 times"), (1 / 3, "1/3 times"), (0, "all are 0")]
)
def test_a_wrong_factor(factor, words):
    report = found((times, lambda dy, x, w: (dy @ w.T, factor * x.T @ dy)), numbers(3, 4), numbers(4, 2))
    assert row(report, "dx").passed
    assert row(report, "dw").wrong == 8
    assert words in report.message()
    assert "8 of 8 entries differ" in report.message()


def test_a_forgotten_scale_of_a_mean():
    report = found((lambda x: x.mean(0), lambda dy, x: np.broadcast_to(dy, x.shape).copy()), numbers(5, 3))
    assert "5 times what they should be" in report.message()


def test_a_forgotten_bias():
    report = found((lambda x, b: x + b, lambda dy, x, b: (dy.copy(), np.zeros_like(b))), numbers(5, 3), numbers(3))
    assert row(report, "dx").passed
    assert "db[" in report.message()
    assert "all are 0" in report.message()
    with pytest.raises(TypeError, match=r"must return 2 gradients, of x, b \(None where there is none\), got 1"):
        gradcheck((lambda x, b: x + b, lambda dy, x, b: dy.copy()), numbers(5, 3), numbers(3))


def test_an_index_off_by_one():
    def difference(x):
        return x[1:] - x[:-1]

    def backward(dy, x):
        dx = np.zeros_like(x)
        dx[1:] += dy
        dx[1:] -= dy  # must be dx[:-1]
        return dx

    found((difference, backward), numbers(6))


def test_a_gradient_that_is_moved_by_one():
    report = found((lambda x: x**2, lambda dy, x: np.roll(2 * x * dy, 1)), numbers(6))
    assert "moved by one along axis 0" in report.message()


def filtered(x, w):
    return fastconv.conv2d(x, w, padding=1)


def filtered_backward(dy, x, w, turn=lambda dw: dw):
    dx = fastconv.conv2d_backward_input(dy, w, x.shape, padding=1)
    return dx, np.ascontiguousarray(turn(fastconv.conv2d_backward_weight(dy, x, w.shape, padding=1)))


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (lambda dw: dw[..., ::-1, ::-1], "rotated by 180 degrees"),
        (lambda dw: dw.swapaxes(2, 3), "last two axes transposed"),
        (lambda dw: dw.swapaxes(0, 1), "first two axes transposed"),
        (lambda dw: dw[..., ::-1], "reversed along axis 3"),
    ],
)
def test_a_kernel_that_is_turned(turn, words):
    arrays = numbers(2, 2, 5, 5), numbers(2, 2, 3, 3, seed=1)
    report = found((filtered, partial(filtered_backward, turn=turn)), *arrays)
    assert words in report.message()
    assert gradcheck((filtered, filtered_backward), *arrays)


def test_a_kernel_that_is_not_rotated_in_dx():
    def backward(dy, x, w):
        return fastconv.conv2d(dy, w.swapaxes(0, 1), padding=1), filtered_backward(dy, x, w)[1]

    report = found((filtered, backward), numbers(2, 2, 5, 5), numbers(3, 2, 3, 3, seed=1))
    assert row(report, "dweight" if False else "dw").passed
    assert "dx[" in report.message()


def test_a_missing_stride():
    def backward(dy, x):
        dx = np.zeros_like(x)
        dx[: len(dy)] = dy
        return dx

    found((lambda x: x[::2], backward), numbers(8))


def test_a_wrong_axis_of_a_sum():
    report = found((lambda x, b: x + b, lambda dy, x, b: (dy.copy(), dy.sum(1))), numbers(4, 4), numbers(4))
    assert row(report, "db").wrong == 4


def test_a_missing_sum_over_the_batch():
    report = found((lambda x, b: x + b, lambda dy, x, b: (dy.copy(), dy.copy())), numbers(5, 3), numbers(3))
    assert "db must have shape (3,), that of b, got (5, 3): a sum over axis 0, the batch, is missing" in report.faults


def test_a_transposed_result_and_a_wrong_dtype():
    report = found((times, lambda dy, x, w: (dy @ w.T, dy.T @ x)), numbers(3, 4), numbers(4, 2))
    assert "dw must have shape (4, 2), that of w, got (2, 4): it is transposed" in report.message()
    report = found((np.square, lambda dy, x: (2 * x * dy).astype("float32")), numbers(3))
    assert "dx must be float64 like x, got float32" in report.message()


def test_a_gradient_that_is_nan():
    report = found((np.square, lambda dy, x: np.where(x > 0, 2 * x * dy, np.nan)), np.array([1.0, -1.0, 2.0]))
    assert row(report, "dx").index == (1,)
    assert "backward gives nan" in report.message()


@pytest.mark.parametrize("size", [50, 1000, 100_000])
def test_one_wrong_entry_of_an_array_of_any_size(size):
    place = size * 2 // 3

    def backward(dy, x):
        dx = np.cos(x) * dy
        dx[place] *= 1.01
        return dx

    report = found((np.sin, backward), numbers(size))
    assert row(report, "dx").index == (place,)
    assert row(report, "dx").wrong == 1
    assert f"dx[{place}]: backward gives" in report.message()
    assert "= 1 %" in report.message()


def test_one_wrong_entry_where_many_kinks_lie_close_by():
    def backward(dy, x):
        dx = (x > 0) * dy
        dx[np.argmax(x)] *= 1.5
        return dx

    x = numbers(20_000)
    report = found((lambda x: np.maximum(x, 0), backward), x)
    assert row(report, "dx").index == (int(np.argmax(x)),)


def test_only_the_last_image_of_a_batch():
    def backward(dy, x):
        dx = 2 * x * dy
        dx[-1] = 0
        return dx

    report = found((np.square, backward), numbers(4, 3, 2))
    assert "these are all that have index 3 along axis 0" in report.message()
    assert row(report, "dx").index[0] == 3


def test_only_the_border():
    def backward(dy, x):
        dx = 2 * x * dy
        dx[:, [0, -1]] *= 1.1
        dx[:, :, [0, -1]] *= 1.2
        return dx

    report = found((np.square, backward), numbers(1, 5, 5))
    assert "these are all at the border of the last two axes" in report.message()


def test_a_result_that_is_added_to_what_was_there():
    kept = {}

    def backward(dy, x):
        kept.setdefault("dx", np.zeros_like(x))
        kept["dx"] += 2 * x * dy
        return kept["dx"].copy()

    report = gradcheck((np.square, backward), numbers(3), raise_exception=False)
    assert any("dx is another when backward is called again" in each for each in report.faults)


def test_a_result_that_the_next_call_overwrites():
    kept = np.empty(3)
    report = found((np.square, lambda dy, x: np.multiply(2 * x, dy, out=kept)), numbers(3))
    assert report.faults == ("dx of one call changes with the next: return a new array in each call",)


def test_a_stale_buffer():
    class Stale:
        x = None

        def forward(self, x):
            self.x = x.copy() if self.x is None else self.x
            return x**2

        def backward(self, dy):
            return 2 * self.x * dy

    class Fresh(Stale):
        def forward(self, x):
            self.x = x.copy()
            return x**2

    stale, fresh = Stale(), Fresh()
    stale.forward(numbers(3, seed=5))
    found((stale.forward, stale.backward), numbers(3))
    assert gradcheck((fresh.forward, fresh.backward), numbers(3))


def test_a_backward_that_changes_its_arguments_or_returns_them():
    def changes(dy, x):
        dy *= 2 * x
        return dy.copy()

    assert found((np.square, changes), numbers(3)).faults == ("backward changes dy: it must only read it",)
    report = found((lambda x: x + 1, lambda dy, x: dy), numbers(3))
    assert report.faults == ("dx lies in the memory of dy: return an array of its own",)
    report = found((lambda x: x**2 / 2, lambda dy, x: np.multiply(x, dy, out=x)), numbers(3))
    assert "backward changes x: it must only read it" in report.faults


def test_a_forward_that_is_random():
    rng = np.random.default_rng(0)
    report = found((lambda x: x * rng.random(x.shape), lambda dy, x: dy * x), numbers(3))
    assert "forward gives other values when it is called again" in report.message()


def test_a_slope_outside_those_of_a_kink():
    def backward(dy, x, at_zero):
        return dy * np.where(x == 0, at_zero, x > 0)

    x = np.array([0.0, 1.0, 0.0, -1.0])
    for right in (0.0, 0.5, 1.0):
        report = gradcheck((lambda x: np.maximum(x, 0), partial(backward, at_zero=right)), x)
        assert report.rows[0].kinks == 2
    for wrong in (-0.1, 1.1, 5.0):
        report = found((lambda x: np.maximum(x, 0), partial(backward, at_zero=wrong)), x)
        assert report.rows[0].wrong == 2
        assert report.rows[0].index in ((0,), (2,))


class Scale(Layer):
    """y = weight x + bias, per channel; subclasses plant faults."""

    kind = "scale"
    saves = frozenset({"x"})

    def spec(self, x_shape, dtype):
        one = Parameter((x_shape[0],), "ones")
        return Spec(x_shape, params={"weight": one, "bias": one})

    def forward(self, b):
        def call():
            b.y[...] = b.x * b.params.weight[:, None, None] + b.params.bias[:, None, None]

        return [call]

    def backward(self, b):
        def call():
            if b.dx is not None:
                b.dx[...] = b.dy * b.params.weight[:, None, None]
            b.grads.weight[...] = (b.x * b.dy).sum((0, 2, 3))
            b.grads.bias[...] = b.dy.sum((0, 2, 3))
            self.after(b)

        return [call]

    def after(self, b):
        """Faults come here."""


class Accumulates(Scale):
    def backward(self, b):
        def call():
            b.dx[...] = b.dy * b.params.weight[:, None, None]
            b.grads.weight[...] += (b.x * b.dy).sum((0, 2, 3))
            b.grads.bias[...] = b.dy.sum((0, 2, 3))

        return [call]


class ForgetsBias(Scale):
    def after(self, b):
        b.grads.bias[...] = 0


class OneEntry(Scale):
    def after(self, b):
        b.dx[2, 1, 3, 4] += 1e-3


class Border(Scale):
    def after(self, b):
        b.dx[..., 0] = 0


class FirstBatch(Scale):
    seen = None

    def forward(self, b):
        def call():
            self.seen = b.x.copy() if self.seen is None else self.seen

        return [call, *super().forward(b)]

    def after(self, b):
        b.grads.weight[...] = (self.seen * b.dy).sum((0, 2, 3))


def test_a_layer_without_fault_passes():
    report = gradcheck(Scale(), (2, 5, 6))
    assert report
    assert [each.name for each in report.rows] == ["dx", "dweight", "dbias"]


def test_faults_in_layers():
    report = found(Accumulates(), (2, 5, 6))
    assert "dweight is another when backward is called again" in report.message()
    assert "dbias[" in found(ForgetsBias(), (2, 5, 6)).message()
    assert row(found(OneEntry(), (2, 5, 6)), "dx").index == (2, 1, 3, 4)
    assert row(found(Border(), (2, 5, 6)), "dx").index[3] == 0
    assert "dweight" in found(FirstBatch(), (2, 5, 6)).message()


def test_a_fault_in_a_network_names_the_parameter():
    network = fastconv.Network(
        fastconv.sequential(fastconv.Conv2D(2, 3), ForgetsBias(), fastconv.Flatten(), fastconv.Linear(3)), (1, 6, 6)
    )
    report = found(network, numbers(4, 1, 6, 6), np.array([0, 1, 2, 0]), fastconv.CrossEntropy())
    assert "scale1.bias[" in report.message()
    assert [each.name for each in report.rows if not each.passed] == ["scale1.bias"]
