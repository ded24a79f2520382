"""NaN and infinity in training: what is said of them, what is put back, and that the advice works."""

import functools
import re
import warnings

import numpy as np
import pytest

from fastconv import MSE, SGD, Adam, Network, evaluate, fit, layers, losses, sequential, train_step

N = 40
LABELS = np.arange(N) % 2
quiet_fit = functools.partial(fit, batch_size=8, seed=0, progress=False)


def images(seed=0, shape=(1, 4, 4)):
    return np.random.default_rng(seed).normal(size=(N, *shape)).astype("float32")


def network(shape=(1, 4, 4)):
    model = sequential(layers.Conv2D(3, 3), layers.BatchNorm(), layers.ReLU(), layers.Flatten(), layers.Linear(2))
    return Network(model, shape, seed=0)


def everything(net):
    return {name: array.tobytes() for name, array in net.arrays().items()}


class Spoiling(SGD):
    """Writes a value into the first parameter after one step."""

    def __init__(self, step, value):
        super().__init__(0.1)
        self.left, self.value = step, value

    def step(self, parameters, gradients):
        super().step(parameters, gradients)
        self.left -= 1
        if self.left == 0:
            next(iter(parameters.values())).flat[0] = self.value


def stopped(net, *arguments, **named):
    with pytest.raises(FloatingPointError) as caught:
        quiet_fit(net, *arguments, **named)
    return caught.value


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_the_image_is_named_by_its_index_in_the_array_of_the_caller(value, word):
    net, x = network(), images()
    x[23, 0, 1, 2] = value
    before = everything(net)
    error = stopped(net, x, LABELS, epochs=3)
    step = np.flatnonzero(np.random.default_rng(0).permutation(N) == 23)[0] // 8 + 1
    where = f"epoch 1, step {step}: the loss is NaN or infinite (learning rate 0.1)"
    assert str(error).startswith(f"{where}; images[23] holds {word}; ")
    assert str(error).endswith("The network has its parameters and buffers of before training again")
    assert error.history == []
    assert everything(net) == before
    code = re.search(r"good = (.*) write (images\[good\], labels\[good\])", str(error))
    good = eval(code[1], {"numpy": np, "images": x})
    kept = eval(code[2], {"images": x, "labels": LABELS, "good": good})
    assert len(kept[0]) == N - 1
    assert len(quiet_fit(net, *kept, epochs=2)) == 2


def test_targets_and_vectors_are_named_too():
    x, net = images(shape=(3,)), Network(layers.Linear(2), (3,), seed=0)
    targets = np.zeros((N, 2), "float32")
    targets[7, 1] = np.nan
    error = stopped(net, x, targets, loss=MSE("mean"))
    assert "labels[7] holds NaN; with good = numpy.isfinite(labels).all(1) write images[good]" in str(error)
    x[9, 0] = np.inf
    assert "images[9] holds infinity; with good = numpy.isfinite(images).all(1) write" in str(
        stopped(net, x, np.zeros((N, 2), "float32"), loss=MSE("mean"))
    )
    with pytest.raises(FloatingPointError, match=r"^the loss is NaN or infinite; labels\[7\] holds NaN"):
        train_step(net, images(shape=(3,)), targets, SGD(0.1), MSE("mean"))


@pytest.mark.parametrize("rate", [1e30, 1e38, 1000.0 * 1e10])
@pytest.mark.parametrize("lean", [False, True])
def test_a_learning_rate_that_is_too_large_is_named(rate, lean):
    net, right = network(), network()
    error = stopped(net, images(), LABELS, epochs=5, optimizer=SGD(rate), lean=lean)
    says = r"epoch \d, step \d: the loss is NaN or infinite \(.*\); the learning rate may be too large"
    assert re.match(says, str(error))
    assert f"a smaller one than {rate:g}, SGD(lr=0.01)" in str(error)
    assert "clip_gradients" in str(error)
    if lean:
        assert str(error).endswith(
            "No copy was kept (lean=True): the network has the parameters of its last whole step"
        )
        return
    assert everything(net) == everything(right)
    advice = re.search(r"SGD\(lr=[0-9.]+\)", str(error))[0]
    quiet_fit(net, images(), LABELS, epochs=5, optimizer=eval(advice))


