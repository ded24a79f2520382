"""What an epoch sees and counts: loss and accuracy against float64 NumPy; images with labels that do not fit."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import data, losses
from fastconv.graph import sequential
from fastconv.layers import Conv2D, Flatten, Linear, MainHead
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import evaluate, fit
from fastconv.training.epoch import FIELDS, OF_EPOCHS, OF_HISTORY, Epoch, History

STILL = SGD(0.0)  # the weights stay, so every batch sees those of the validation


def made(seed=0, n=53, shape=(2, 4, 4)):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype("float32")


def log_softmax(y):
    y = y.astype("float64")
    return y - np.log(np.exp(y - y.max(1, keepdims=True)).sum(1, keepdims=True)) - y.max(1, keepdims=True)


def cross_entropy(y, classes):
    return -np.take_along_axis(log_softmax(y), classes[:, None], 1).mean()


def squares(y, t, reduction):
    total = ((y.astype("float64") - t) ** 2).sum()
    return total / {"sum": 1, "mean": y.size, "half_sum": 2 * len(y)}[reduction]


def both(net, x, labels, loss, batch_size):
    """(loss, accuracy) of training, of its validation, and of evaluate."""
    (epoch,) = fit(
        net, x, labels, batch_size=batch_size, optimizer=STILL, loss=loss, validation=(x, labels), progress=False
    )
    return epoch[1:3], epoch[3:5], evaluate(net, x, labels, loss)


every_batch = pytest.mark.parametrize("batch_size", [1, 7, 26, 52, 53, 60])


@every_batch
@pytest.mark.parametrize("reduction", ["sum", "mean", "half_sum"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_squares_of_values(batch_size, reduction, outputs):
    net, x = Network(sequential(Flatten(), Linear(outputs)), (2, 4, 4), seed=1), made()
    targets = np.arange(53 * outputs).reshape(53, outputs) % 5
    expected = squares(net.predict(x), targets, reduction)
    for found, accuracy in both(net, x, targets, losses.MSE(reduction), batch_size):
        assert found == pytest.approx(expected, rel=1e-6)
        assert accuracy is None


@every_batch
@pytest.mark.parametrize("reduction", ["sum", "mean", "half_sum"])
def test_squares_of_classes(batch_size, reduction):
    net, x, labels = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1), made(), np.arange(53) % 3
    y = net.predict(x)
    for found, accuracy in both(net, x, labels, losses.MSE(reduction), batch_size):
        assert found == pytest.approx(squares(y, np.eye(3)[labels], reduction), rel=1e-6)
        assert accuracy == np.count_nonzero(y.argmax(1) == labels) / 53


@every_batch
def test_cross_entropy_of_vectors_and_of_maps(batch_size):
    x = made()
    for net, shape in (
        (Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1), (53,)),
        (Network(Conv2D(3, 3, padding=1), (2, 4, 4), seed=1), (53, 4, 4)),
        (Network(Conv2D(3, (1, 4)), (2, 4, 4), seed=1), (53, 4, 1)),
    ):
        classes = np.random.default_rng(1).integers(0, 3, shape)
        y = net.predict(x)
        for found, accuracy in both(net, x, classes, losses.CrossEntropy(), batch_size):
            assert found == pytest.approx(cross_entropy(y, classes), rel=1e-6)
            assert accuracy == np.count_nonzero(y.argmax(1) == classes) / classes.size


class Summed(losses.AuxiliaryCrossEntropy):
    """A loss of your own that says it is a sum."""

    reduction = "sum"

    def bind(self, y, targets, value, dy):
        mean = super().bind(y, targets, value, dy)

        def run():
            mean()
            for array in (value, dy):
                if array is not None:
                    array *= len(y)

        return run


@every_batch
def test_a_sum_by_another_name(batch_size):
    net, x, labels = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1), made(), np.arange(53) % 3
    for found, _ in both(net, x, labels, Summed((1,)), batch_size):
        assert found == pytest.approx(53 * cross_entropy(net.predict(x), labels), rel=1e-6)


def test_the_totals_of_an_epoch_are_kept_in_double():
    """A float32 total of 5,000 losses of 0.1 would be off by far more."""
    net, x = Network(Linear(1, init="zeros"), (1,)), np.zeros((5000, 1), "float32")
    targets = np.full((5000, 1), 0.1, "float32")
    (epoch,) = fit(net, x, targets, batch_size=1, optimizer=STILL, loss=losses.MSE("sum"), progress=False)
    assert epoch.loss == pytest.approx(5000 * np.float64(np.float32(0.1)) ** 2, rel=1e-7)


def warned(net, x, labels, loss=None):
    """(loss, accuracy) of a network that gives NaN for some images."""
    with pytest.warns(RuntimeWarning, match=r"^the loss is nan: "):
        return evaluate(net, x, labels, loss)


def test_a_network_that_gives_nan_is_never_right():
    x, labels = made(), np.zeros(53, int)
    for net, classes in (
        (Network(sequential(Flatten(), Linear(3)), (2, 4, 4)), labels),
        (Network(Conv2D(3, 3, padding=1), (2, 4, 4)), np.zeros((53, 4, 4), int)),
    ):
        net.parameters.flat[...] = np.nan
        for loss in (losses.CrossEntropy(), losses.MSE()) if classes.ndim == 1 else (losses.CrossEntropy(),):
            found, accuracy = warned(net, x, classes, loss)
            assert np.isnan(found)
            assert accuracy == 0


def test_images_and_pixels_without_nan_count_as_ever():
    net, x = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1), made()
    labels = net.predict(x).argmax(1)
    x[::5] = np.nan
    assert warned(net, x, labels)[1] == 42 / 53
    net, x = Network(Conv2D(3, 1), (2, 4, 4), seed=1), made()
    classes = net.predict(x).argmax(1)
    x[3, 0, 2, 1] = np.nan
    assert warned(net, x, classes)[1] == 847 / 848


def test_of_several_heads_the_first_counts():
    model, loss = sequential(Flatten(), Linear(9), MainHead(3)), losses.AuxiliaryCrossEntropy()
    net, x, labels = Network(model, (2, 4, 4), seed=1), made(), np.arange(53) % 3
    right = np.count_nonzero(net.predict(x)[:, :3].argmax(1) == labels) / 53
    for _, accuracy in both(net, x, labels, loss, 10):
        assert accuracy == right
    net.parameters["linear1.weight"][3:] = np.nan  # the auxiliary heads alone
    assert evaluate(net, x, labels, loss)[1] == right


# Images and labels that do not fit.


def refused(error, says, *arguments, **named):
    net = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1)
    before = net.parameters.flat.tobytes()
    with pytest.raises(error, match=says):
        fit(net, *arguments, progress=False, **named)
    assert net.parameters.flat.tobytes() == before
    if not named:
        with pytest.raises(error, match=says):
            evaluate(net, *arguments)
        with pytest.raises(error, match=f"validation: .*{says}"):
            fit(net, made(), np.arange(53) % 3, validation=arguments, progress=False)


LABELS = np.arange(53) % 3


@pytest.mark.parametrize(
    ("images", "labels", "error", "says"),
    [
        (
            LABELS,
            made(),
            ValueError,
            r"images must be \(N, 2, 4, 4\), got shape \(53,\), .*: give the images first",
        ),
        (np.eye(3)[LABELS], made(), ValueError, r"images must be .*: give the images first"),
        (made(), None, TypeError, r"labels must be class indices, one for each image, or targets of shape \(53, 3\)"),
        (made(), LABELS[:52], ValueError, r"labels must be as many as images, got shapes \(52,\) and \(53, 2, 4, 4\)"),
        (made(), 2, ValueError, "labels must be as many as images"),
        (made(), {1: 2}, TypeError, "labels must be an array or a list, as many as images, got a dict$"),
        (made(), map(int, LABELS), TypeError, r"as many as images, got a map; write numpy.array\(list\(labels\)\)$"),
        (made(), np.eye(3)[LABELS], TypeError, r"labels must be integers .*; use labels.argmax\(1\)"),
        (made(), LABELS.astype("float32"), TypeError, r"; use labels.astype\('int64'\)"),
        (made(), LABELS.astype("float32").tolist(), TypeError, r"; use numpy.asarray\(labels\).astype\('int64'\)"),
        (made(), np.ma.masked_equal(LABELS, 1), ValueError, r"labels must hold no masked values, got 18 of 53"),
        (made(), [[1], [1, 2]], ValueError, "labels must be one array"),
        (made(), LABELS + 1, ValueError, "labels must be class indices from 0 to 2, got 1 to 3: .*: labels - 1"),
        (data.Split(made(), LABELS), LABELS, TypeError, r"if it is \(images, labels\), pass images\[0\]"),
        (made().tolist(), LABELS, TypeError, r"write numpy.asarray\(images\).astype\('float32'\)"),
        (made().astype("float64"), LABELS, TypeError, r"write images.astype\('float32'\)"),
        (None, LABELS, TypeError, "images must be an array, got None"),
        (made()[0], LABELS[:1], ValueError, r"got shape \(2, 4, 4\); of one image make a batch: images\[None\]$"),
        (made()[:0], LABELS[:0], ValueError, r"with N >= 1, got shape \(0, 2, 4, 4\)$"),
    ],
)
def test_images_and_labels_that_do_not_fit(images, labels, error, says):
    refused(error, says, images, labels)


@pytest.mark.parametrize("validation", [True, "test", made(), made()[:2], (made(),), [], {"x": 1, "y": 2}])
def test_what_is_no_validation(validation):
    says = r"validation must be a pair \(images, labels\), a data set, or a share such as 0.1, got"
    refused(TypeError, says, made(), LABELS, validation=validation)


@pytest.mark.parametrize("validation", [0, 1, 1.5, -0.1, float("nan"), 10, np.float32(0)])
def test_what_is_no_share(validation):
    refused(ValueError, "validation must be a share between 0 and 1", made(), LABELS, validation=validation)


def test_the_advice_for_a_number_of_images_works():
    net, images, labels, n = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1), made(), LABELS, 10
    with pytest.raises(ValueError, match="validation must be a share") as caught:
        fit(net, images, labels, validation=10, progress=False)
    code = str(caught.value).split("for it: ")[1]
    names = {"fit": fit, "network": net, "images": images, "labels": labels, "n": n}
    (epoch,) = eval(code, names)
    assert epoch.validation_loss == evaluate(net, images[-n:], labels[-n:])[0]


def test_splits_and_lists_are_validations():
    net = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1)
    split = data.Split(made(), LABELS)
    for validation in (split, list(split), tuple(split)):
        (epoch,) = fit(net, *split, loss=losses.CrossEntropy(), validation=validation, progress=False)
        assert epoch.validation_accuracy is not None


def test_values_in_the_place_of_images_are_no_swap():
    """An autoencoder's targets have the shape of images; a lacking axis of the images is what is wrong."""
    net, x = Network(Linear(1), (1,), seed=0), np.ones((6, 1), "float32")
    fit(net, x, x, loss=losses.MSE(), progress=False)
    with pytest.raises(ValueError, match=r"images must have shape \(N, 1\)"):
        fit(net, x[:, 0][:6], x, loss=losses.MSE(), progress=False)


