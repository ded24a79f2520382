"""Losses as objects: what their targets mean, which class an output stands for, and what they share."""

import numpy as np
import pytest

from fastconv import losses
from fastconv.layers import Linear
from fastconv.losses.base import predicted_classes
from fastconv.network import Network
from fastconv.training import fit

nan, inf = np.nan, np.inf


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("logits", "best"),
    [
        ([0, 2, 1], 1),
        ([2, 2, 1], 0),
        ([1, 2, 2], 1),
        ([nan, 2, 1], -1),
        ([0, nan, 1], -1),
        ([0, inf, nan], -1),
        ([-inf, -inf, -inf], 0),
        ([-inf, inf, inf], 1),
        ([-inf, -inf, 0], 2),
        ([-nan, -inf, 0], -1),
    ],
    ids=str,
)
def test_the_class_that_logits_stand_for(dtype, logits, best):
    y = np.array([logits, [0, 0, 1]], dtype)
    assert predicted_classes(losses.CrossEntropy(), y).tolist() == [best, 2]
    assert predicted_classes(losses.MSE(), y).tolist() == [best, 2]
    maps = np.zeros((2, 3, 2, 1), dtype)
    maps[1, :, 0, 0] = logits
    assert predicted_classes(losses.CrossEntropy(), maps)[:, :, 0].tolist() == [[0, 0], [best, 0]]
    channels_last = np.ascontiguousarray(maps.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert predicted_classes(losses.CrossEntropy(), channels_last)[:, :, 0].tolist() == [[0, 0], [best, 0]]
    heads = np.concatenate([y, np.full_like(y, nan), np.full_like(y, -inf)], 1)
    assert predicted_classes(losses.AuxiliaryCrossEntropy(), heads).tolist() == [best, 2]


@pytest.mark.parametrize(
    ("targets", "y_shape", "meant"),
    [
        (np.array([0, 2]), (2, 3), "classes"),
        (np.array([0, 2], "uint8"), (2, 3), "classes"),
        ([0, 2], (2, 3), "classes"),
        (np.array([0, 2]), (2, 1), "values"),
        (np.array([[0], [2]]), (2, 1), "values"),
        (np.array([[0, 1, 0], [0, 0, 7]]), (2, 3), "values"),
        (np.zeros((2, 4, 5), int), (2, 1, 4, 5), "values"),
        (np.zeros((2, 3, 4, 5), "uint8"), (2, 3, 4, 5), "values"),
        (np.zeros((2, 3), bool), (2, 3), "values"),
    ],
    ids=str,
)
def test_what_integers_mean_to_squares(targets, y_shape, meant):
    mse = losses.MSE()
    found = mse.prepare(targets, y_shape, np.dtype("float32"))
    assert found.shape == y_shape
    assert found.dtype == np.float32
    whole = np.asarray(targets)
    if meant == "classes":
        np.testing.assert_array_equal(mse.target_classes(targets, y_shape), whole)
        np.testing.assert_array_equal(found, np.eye(3)[whole])
    else:
        assert mse.target_classes(targets, y_shape) is None
        np.testing.assert_array_equal(found, whole.reshape(y_shape))


@pytest.mark.parametrize("loss", [losses.CrossEntropy(), losses.AuxiliaryCrossEntropy((1, 0.5))], ids=repr)
def test_classes_of_logits_are_classes_whatever_their_type(loss):
    heads = 2 if isinstance(loss, losses.AuxiliaryCrossEntropy) else 1
    for dtype in ("uint8", "int16", "int64", "uint64"):
        found = loss.prepare(np.array([0, 2], dtype), (2, 3 * heads), np.dtype("float32"))
        assert (found.tolist(), found.dtype) == ([0, 2], np.int64)
        assert loss.target_classes([0, 2], (2, 3 * heads)).tolist() == [0, 2]
    with pytest.raises(ValueError, match="from 0 to 2, got 0 to 3: the output has 3 classes"):
        loss.prepare([0, 3], (2, 3 * heads), np.dtype("float32"))


def test_heads_that_do_not_divide_the_output():
    with pytest.raises(ValueError, match=r"the output must be logits \(N, 3 K\), got \(2, 4\)"):
        losses.AuxiliaryCrossEntropy().prepare([0, 1], (2, 4), np.dtype("float32"))


def test_losses_with_the_same_settings_are_equal():
    assert losses.MSE() == losses.MSE("half_sum") != losses.MSE("sum")
    assert len({losses.CrossEntropy(), losses.CrossEntropy(), losses.MSE(), losses.MSE("mean")}) == 3


class Vectors(losses.CrossEntropy):
    """Cross entropy of your own that takes vectors with a 1."""

    def prepare(self, targets, y_shape, dtype):
        return super().prepare(targets.argmax(1), y_shape, dtype)


def test_a_loss_that_prepares_targets_itself():
    """It is trained and evaluated as ever; without integers, one for each image, there is no accuracy."""
    labels = np.arange(20) % 3
    x = np.eye(3, dtype="float32")[labels]
    a, b = (Network(Linear(3), (3,), seed=0) for _ in range(2))
    (own,) = fit(a, x, np.eye(3)[labels], batch_size=8, loss=Vectors(), seed=0, validation=(x, x), progress=False)
    (ours,) = fit(b, x, labels, batch_size=8, seed=0, validation=(x, labels), progress=False)
    assert a.parameters.flat.tobytes() == b.parameters.flat.tobytes()
    assert (own.loss, own.validation_loss) == (ours.loss, ours.validation_loss)
    assert (own.accuracy, own.validation_accuracy) == (None, None)
    assert ours.validation_accuracy > 0


@pytest.mark.parametrize("weights", [0.3, "1", None, np.array(0.3), {1, 0.3}], ids=repr)
def test_weights_of_heads_are_several_numbers(weights):
    with pytest.raises(TypeError, match=r"weights must be one number for each head, such as \(1, 0.3\), got"):
        losses.AuxiliaryCrossEntropy(weights)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e39, np.float32("inf"), 10**309], ids=str)
def test_weights_of_heads_are_numbers_that_float32_holds(number):
    """NaN would make every loss NaN, and never equal the same loss: a new plan for each step."""
    with pytest.raises(ValueError, match=r"weights must be numbers up to 3\.40e\+38, the largest float32, got"):
        losses.AuxiliaryCrossEntropy((1, number))


def test_weights_of_losses_are_not_negative():
    with pytest.raises(ValueError, match=r"weights must be numbers >= 0, got -0\.5"):
        losses.AuxiliaryCrossEntropy((1, -0.5))
    with pytest.raises(ValueError, match="weights must be numbers >= 0, got -1"):
        losses.PerOutput({"a": losses.MSE(), "b": losses.MSE()}, {"b": -1})
    assert losses.PerOutput((losses.MSE(), losses.MSE()), (1, 0)).weights == (1, 0)
