"""When training stops early, and what the network has then."""

import numpy as np
import pytest

from fastconv.callbacks import Callback, Checkpoint, EarlyStopping, WeightAverage
from fastconv.graph import sequential
from fastconv.layers import BatchNorm, Linear
from fastconv.network import Network
from fastconv.optim import SGD
from fastconv.training import fit

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((12, 6)).astype("float32"), np.arange(12) % 2


def network():
    return Network(sequential(BatchNorm(), Linear(2)), (6,), seed=0)


class Noted(Callback):
    """The arrays of the network after each epoch."""

    def __init__(self):
        self.arrays = []

    def on_epoch(self, run):
        self.arrays.append({name: array.copy() for name, array in run.network.arrays().items()})


def same(net, arrays):
    return all(array.tobytes() == arrays[name].tobytes() for name, array in net.arrays().items())


def trained(stopping, values=None, epochs=10, net=None, callbacks=(), **options):
    """(history, network, its arrays after each epoch), with these values of the metric "score"."""
    net, noted = net or network(), Noted()
    if values is not None:
        given = iter(values)
        options["metrics"] = {"score": lambda y, targets: next(given), "error": lambda y, targets: 0.0}
        options["validation"] = (X, LABELS)
    options = {"batch_size": 5, "optimizer": SGD(0.1), "seed": 0, "progress": False} | options
    history = fit(net, X, LABELS, epochs=epochs, callbacks=[noted, stopping, *callbacks], **options)
    return history, net, noted.arrays


def last_and_best(values, patience, change, sign):
    """(the epoch after which training ends, the best one), from 1, as a loop over all that came before."""
    best = 1
    for epoch in range(2, len(values) + 1):
        if sign * values[epoch - 1] > sign * values[best - 1] + change:
            best = epoch
        elif epoch - best >= patience:
            return epoch, best
    return len(values), best


SEQUENCES = [
    [1, 2, 3, 4, 5],
    [5, 4, 3, 2, 1],
    [3, 3, 3, 3, 3],
    [1, 5, 2, 4, 3, 6, 1],
    [0.5, 0.52, 0.54, 0.56, 0.58, 0.6],
    [-1, -3, -2, -2, -4, 0],
]


@pytest.mark.parametrize("values", SEQUENCES, ids=str)
@pytest.mark.parametrize("patience", [1, 2, 3])
@pytest.mark.parametrize("change", [0.0, 0.03])
@pytest.mark.parametrize("mode", ["min", "max", None])
def test_it_stops_where_a_loop_over_the_values_says_and_gives_back_the_best(values, patience, change, mode):
    stopping = EarlyStopping(patience, "score", change, mode=mode)
    history, net, arrays = trained(stopping, values, epochs=len(values))
    last, best = last_and_best(values, patience, change, -1 if mode == "min" else 1)
    assert (len(history), stopping.best_epoch, stopping.best) == (last, best, values[best - 1])
    assert same(net, arrays[best - 1])


def test_nan_is_no_improvement():
    stopping = EarlyStopping(2, "score")
    history, net, arrays = trained(stopping, [float("nan"), 0.5, float("nan"), float("nan"), 1.0])
    assert (len(history), stopping.best_epoch) == (4, 2)
    assert same(net, arrays[1])


def test_without_a_single_number_the_network_keeps_its_weights():
    history, net, arrays = trained(EarlyStopping(2, "score"), [float("nan")] * 5)
    assert len(history) == 2
    assert same(net, arrays[1])


@pytest.mark.parametrize(
    ("monitor", "best"),
    [("validation_loss", np.argmin), ("validation_accuracy", np.argmax), ("loss", np.argmin), ("accuracy", np.argmax)],
)
def test_what_is_better(monitor, best):
    """The validation has the wrong labels: it becomes worse while the training becomes better."""
    history, net, arrays = trained(EarlyStopping(100, monitor), validation=(X, 1 - LABELS), epochs=8)
    place = int(best([getattr(epoch, monitor) for epoch in history]))
    assert same(net, arrays[place])
    assert place < 7 if monitor.startswith("validation") else place > 0


def test_the_loss_can_be_watched_without_a_validation():
    """From the fourth epoch on the rate is such that the loss grows."""
    rate = lambda moment: 0.1 if moment.epoch < 4 else 3  # noqa: E731
    history, net, arrays = trained(EarlyStopping(2, "loss"), optimizer=SGD(1.0), epochs=20, schedule=rate)
    best = int(np.argmin([epoch.loss for epoch in history]))
    assert best >= 3
    assert same(net, arrays[best])
    assert len(history) == best + 3 < 20


