"""ConvNetClassifier and ConvNetRegressor by themselves: what X and y may be, and what training is told."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import fastconv
from fastconv import Network, callbacks, layers, losses, models, optim, sequential
from fastconv.data import transforms
from fastconv.sklearn import ConvNetClassifier, ConvNetRegressor

NAMES = np.array(["bottom", "left", "top"])


def stripes(n=120, seed=0, size=8):
    """Images (n, 1, size, size) of three classes, and their names."""
    rng = np.random.default_rng(seed)
    X, indices = rng.random((n, 1, size, size)) / 2, rng.integers(0, 3, n)
    X[indices == 0, :, size // 2 :] += 0.5
    X[indices == 1, :, :, : size // 2] += 0.5
    X[indices == 2, :, : size // 2] += 0.5
    return X, NAMES[indices]


X, Y = stripes()
OTHER_X, OTHER_Y = stripes(60, seed=1)
LINE = np.linspace(-1, 1, 80)[:, None]


def classifier(**options):
    return ConvNetClassifier(**{"epochs": 3, "lr": 0.01, "random_state": 0} | options)


def test_a_classifier_of_images_with_names_as_labels():
    net = classifier().fit(X, Y)
    assert net.classes_.tolist() == ["bottom", "left", "top"]
    assert net.score(OTHER_X, OTHER_Y) > 0.9
    probabilities = net.predict_proba(OTHER_X)
    assert probabilities.shape == (60, 3)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-12)
    assert (net.classes_[probabilities.argmax(1)] == net.predict(OTHER_X)).all()
    logits = net.network_.predict(OTHER_X.astype("float32"))
    np.testing.assert_allclose(probabilities, fastconv.softmax(logits), rtol=1e-5)
    assert (net.n_features_in_, net.n_iter_, len(net.loss_curve_), len(net.history_)) == (64, 3, 3, 3)
    assert net.loss_curve_ == [epoch.loss for epoch in net.history_]


def test_it_trains_as_fit_does_and_goes_on_with_the_same_optimizer():
    net = classifier(model=models.nielsen, epochs=2, optimizer="sgd", momentum=0.9, batch_size=32).fit(X, Y)
    draws = np.random.RandomState(np.random.RandomState(0).randint(2**31 - 1))
    network = Network(models.nielsen(classes=3), (1, 8, 8), seed=int(draws.randint(2**31 - 1)))
    data, sgd = (X.astype("float32"), np.searchsorted(NAMES, Y)), optim.SGD(0.01, 0.9)
    options = {"batch_size": 32, "optimizer": sgd, "progress": False}
    fastconv.fit(network, *data, epochs=2, seed=int(draws.randint(2**31 - 1)), **options)
    np.testing.assert_array_equal(net.network_.parameters.vector, network.parameters.vector)
    net.partial_fit(X, Y)
    fastconv.fit(network, *data, epochs=1, seed=int(draws.randint(2**31 - 1)), **options)
    np.testing.assert_array_equal(net.network_.parameters.vector, network.parameters.vector)


def test_rows_grey_images_lists_and_images_are_the_same():
    nets = [
        classifier().fit(X, Y),
        classifier().fit(X[:, 0], Y),
        classifier(image_shape=(1, 8, 8)).fit(X.reshape(-1, 64), Y),
        classifier(image_shape=(8, 8)).fit(X.reshape(-1, 64), Y.tolist()),
        classifier().fit(X.tolist(), Y),
        classifier().fit(np.asfortranarray(X), Y),
        classifier().fit(X[::-1][::-1], Y),
    ]
    wanted = nets[0].predict_proba(OTHER_X)
    for net in nets:
        for given in (OTHER_X, OTHER_X[:, 0], OTHER_X.reshape(-1, 64), OTHER_X.reshape(-1, 64).tolist()):
            np.testing.assert_array_equal(net.predict_proba(given), wanted)


def test_bytes_of_images_are_divided_by_255_and_those_of_rows_are_not():
    whole = (X * 255).astype("uint8")
    net = classifier().fit(whole, Y)
    np.testing.assert_allclose(net.predict_proba(whole), net.predict_proba(whole / 255), rtol=1e-4, atol=1e-6)
    counts = whole.reshape(-1, 64) // 32
    rows = classifier().fit(counts, Y)
    np.testing.assert_array_equal(rows.predict_proba(counts), rows.predict_proba(counts.astype(float)))
    assert rows.network_.input_shape == (64,)


@pytest.mark.parametrize(
    "model",
    [
        "resnet8",
        models.resnet8,
        models.resnet8(num_classes=3),
        lambda num_classes: models.resnet8(num_classes),
        "nielsen",
        "nielsen-l2",
        layers.Linear(3),
        lambda x: layers.Linear(3)(layers.Flatten()(x)),
    ],
    ids=["name", "maker", "model", "own maker", "classes", "known", "layer", "function of nodes"],
)
def test_ways_to_give_a_model(model):
    given = X.reshape(-1, 64) if isinstance(model, layers.Linear) else X
    assert classifier(model=model, epochs=1).fit(given, Y).network_.output_shape == (3,)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 5), (1, 8, 8), (3, 32, 32), (2, 3, 40)])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_default_takes_images_of_any_shape_also_one_alone(shape, n):
    x = np.random.default_rng(0).random((n, *shape))
    assert ConvNetRegressor(epochs=1, batch_size=2, random_state=0).fit(x, np.arange(n)).predict(x).shape == (n,)


def test_the_network_of_the_paper_is_trained_with_its_loss():
    x, names = np.random.default_rng(0).random((20, 1, 28, 28)), np.arange(20) % 10
    net = classifier(model="zhang2016", epochs=1).fit(x, names)
    assert net._loss() == losses.MSE()
    np.testing.assert_allclose(net.predict_proba(x).sum(1), 1)


@pytest.mark.parametrize(
    ("model", "loss"),
    [
        (None, None),
        (sequential(layers.Linear(3), layers.LogSoftmax()), losses.NLL()),
        (None, losses.BCEWithLogits()),
        (None, losses.MSE("mean")),
        (layers.Linear(6), losses.AuxiliaryCrossEntropy((1, 0.3))),
    ],
    ids=["cross entropy", "nll", "questions", "mse", "heads"],
)
def test_probabilities_of_every_loss_have_the_sum_1_and_learn(model, loss):
    net = classifier(model=model, loss=loss, epochs=20).fit(X.reshape(-1, 64), Y)
    np.testing.assert_allclose(net.predict_proba(X.reshape(-1, 64)).sum(1), 1)
    assert net.score(X.reshape(-1, 64), Y) > 0.9


@pytest.mark.parametrize("labels", [[1, 3], [True, False], [-1.0, 2.0], ["a", "b"]])
def test_labels_of_any_kind_come_back(labels):
    y = np.array(labels)[np.arange(40) % 2]
    x = np.eye(2)[np.arange(40) % 2]
    found = classifier(epochs=20).fit(x, y).predict(x)
    assert found.dtype == y.dtype
    np.testing.assert_array_equal(found, y)


def test_one_class_alone():
    net = classifier(epochs=1).fit(X, np.zeros(len(X)))
    assert (net.predict(X) == 0).all()
    np.testing.assert_array_equal(net.predict_proba(X), np.ones((len(X), 1)))


@pytest.mark.parametrize("values", [(), (1,), (2,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_regressor_of_one_value_and_of_several(values, dtype):
    y = LINE * np.array([3.0, -1.0]) if values == (2,) else 3 * LINE.reshape(80, *values)
    net = ConvNetRegressor(epochs=60, lr=0.02, dtype=dtype, random_state=0).fit(LINE, y)
    assert net.network_.dtype == dtype
    found = net.predict(LINE)
    assert (found.shape, found.dtype) == (y.shape, np.float64)
    assert net.score(LINE, y) > 0.98


def test_float64_is_kept():
    net = ConvNetRegressor(layers.Linear(1, init="ones", bias_init="zeros"), epochs=0, dtype="float64")
    tiny = 1 + 1e-12
    assert net.fit([[1.0], [2]], [1, 2]).predict([[tiny]]) == tiny


# ---------------------------------------------------------------- training


@pytest.mark.parametrize("kind", [ConvNetClassifier, ConvNetRegressor])
@pytest.mark.parametrize("optimizer", ["adam", "sgd", optim.SGD(0.01, momentum=0.9)])
def test_parts_one_after_another_equal_a_warm_start(kind, optimizer):
    rows, y = X.reshape(-1, 64), np.searchsorted(NAMES, Y)
    options = {"random_state": 3, "batch_size": 20, "optimizer": optimizer}
    parts, warm = kind(**options), kind(**options, epochs=1, warm_start=True)
    for part in (slice(0, 50), slice(50, 110), slice(0, 50)):
        first = {"classes": [0, 1, 2]} if kind is ConvNetClassifier else {}
        parts.partial_fit(rows[part], y[part], **first)
        warm.fit(rows[part], y[part])
    assert parts.n_iter_ == warm.n_iter_ == 3
    np.testing.assert_array_equal(parts.network_.parameters.vector, warm.network_.parameters.vector)
    again = kind(**options, epochs=1).fit(rows[:50], y[:50]).fit(rows[:50], y[:50])
    assert again.n_iter_ == 1  # without a warm start training begins anew
    assert (
        kind(**options).partial_fit(rows[:50], y[:50], **first).predict(rows).tolist() == again.predict(rows).tolist()
    )


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    first, second, other = (classifier(random_state=seed).fit(X, Y) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert (first.predict_proba(X) != other.predict_proba(X)).any()
    state = np.random.get_state()[1].copy()
    classifier(random_state=1).fit(X, Y)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_early_stopping_stops_and_gives_back_the_best_weights():
    rng = np.random.default_rng(0)
    noise, labels = rng.random((80, 10)), rng.integers(0, 2, 80)
    net = classifier(epochs=200, early_stopping=True, patience=3, lr=0.05).fit(noise, labels)
    seen = [epoch.validation_loss for epoch in net.history_]
    assert net.n_iter_ < 200
    assert int(np.argmin(seen)) == net.n_iter_ - 4
    held = rng.random((20, 10)), rng.integers(0, 2, 20)
    net = classifier(epochs=200, early_stopping=True, patience=3, lr=0.05, validation=held).fit(noise, labels)
    best = min(epoch.validation_loss for epoch in net.history_)
    found = fastconv.evaluate(net.network_, held[0].astype("float32"), held[1])[0]
    np.testing.assert_allclose(found, best, rtol=1e-6)


def test_a_validation_may_have_names_rows_and_metrics():
    accuracy = {"right": lambda y, labels: float((y.argmax(1) == labels).mean())}
    net = classifier(
        validation=(OTHER_X.reshape(-1, 64), OTHER_Y), metrics=accuracy, schedule=fastconv.schedules.cosine()
    )
    last = net.fit(X, Y).history_[-1]
    assert last.metrics["right"] == last.validation_accuracy > 0.8


def test_callbacks_and_on_epoch_are_called_and_partial_fit_is_without_them():
    seen = []

    class Note(callbacks.Callback):
        def on_epoch(self, run):
            seen.append(run.epoch)

    net = classifier(callbacks=[Note()], on_epoch=lambda epoch: seen.append(str(epoch.epoch)))
    net.fit(X, Y)
    assert seen == ["1", 1, "2", 2, "3", 3]
    net.partial_fit(X, Y)
    assert len(seen) == 6
    assert net.n_iter_ == 4


def test_augmented_images_train_a_network():
    steps = [transforms.random_flip(), transforms.random_crop(8, padding=1)]
    net = classifier(augment=steps, validation=0.2, epochs=2).fit(X, Y, sample_weight=np.ones(len(X)))
    plain = classifier(validation=0.2, epochs=2).fit(X, Y)
    assert len(net.history_) == 2
    assert net.history_[-1].validation_loss is not None
    assert (net.predict_proba(X) != plain.predict_proba(X)).any()


def test_weights_move_the_decision_and_zero_leaves_out():
    x, y = np.zeros((40, 2)), np.arange(40) % 2
    net = classifier(epochs=60, lr=0.05).fit(x, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    np.testing.assert_allclose(net.predict_proba(x[:1]), [[0.25, 0.75]], atol=0.02)
    assert net.score(x, y, sample_weight=y) == 1
    some = Y != "top"
    first = classifier().partial_fit(X, Y, classes=NAMES, sample_weight=some)
    second = classifier().partial_fit(X[some], Y[some], classes=NAMES)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_ctrl_c_keeps_what_was_learned():
    def stop(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    net = classifier(epochs=9, on_epoch=stop)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y)
    assert net.n_iter_ == 2
    assert net.predict(X).shape == (120,)


# ---------------------------------------------------------------- what is refused

WRONG = [
    ({"model": "resnet21"}, ValueError, "model: .*did you mean .*resnet20"),
    ({"model": 3}, TypeError, "model must be a name such as 'resnet20'.*got 3"),
    ({"model": models.resnet8(10)}, ValueError, r"model gives \(10,\) for an image, and y has 3 classes"),
    ({"model": layers.Conv2D(3, 3)}, ValueError, r"model gives \(3, 6, 6\)"),
    ({"image_shape": (1, 9, 9)}, ValueError, r"X must be images \('N', 1, 9, 9\) like image_shape"),
    ({"image_shape": 8}, ValueError, r"image_shape must be \(C, H, W\), or \(H, W\)"),
    ({"image_shape": (8, 0)}, ValueError, "image_shape must be >= 1"),
    ({"optimizer": "adma"}, ValueError, "optimizer must be one of"),
    ({"optimizer": "adam", "momentum": 0.9}, ValueError, "momentum=0.9 is no setting of Adam"),
    ({"optimizer": 3}, TypeError, "optimizer must be an object"),
    ({"lr": -1}, ValueError, "lr must be"),
    ({"epochs": -1}, ValueError, "epochs must be >= 0"),
    ({"epochs": None}, TypeError, "epochs must be an integer, got None"),
    ({"batch_size": 0}, ValueError, "batch_size must be >= 1"),
    ({"loss": "mse"}, TypeError, "loss must be a loss object"),
    ({"dtype": "float16"}, ValueError, "dtype must be one of 'float32', 'float64'"),
    ({"early_stopping": 3}, TypeError, "early_stopping must be True or False"),
    ({"early_stopping": True, "patience": 0}, ValueError, "patience must be >= 1"),
    ({"validation": 2}, ValueError, "validation must be a share between 0 and 1"),
    ({"validation": (X,)}, ValueError, r"validation must be a share such as 0.1, or a pair \(X, y\), got 1 part"),
    (
        {"validation": (X[:, :, :7], Y)},
        ValueError,
        "validation: X has 56 features, but ConvNetClassifier is expecting 64",
    ),
    ({"validation": (X, np.full(120, "other"))}, ValueError, "y has 'other', which is none of the classes"),
    ({"callbacks": 3}, TypeError, "each callback must have the methods"),
    ({"augment": 3}, TypeError, "augment must be a transform, or a list"),
    ({"metrics": {"a": lambda y, t: 1.0}}, ValueError, "metrics are those of the validation"),
    ({"random_state": "a"}, ValueError, "cannot be used to seed"),
    ({"warm_start": 1}, TypeError, "warm_start must be True or False"),
    ({"drop_last": True, "batch_size": 200}, ValueError, "drop_last=True leaves no batch"),
]


@pytest.mark.parametrize(("options", "kind", "match"), WRONG, ids=[str([*o.items()])[:40] for o, _, _ in WRONG])
def test_wrong_parameters_are_named_when_training_begins(options, kind, match):
    net = classifier(**options)
    before = dict(vars(net))
    with pytest.raises(kind, match=match):
        net.fit(X, Y)
    assert vars(net) == before


def test_a_refused_training_leaves_the_estimator_as_it_was():
    net = classifier().fit(X, Y)
    before = net.predict_proba(X)
    for x, y in ((X, np.arange(120) / 7), (X[:5], Y)):
        with pytest.raises(ValueError):
            net.fit(x, y)
        np.testing.assert_array_equal(net.predict_proba(X), before)
        assert net.classes_.tolist() == NAMES.tolist()


def test_images_whose_channels_come_last_are_refused_unless_the_shape_is_given():
    last = np.random.default_rng(0).random((12, 8, 8, 3))
    with pytest.raises(ValueError, match=r"write numpy.moveaxis\(X, -1, 1\), or, .* image_shape=\(8, 8, 3\)"):
        classifier().fit(last, Y[:12])
    assert classifier(epochs=1, image_shape=(8, 8, 3)).fit(last, Y[:12]).network_.input_shape == (8, 8, 3)


REFUSED = {
    "no image": (X[:0], Y[:0], ValueError, "minimum of 1 is required"),
    "too many axes": (X[None], Y, ValueError, "Found array with dim 5"),
    "a vector": (X[:, 0, 0, 0], Y, ValueError, "Expected 2D array, got 1D array"),
    "masked": (np.ma.masked_greater(X, 0.9), Y, TypeError, "X must not be masked"),
    "nan": (np.where(X > 0.9, np.nan, X), Y, ValueError, "Input X contains NaN"),
    "beyond float32": (np.where(X > 0.9, np.inf, X), Y, ValueError, "infinity or a value too large"),
    "fewer labels": (X, Y[:7], ValueError, "inconsistent numbers of samples"),
    "no labels": (X, None, ValueError, "requires y to be passed"),
    "values for classes": (X, np.arange(120) / 7, ValueError, "Unknown label type: continuous"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_data_is_refused_in_a_sentence(case):
    images, labels, kind, match = REFUSED[case]
    with pytest.raises(kind, match=match):
        classifier(epochs=1).fit(images, labels)


def test_a_change_of_dtype_counts_from_the_next_beginning():
    net = classifier(epochs=1, warm_start=True).fit(X, Y).set_params(dtype="float64")
    assert net.predict(X).shape == (120,)
    assert net.fit(X, Y).network_.dtype == "float32"
    assert net.set_params(warm_start=False).fit(X, Y).network_.dtype == "float64"


def test_a_share_of_too_few_images_is_refused():
    with pytest.raises(ValueError, match=r"validation=0\.1 of 3 images is none"):
        classifier(early_stopping=True).fit(X[:3], ["a", "b", "c"])


def test_values_beyond_float32_are_refused():
    with pytest.raises(ValueError, match=r"^y must hold numbers that float32 holds, got one of size 1e\+300"):
        ConvNetRegressor(epochs=1).fit(LINE, LINE[:, 0] * 1e300)
    net = ConvNetRegressor(epochs=1, dtype="float64", loss=losses.L1(), random_state=0).fit(LINE, LINE[:, 0] * 1e300)
    assert np.isfinite(net.predict(LINE)).all()