def test_what_integers_are_learnt_as():
    """Values for one output, a regression of counts; one-hot vectors for several."""
    x = np.ones((20, 4), "float32")
    for targets in (np.zeros(20, int), np.arange(20) + 18, np.full((20, 1), -3), np.ones(20, bool)):
        net = Network(Linear(1, init="zeros"), (4,))
        history = fit(
            net, x, targets, epochs=200, batch_size=20, optimizer=SGD(0.05), loss=losses.MSE("mean"), progress=False
        )
        assert net.predict(x)[0, 0] == pytest.approx(targets.mean(), abs=1e-3)
        assert history[-1].accuracy is None
    net = Network(Linear(3, init="zeros"), (4,))
    history = fit(
        net, x, np.full(20, 2), epochs=200, batch_size=20, optimizer=SGD(0.05), loss=losses.MSE("mean"), progress=False
    )
    np.testing.assert_allclose(net.predict(x)[0], [0, 0, 1], atol=1e-3)
    assert history[-1].accuracy == 1


ONE = Epoch(1, 0.5, 0.75, 0.625, 0.25, 2.0)


@pytest.mark.parametrize("name", OF_EPOCHS)
def test_names_of_other_libraries_are_answered_with_a_line_that_works(name):
    for look in (lambda: getattr(ONE, name), lambda: ONE[name]):
        with pytest.raises((AttributeError, TypeError), match=f"Epoch .*{name}.*; ") as caught:
            look()
    line = str(caught.value).partition("write ")[2].partition(", or ")[0].partition(" and the")[0]
    assert eval(line, {"epoch": ONE, "history": [ONE]}) is not None
    assert not hasattr(ONE, name)