def test_the_advice_for_another_optimizer_names_it():
    net = Network(layers.Linear(2), (3,), seed=0)
    error = stopped(net, images(shape=(3,)), np.zeros((N, 2), "float32"), epochs=9, optimizer=Adam(1e25), loss=MSE())
    assert "Adam(lr=0.01), loss=fastconv.MSE('mean') instead of MSE(reduction='half_sum'), or fit(..., max_norm" in str(
        error
    )
    assert isinstance(eval("Adam(lr=0.01)"), Adam)


class Fixed:
    """An optimizer without a learning rate."""

    def step(self, parameters, gradients):
        for name, array in parameters.items():
            array -= 1e30 * gradients[name]


def test_an_optimizer_without_a_rate():
    assert "; the steps of Fixed may be too large: try smaller ones" in str(
        stopped(network(), images(), LABELS, epochs=3, optimizer=Fixed())
    )


def test_pixels_are_divided_where_they_make_the_loss_nan():
    x = np.minimum(np.abs(images()) * 100, 255)
    with pytest.warns(UserWarning, match="images reach"):
        error = stopped(network(), x, LABELS, epochs=5, optimizer=SGD(1e35))
    assert ", images / 255, or fit(..., max_norm=1.0)" in str(error)


def test_the_last_good_epoch_is_put_back_with_its_history():
    """Five steps per epoch; the parameters become NaN in the third."""
    a, b = network(), network()
    error = stopped(a, images(), LABELS, epochs=5, optimizer=Spoiling(12, np.nan))
    history = quiet_fit(b, images(), LABELS, epochs=2)
    facts = "(learning rate 0.1, largest gradient norm so far "
    assert str(error).startswith(f"epoch 3, step 3: the loss is NaN or infinite {facts}")
    assert str(error).endswith("The network has its parameters and buffers of after epoch 2 again")
    assert [epoch[:3] for epoch in error.history] == [epoch[:3] for epoch in history]
    assert everything(a) == everything(b)


def test_parameters_that_become_infinite_in_the_last_step_of_an_epoch():
    a, b = network(), network()
    error = stopped(a, images(), LABELS, epochs=5, optimizer=Spoiling(10, np.inf))
    quiet_fit(b, images(), LABELS, epochs=1)
    assert str(error).startswith("epoch 2: network.parameters['conv1.weight'] holds infinity; the learning rate may")
    assert everything(a) == everything(b)
    assert len(error.history) == 1


def test_buffers_that_become_infinite():
    """The statistics of a batch are finite, but beyond what the running ones can hold."""
    net = network()

    class Writing(SGD):
        def step(self, parameters, gradients):
            next(iter(net.buffers.values())).flat[0] = np.inf

    before = everything(net)
    error = stopped(net, images(), LABELS, optimizer=Writing(0.1))
    assert str(error).startswith("epoch 1: network.buffers['bn1.")
    assert everything(net) == before


@pytest.mark.parametrize("lean", [False, True])
def test_parameters_that_hold_nan_before_training(lean):
    net = network()
    net.parameters["linear1.weight"][0, 0] = np.nan
    error = stopped(net, images(), LABELS, lean=lean)
    assert str(error).startswith("before training: network.parameters['linear1.weight'] holds NaN; load its values")
    assert error.history == []


def test_a_validation_that_holds_nan():
    net, x = network(), images(1)
    x[[5, 30]] = np.nan
    before = everything(net)
    error = stopped(net, images(), LABELS, epochs=2, validation=(x, LABELS))
    assert str(error).startswith("epoch 1: the validation loss is nan; validation: images[5] holds NaN; ")
    assert everything(net) == before


def test_the_loss_of_a_validation_that_overflows():
    net, x = Network(layers.Linear(1, init="ones"), (3,), seed=0), np.ones((4, 3), "float32")
    large, targets = x * np.float32(1e30), np.zeros((4, 1), "float32")
    error = stopped(net, x, targets, loss=MSE("mean"), optimizer=SGD(0.1), validation=(large, targets))
    assert str(error).startswith("epoch 1: the validation loss is inf; the learning rate may be too large")


def steps(net, optimizer):
    for _ in range(9):
        train_step(net, images(), LABELS, optimizer)


