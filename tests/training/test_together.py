"""Training on several ranks, here threads: the bits of one process, or its numbers up to rounding."""

from functools import partial
from itertools import chain

import numpy as np
import pytest
from ranks import together

from fastconv import SGD, CrossEntropy, Network, concat, data, fit, layers, losses, metrics, models, sequential
from fastconv.callbacks import Callback, Checkpoint, WeightAverage
from fastconv.data import transforms

RNG = np.random.default_rng(0)
X, LABELS = RNG.standard_normal((53, 1, 12, 12)).astype("float32"), RNG.integers(0, 4, 53)
BYTES = data.ArrayData(RNG.integers(0, 256, (53, 1, 12, 12), dtype=np.uint8), LABELS)
SIZES = (1, 2, 3, 4)  # of the batches of 16, the last has 5 images


def plain(x):
    model = (layers.Conv2D(4, 3), layers.ReLU(), layers.MaxPool2D(2), layers.Flatten(), layers.Linear(4))
    return sequential(*model)(x)


def normed(x):
    first = (layers.Conv2D(20, 3, padding=1), layers.BatchNorm(), layers.ReLU(), layers.Dropout(0.3))
    x = sequential(*first)(x)
    y = sequential(layers.Conv2D(20, 3, padding=1), layers.BatchNorm(affine=False))(x)
    end = (layers.MaxPool2D(2), layers.Flatten(), layers.Linear(6), layers.BatchNorm(), layers.ReLU(), layers.Linear(4))
    return sequential(*end)(layers.ReLU()(x + y))


MODELS = {"plain": plain, "normed": normed}


def trained(ranks, model, weights=0, dtype="float32", epochs=3, source=None, **options):
    """(bits of all arrays, history, network) of a training on these ranks."""
    network = Network(model, (1, 12, 12), dtype, seed=weights)
    source = (X.astype(dtype), LABELS) if source is None else source
    options = {"seed": 0, "batch_size": 16, "optimizer": SGD(0.05, momentum=0.9), **options}
    history = fit(network, *source, epochs=epochs, progress=False, comm=ranks, **options)
    return bits(network), [epoch[:5] for epoch in history], network


def bits(network):
    return {name: array.tobytes() for name, array in network.arrays().items()}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("size", SIZES)
def test_deterministic_ranks_have_the_bits_of_one_process(model, size):
    options = {"deterministic": True, "validation": 0.2, "max_norm": 1.0}
    alone = trained(None, model, **options)
    for found in together(size, lambda ranks: trained(ranks, model, weights=ranks.rank, **options)):
        assert found[0] == alone[0]
        assert found[1] == alone[1]


@pytest.mark.parametrize("options", [{"accumulate": 2}, {"drop_last": True}, {"batch_size": 3}, {"dtype": "float64"}])
def test_deterministic_ranks_have_the_bits_of_one_process_with(options):
    alone = trained(None, normed, deterministic=5, **options)
    for found in together(3, lambda ranks: trained(ranks, normed, deterministic=5, **options)):
        assert found[:2] == alone[:2]


@pytest.mark.parametrize("mix", [None, transforms.mixup(0.2, classes=4)], ids=["plain", "mixed"])
@pytest.mark.parametrize("balanced", [False, True])
def test_deterministic_ranks_share_the_batches_of_a_loader(mix, balanced):
    changes = [transforms.random_crop(12, padding=2), transforms.random_flip(), transforms.to_float()]

    options = {"loss": CrossEntropy(soft_targets=True)} if mix else {"validation": BYTES}

    def work(ranks):
        source = (data.Loader(BYTES, 16, seed=3, transforms=changes, mix=mix, balanced=balanced),)
        return trained(ranks, normed, source=source, deterministic=True, **options)[:2]

    assert together(3, work) == [work(None)] * 3


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("size", SIZES[1:])
def test_ranks_compute_what_one_process_computes(model, size):
    """In float64, with batch norm over all ranks; dropout draws the same masks."""
    options = {"dtype": "float64", "validation": (X.astype("float64"), LABELS), "optimizer": SGD(0.05)}
    _, history, network = trained(None, model, **options)
    for _, theirs, other in together(size, lambda ranks: trained(ranks, model, **options), synchronise=True):
        np.testing.assert_allclose(np.array(theirs), np.array(history), rtol=1e-9)
        for name, array in network.arrays().items():
            np.testing.assert_allclose(other.arrays()[name], array, rtol=1e-8, atol=1e-10, err_msg=name)


