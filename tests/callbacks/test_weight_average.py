"""The running mean of the weights, against float64 NumPy and against the same sums in the network's dtype."""

import tracemalloc

import numpy as np
import pytest

import fastconv
from fastconv.callbacks import Callback, Checkpoint, EarlyStopping, WeightAverage
from fastconv.graph import sequential
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, ReLU
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import evaluate, fit

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((24, 2, 6, 6)), np.arange(24) % 3


def network(dtype="float32", width=4):
    model = sequential(Conv2D(width, 3), BatchNorm(), ReLU(), Flatten(), Dropout(0.2), Linear(3))
    return Network(model, (2, 6, 6), dtype, seed=0)


def trained(net, *callbacks, epochs=3, **options):
    options = {
        "batch_size": 5,
        "optimizer": SGD(0.1),
        "seed": 0,
        "progress": False,
        "validation": (X, LABELS),
    } | options
    x, labels = options.pop("validation")
    data = net.dtype.type(x), labels
    return fit(net, *data, epochs=epochs, validation=data, callbacks=list(callbacks), **options)


class Seen(Callback):
    """Notes the arrays of the network at the beginning, after each update, and while the validation is looked at."""

    def __init__(self):
        self.updates, self.validated = [], []

    def on_begin(self, run):
        self.updates = [arrays(run.network)]

    def on_step(self, run):
        self.updates.append(arrays(run.network))

    def before_validation(self, run):
        self.validated.append(arrays(run.network))


def arrays(net):
    return {name: array.copy() for name, array in net.arrays().items()}


def means(seen, decay, warm_up, dtype="float64"):
    """After each update: a + (w - a) (1 - d), written as a loop."""
    a = {name: array.astype(dtype) for name, array in seen[0].items()}
    every = [a]
    for t, arrays in enumerate(seen[1:], 1):
        d = min(decay, (1 + t) / (10 + t)) if warm_up else decay
        a = {name: a[name] + (w.astype(dtype) - a[name]) * np.dtype(dtype).type(1 - d) for name, w in arrays.items()}
        every.append(a)
    return every


def floats(named):
    return {name: array for name, array in named.items() if array.dtype.kind == "f"}


every_case = pytest.mark.parametrize(("decay", "warm_up"), [(0.9, False), (0.9, True), (0.3, True), (0.0, False)])


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_mean_is_that_of_a_loop(dtype, decay, warm_up):
    net, seen, average = network(dtype), Seen(), WeightAverage(decay, warm_up)
    trained(net, seen, average)
    assert len(seen.updates) == 1 + 3 * 5
    expected = means([floats(each) for each in seen.updates], decay, warm_up)[-1]
    assert average.arrays().keys() == expected.keys() > set(net.parameters)
    for name, array in average.arrays().items():
        assert array.dtype == dtype
        np.testing.assert_allclose(array, expected[name], rtol=1e-5 if dtype == "float32" else 1e-13, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_are_those_of_the_same_sums_in_numpy_on_any_number_of_threads(dtype, threads):
    """Of so many weights that several threads share them."""
    net, average = network(dtype, width=2000), WeightAverage(0.9)
    run = type("Run", (), {"network": net})
    before = fastconv.get_num_threads()
    fastconv.set_num_threads(threads)
    try:
        average.on_begin(run)
        seen = [arrays(net)]
        for _ in range(3):
            for array in floats(net.arrays()).values():
                array += RNG.standard_normal(array.shape)
            average.on_step(run)
            seen.append(arrays(net))
    finally:
        fastconv.set_num_threads(before)
    expected = means([floats(each) for each in seen], 0.9, True, dtype)[-1]
    assert {name: array.tobytes() for name, array in average.arrays().items()} == {
        name: array.tobytes() for name, array in expected.items()
    }


def test_the_validation_sees_the_mean_and_the_network_has_it_in_the_end():
    net, seen, behind = network(), Seen(), Seen()
    history = trained(net, seen, WeightAverage(0.8), behind)
    expected = means([floats(each) for each in seen.updates], 0.8, True)
    for epoch, (own, mean) in enumerate(zip(seen.validated, behind.validated, strict=True), 1):
        for name, array in own.items():
            assert (array == seen.updates[5 * epoch][name]).all()
            if array.dtype.kind == "f":
                np.testing.assert_allclose(mean[name], expected[5 * epoch][name], rtol=1e-5, atol=1e-6)
            else:
                assert (mean[name] == array).all()
    assert (history[-1].validation_loss, history[-1].validation_accuracy) == evaluate(net, np.float32(X), LABELS)


def test_training_is_the_same_as_without_it():
    plain, net = network(), network()
    trained(plain)
    trained(net, WeightAverage(0.5, use=False))
    assert all(array.tobytes() == net.arrays()[name].tobytes() for name, array in plain.arrays().items())


class Broken(Callback):
    def __init__(self, error, step):
        self.error, self.step = error, step

    def on_step(self, run):
        if run.step == self.step:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("mine")])
