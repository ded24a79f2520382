"""A training that was broken off and goes on gives the bits of one without a break."""

import numpy as np
import pytest

from fastconv import CheckpointError, data, schedules
from fastconv.callbacks import Callback, Checkpoint, CSVLog, EarlyStopping
from fastconv.data import transforms
from fastconv.graph import sequential
from fastconv.kernels.runtime.threads import set_num_threads
from fastconv.layers import BatchNorm, Conv2D, Dropout, Flatten, Linear, ReLU
from fastconv.network import Network
from fastconv.optim import SGD, Adam, RMSprop
from fastconv.training import fit

RNG = np.random.default_rng(0)
SET = data.ArrayData(RNG.integers(0, 256, (61, 3, 8, 8), dtype=np.uint8), RNG.integers(0, 4, 61))
ARRAYS = (SET.images / np.float32(255)).astype("float32"), SET.targets
CHANGES = [transforms.random_crop(8, padding=1), transforms.random_flip(), transforms.to_float()]


def network(outputs=4):
    layers = Conv2D(4, 3), BatchNorm(), ReLU(), Dropout(0.3), Flatten(), Linear(outputs)
    return Network(sequential(*layers), (3, 8, 8), seed=0)


def source(kind):
    if kind == "arrays":
        return ARRAYS
    return (SET if kind == "set" else data.Loader(SET, batch_size=8, seed=5, transforms=CHANGES),)


OPTIMIZERS = {
    "sgd": lambda: SGD(0.05, momentum=0.9, weight_decay=1e-3),
    "adam": lambda: Adam(0.01),
    "rmsprop": lambda: RMSprop(0.01, centered=True),
}


class StopAt(Callback):
    """Breaks a training off after a step, as Ctrl-C does."""

    def __init__(self, step):
        self.step = step

    def on_step(self, run):
        if run.step == self.step:
            raise KeyboardInterrupt


def run(net, kind, optimizer="sgd", epochs=3, **options):
    options = {"schedule": schedules.one_cycle(), "validation": 0.2, "seed": 3, **options}
    return fit(net, *source(kind), epochs=epochs, batch_size=8, optimizer=OPTIMIZERS[optimizer](), progress=False,
               **options)  # fmt: skip


def bits(net):
    return {name: array.tobytes() for name, array in net.arrays().items()}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("step", [1, 3, 7, 8, 14, 20])
@pytest.mark.parametrize("kind", ["arrays", "set", "loader"])
def test_after_an_interrupt(tmp_path, kind, step, suffix):
    """Seven updates an epoch: in the first, between two, in the last."""
    whole, parts, path = network(), network(), tmp_path / f"run{suffix}"
    history = run(whole, kind)
    with pytest.raises(KeyboardInterrupt):
        run(parts, kind, callbacks=[StopAt(step), Checkpoint(path)])
    later = network()
    resumed = run(later, kind, resume=path)
    assert bits(later) == bits(whole)
    assert [epoch[:5] for epoch in resumed] == [epoch[:5] for epoch in history]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("options", [{}, {"accumulate": 3}, {"max_norm": 0.5}, {"lean": True}], ids=repr)
def test_with_other_rules_and_on_another_number_of_threads(tmp_path, optimizer, options):
    whole, parts, path = network(), network(), tmp_path / "run.npz"
    run(whole, "loader", optimizer, **options)
    steps = 3 if "accumulate" in options else 7
    set_num_threads(1)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(parts, "loader", optimizer, callbacks=[StopAt(steps + 1), Checkpoint(path)], **options)
    finally:
        set_num_threads(None)
    later = network()
    run(later, "loader", optimizer, resume=path, **options)
    assert bits(later) == bits(whole)


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("kind", ["arrays", "loader"])
def test_after_an_epoch_and_with_more_epochs(tmp_path, kind, every):
    whole, path = network(), tmp_path / "run.npz"
    history = run(whole, kind, schedule=None, epochs=5)
    run(network(), kind, schedule=None, epochs=every, callbacks=[Checkpoint(path, every)])
    later = network()
    resumed = run(later, kind, schedule=None, epochs=5, resume=path)
    assert bits(later) == bits(whole)
    assert [epoch[:5] for epoch in resumed] == [epoch[:5] for epoch in history]


def test_a_file_after_some_steps_is_one_to_go_on_from(tmp_path):
    """As after a crash: the file of step 10 is there, and training died at step 12."""

    class Crash(StopAt):
        def on_step(self, run):
            if run.step == self.step:
                raise ZeroDivisionError

    whole, path = network(), tmp_path / "run.npz"
    run(whole, "loader")
    with pytest.raises(ZeroDivisionError):
        run(network(), "loader", callbacks=[Checkpoint(path, every=10, steps=5), Crash(12)])
    later = network()
    run(later, "loader", resume=path)
    assert bits(later) == bits(whole)


