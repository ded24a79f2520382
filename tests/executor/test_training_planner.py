"""Training steps that keep less: the same bits, less memory."""

import numpy as np
import pytest

from fastconv import losses
from fastconv import training as loop
from fastconv.executor import gradient_buckets, parameter_gradients
from fastconv.executor.parameter_gradients import ROWS
from fastconv.executor.rewrites import use_rewrite
from fastconv.executor.steps import Add, Backward, Recompute, Update
from fastconv.graph import concat, sequential
from fastconv.layers import BatchNorm, Conv2D, Flatten, Linear, MaxPool2D, ReLU, ReLU6
from fastconv.network import Network
from fastconv.optim import SGD, Adam, AdamW, RMSprop
from fastconv.reports.plan import PlanReport


def model(channels):
    def build(x):
        shared = Conv2D(channels, 3, padding=1, name="shared")
        x = sequential(Conv2D(channels, 3, padding=1, bias=False), BatchNorm(), ReLU())(x)
        for _ in range(3):
            y = sequential(shared, BatchNorm(), ReLU6(), Conv2D(channels, 3, padding=1, bias=False), BatchNorm())(x)
            x = ReLU()(x + y)
        x = concat(x, sequential(BatchNorm(), ReLU())(x))
        return sequential(BatchNorm(), MaxPool2D(2), Flatten(), Linear(40), BatchNorm(), ReLU(), Linear(5))(x)

    return build


def trained(channels, optimizer=None, steps=3, lean=False, dtype="float32", **options):
    network = Network(model(channels), (3, 10, 8), dtype, seed=0, **options)
    rng, given = np.random.default_rng(0), []
    optimizer = optimizer or SGD(0.05, 0.9)
    for _ in range(steps):
        x, labels = rng.standard_normal((4, 3, 10, 8)).astype(dtype), rng.integers(0, 5, 4)
        given.append(loop.train_step(network, x, labels, optimizer, lean=lean))
    return network, given


def same(a, b):
    assert a[1] == b[1]
    for name, array in {**a[0].parameters, **a[0].buffers}.items():
        np.testing.assert_array_equal(array, b[0].arrays()[name], err_msg=name)
    assert a[0].parameters.flat.tobytes() == b[0].parameters.flat.tobytes()  # between parameters, too


@pytest.mark.parametrize("channels", [5, 20], ids=["planar", "channels_last"])
def test_recomputed_values_have_the_same_bits(channels):
    same(trained(channels), trained(channels, recompute=True))


def test_each_value_is_recomputed_once_and_memory_is_saved():
    plain, saving = (Network(model(20), (3, 10, 8), recompute=recompute) for recompute in (False, True))
    steps = saving.executor.make_plan(4, True).steps
    names = [step.fusion.last.name for step in steps if isinstance(step, Recompute)]
    assert len(names) == len(set(names)) == 5  # of the stem, of each of three blocks, between the dense layers
    assert not any(isinstance(step, Recompute) for step in plain.executor.make_plan(4, True).steps)
    assert saving.memory(4, training=True).values < plain.memory(4, training=True).values
    assert saving.memory(4).values == plain.memory(4).values


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW, RMSprop])
@pytest.mark.parametrize("channels", [5, 20], ids=["planar", "channels_last"])
def test_lean_training_has_the_same_bits(optimizer, channels):
    options = {"momentum": 0.9, "weight_decay": 0.01} if optimizer is SGD else {}
    same(trained(channels, optimizer(0.01, **options)), trained(channels, optimizer(0.01, **options), lean=True))


def test_lean_steps_and_others_share_what_the_optimizer_remembers():
    a, b = Adam(0.01), Adam(0.01)
    network, other = (Network(model(5), (3, 10, 8), seed=0) for _ in range(2))
    x, labels = np.random.default_rng(0).standard_normal((4, 3, 10, 8)).astype("float32"), [0, 1, 2, 3]
    for lean in (True, False, True, True):
        loop.train_step(network, x, labels, a, lean=False)
        loop.train_step(other, x, labels, b, lean=lean)
    np.testing.assert_array_equal(network.parameters.flat, other.parameters.flat)


