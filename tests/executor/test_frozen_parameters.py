"""Frozen parameters on random graphs: the gradients of the others, and the bits that training leaves."""

import numpy as np
import pytest
from graphs import Case

from fastconv import SGD, Adam, layers, train_step
from fastconv.executor import gradient_buckets, parameter_gradients

pytestmark = pytest.mark.filterwarnings("ignore:the network ends with:UserWarning")  # some random graphs do
COUNT = 40
every_graph = pytest.mark.parametrize("seed", range(COUNT))
some_dtype = pytest.mark.parametrize(("seed", "dtype"), [(s, ("float32", "float64")[s % 2]) for s in range(COUNT)])


def bits(arrays):
    return {name: array.tobytes() for name, array in arrays.items()}


def norms(network):
    return {node.owner for node in network.nodes if isinstance(node.layer, layers.BatchNorm)}


def freeze_some(network, rng, norms_too=True):
    """Freeze about half of the parameters, but not all; the names of the others."""
    names = [n for n in network.parameters if norms_too or n.rpartition(".")[0] not in norms(network)]
    frozen = [name for name in names if rng.random() < 0.5]
    if len(frozen) == len(network.parameters):
        del frozen[-1:]
    if frozen:
        network.set_trainable(frozen, False)
    assert network.trainable == tuple(name for name in network.parameters if name not in frozen)
    return network.trainable


@every_graph
def test_gradients_of_trained_parameters_are_those_of_central_differences(seed):
    """Along random directions; where a value crosses a kink between the two points, along another one."""
    case = Case(seed)
    network, x, targets = case.network(), case.images(), case.targets()
    trained = freeze_some(network, case.rng(20))
    first = {name: array.copy() for name, array in network.arrays().items()}

    def loss(direction, step):
        for name, array in network.arrays().items():
            array[...] = first[name] + step * direction[name] if name in direction else first[name]
        return network.gradients(x, targets, case.loss)

    _, gradients = loss({}, 0)
    assert tuple(gradients) == trained
    errors = []
    for attempt in range(4):
        rng = case.rng(10 + attempt)
        direction = {name: rng.standard_normal(network.parameters[name].shape) for name in trained}
        step = 1e-5 / 10**attempt
        difference = (loss(direction, step)[0] - loss(direction, -step)[0]) / (2 * step)
        products = [(gradients[name] * direction[name]).ravel() for name in direction]
        size = np.sqrt(sum((p**2).sum() for p in products))
        errors.append(abs(difference - sum(p.sum() for p in products)) / (size + 1e-3))
        if errors[-1] < 1e-5:
            return
    pytest.fail(f"relative errors {errors}")


@some_dtype
@pytest.mark.parametrize("inputs", [False, True])
def test_gradients_have_the_bits_that_they_have_without_frozen_parameters(seed, dtype, inputs):
    """Where batch norm is not concerned, which then works with other statistics."""
    case = Case(seed)
    plain, network = case.network(dtype), case.network(dtype)
    trained = freeze_some(network, case.rng(20), norms_too=False)
    given = case.images(dtype=dtype), case.targets(dtype=dtype), case.loss
    expected, found = plain.gradients(*given, inputs=inputs), network.gradients(*given, inputs=inputs)
    assert found[0] == expected[0]
    assert bits(found[1]) == bits({name: expected[1][name] for name in trained})
    assert bits(network.buffers) == bits(plain.buffers)
    if inputs:
        assert found[2].tobytes() == expected[2].tobytes()


@some_dtype
def test_frozen_batch_norm_gives_the_bits_of_a_prediction_and_keeps_its_statistics(seed, dtype):
    """The gradients of the others are then those of a prediction, if nothing else knows two modes."""
    case = Case(seed)
    predicting, network = case.network(dtype), case.network(dtype)
    of_norms = [f"{owner}.*" for owner in norms(network)]
    if of_norms:
        network.set_trainable(of_norms, False)
    before = {name: array.copy() for name, array in network.buffers.items() if "running" in name or "num" in name}
    given = case.images(dtype=dtype), case.targets(dtype=dtype), case.loss
    loss, gradients, dx = network.gradients(*given, inputs=True)
    assert bits({name: network.buffers[name] for name in before}) == bits(before)
    if case.kinds & {layers.Dropout, layers.StochasticDepth, layers.MainHead}:
        return
    expected = predicting.gradients(*given, training=False, inputs=True)
    assert loss == expected[0]
    assert bits(gradients) == bits({name: expected[1][name] for name in network.trainable})
    assert dx.tobytes() == expected[2].tobytes()


@some_dtype
@pytest.mark.parametrize("rule", [lambda: SGD(0.01, 0.9), lambda: Adam(0.01)], ids=["sgd", "adam"])
def test_lean_and_recomputing_steps_leave_the_same_bits_with_frozen_parameters(seed, dtype, rule, monkeypatch):
    monkeypatch.setattr(parameter_gradients, "ROWS", 600)  # bytes: gradients by rows, and buckets of few parameters
    monkeypatch.setattr(gradient_buckets, "BUCKET", 2000)
    case, found = Case(seed), []
    if not case.network().parameters:
        return
    for lean, recompute in ((False, False), (True, False), (False, True), (True, True)):
        network, optimizer = case.network(dtype, recompute=recompute), rule()
        losses = []

        def step(network=network, optimizer=optimizer, losses=losses, lean=lean):
            given = case.images(dtype=dtype), case.targets(dtype=dtype), optimizer, case.loss, lean
            losses.append(train_step(network, *given))

        step()
        trained = freeze_some(network, case.rng(20))
        before = network.parameters.copy()
        step()
        step()
        moved = {name for name in before if before[name].tobytes() != network.parameters[name].tobytes()}
        assert moved <= set(trained)
        network.set_trainable("*")
        step()
        found.append({"losses": np.array(losses), "with gaps": network.parameters.flat.copy(), **network.arrays()})
    for other in found[1:]:
        assert bits(other) == bits(found[0])


@some_dtype
def test_a_thawed_network_trains_as_if_it_had_never_been_frozen(seed, dtype):
    case = Case(seed)
    given = case.images(dtype=dtype), case.targets(dtype=dtype), case.loss
    plain, network = case.network(dtype), case.network(dtype)
    freeze_some(network, case.rng(20))
    network.reserve(len(given[0]), case.loss)  # the plan of the frozen one is made, and may not be used
    plan = plain.executor.make_plan(3, True)
    if network.parameters:
        network.set_trainable("*")
    assert network.trainable == tuple(network.parameters)
    again = network.executor.make_plan(3, True)
    assert (again.size, [type(step) for step in again.steps]) == (plan.size, [type(step) for step in plan.steps])
    found, expected = network.gradients(*given), plain.gradients(*given)
    assert found[0] == expected[0]
    assert bits(found[1]) == bits(expected[1])