def test_networks_of_several_inputs_and_outputs_are_trained_by_ranks():
    def model(x):
        features = sequential(layers.Conv2D(4, 3, padding=1), layers.BatchNorm(), layers.ReLU())(x["image"])
        row = concat(layers.Flatten()(layers.AdaptiveAvgPool2D(1)(features)), x["age"])
        return {"kind": layers.Linear(4)(row), "mask": layers.Conv2D(1, 1)(features)}

    x = {"image": X, "age": RNG.standard_normal((53, 1)).astype("float32")}
    targets = {"kind": LABELS, "mask": RNG.standard_normal((53, 1, 12, 12)).astype("float32")}
    loss = {"kind": CrossEntropy(), "mask": losses.MSE("mean")}

    def work(ranks):
        network = Network(model, {"image": (1, 12, 12), "age": (1,)}, seed=0)
        options = {"validation": (x, targets), "batch_size": 16, "seed": 0, "progress": False, "deterministic": True}
        history = fit(network, x, targets, loss=loss, epochs=2, comm=ranks, **options)
        return [epoch[:5] for epoch in history], bits(network)

    assert together(3, work) == [work(None)] * 3


def test_batch_norm_of_each_rank_alone_is_another_training_with_the_same_bits_each_time():
    first, again = (together(2, lambda ranks: trained(ranks, normed)) for _ in range(2))
    assert [found[:2] for found in first] == [found[:2] for found in again]
    assert first[0][0] == first[1][0]
    assert first[0][0] != together(2, lambda ranks: trained(ranks, normed), synchronise=True)[0][0]


def test_ranks_without_images_of_a_batch_take_part():
    """Batches of 16 on 4 ranks, the last of 1 image; and batches of 2."""
    for images, size in ((33, 16), (8, 2)):
        source = (X[:images], LABELS[:images])
        alone = trained(None, plain, source=source, batch_size=size)
        for found in together(4, lambda ranks, s=source, n=size: trained(ranks, plain, source=s, batch_size=n)):
            np.testing.assert_allclose(np.array(found[1], float), np.array(alone[1], float), rtol=1e-4)


def test_each_rank_reads_its_share_and_every_image_is_read_once():
    class Counted:
        labels, classes = LABELS, None

        def __init__(self):
            self.read = []

        def __len__(self):
            return len(X)

        def batch(self, indices):
            self.read += list(indices)
            return X[indices], LABELS[indices]

    def work(ranks, chosen):
        source = Counted()
        given = data.Loader(source, 16, workers=0) if chosen else source
        trained(ranks, plain, source=(given,), epochs=1, seed=None)
        return source.read

    for size, chosen in ((2, True), (3, False), (7, True)):  # a seed that nobody chose is that of rank 0
        read = together(size, partial(work, chosen=chosen))
        assert sorted(chain(*read)) == list(range(len(X)))
        assert max(map(len, read)) - min(map(len, read)) <= 4  # at most one more in each of the four batches


def test_an_order_that_nobody_chose_is_that_of_rank_0():
    """Of arrays: the losses are those of the ranks' common batches, so one process with the same order has them too."""
    rng = np.random.default_rng(5)

    def work(ranks):
        given = np.random.default_rng(5 + 10 * ranks.rank) if ranks else rng
        return trained(ranks, plain, seed=given, deterministic=True)[:2]

    assert together(3, work) == [work(None)] * 3


def test_sums_begin_while_the_backward_pass_goes_on():
    def work(ranks):
        trained(ranks, normed, epochs=1)
        return ranks.sums, ranks.calls

    for sums, calls in together(2, work, bucket_bytes=1):
        assert sums >= 4 * 5  # at least the five layers that have parameters, in each of the four batches
        first = calls[: calls.index("finish")]
        assert first.count("begin") > 3
        assert "progress" in first[first.index("begin") :]


