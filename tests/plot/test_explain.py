"""The maps of `fastconv.plot.explain` against central differences, sums in loops, and networks whose maps are known."""

import numpy as np
import pytest

from fastconv import Network, layers, models, sequential
from fastconv.data import transforms
from fastconv.plot import explain
from fastconv.saved import SavedNetwork

MAPS = [explain.saliency_map, explain.grad_cam_map, explain.occlusion_map]


def network(*more):
    model = sequential(
        layers.Conv2D(5, 3), layers.Tanh(), layers.AvgPool2D(2), layers.Flatten(), layers.Linear(4), *more
    )
    return Network(model, (3, 8, 8), dtype="float64", seed=3)


def images(count=3):
    return np.random.default_rng(0).standard_normal((count, 3, 8, 8))


def softmax(y):
    e = np.exp(y - y.max())
    return e / e.sum()


def difference(function, x, place, step=1e-5):
    """The central difference of a function of an array."""
    up, down = x.copy(), x.copy()
    up[place] += step
    down[place] -= step
    return (function(up) - function(down)) / (2 * step)


def test_the_saliency_is_the_largest_central_difference_of_the_channels():
    net, x = network(), images()
    found = explain.saliency_map(net, x, [0, 3, 1])
    assert found.shape == (3, 8, 8)
    for n, k in enumerate((0, 3, 1)):
        for h, w in ((0, 0), (3, 5), (7, 7), (2, 6)):
            slopes = [abs(difference(lambda x, k=k: net.predict(x)[k], x[n], (c, h, w))) for c in range(3)]
            assert found[n, h, w] == pytest.approx(max(slopes), rel=1e-6, abs=1e-9)


