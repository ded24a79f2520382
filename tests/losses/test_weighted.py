"""Weights of images: the loss and its gradients are those of a sum over images, written out in float64."""

import numpy as np
import pytest

from fastconv import CrossEntropy, Network, fit, layers, losses, sequential, train_step
from fastconv.data import ArrayData, Loader, transforms
from fastconv.losses.weighted import Weighted, weighted
from fastconv.optim import SGD

RNG = np.random.default_rng(0)
N, K = 6, 3
X = RNG.standard_normal((N, 4))
LABELS = np.array([0, 2, 1, 1, 0, 2])
VALUES = RNG.standard_normal((N, K))
WEIGHTS = np.array([1.0, 3, 0.5, 2, 4, 1.5])
FREE = np.array([1.0, 3, 0, 2, 4, 0])  # some images count for nothing


def network(dtype="float64", seed=1):
    return Network(layers.Linear(K), (4,), dtype, seed=seed)


class Absolute:
    """A loss of one's own: the mean over the images of sums of differences."""

    def prepare(self, targets, y_shape, dtype):
        return np.asarray(targets, dtype).reshape(y_shape)

    def target_array(self, y_shape, dtype):
        return y_shape, dtype

    def bind(self, y, targets, value, dy):
        def call():
            value[...] = np.abs(y - targets).sum() / len(y)
            if dy is not None:
                dy[...] = np.sign(y - targets) / len(y)

        return call