def test_gradients_of_several_batches_are_summed_once():
    options = {"dtype": "float64", "accumulate": 3, "epochs": 2, "optimizer": SGD(0.05), "max_norm": 0.5}
    _, history, network = trained(None, plain, **options)

    def work(ranks):
        return ranks, *trained(ranks, plain, **options)[1:]

    for ranks, theirs, other in together(3, work, bucket_bytes=1 << 30):
        assert ranks.sums == 4  # four batches of an epoch, in groups of three and one
        np.testing.assert_allclose(np.array(theirs, float), np.array(history, float), rtol=1e-9)
        np.testing.assert_allclose(other.parameters.flat, network.parameters.flat, rtol=1e-9)


def test_frozen_parameters_are_neither_sent_nor_changed():
    def work(ranks):
        network = Network(plain, (1, 12, 12), seed=0)
        network.set_trainable("conv1.*", False)
        before = network.parameters["conv1.weight"].copy()
        fit(network, X, LABELS, batch_size=16, seed=0, progress=False, comm=ranks)
        assert (network.parameters["conv1.weight"] == before).all()
        return ranks.sums, bits(network)

    (sums, first), (_, second) = together(2, work, bucket_bytes=1 << 30)
    assert sums == 4
    assert first == second


def test_metrics_are_those_of_all_images():
    top = {"top2": lambda y, labels: metrics.top_k_accuracy(y, labels, k=2)}
    options = {"validation": (X, LABELS), "metrics": top, "deterministic": True, "epochs": 1}

    def work(ranks):
        network = Network(plain, (1, 12, 12), seed=0)
        return fit(network, X, LABELS, seed=0, progress=False, comm=ranks, **options)[0].metrics

    assert together(3, work) == [work(None)] * 3


class Interrupted(Callback):
    """Tells one rank to stop after a step."""

    def __init__(self, rank, step):
        self.rank, self.step = rank, step

    def on_step(self, run):
        run.stop = run.stop or (run.rank == self.rank and run.step == self.step)


def test_a_callback_of_one_rank_stops_all():
    steps = []

    class Steps(Callback):
        def on_end(self, run):
            steps.append(run.step)

    together(3, lambda ranks: trained(ranks, plain, callbacks=[Interrupted(1, 6), Steps()]))
    assert steps == [6, 6, 6]


def test_a_training_goes_on_with_another_number_of_ranks(tmp_path):
    """After a stop in the middle of an epoch; rank 0 alone has the file."""
    options = {"deterministic": True, "validation": 0.2, "epochs": 3}
    alone = trained(None, normed, **options)
    path = tmp_path / "run0.npz"

    def half(ranks):
        file = Checkpoint(tmp_path / f"run{ranks.rank}.npz", steps=1)
        return trained(ranks, normed, callbacks=[file, Interrupted(2, 5)], **options)

    def rest(ranks):
        return trained(ranks, normed, weights=9, resume=path if ranks.rank == 0 else tmp_path / "none", **options)

    together(3, half)
    assert list(tmp_path.iterdir()) == [path]
    for found in together(2, rest):
        assert found[0] == alone[0]
        assert len(found[1]) == 3


def test_callbacks_that_write_are_called_on_rank_0_alone(tmp_path):
    called = []

    class Writes(Callback):
        writes = True

        def on_epoch(self, run):
            called.append(run.rank)

    together(3, lambda ranks: trained(ranks, plain, epochs=2, callbacks=[Writes()]))
    assert called == [0, 0]


def test_what_differs_between_ranks_is_named():
    def work(ranks, **other):
        options = other if ranks.rank == 1 else {}
        labels = options.pop("labels", LABELS)
        return trained(ranks, options.pop("model", plain), source=(X, labels), **options)

    cases = {
        "batches and seed": {"batch_size": 15},
        "optimizer": {"optimizer": SGD(0.06, momentum=0.9)},
        "data set": {"labels": LABELS[::-1]},
        "model": {"model": normed},
        "max_norm": {"max_norm": 3},
        "loss": {"loss": CrossEntropy(label_smoothing=0.1)},
    }
    for name, other in cases.items():
        with pytest.raises(ValueError, match=f"differ from rank 0 in: rank 1: .*{name}"):
            together(3, lambda ranks, other=other: work(ranks, **other))