def test_the_last_weights_are_kept_if_they_are_wanted():
    stopping = EarlyStopping(2, "score", restore=False)
    history, net, arrays = trained(stopping, [3, 2, 1])
    assert len(history) == 3
    assert same(net, arrays[-1])
    assert stopping.arrays() == {}


class Broken(Callback):
    def on_epoch(self, run):
        if run.epoch == 3:
            raise KeyboardInterrupt


def test_after_ctrl_c_the_network_keeps_its_own_weights():
    net, noted, stopping = network(), Noted(), EarlyStopping(9, "loss")
    callbacks = [noted, stopping, Broken()]
    with pytest.raises(KeyboardInterrupt):
        fit(net, X, LABELS, epochs=9, optimizer=SGD(2.0), batch_size=5, seed=0, progress=False, callbacks=callbacks)
    assert same(net, noted.arrays[-1])
    assert all(
        (array == noted.arrays[stopping.best_epoch - 1][name]).all() for name, array in stopping.arrays().items()
    )


@pytest.mark.parametrize("epochs_before", [1, 2, 3, 4])
def test_a_training_that_goes_on_stops_where_the_whole_one_does(tmp_path, epochs_before):
    values = [1, 5, 3, 2, 4, 1]
    whole, net, _ = trained(EarlyStopping(3, "score"), values)
    file = Checkpoint(tmp_path / "run.npz")
    trained(EarlyStopping(3, "score"), values, epochs=epochs_before, callbacks=[file])
    stopping = EarlyStopping(3, "score")
    history, later, _ = trained(stopping, values[epochs_before:], callbacks=[file], resume=file.path)
    assert len(history) == len(whole) == 5
    assert stopping.best_epoch == 2
    assert same(later, net.arrays())


def test_a_training_that_had_stopped_stops_at_once(tmp_path):
    file = Checkpoint(tmp_path / "run.npz")
    _, net, _ = trained(EarlyStopping(2, "score"), [1, 5, 3, 2, 9], callbacks=[file])
    history, later, _ = trained(EarlyStopping(2, "score"), [], callbacks=[file], resume=file.path)
    assert len(history) == 4
    assert same(later, net.arrays())
    history, _, _ = trained(EarlyStopping(3, "score"), [4, 9], callbacks=[file], resume=file.path)  # more patience
    assert len(history) == 5


def test_a_second_training_begins_anew():
    stopping = EarlyStopping(2, "score")
    trained(stopping, [9, 8, 7])
    history, net, arrays = trained(stopping, [1, 2, 1, 1])
    assert (len(history), stopping.best_epoch, stopping.best) == (4, 2, 2)
    assert same(net, arrays[1])


def test_the_state_is_a_copy():
    stopping = EarlyStopping(2, "score")
    trained(stopping, [1, 2, 1, 1])
    state = stopping.state()
    for array in stopping.arrays().values():
        array[...] = 7
    assert not any((array == 7).all() for array in state["arrays"].values())


def test_the_mean_of_the_weights_comes_before():
    with pytest.raises(ValueError, match=r"write callbacks=\[WeightAverage\(\), EarlyStopping\(\)\]$"):
        trained(EarlyStopping(2, "score"), [1], callbacks=[WeightAverage()])


@pytest.mark.parametrize(
    ("monitor", "options", "says"),
    [
        ("validation_loss", {}, r"but fit was given no validation; write fit\(..., validation=0.1\), or"),
        ("validation_accuracy", {}, "monitor='validation_accuracy', but fit was given no validation"),
        ("f1", {"validation": (X, LABELS)}, "monitor='f1' is none of the metrics that fit was given; known are valid"),
        ("val_loss", {"validation": (X, LABELS)}, "monitor='val_loss' is none of the metrics that fit was given"),
    ],
)
def test_a_value_that_epochs_will_not_have_is_refused_before_training(monitor, options, says):
    net = network()
    before = {name: array.copy() for name, array in net.arrays().items()}
    with pytest.raises(ValueError, match=says):
        trained(EarlyStopping(2, monitor), net=net, **options)
    assert same(net, before)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"patience": 0}, "patience must be >= 1, got 0"),
        ({"patience": 1.5}, "patience must be an integer, got 1.5"),
        ({"change": -1}, "change must be a number >= 0, got -1"),
        ({"change": float("nan")}, "change must be a number >= 0, got nan"),
        ({"mode": "less"}, "mode must be 'min' or 'max', what is better, got 'less'"),
        ({"monitor": None}, "monitor must be text, got None"),
        ({"monitor": 3}, "monitor must be the name of a field of Epoch"),
        ({"restore": 2}, "restore must be True or False, got 2"),
    ],
)
def test_what_does_not_fit_is_refused(options, says):
    with pytest.raises((TypeError, ValueError), match=f"^{says}"):
        EarlyStopping(**options)