def test_after_an_error_the_network_keeps_its_own_weights(error):
    net, average, seen = network(), WeightAverage(0.8), Seen()
    with pytest.raises(type(error)):
        trained(net, average, seen, Broken(error, 7))
    assert all((array == seen.updates[7][name]).all() for name, array in net.arrays().items())
    assert average.updates == 7


def test_after_an_error_of_the_validation_the_network_has_its_own_weights():
    net, seen = network(), Seen()

    def wrong(y, targets):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        trained(net, WeightAverage(0.8), seen, metrics={"wrong": wrong})
    assert all((array == seen.updates[5][name]).all() for name, array in net.arrays().items())


def test_a_training_that_goes_on_has_the_same_mean(tmp_path):
    whole, first, later = network(), network(), network()
    trained(whole, WeightAverage(0.8), epochs=4)
    with pytest.raises(KeyboardInterrupt):
        trained(first, WeightAverage(0.8), Broken(KeyboardInterrupt(), 13), Checkpoint(tmp_path / "run.npz"), epochs=4)
    average = WeightAverage(0.8)
    trained(later, average, Checkpoint(tmp_path / "run.npz"), epochs=4, resume=tmp_path / "run.npz")
    assert average.updates == 20
    assert all(array.tobytes() == later.arrays()[name].tobytes() for name, array in whole.arrays().items())


def test_a_second_training_begins_anew():
    average, fresh = WeightAverage(0.8), WeightAverage(0.8)
    trained(network(), average)
    trained(network(), average)
    trained(network(), fresh)
    assert average.updates == fresh.updates == 15
    assert all((array == fresh.arrays()[name]).all() for name, array in average.arrays().items())


def test_the_state_is_a_copy_and_fits_only_networks_of_the_same_arrays():
    average = WeightAverage(0.8)
    trained(network(), average)
    state = average.state()
    for array in average.arrays().values():
        array[...] = 7
    assert not any((array == 7).all() for array in state["arrays"].values() if array.size)
    for other in (network(width=3), Network(sequential(Flatten(), Linear(3)), (2, 6, 6))):
        average.load_state(state)
        with pytest.raises(ValueError, match=r"must have shape|is that of another network: "):
            trained(other, average)


def test_a_step_allocates_nothing_to_speak_of():
    net, average = network(width=2000), WeightAverage()
    run = type("Run", (), {"network": net})
    average.on_begin(run)
    average.on_step(run)
    tracemalloc.start()
    average.on_step(run)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000 < net.parameters.flat.nbytes / 10


def test_early_stopping_after_it_gives_back_the_mean_of_the_best_epoch():
    net, seen, behind = network(), Seen(), Seen()
    values = iter([0.5, 0.9, 0.4, 0.3])
    metrics = {"score": lambda y, targets: next(values)}
    trained(net, seen, WeightAverage(0.8), behind, EarlyStopping(9, "score"), epochs=4, metrics=metrics)
    assert all((array == behind.validated[1][name]).all() for name, array in net.arrays().items())
    assert any((array != seen.validated[1][name]).any() for name, array in net.arrays().items())


def test_the_mean_is_stored_in_a_checkpoint(tmp_path):
    average = WeightAverage(0.8, use=False)
    trained(network(), average, Checkpoint(tmp_path / "run.npz"))
    stored = np.load(tmp_path / "run.npz")
    for name, array in average.arrays().items():
        found = [stored[key] for key in stored if key.startswith("run/callbacks/") and key.endswith(f"/{name}")]
        assert len(found) == 1
        assert (found[0] == array).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"decay": 1}, "decay must be from 0 to below 1, got 1"),
        ({"decay": -0.1}, "decay must be from 0 to below 1, got -0.1"),
        ({"decay": float("nan")}, "decay must be from 0 to below 1, got nan"),
        ({"decay": "0.9"}, "decay must be a number, got '0.9'"),
        ({"warm_up": 3}, "warm_up must be True or False, got 3"),
        ({"use": None}, "use must be True or False, got None"),
    ],
)
def test_what_does_not_fit_is_refused(options, says):
    with pytest.raises((TypeError, ValueError), match=f"^{says}"):
        WeightAverage(**options)