def test_large_gradients_are_made_and_used_by_rows():
    rows = 3 * ROWS // (4 * 8192) + 5
    pair = []
    for lean in (False, True):
        network = Network(sequential(Linear(rows), Linear(2)), (8192,), seed=0)
        x = np.random.default_rng(0).standard_normal((3, 8192)).astype("float32")
        loop.train_step(network, x, [0, 1, 1], SGD(0.1, 0.5), lean=lean)
        pair.append(network)
    np.testing.assert_array_equal(pair[0].parameters.flat, pair[1].parameters.flat)
    assert pair[0].executor.gradients is not None
    assert pair[1].executor.gradients is None
    lean = pair[1].memory(3, training=True, lean=True)
    assert lean.gradients == 0
    assert lean.values < 1.1 * ROWS
    assert updates_of(pair[1]) == [("linear2.weight",), ("linear2.bias",), ("linear1.bias",)]


def test_the_gradient_of_a_shared_layer_is_whole_however_large(monkeypatch):
    """Its uses are added before the update: none is updated by rows, not the one made last either."""
    monkeypatch.setattr(parameter_gradients, "ROWS", 64)
    pair = []
    for lean in (False, True):
        shared = Linear(8)
        network = Network(sequential(shared, ReLU(), shared, Linear(8), shared), (8,), seed=0)
        x = np.random.default_rng(0).standard_normal((3, 8)).astype("float32")
        loop.train_step(network, x, [0, 1, 1], SGD(0.1, 0.5), lean=lean)
        pair.append(network)
    np.testing.assert_array_equal(pair[0].parameters.flat, pair[1].parameters.flat)
    assert updates_of(pair[1]) == [("linear2.bias",), ("linear1.weight",), ("linear1.bias",)]


def updates_of(network):
    """The names of each update step; a parameter updated by rows has none, for that is within its layer's step."""
    return [step.names for step in network.executor.make_plan(3, True, True).steps if isinstance(step, Update)]


def test_parameters_side_by_side_are_updated_together(monkeypatch):
    names = [f"linear{i}.{kind}" for i in (1, 2, 3) for kind in ("weight", "bias")]
    network = Network(sequential(Linear(16), Linear(32), Linear(16)), (16,), seed=0)
    assert updates_of(network) == [tuple(names)]
    last = PlanReport(network.executor.make_plan(3, True, True)).lines[-1]
    assert last.step == "update of linear1.weight to linear3.bias"
    monkeypatch.setattr(gradient_buckets, "BUCKET", 4 * (16 * 16 + 16 + 16 * 32))
    assert updates_of(network) == [tuple(names[3:]), tuple(names[:3])]
    before = use_rewrite("updates", False)
    try:
        assert updates_of(network) == [(name,) for i in (4, 2, 0) for name in names[i : i + 2]]
    finally:
        use_rewrite("updates", before)


def test_a_shared_parameter_and_a_gap_end_a_bucket():
    shared = Linear(16, name="shared")
    network = Network(sequential(shared, Linear(16, name="a"), shared, Linear(5, name="b")), (16,), seed=0)
    assert updates_of(network) == [("a.weight", "a.bias", "b.weight", "b.bias"), ("shared.weight",), ("shared.bias",)]
    network = Network(sequential(Linear(5), Linear(16)), (16,), seed=0)  # 5 floats end within a cache line
    assert updates_of(network) == [("linear2.weight", "linear2.bias"), ("linear1.weight", "linear1.bias")]


def test_lean_training_by_fit_and_its_errors():
    x, labels = np.random.default_rng(0).standard_normal((20, 3)).astype("float32"), np.arange(20) % 2
    found = []
    for lean in (False, True):
        network = Network(Linear(2), (3,), seed=0)
        loop.fit(network, x, labels, epochs=2, batch_size=6, optimizer=SGD(0.1), seed=0, progress=False, lean=lean)
        found.append(network.parameters.flat.copy())
    np.testing.assert_array_equal(*found)

    class Own:
        def step(self, parameters, gradients):
            pass

    with pytest.raises(TypeError, match=r"optimizer must be one of fastconv\.optim where lean=True, got Own"):
        loop.train_step(network, x, labels, Own(), lean=True)


