"""What a network says of a data set: compared with loops over its images."""

import math

import numpy as np
import pytest

import fastconv
from fastconv import Network, data, models
from fastconv.pages.results import NORMAL, given_data, interval, results
from fastconv.pages.run import given_run

RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 255, (23, 1, 28, 28), np.uint8)
LABELS = RNG.integers(0, 3, 23)


@pytest.fixture
def saved(tmp_path):
    network = Network(models.lenet5(3), (1, 28, 28), seed=1)
    fastconv.save(tmp_path / "a.npz", network, classes=["ant", "bee", "cat"])
    return fastconv.load(tmp_path / "a.npz")


def test_the_results_are_those_of_loops(saved):
    found = results(given_run(saved), given_data((IMAGES, LABELS)))
    right, matrix = 0, [[0] * 3 for _ in range(3)]
    own = []
    for image, label in zip(IMAGES, LABELS, strict=True):
        y = saved.network.predict(image[None].astype("float32") / 255)[0].astype(float)
        p = [math.exp(v - max(y)) for v in y]
        p = [v / sum(p) for v in p]
        taken = p.index(max(p))
        right += taken == label
        matrix[label][taken] += 1
        own.append(p[label] if taken != label else 2.0)
    assert found.accuracy == pytest.approx(right / 23)
    precision, recall, f1 = found.measures()
    for k in range(3):
        row, column = sum(matrix[k]), sum(each[k] for each in matrix)
        assert recall[k] == pytest.approx(matrix[k][k] / row, nan_ok=True)
        assert precision[k] == pytest.approx(matrix[k][k] / column if column else math.nan, nan_ok=True)
        assert f1[k] == pytest.approx(2 * matrix[k][k] / (row + column), nan_ok=True)
    assert found.worst(4).tolist() == sorted(range(23), key=lambda k: own[k])[:4]


def test_examples_are_the_first_of_each_class_and_the_worst_mistake(saved):
    found = results(given_run(saved), given_data((IMAGES, LABELS)))
    worst = int(found.worst(1)[0])
    firsts = sorted(list(LABELS).index(k) for k in range(3))
    assert found.examples(1) == [worst]
    assert found.examples(3) == [*[k for k in firsts if k != worst][:2], worst]
    assert len(found.examples(10)) <= 4


def test_classes_are_compared_by_name(saved):
    turned = data.ArrayData(IMAGES, 2 - LABELS, classes=["cat", "bee", "ant"])
    found = results(given_run(saved), turned)
    np.testing.assert_array_equal(found.labels, LABELS)
    with pytest.raises(ValueError, match="here has the class 'dog', which the network does not know; it knows ant, be"):
        results(given_run(saved), data.ArrayData(IMAGES, LABELS, classes=["ant", "bee", "dog"]), "here")


def test_the_interval_ends_where_the_share_is_as_far_off_as_chance_allows():
    """Wilson's limits are the p' with |p - p'| = z sqrt(p' (1 - p') / n), here found by bisection."""

    def limit(share, count, low, high):
        for _ in range(200):
            middle = (low + high) / 2
            inside = abs(share - middle) <= NORMAL * math.sqrt(middle * (1 - middle) / count)
            if (middle < share) == inside:
                high = middle
            else:
                low = middle
        return low

    for share, count in ((0.5, 10), (0.9763, 10_000), (0.1, 30), (0.99, 100)):
        low, high = interval(share, count)
        assert low == pytest.approx(limit(share, count, 0, share), abs=1e-9)
        assert high == pytest.approx(limit(share, count, share, 1), abs=1e-9)
    assert interval(1.0, 10)[1] == pytest.approx(1, abs=1e-12)
    assert interval(0.0, 10)[0] == pytest.approx(0, abs=1e-12)


def test_a_network_gives_what_a_saved_one_gives(saved):
    ready = IMAGES.astype("float32") / 255
    of_network = results(given_run(saved.network), given_data((ready, LABELS)))
    of_saved = results(given_run(saved), given_data((IMAGES, LABELS)))
    np.testing.assert_array_equal(of_network.probabilities, of_saved.probabilities)


def test_of_several_classifiers_the_first_counts():
    network = Network(models.googlenet(3, aux_logits=True), (3, 64, 64), seed=0)
    x = RNG.random((4, 3, 64, 64), "float32")
    found = results(given_run(network), given_data((x, [0, 1, 2, 0])))
    y = network.predict(x)[:, :3].astype(float)
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, p, rtol=1e-5)


def test_images_of_another_dtype_than_the_networks_are_named(saved):
    with pytest.raises(TypeError, match=r"data: .* must be float32 like the network, got float64"):
        results(given_run(saved.network), given_data((IMAGES / 255, LABELS)))


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ("folder", TypeError, r"data must be a data set.* write data=fastconv.data.read\(path, 'test'\)"),
        (3, TypeError, r"data must be a data set, or a pair \(images, labels\), got"),
        ((IMAGES, LABELS[:4]), ValueError, "data: .*targets"),
        ((IMAGES[:0], LABELS[:0]), ValueError, "data .*image"),
        (
            (IMAGES, LABELS + 1),
            ValueError,
            "data must have labels from 0 to 2, as the network has 3 classes, got 1 to 3",
        ),
        ((IMAGES, LABELS - 1), ValueError, "data: class indices must be >= 0, got -1"),
        (
            (IMAGES, np.eye(3)[LABELS]),
            TypeError,
            r"data must have class indices \(N,\) as labels, got float64 of shape",
        ),
        ((IMAGES[:, :, :9, :9], LABELS), ValueError, r"data: images must have shape \(1, 28, 28\)"),
        ((IMAGES.astype(int), LABELS), TypeError, "data: images must be uint8"),
        ((np.full((23, 1, 28, 28), np.nan, "float32"), LABELS), ValueError, "data: .* NaN"),
    ],
)
@pytest.mark.filterwarnings("ignore:the prediction")
def test_data_that_do_not_fit_are_named(saved, given, error, says):
    with pytest.raises(error, match=says):
        results(given_run(saved), given_data(given))


def test_arrays_may_be_strided_and_read_only(saved):
    images, labels = np.asfortranarray(IMAGES[::-1]), LABELS[::-1]
    images.flags.writeable = False
    whole, other = (results(given_run(saved), given_data(each)) for each in ((IMAGES, LABELS), (images, labels)))
    assert whole.accuracy == other.accuracy


def test_one_image_of_one_class_is_enough(saved):
    found = results(given_run(saved), given_data((IMAGES[:1], LABELS[:1])))
    assert found.accuracy in (0.0, 1.0)
    assert found.examples(3) == [0]


@pytest.mark.parametrize("run", [3, None, [1], np.zeros(3)])
def test_what_is_no_run_is_refused(run):
    with pytest.raises(TypeError, match="run must be the path of a saved network"):
        given_run(run)
