"""Batches that are huge are planned at once; those beyond what can be addressed are refused."""

import numpy as np
import pytest

from fastconv.graph import sequential
from fastconv.layers import Flatten, Linear, Tanh
from fastconv.network import Network

DEEP = sequential(*(layer for _ in range(100) for layer in (Linear(1), Tanh())))


@pytest.mark.parametrize("n", [720720, 5765760, 735134400, 2**31, 10**12])
@pytest.mark.parametrize("model", [DEEP, sequential(Flatten(), Linear(5))])
def test_huge_batches_are_planned_at_once(model, n):
    """Numbers with very many divisors, and few bytes per step, of which more images stay in the caches."""
    network = Network(model, (1,), seed=0)
    small = network.memory(1000)
    assert network.memory(n).values == pytest.approx(small.values * n / 1000, rel=0.3)
    assert network.plan(n, training=True).nbytes > network.plan(n).nbytes
    assert str(n) in str(network.summary(n))


@pytest.mark.parametrize("n", [2**61, 2**63 - 1, 2**63, 2**64, 10**30])
def test_batches_beyond_what_can_be_addressed_are_refused(n):
    network = Network(sequential(Linear(3), Tanh(), Linear(5)), (2,), seed=0)
    for call in (network.memory, network.plan, network.freeze, network.summary, lambda n: network.memory(n, True)):
        with pytest.raises(ValueError, match=rf"batch_size={n} is too large: .*; use a smaller one"):
            call(n)


def test_values_that_are_too_large_only_together():
    network = Network(sequential(Linear(3), Tanh(), Linear(5)), (2,), seed=0)
    n = 2**63 // (5 * 4) - 10
    with pytest.raises(ValueError, match=rf"batch_size={n} is too large: .* in all"):
        network.memory(n, training=True)


@pytest.mark.parametrize("slots", [2**61, 10**30])
def test_more_optimizer_memory_than_can_be_addressed(slots):
    network = Network(Linear(3), (2,), seed=0)
    with pytest.raises(ValueError, match=f"slots={slots} takes .* bytes"):
        network.memory(1, training=True, slots=slots)
    assert network.memory(1, training=True, slots=10**6).optimizer == 10**6 * network.parameters.flat.nbytes


@pytest.mark.parametrize("n", [10**9, 2**62, 10**30])
def test_a_batch_size_above_the_number_of_images_is_no_work(n):
    network, x = Network(Linear(3), (2,), seed=0), np.ones((2, 2), "float32")
    np.testing.assert_array_equal(network.predict(x, n), network.predict(x))
    np.testing.assert_array_equal(network.freeze().predict(x, n), network.predict(x))
