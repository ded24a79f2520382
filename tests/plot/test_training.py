"""Learning curves and confusion matrices show the numbers that they were given."""

from itertools import product

import numpy as np
import pytest

from fastconv import CrossEntropy, Network, fit, layers, plot
from fastconv.optim import SGD

pytest.importorskip("matplotlib")

EPOCHS = [
    {"epoch": n, "loss": 2 / n, "accuracy": n / 10, "validation_loss": 3 / n, "validation_accuracy": v}
    for n, v in ((1, 0.2), (2, 0.789), (3, 0.5))
]


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def test_the_curves_are_those_of_the_history_of_fit():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 5)).astype("float32"), rng.integers(0, 3, 40)
    network = Network(layers.Linear(3), (5,), seed=0)
    history = fit(network, x, y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=3, validation=(x[:9], y[:9]))
    loss, accuracy = plot.learning_curves(history).axes
    for axes, name, scale in ((loss, "loss", 1), (accuracy, "accuracy", 100)):
        wanted = {
            "training": ([1, 2, 3], [scale * getattr(epoch, name) for epoch in history]),
            "validation": ([1, 2, 3], [scale * getattr(epoch, f"validation_{name}") for epoch in history]),
        }
        assert lines(axes) == wanted


def test_the_text_tells_loss_and_best_accuracy():
    text = plot.text_of(plot.learning_curves(EPOCHS, validation="test"))
    assert text == "Loss fell from 2 to 0.667 over 3 epochs; best test accuracy 78.9 % in epoch 2."
    losses = [{"loss": 1.0, "validation_loss": 3.0}, {"loss": 2.0, "validation_loss": 1.5}]
    text = plot.text_of(plot.learning_curves(losses))
    assert text == "Loss rose from 1 to 2 over 2 epochs; lowest validation loss 1.5 in epoch 2."
    assert plot.text_of(plot.learning_curves(losses[:1])) == "Loss 1; lowest validation loss 3 in epoch 1."