def softmax(y):
    e = np.exp(y - y.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


LOSSES = {  # the loss, targets, and l[n] of each image with its slope
    "cross entropy": (
        CrossEntropy(),
        LABELS,
        lambda y: (-np.log(softmax(y)[range(N), LABELS]), softmax(y) - np.eye(K)[LABELS]),
    ),
    "mse": (losses.MSE("mean"), VALUES, lambda y: (((y - VALUES) ** 2).mean(1), 2 * (y - VALUES) / K)),
    "half a sum": (losses.MSE(), VALUES, lambda y: (((y - VALUES) ** 2).sum(1) / 2, y - VALUES)),
    "l1": (losses.L1(), VALUES, lambda y: (np.abs(y - VALUES).mean(1), np.sign(y - VALUES) / K)),
    "one's own": (Absolute(), VALUES, lambda y: (np.abs(y - VALUES).sum(1), np.sign(y - VALUES))),
}
SUMS = {
    "sum": (losses.MSE("sum"), VALUES, lambda y: (((y - VALUES) ** 2).sum(1), 2 * (y - VALUES))),
    "sum of classes": (CrossEntropy(reduction="sum"), LABELS, LOSSES["cross entropy"][2]),
}


def expected(net, each, weights, is_sum):
    """The loss and dL / dW, dL / db of a dense layer."""
    value, slope = each(net.predict(X))
    shares = weights if is_sum else weights / weights.sum()
    dy = shares[:, None] * slope
    return (shares * value).sum(), dy.T @ X, dy.sum(0)


@pytest.mark.parametrize("name", [*LOSSES, *SUMS])
@pytest.mark.parametrize(
    "weights", [WEIGHTS, FREE, 1e300 * WEIGHTS / 4, np.ones(N)], ids=["some", "zeros", "large", "ones"]
)
@pytest.mark.parametrize("way", ["fit", "step", "loader"])
def test_a_step_is_that_of_the_weighted_sum(name, weights, way):
    loss, targets, each = {**LOSSES, **SUMS}[name]
    if name in SUMS and weights.max() > 100:
        weights = weights / 1e300
    net = network()
    value, dw, db = expected(net, each, weights, name in SUMS)
    before = {key: array.copy() for key, array in net.parameters.items()}
    options = {"optimizer": SGD(0.01), "loss": loss, "sample_weight": weights}
    if way == "step":
        found = train_step(net, X, targets, **options)
    elif way == "fit":
        found = fit(net, X, targets, batch_size=N, seed=0, progress=False, **options)[0].loss
    else:
        data = Loader(Rows(X, targets), batch_size=N)
        found = fit(net, data, progress=False, **options)[0].loss
    np.testing.assert_allclose(found, value, rtol=1e-12)
    change = {key: (before[key] - array) / 0.01 for key, array in net.parameters.items()}
    np.testing.assert_allclose(change["linear1.weight"].reshape(dw.shape), dw, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(change["linear1.bias"], db, rtol=1e-9, atol=1e-12)


class Rows:
    """A data set of vectors."""

    def __init__(self, x, targets):
        self.x, self.targets = x, targets

    def __len__(self):
        return len(self.x)

    def batch(self, indices):
        return self.x[indices], self.targets[indices]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_whole_numbers_are_repetitions_where_a_step_sees_all_images(accumulate):
    counts = np.array([1, 3, 0, 2, 4, 2])
    nets = network(), network()
    settings = {"epochs": 5, "seed": 0, "progress": False, "accumulate": accumulate}
    repeated, labels = X.repeat(counts, 0), LABELS.repeat(counts)
    fit(nets[0], repeated, labels, optimizer=SGD(0.1), batch_size=12 // accumulate, **settings)
    fit(nets[1], X, LABELS, sample_weight=counts, optimizer=SGD(0.1), batch_size=6 // accumulate, **settings)
    for key in nets[0].parameters:
        np.testing.assert_allclose(nets[0].parameters[key], nets[1].parameters[key], rtol=1e-9)


def test_the_loss_of_an_epoch_is_the_weighted_mean_of_all_its_batches():
    net = network()
    value = expected(net, LOSSES["cross entropy"][2], WEIGHTS, False)[0]
    epoch = fit(net, X, LABELS, sample_weight=WEIGHTS, optimizer=SGD(1e-12), batch_size=4, seed=0, progress=False)[0]
    np.testing.assert_allclose(epoch.loss, value, rtol=1e-9)


def test_images_of_weight_0_are_left_out_bit_for_bit():
    nets, kept = (network("float32"), network("float32")), FREE > 0
    x = X.astype("float32")
    x[~kept] = np.nan
    settings = {"epochs": 3, "seed": 0, "progress": False, "batch_size": 2, "validation": 0.4}
    histories = [
        fit(nets[0], x, LABELS, sample_weight=FREE, **settings),
        fit(nets[1], x[kept], LABELS[kept], sample_weight=FREE[kept], **settings),
    ]
    assert [epoch.validation_loss for epoch in histories[0]] == [epoch.validation_loss for epoch in histories[1]]
    np.testing.assert_array_equal(nets[0].parameters.vector, nets[1].parameters.vector)


@pytest.mark.parametrize("loaded", [False, True])
def test_a_share_for_the_validation_has_the_weights_of_its_images(loaded):
    x, labels = np.arange(40.0)[:, None] / 40, np.zeros(40)
    weights = np.linspace(1, 3, 40)
    net = Network(layers.Linear(1, init="ones", bias_init="zeros"), (1,), "float64")
    seen = []

    def spy(y, targets):
        seen.extend(np.searchsorted(x[:, 0], y[:, 0] - 1e-9).tolist())
        assert targets.dtype == np.float64
        return 0

    options = {"loss": losses.MSE("mean"), "optimizer": SGD(1e-12), "validation": 0.25, "metrics": {"seen": spy}}
    data = (Loader(Rows(x, labels), batch_size=7, seed=3),) if loaded else (x, labels)
    epoch = fit(net, *data, **options, sample_weight=weights, seed=3, progress=False)[0]
    assert len(seen) == 10
    np.testing.assert_allclose(epoch.validation_loss, np.average(x[seen, 0] ** 2, weights=weights[seen]), rtol=1e-6)
    rest = np.setdiff1d(range(40), seen)
    np.testing.assert_allclose(epoch.loss, np.average(x[rest, 0] ** 2, weights=weights[rest]), rtol=1e-6)


def test_ignored_images_count_for_nothing_and_pixels_are_added():
    model = layers.Conv2D(2, 1)
    net = Network(model, (1, 2, 2), "float64", seed=0)
    x, labels = (
        RNG.standard_normal((3, 1, 2, 2)),
        np.array([[[0, 1], [-100, 1]], [[1, 1], [1, 0]], np.full((2, 2), -100)]),
    )
    y = net.predict(x)
    weights = np.array([3.0, 1, 2])
    p = np.exp(y) / np.exp(y).sum(1, keepdims=True)
    each = np.where(labels < 0, 0, -np.log(np.where(labels == 1, p[:, 1], p[:, 0])))
    wanted = (weights / weights.mean() * each.sum((1, 2))).sum() / (labels >= 0).sum()
    np.testing.assert_allclose(train_step(net, x, labels, SGD(0.1), sample_weight=weights), wanted, rtol=1e-9)


def test_augmented_images_keep_their_weights():
    images, labels = RNG.random((8, 1, 4, 4)), np.arange(8) % 2
    net = Network(sequential(layers.Flatten(), layers.Linear(2)), (1, 4, 4), seed=0)
    loader = Loader(ArrayData(images, labels), 4, transforms=transforms.random_flip(), processes=False)
    history = fit(net, loader, sample_weight=np.arange(8), epochs=2, progress=False)
    assert len(history) == 2
    mixed = Loader(ArrayData(images, labels), 4, mix=transforms.mixup(0.2, classes=2))
    with pytest.raises(ValueError, match="sample_weight needs images that are not mixed"):
        fit(net, mixed, sample_weight=np.ones(8))


@pytest.mark.parametrize(
    ("weights", "kind", "match"),
    [
        ([1, 2], ValueError, r"sample_weight must be one number for each image, shape \(6,\), got shape \(2,\)"),
        (np.ones((6, 1)), ValueError, r"shape \(6,\), got shape \(6, 1\)"),
        (3.0, ValueError, r"got shape \(\)"),
        ([1, 1, 1, 1, 1, -1], ValueError, r"finite numbers >= 0, got -1\.0"),
        ([1, 1, 1, 1, 1, np.nan], ValueError, "finite numbers >= 0, got nan"),
        ([1, 1, 1, 1, 1, np.inf], ValueError, "finite numbers >= 0, got inf"),
        (np.zeros(6), ValueError, "above 0 for some image"),
        (list("abcdef"), TypeError, "must be numbers, one for each image"),
    ],
)
@pytest.mark.parametrize("way", ["fit", "step", "loader"])
def test_wrong_weights_are_refused_and_nothing_changes(weights, kind, match, way):
    net = network()
    before = net.parameters.vector.copy()
    calls = {
        "step": lambda: train_step(net, X, LABELS, SGD(0.1), sample_weight=weights),
        "fit": lambda: fit(net, X, LABELS, sample_weight=weights, progress=False),
        "loader": lambda: fit(net, Loader(Rows(X, LABELS), 3), sample_weight=weights, progress=False),
    }
    with pytest.raises(kind, match=match):
        calls[way]()
    np.testing.assert_array_equal(net.parameters.vector, before)


def test_callbacks_see_the_loss_that_was_given():
    from fastconv.callbacks import Callback

    class Look(Callback):
        def on_epoch(self, run):
            self.loss = run.loss

    look, loss = Look(), CrossEntropy()
    fit(network(), X, LABELS, loss=loss, sample_weight=WEIGHTS, callbacks=[look], progress=False)
    assert look.loss is loss


def test_a_nan_among_labels_with_weights_is_named():
    values = VALUES.copy()
    values[3, 1] = np.nan
    with pytest.raises(FloatingPointError, match=r"labels\[3\] holds NaN"):
        fit(network(), X, values, loss=losses.MSE(), sample_weight=WEIGHTS, progress=False)


def test_two_weighted_losses_of_the_same_kind_are_equal_and_share_a_plan():
    assert Weighted(CrossEntropy()) == Weighted(CrossEntropy())
    assert hash(Weighted(CrossEntropy())) == hash(Weighted(CrossEntropy()))
    both = weighted(LABELS, WEIGHTS)
    assert Weighted(CrossEntropy()).prepare(both, (N, K), np.dtype("float32")).dtype == both.dtype