def test_a_falling_schedule_goes_on(tmp_path):
    whole, path = network(), tmp_path / "run.npz"
    options = {"epochs": 6, "schedule": schedules.plateau(0.5, patience=0)}
    run(whole, "arrays", **options)
    options["schedule"] = schedules.plateau(0.5, patience=0)
    with pytest.raises(KeyboardInterrupt):
        run(network(), "arrays", callbacks=[StopAt(31), Checkpoint(path)], **options)
    later, options["schedule"] = network(), schedules.plateau(0.5, patience=0)
    history = run(later, "arrays", resume=path, **options)
    assert bits(later) == bits(whole)
    assert history[-1].lr < 0.05


def test_true_goes_on_where_there_is_a_file_and_else_begins(tmp_path):
    whole, path = network(), tmp_path / "run.npz"
    run(whole, "loader")
    with pytest.raises(KeyboardInterrupt):
        run(network(), "loader", resume=True, callbacks=[StopAt(9), Checkpoint(path)])
    later = network()
    run(later, "loader", resume=True, callbacks=[Checkpoint(path)])
    assert bits(later) == bits(whole)
    with pytest.raises(ValueError, match="resume=True needs a Checkpoint among the callbacks"):
        run(network(), "loader", resume=True)


def test_a_training_without_a_seed_goes_on_with_the_one_that_was_drawn(tmp_path):
    path = tmp_path / "run.npz"
    first, later = network(), network()
    with pytest.raises(KeyboardInterrupt):
        run(first, "set", seed=None, validation=None, callbacks=[StopAt(9), Checkpoint(path)])
    again = network()
    run(later, "set", seed=None, validation=None, resume=path)
    run(again, "set", seed=None, validation=None, resume=path)
    assert bits(later) == bits(again)


@pytest.mark.parametrize("kind", ["arrays", "set"])
def test_without_a_seed_the_validation_keeps_its_images(tmp_path, kind):
    class Seen(Callback):
        def before_validation(self, run):
            held_out, loader = run.validation, getattr(run.validation, "loader", None)
            images = held_out.images if loader is None else loader.data.batch(np.arange(len(loader.data)))[0]
            self.images = images.tobytes()

    first, later, path = Seen(), Seen(), tmp_path / "run.npz"
    run(network(), kind, seed=None, epochs=1, schedule=None, callbacks=[first, Checkpoint(path)])
    run(network(), kind, seed=None, epochs=2, schedule=None, callbacks=[later], resume=path)
    assert later.images == first.images


def test_an_interrupt_before_the_callbacks_know_of_an_epoch_loses_nothing(tmp_path):
    def stop_at_2(epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    def callbacks(name):
        return [CSVLog(tmp_path / f"{name}.csv"), EarlyStopping(5), Checkpoint(tmp_path / f"{name}.npz")]

    def options():
        return {"schedule": schedules.plateau(patience=0), "epochs": 5}

    whole, parts, later = network(), network(), network()
    run(whole, "arrays", callbacks=callbacks("whole"), **options())
    with pytest.raises(KeyboardInterrupt):
        run(parts, "arrays", callbacks=callbacks("parts"), on_epoch=stop_at_2, **options())
    history = run(later, "arrays", callbacks=callbacks("parts"), resume=True, **options())
    assert bits(later) == bits(whole)
    assert len(history) == 5
    logs = [(tmp_path / f"{name}.csv").read_text().splitlines() for name in ("whole", "parts")]
    assert [line.split(",")[:6] for line in logs[0]] == [line.split(",")[:6] for line in logs[1]]


@pytest.mark.parametrize(("kind", "after"), [("arrays", 4), ("arrays", None), ("set", None)])
def test_another_seed_would_train_on_images_of_the_validation(tmp_path, kind, after):
    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(network(), kind, callbacks=[StopAt(3), Checkpoint(path)])
    says = f"validation: 0.2 drawn by the seed 3 when it was written, now 0.2 drawn by the seed {after or 0}"
    with pytest.raises(ValueError, match=says):
        run(network(), kind, seed=after, resume=path)


def test_an_optimizer_without_a_state_begins_anew_with_a_warning(tmp_path):
    class Own:
        def step(self, parameters, gradients):
            parameters.vector[:] -= np.float32(0.1) * gradients.vector

    path, options = tmp_path / "run.npz", {"seed": 3, "progress": False}
    fit(network(), *ARRAYS, optimizer=Own(), callbacks=[Checkpoint(path)], **options)
    with pytest.warns(UserWarning, match="no state of an optimizer, what Own remembers begins anew"):
        fit(network(), *ARRAYS, epochs=2, optimizer=Own(), resume=path, **options)


def test_a_finished_training_has_nothing_to_do(tmp_path):
    whole, path = network(), tmp_path / "run.npz"
    history = run(whole, "arrays", callbacks=[Checkpoint(path)])
    later = network()
    assert run(later, "arrays", resume=path) == history
    assert bits(later) == bits(whole)


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(network(), "arrays", callbacks=[StopAt(9), Checkpoint(path)])
    return path


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"accumulate": 2}, "accumulate: 1 when it was written, now 2; both must agree"),
        ({"validation": None}, "images: 49 when it was written, now 61; both must agree"),
        ({"optimizer": "adam"}, "SGD.*Adam"),
        ({"schedule": None}, "schedule was given when it was written, and is missing now; both must agree"),
    ],
    ids=repr,
)
def test_other_settings_are_refused_and_nothing_changes(written, options, says):
    net = network()
    before = bits(net)
    with pytest.raises(ValueError, match=f"resume: the training in .*run.npz cannot go on here: .*{says}"):
        run(net, "arrays", resume=written, **options)
    assert bits(net) == before