def test_a_single_step_says_why():
    x = images()
    x[3] = np.nan
    with pytest.raises(FloatingPointError, match=r"^the loss is NaN or infinite; images\[3\] holds NaN; "):
        train_step(network(), x, LABELS, SGD(0.1))
    net, optimizer = network(), SGD(1e38)
    with pytest.raises(FloatingPointError, match=r"try a new optimizer with a smaller one than 1e\+38, SGD\(lr=0.01\)"):
        steps(net, optimizer)


def test_an_error_of_an_own_optimizer_is_still_seen():
    class Strict:
        def step(self, parameters, gradients):
            raise FloatingPointError("overflow encountered in multiply")

    with pytest.raises(FloatingPointError) as caught:
        train_step(network(), images(), LABELS, Strict())
    assert str(caught.value.__cause__) == "overflow encountered in multiply"


def test_evaluate_warns_and_names_the_first_image():
    net, x = network(), images()
    x[[11, 12]] = np.nan
    for each in (net, net.freeze()):
        with pytest.warns(RuntimeWarning, match=r"^the loss is nan: images\[11\] holds NaN; ") as caught:
            loss, accuracy = evaluate(each, x, LABELS)
        assert np.isnan(loss)
        assert accuracy <= 38 / 40
        assert [warning.filename for warning in caught] == [__file__]
    net.parameters["linear1.bias"][0] = np.nan
    fine = "^the loss is nan: images and labels are finite, but "
    with pytest.warns(RuntimeWarning, match=rf"{fine}network.parameters\['linear1.bias'\] holds NaN$"):
        evaluate(net, images(), LABELS)
    with pytest.warns(RuntimeWarning, match=f"{fine}weights of the network hold NaN, or values"):
        evaluate(net.freeze(), images(), LABELS)


def test_infinite_logits_of_heads_that_are_left_out_are_no_nan():
    model = sequential(layers.Linear(9), layers.MainHead(3))
    net = Network(model, (4,), seed=0)
    x = images(shape=(4,))
    assert np.isfinite(evaluate(net, x, LABELS, losses.AuxiliaryCrossEntropy())[0])
    (epoch,) = quiet_fit(net, x, LABELS, loss=losses.AuxiliaryCrossEntropy(), validation=(x, LABELS))
    assert np.isfinite(epoch.validation_loss)


def test_good_training_keeps_its_bits():
    """A copy is kept; what is trained does not notice."""
    a, b = network(), network()
    quiet_fit(a, images(), LABELS, epochs=3)
    quiet_fit(b, images(), LABELS, epochs=3, lean=True)
    assert everything(a) == everything(b)


def linear():
    return Network(sequential(layers.Flatten(), layers.Linear(2)), (1, 4, 4), seed=0)


def test_a_finite_loss_that_grows_without_bounds_is_told_once_with_the_rate_to_try():
    with pytest.warns(UserWarning, match="the loss grew") as caught:
        history = quiet_fit(linear(), images(), LABELS, epochs=4, optimizer=SGD(1e6))
    assert len(history) == 4
    assert [warning.filename for warning in caught] == [__file__]
    says = str(caught[0].message)
    assert re.match(
        r"epoch \d: the loss grew from [01]\.\d+ to .*; the learning rate is too large: try a new optimizer with a "
        r"smaller one than 1e\+06, SGD\(lr=0\.01\)$",
        says,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet_fit(linear(), images(), LABELS, epochs=4, optimizer=eval(says.rpartition(", ")[2]))


@pytest.mark.parametrize("reduction", ["mean", "half_sum", "sum"])
def test_large_losses_of_large_targets_are_no_growth(reduction):
    """The first batch has a loss of 0, the others that of targets in the thousands, and of many values."""
    targets = np.full((N, 300), 3000, "float32")
    targets[np.random.default_rng(0).permutation(N)[:8]] = 0
    net = Network(sequential(layers.Flatten(), layers.Linear(300, init="zeros")), (1, 4, 4), seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = quiet_fit(net, images(), targets, epochs=2, loss=MSE(reduction), optimizer=SGD(1e-9))
    assert history[0].loss > 1e6


def test_a_sum_over_all_images_is_compared_with_the_sum_of_the_first_batch():
    x, targets = np.tile(images(), (50, 1, 1, 1)), np.ones((50 * N, 2), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (epoch,) = quiet_fit(linear(), x, targets, loss=MSE("sum"), optimizer=SGD(1e-9))
    assert epoch.loss > 1000