def test_grad_cam_is_the_sum_of_maps_weighted_with_the_mean_of_their_gradients():
    net, x = network(), images()
    assert explain.last_maps(net) == "tanh1"
    found = explain.grad_cam_map(net, x, 2)
    assert found.shape == (3, 6, 6)
    W = net.parameters["linear1.weight"].reshape(4, 5, 3, 3)
    for n in range(3):
        A = net.features(x[n], "tanh1")
        L = np.zeros((6, 6))
        for c in range(5):
            L += sum(W[2, c, i // 2, j // 2] / 4 for i in range(6) for j in range(6)) / 36 * A[c]
        np.testing.assert_allclose(found[n], np.maximum(L, 0), rtol=1e-10, atol=1e-12)
        assert found[n].any()


def test_grad_cam_at_another_node_agrees_with_central_differences_of_what_follows():
    """The images of the second network are the maps of the node."""
    net, x = network(), images(1)[0]
    A = net.features(x, "conv1")
    model = sequential(layers.Tanh(), layers.AvgPool2D(2), layers.Flatten(), layers.Linear(4))
    rest = Network(model, A.shape, dtype="float64")
    rest.parameters.update({name: net.parameters[name] for name in rest.parameters})
    a = np.zeros(len(A))
    for place in np.ndindex(*A.shape):
        a[place[0]] += difference(lambda A: rest.predict(A)[1], A, place) / 36
    wanted = np.maximum(np.einsum("c,chw->hw", a, A), 0)
    np.testing.assert_allclose(explain.grad_cam_map(net, x, 1, "conv1"), wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("size", "stride", "value"), [(2, 2, 0.5), ((3, 2), (2, 1), [0.1, -0.2, 0.3]), (3, 3, None)])
def test_the_occlusion_is_the_mean_loss_of_probability_over_all_squares_that_cover_a_pixel(size, stride, value):
    net, x = network(), images(2)
    found = explain.occlusion_map(net, x, [1, 2], size, stride, value)
    (sh, sw), (th, tw) = np.broadcast_to(size, 2), np.broadcast_to(stride, 2)
    for n, k in enumerate((1, 2)):
        total, count = np.zeros((8, 8)), np.zeros((8, 8))
        for i in sorted({*range(0, 8 - sh, th), 8 - sh}):
            for j in sorted({*range(0, 8 - sw, tw), 8 - sw}):
                covered = x[n].copy()
                for c in range(3):
                    covered[c, i : i + sh, j : j + sw] = (
                        x[n][c].mean() if value is None else np.ravel(value)[c % np.size(value)]
                    )
                total[i : i + sh, j : j + sw] += softmax(net.predict(x[n]))[k] - softmax(net.predict(covered))[k]
                count[i : i + sh, j : j + sw] += 1
        np.testing.assert_allclose(found[n], total / count, rtol=1e-10, atol=1e-12)


def test_only_the_pixel_that_decides_stands_out():
    net = Network(sequential(layers.Flatten(), layers.Linear(2, init="zeros")), (1, 8, 8), dtype="float64")
    net.parameters["linear1.weight"][1, 2 * 8 + 5] = 3.0  # the score of class 1 is 3 x[2, 5]
    x, wanted = np.ones((1, 8, 8)), np.zeros((8, 8))
    wanted[2, 5] = 3
    np.testing.assert_array_equal(explain.saliency_map(net, x), wanted)
    wanted[2, 5] = softmax(np.array([0.0, 3.0]))[1] - 0.5
    np.testing.assert_allclose(explain.occlusion_map(net, x, size=1, value=0), wanted, atol=1e-12)


@pytest.mark.parametrize("function", MAPS)
def test_an_image_alone_and_in_a_batch_has_the_same_map_of_its_predicted_class(function):
    net, x = network(), images(3)
    together = function(net, x)
    predicted = net.predict(x).argmax(1)
    for n in range(3):
        np.testing.assert_array_equal(function(net, x[n]), together[n])
        np.testing.assert_array_equal(function(net, x[n], int(predicted[n])), together[n])
        strided = np.repeat(x[n], 2, axis=2)[:, :, ::2]
        strided.flags.writeable = False
        np.testing.assert_array_equal(function(net, strided), together[n])
    assert together.dtype == np.float64


@pytest.mark.parametrize("function", MAPS)
def test_raw_images_go_through_the_preprocessing_of_the_file(function):
    net = Network(models.lenet5(4), (1, 28, 28), seed=0)
    saved = SavedNetwork(net, ("a", "b", "c", "d"), [transforms.normalize(mean=0.3, std=0.4)])
    raw = np.random.default_rng(0).integers(0, 256, (2, 28, 28)).astype(np.uint8)
    ready = ((raw[:, None].astype("float32") / 255 - np.float32(0.3)) / np.float32(0.4)).astype("float32")
    np.testing.assert_allclose(function(saved, raw), function(net, ready), rtol=1e-4, atol=1e-6)
    assert function(saved, raw[0]).ndim == 2


def test_a_network_that_ends_with_softmax_has_its_probability_as_score():
    plain, ends = network(), network(layers.Softmax())
    x, k = images(1), 2
    p = softmax(plain.predict(x)[0])
    dy = ((np.arange(4) == k) - p)[None] * p[k]  # d p[k] / d y
    wanted = np.abs(plain.feature_gradients(x, "input", dy)).max(1)
    np.testing.assert_allclose(explain.saliency_map(ends, x, k), wanted, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(explain.occlusion_map(ends, x, k), explain.occlusion_map(plain, x, k), atol=1e-12)


def test_nan_in_an_image_stays_in_its_own_map():
    net, x = network(), images(2)
    x[0, 0, 3, 3] = np.nan
    found = explain.saliency_map(net, x, 0)
    assert np.isnan(found[0]).any()
    np.testing.assert_array_equal(found[1], explain.saliency_map(net, x[1], 0))


def test_the_default_node_is_the_last_before_pooling():
    for name, node in {"zhang2016": "sigmoid2", "resnet20": "layer3.2.relu2", "densenet121": "relu1"}.items():
        shape = (1, 28, 28) if name == "zhang2016" else (3, 64, 64)
        assert explain.last_maps(Network(getattr(models, name)(), shape)) == node


X = images(2)
REFUSED = [
    (lambda net: explain.saliency_map(net, X[0, 0]), "images must have shape"),
    (lambda net: explain.saliency_map(net, X[:0]), "images must be at least one image"),
    (lambda net: explain.saliency_map(net, X.astype(int)), "images must be float"),
    (lambda net: explain.saliency_map(net, None), "images must be"),
    (lambda net: explain.saliency_map(net, X, 4), "labels must be from 0 to 3, got 4"),
    (lambda net: explain.saliency_map(net, X, -1), "labels must be from 0 to 3, got -1"),
    (lambda net: explain.saliency_map(net, X, [1, 2, 3]), "labels must be one class number, or one for each of 2"),
    (lambda net: explain.saliency_map(net, X, 1.0), "labels must be a class number"),
    (lambda net: explain.saliency_map(net, X, "cat"), "labels must be a class number"),
    (lambda net: explain.saliency_map(net.freeze(), X), "give the Network that it was frozen from"),
    (lambda net: explain.saliency_map(models.lenet5(), X), "write fastconv.Network"),
    (lambda net: explain.saliency_map("net.npz", X), "network must be a Network"),
    (lambda net: explain.grad_cam_map(net, X, name="flatten1"), "name must be that of one node with maps"),
    (lambda net: explain.grad_cam_map(net, X, name="conv2"), "did you mean 'conv1'"),
    (lambda net: explain.grad_cam_map(net, X, name=["conv1"]), "name must be that of one node"),
    (lambda net: explain.occlusion_map(net, X, size=9), "size must be at most that of the image"),
    (lambda net: explain.occlusion_map(net, X, size=0), "size must be"),
    (lambda net: explain.occlusion_map(net, X, size=2, stride=3), "stride must be at most size"),
    (lambda net: explain.occlusion_map(net, X, size=(1, 2, 3)), "size must be one integer, or two"),
    (lambda net: explain.occlusion_map(net, X, value=[1, 2]), "value must be a number, or one for each of 3"),
    (lambda net: explain.occlusion_map(net, X, value="grey"), "value must be a number"),
]


@pytest.mark.parametrize(("call", "line"), REFUSED)
def test_a_wrong_call_gets_one_clear_line(call, line):
    with pytest.raises((TypeError, ValueError), match=line) as error:
        call(network())
    assert "\n" not in str(error.value)


def test_networks_without_classes_or_maps_are_refused():
    ones = np.ones((2, 1, 8, 8), "float32")
    with pytest.raises(ValueError, match=r"network must read images \(C, H, W\)"):
        explain.saliency_map(Network(layers.Linear(3), (5,)), np.ones((2, 5), "float32"))
    with pytest.raises(ValueError, match=r"network must have outputs \(K,\)"):
        explain.saliency_map(Network(layers.Conv2D(3, 3), (1, 8, 8)), ones)
    with pytest.raises(ValueError, match="network must have a node with maps"):
        explain.grad_cam_map(Network(sequential(layers.Flatten(), layers.Linear(3)), (1, 8, 8)), ones)
    with pytest.raises(ValueError, match="probabilities are of several classes"):
        explain.occlusion_map(Network(sequential(layers.Flatten(), layers.Linear(1)), (1, 8, 8)), ones)


def test_nothing_of_the_network_changes():
    net = Network(models.resnet20(), (3, 32, 32), seed=0)
    before = {name: array.copy() for name, array in net.arrays().items()}
    for function in MAPS:
        function(net, np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype("float32"))
    for name, array in net.arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_mean_colour_of_large_pixels_does_not_overflow():
    net = Network(sequential(layers.Flatten(), layers.Linear(2)), (1, 8, 8), seed=0)
    net.parameters["linear1.weight"][...] = 0
    assert (explain.occlusion_map(net, np.full((1, 8, 8), 3e38, "float32")) == 0).all()