def test_a_schedule_that_was_not_there_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(network(), "arrays", schedule=None, callbacks=[StopAt(3), Checkpoint(path)])
    with pytest.raises(ValueError, match="schedule was not given when it was written, and is now"):
        run(network(), "arrays", resume=path)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("conv*", None, r"conv1.bias was frozen .* trained now; write network.set_trainable\('conv1.bias', False\)"),
        (None, "conv*", r"conv1.bias was trained .* frozen now; write network.set_trainable\('conv1.bias', True\)"),
    ],
)
def test_parameters_are_frozen_as_before(tmp_path, before, after, says):
    first, later, path = network(), network(), tmp_path / "run.npz"
    for net, pattern in ((first, before), (later, after)):
        if pattern is not None:
            net.set_trainable(pattern, False)
    with pytest.raises(KeyboardInterrupt):
        run(first, "arrays", "adam", callbacks=[StopAt(3), Checkpoint(path)])
    with pytest.raises(ValueError, match=says):
        run(later, "arrays", "adam", resume=path)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"shuffle": False}, "shuffle of the loader: True .* now False"), ({"balanced": True}, "balanced of the loader")],
    ids=repr,
)
def test_a_loader_has_the_order_that_it_had(tmp_path, options, says):
    path = tmp_path / "run.npz"

    def train(**given):
        loader = data.Loader(SET, batch_size=8, seed=5, **given.pop("options", {}))
        fit(network(), loader, epochs=2, progress=False, **given)

    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[StopAt(3), Checkpoint(path)])
    with pytest.raises(ValueError, match=says):
        train(options=options, resume=path)


def test_a_loader_cannot_go_on_where_arrays_began(written):
    with pytest.raises(ValueError, match="it was trained on arrays, and now a loader is given, or the other way round"):
        run(network(), "loader", resume=written)


def test_files_that_hold_no_training(tmp_path, written):
    weights = tmp_path / "weights.npz"
    network().save(weights)
    with pytest.raises(CheckpointError, match=r"holds weights, but no training to go on with, .* network.load\(path\)"):
        run(network(), "arrays", resume=weights)
    with pytest.raises(CheckpointError, match="does not fit this network"):
        run(network(5), "arrays", resume=written)
    with pytest.raises(FileNotFoundError):
        run(network(), "arrays", resume=tmp_path / "missing.npz")


def test_a_checkpoint_is_a_file_of_weights(written):
    net = network()
    net.load(written)
    later = network()
    assert net.load(written, strict=False).unknown == []
    later.load(written)
    assert bits(net) == bits(later) != bits(network())


def test_a_training_in_another_dtype_is_refused(written):
    layers = Conv2D(4, 3), BatchNorm(), ReLU(), Dropout(0.3), Flatten(), Linear(4)
    net = Network(sequential(*layers), (3, 8, 8), "float64", seed=0)
    with pytest.raises(CheckpointError, match=r"the training is one in float32, the network is float64; write Network"):
        fit(net, *(a.astype("float64") if a.dtype == "float32" else a for a in ARRAYS), resume=written, progress=False)


def test_two_callbacks_with_one_file_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(ValueError, match=r"callbacks must write into files of their own, got .*run.npz twice"):
        run(network(), "arrays", callbacks=[Checkpoint(path), Checkpoint(path)])


def test_one_file_by_two_names_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    callbacks = [Checkpoint("a.npz", best="b.npz"), Checkpoint(tmp_path / "b.npz")]
    with pytest.raises(ValueError, match=r"files of their own, got .*b.npz twice"):
        run(network(), "arrays", callbacks=callbacks)
    with pytest.raises(ValueError, match="best must be another file than path"):
        Checkpoint("a.npz", best=tmp_path / "a.npz")