def test_all_that_changes_weights_or_results_is_compared(tmp_path):
    def work(ranks, name):
        other = ranks.rank == 1
        if name == "comm":
            ranks.wire = "float16" if other else None
        options = {
            "comm": {},
            "validation": {"validation": (X[: 20 + other], LABELS[: 20 + other])},
            "data set": {"sample_weight": np.linspace(1 + other, 3, 53)},
            "callbacks": {"callbacks": [WeightAverage(0.8 if other else 0.9)]},
            "metrics": {"validation": 0.2, "metrics": {"all": lambda y, labels: 1.0} if other else None},
            "resume": {"resume": str(tmp_path / "none.npz") if other else None},
        }
        trained(ranks, plain, **options[name])

    for name in ("comm", "validation", "data set", "callbacks", "metrics", "resume"):
        with pytest.raises(ValueError, match=f"differ from rank 0 in: rank 1: {name}$"):
            together(2, lambda ranks, name=name: work(ranks, name))


def test_loaders_with_other_transforms_or_weights_are_named():
    def work(ranks, name):
        other = ranks.rank == 1
        some = [transforms.random_flip()] if other and name == "transforms" else []
        loader = data.Loader(BYTES, batch_size=16, seed=1, transforms=some)
        options = {"sample_weight": np.linspace(1 + other, 3, 53)} if name == "weights" else {}
        fit(Network(plain, (1, 12, 12), seed=0), loader, progress=False, comm=ranks, **options)

    for name in ("transforms", "weights"):
        with pytest.raises(ValueError, match=r"differ from rank 0 in: rank 1: data set$"):
            together(2, lambda ranks, name=name: work(ranks, name))


def test_ranks_whose_weights_part_are_named_after_the_epoch():
    def work(ranks):
        trained(ranks, plain, schedule=lambda moment: 1 / (1 + ranks.rank // 2))

    with pytest.raises(ValueError, match="weights of rank 2, rank 3 differ from those of rank 0 after an epoch"):
        together(4, work)


def test_what_one_rank_refuses_ends_all():
    told = []

    def work(ranks):
        try:
            trained(ranks, plain, batch_size=0 if ranks.rank == 1 else 16)
        except (ValueError, RuntimeError) as error:
            told.append((ranks.rank, type(error).__name__, str(error)))

    together(3, work)
    assert sorted(told) == [
        (0, "RuntimeError", "rank 1 of 3: ValueError: batch_size must be >= 1, got 0"),
        (1, "ValueError", "batch_size must be >= 1, got 0"),
        (2, "RuntimeError", "rank 1 of 3: ValueError: batch_size must be >= 1, got 0"),
    ]


def test_an_image_that_is_not_finite_is_named_on_all_ranks():
    images = X.copy()
    images[30, 0, 3, 3] = np.nan
    told = []

    def work(ranks):
        try:
            trained(ranks, plain, source=(images, LABELS))
        except FloatingPointError as error:
            told.append(str(error))

    together(3, work)
    assert len(told) == 3
    assert all("images[30] holds NaN" in text for text in told)


def test_an_error_in_the_middle_of_a_training_ends_all_ranks():
    class Fails(Callback):
        def on_step(self, run):
            if run.rank == 1:
                raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        together(3, lambda ranks: trained(ranks, plain, callbacks=[Fails()]))


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="comm must be an MPI communicator"):
        trained(3, plain)
    with pytest.raises(ValueError, match="lean=True updates parameters before all gradients are known"):
        trained(None, plain, deterministic=True, lean=True)
    with pytest.raises(ValueError, match="deterministic must be >= 1, got 0"):
        trained(None, plain, deterministic=0)
    with pytest.raises(ValueError, match="deterministic=2 cuts each batch into 2 blocks, too few for 3 ranks"):
        together(3, lambda ranks: trained(ranks, plain, deterministic=2))


def test_lenet_of_twenty_steps():
    """The network of the field's first papers; 103 images in batches of 20: the last has 3."""
    x, labels = RNG.random((103, 1, 28, 28), dtype="float32"), RNG.integers(0, 10, 103)

    def work(ranks):
        network = Network(models.lenet5(), (1, 28, 28), seed=0)
        options = {"epochs": 4, "batch_size": 20, "seed": 0, "progress": False, "deterministic": True}
        history = [epoch.loss for epoch in fit(network, x, labels, comm=ranks, **options)]
        return history, bits(network)

    alone = work(None)
    for size in SIZES:
        assert together(size, work) == [alone] * size