def block(x):
    """A residual block, before it a layer so that the gradient of its input is wanted."""
    x = Conv2D(20, 1, name="stem")(x)
    y = sequential(Conv2D(24, 1, name="down"), BatchNorm(), ReLU(), Conv2D(20, 3, padding=1), BatchNorm())(x)
    return sequential(ReLU(), Flatten(), Linear(5))(x + y)


@pytest.mark.parametrize("off", [(), ("in_place",), ("gradients",)], ids=str)
def test_a_layer_accumulates_into_the_gradient_of_its_input(off):
    expected = gradients_of_block()
    before = {name: use_rewrite(name, False) for name in off}
    try:
        steps = Network(block, (3, 6, 5)).executor.make_plan(2, True).steps
        (down,) = [step for step in steps if isinstance(step, Backward) and step.node.name == "down"]
        sums = [step for step in steps if isinstance(step, Add) and step.node is None]
        if "gradients" in off:
            assert down.dx_accumulate is None
            assert len(sums) == 1
        else:
            assert not sums
            assert (down.dx_accumulate == down.dx) == (not off)
        for name, gradient in gradients_of_block().items():
            np.testing.assert_allclose(gradient, expected[name], rtol=0, atol=1e-6, err_msg=name)
    finally:
        for name, enabled in before.items():
            use_rewrite(name, enabled)


def gradients_of_block():
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 5)).astype("float32")
    return Network(block, (3, 6, 5), seed=0).gradients(x, [0, 4], losses.CrossEntropy())[1]


def test_losses_of_lean_steps_are_those_of_the_network():
    network = Network(model(5), (3, 10, 8), seed=0)
    x = np.random.default_rng(0).standard_normal((4, 3, 10, 8)).astype("float32")
    value, _ = network.gradients(x, [0, 1, 2, 3], losses.CrossEntropy())
    assert loop.train_step(network, x, [0, 1, 2, 3], SGD(0.0), lean=True) == value


GAPS = {  # models whose parameters end within a cache line, alone, last in a bucket, shared, by rows
    "convolutions": sequential(Conv2D(16, 3), ReLU(), Conv2D(8, 1), Flatten(), Linear(5)),
    "norms": sequential(Conv2D(5, 3), BatchNorm(), ReLU(), Conv2D(3, 3), BatchNorm(), Flatten(), Linear(7), Linear(1)),
    "rows": sequential(Flatten(), Linear(100), ReLU(), Linear(101), ReLU(), Linear(5)),
    "shared": lambda x: sequential(Flatten(), Linear(5))(sequential(*[Conv2D(3, 3, padding=1)] * 3)(x)),
}


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", GAPS.values(), ids=GAPS)
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: SGD(0.05),
        lambda: SGD(0.05, 0.9, 0.01, nesterov=True),
        lambda: Adam(0.01, weight_decay=0.1),
        lambda: AdamW(0.01),
        lambda: RMSprop(0.01, momentum=0.5, centered=True),
    ],
    ids=["plain", "nesterov", "adam", "adamw", "rmsprop"],
)
def test_lean_training_leaves_what_lies_between_parameters_as_it_was(optimizer, model, dtype, grouped, monkeypatch):
    monkeypatch.setattr("fastconv.executor.parameter_gradients.ROWS", 4000)
    before = use_rewrite("updates", grouped)
    try:
        networks = [Network(model, (3, 8, 8), dtype, seed=0) for _ in range(2)]
        rng = np.random.default_rng(0)
        x, labels = rng.standard_normal((6, 3, 8, 8)).astype(dtype), np.arange(6) % networks[0].output_shape[0]
        for network, lean in zip(networks, (False, True), strict=True):
            network.executor.bound_plan(6, losses.CrossEntropy(), lean)
            network.executor.arena[...] = 0x3F  # numbers that would be seen
            rule = optimizer()
            for _ in range(3):
                loop.train_step(network, x, labels, rule, lean=lean)
            loop.train_step(network, x, labels, rule)  # with what it remembers between parameters
    finally:
        use_rewrite("updates", before)
    assert networks[0].parameters.flat.tobytes() == networks[1].parameters.flat.tobytes()
    between = np.ones(networks[1].parameters.flat.size, bool)
    for name, array in networks[1].parameters.items():
        between[networks[1].parameters.starts[name] :][: array.size] = False
    assert between.any()
    assert not networks[1].parameters.flat[between].any()