def test_the_results_of_an_epoch_are_attributes_of_a_tuple():
    assert ", ".join(ONE._fields) == FIELDS
    with pytest.raises(TypeError, match=r"^an Epoch is no dictionary, got \['loss'\]; write epoch\.loss$"):
        ONE["loss"]
    with pytest.raises(TypeError, match=f"got \\['f1'\\]; its fields are {FIELDS}$"):
        ONE["f1"]
    with pytest.raises(AttributeError, match=f"^Epoch has no 'f1'; it has {FIELDS}$"):
        ONE.f1  # noqa: B018
    assert (ONE[1], ONE[5], ONE[1:3]) == (0.5, 2.0, (0.5, 0.75))
    assert pickle.loads(pickle.dumps(ONE)) == copy.deepcopy(ONE) == ONE


def test_a_history_of_other_libraries_is_told_to_be_a_list():
    net, x = Network(sequential(Flatten(), Linear(3)), (2, 4, 4), seed=1), made()
    history = fit(net, x, np.arange(53) % 3, epochs=2, validation=(x, np.arange(53) % 3), progress=False)
    assert type(history) is History
    for copied in (copy.deepcopy(history), pickle.loads(pickle.dumps(history)), [*history]):
        assert copied == history
        assert repr(copied) == repr(history)
    assert [epoch.epoch for epoch in history[:1]] == [1]
    for name, replacement in OF_HISTORY.items():
        with pytest.raises(AttributeError, match=f"^History has no '{name}'; ") as caught:
            getattr(history, name)
        with pytest.raises(TypeError, match=rf"^the result of fit is a list of epochs, got \['{name}'\]; ") as of_item:
            history[name]
        assert str(caught.value).endswith(replacement)
        assert str(of_item.value).endswith(replacement)
        if replacement.startswith("write "):
            assert len(eval(replacement.removeprefix("write "))) == 2
    assert OF_HISTORY["val_loss"] == "write [epoch.validation_loss for epoch in history]"
    with pytest.raises(
        TypeError, match=r"got \['f1'\]; its fields are epoch, loss, .*: write \[epoch.loss for epoch in"
    ):
        history["f1"]
    assert not hasattr(history, "f1")