def test_several_histories_share_the_axes():
    figure = plot.learning_curves({"sgd": EPOCHS, "adam": EPOCHS[:2]})
    assert list(lines(figure.axes[0])) == ["sgd, training", "sgd, validation", "adam, training", "adam, validation"]
    assert lines(figure.axes[0])["adam, validation"] == ([1, 2], [3, 1.5])
    colours = [line.get_color() for line in figure.axes[0].lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert plot.text_of(figure).startswith("sgd: Loss fell from 2 to 0.667 over 3 epochs")


def test_without_accuracy_there_is_one_plot_and_nan_leaves_a_gap():
    (axes,) = plot.learning_curves([{"loss": 1.0}, {"loss": float("nan")}, {"loss": 0.5}]).axes
    found = lines(axes)["training"]
    assert found[0] == [1, 2, 3]
    np.testing.assert_array_equal(found[1], [1.0, np.nan, 0.5])


@pytest.mark.parametrize("history", [None, 3, "run.npz", [], {}, {"a": []}, [1, 2], [{"accuracy": 1.0}], {"loss": 2.0}])
def test_what_is_no_history_is_refused_in_one_line(history):
    with pytest.raises((TypeError, ValueError), match="history must be the list of epochs that fit returns") as error:
        plot.learning_curves(history)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------- confusion matrices


def counted(labels, predictions, K):
    wanted = np.zeros((K, K))
    for i, j in zip(labels, predictions, strict=True):
        wanted[i, j] += 1
    return wanted


def drawn(figure):
    return np.asarray(figure.axes[0].images[0].get_array())


def draw(count, K, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, K, count), rng.integers(0, K, count)


@pytest.mark.parametrize(("count", "K"), [(1, 1), (300, 4), (500, 20), (5000, 120)])
def test_the_cells_are_the_counts(count, K):
    labels, predictions = draw(count, K)
    labels[0] = predictions[0] = K - 1
    wanted = counted(labels, predictions, K)
    figure = plot.confusion_matrix(labels, predictions)
    np.testing.assert_array_equal(drawn(figure), wanted)
    shares = wanted / np.maximum(wanted.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(drawn(plot.confusion_matrix(labels, predictions, normalize=True)), shares)
    outputs = np.eye(K)[predictions]
    np.testing.assert_array_equal(drawn(plot.confusion_matrix(list(labels), outputs)), wanted)


def test_few_classes_have_their_numbers_written_and_named():
    labels, predictions = [0, 0, 0, 1, 2, 2], [0, 1, 1, 1, 2, 0]
    figure = plot.confusion_matrix(labels, predictions, ["cat", "dog", "cow"])
    axes = figure.axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    wanted = counted(labels, predictions, 3)
    assert written == {(j, i): str(int(wanted[i, j])) for i, j in product(range(3), range(3)) if wanted[i, j]}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog", "cow"]
    shares = plot.confusion_matrix(labels, predictions, normalize=True).axes[0]
    assert {text.get_position(): text.get_text() for text in shares.texts}[1, 0] == "67"
    text = "Confusion matrix of 6 images and 3 classes: 50.0 % are right. Most often cat is taken for dog, 2 times."
    assert plot.text_of(figure) == text


def test_beside_many_classes_the_worst_pairs_are_listed():
    labels = np.arange(100).repeat(3)
    predictions = labels.copy()
    predictions[:3] = 7
    predictions[9:11] = 50
    bars = plot.confusion_matrix(labels, predictions).axes[1]
    assert [text.get_text() for text in bars.texts] == [" 0 taken for 7", " 3 taken for 50"]
    assert [bar.get_width() for bar in bars.patches] == [3, 2]


def test_images_with_nan_count_as_wrong():
    figure = plot.confusion_matrix([0, 1], np.array([[1, 0], [np.nan, 1]]))
    np.testing.assert_array_equal(drawn(figure), [[1, 0], [0, 0]])
    assert "2 images and 2 classes: 50.0 % are right" in plot.text_of(figure)


REFUSED = [
    (([0, 1], [0, 1, 1]), "predictions must be as many as labels"),
    (([], []), "labels must be class numbers"),
    ((np.zeros(0, int), np.zeros(0, int)), "at least one, got 0"),
    (([0.0, 1.0], [0, 1]), "labels must be class numbers"),
    (([[0, 1]], [0, 1]), "labels must be class numbers"),
    (([0, 1], [0.0, 1.0]), "predictions must be class numbers"),
    (([0, 1], ["a", "b"]), "predictions must be class numbers"),
    (([0, -1], [0, 1]), "labels must be class numbers >= 0"),
    (([0, 1], [0, -1]), "predictions must be class numbers >= 0"),
    (([0, 2], np.eye(2)), "labels must be class numbers from 0 to 1"),
    (([0, 1], [0, 1], ["cat"]), "classes must have a name for each of the 2 classes"),
    (([0, 1], [0, 1], "cat"), "classes must be a name for each class"),
    (([0, 1], [0, 1], None, "true"), "normalize must be"),
    ((None, [0, 1]), "labels must be class numbers"),
]


@pytest.mark.parametrize(("arguments", "line"), REFUSED)
def test_wrong_classes_are_refused_in_one_line(arguments, line):
    with pytest.raises((TypeError, ValueError), match=line) as error:
        plot.confusion_matrix(*arguments)
    assert "\n" not in str(error.value)


def test_one_epoch_has_one_number_at_its_axis():
    axes = plot.learning_curves([{"epoch": 1, "loss": 1.0}]).axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if low <= tick <= high] == [1]


@pytest.mark.parametrize("name", ["epoch", "accuracy", "validation_loss", "validation_accuracy"])
def test_text_among_the_numbers_of_an_epoch_is_refused(name):
    with pytest.raises(TypeError, match=f"^history must have numbers in its epochs, got {name}='x'"):
        plot.learning_curves([{"loss": 1.0, name: "x"}])


@pytest.mark.parametrize("largest", [5000, 10**12])
def test_a_matrix_of_too_many_classes_is_refused(largest):
    with pytest.raises(ValueError, match=f"^labels and predictions must be class numbers below 5,000, got {largest}$"):
        plot.confusion_matrix([largest, 0], [0, 0])
