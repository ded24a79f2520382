import sys

import numpy as np
import pytest

import fastconv
from fastconv import Network, layers, models, sequential
from fastconv.ops import huge_pages


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize(
    "nbytes", [0, 1, 100, huge_pages.LARGE - 1, huge_pages.LARGE, huge_pages.PAGE, 3 * huge_pages.PAGE + 5]
)
def test_zeros_are_zero_writable_and_on_a_line(nbytes):
    a = huge_pages.zeros(nbytes)
    assert a.shape == (nbytes,)
    assert a.dtype == np.uint8
    assert nbytes == 0 or address(a) % 64 == 0
    assert not a.any()
    a[...] = 7
    assert (a == 7).all()


@pytest.mark.skipif(huge_pages.ADVICE is None, reason="no large pages here")
def test_much_starts_on_a_large_page():
    assert address(huge_pages.zeros(huge_pages.LARGE)) % huge_pages.PAGE == 0


@pytest.mark.parametrize("nbytes", [2**60, sys.maxsize - huge_pages.PAGE])
def test_more_than_there_is(nbytes):
    with pytest.raises(MemoryError):
        huge_pages.zeros(nbytes)


def test_a_system_without_large_pages(monkeypatch):
    class Refusing(huge_pages.mmap.mmap):
        def madvise(self, *arguments):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(huge_pages.mmap, "mmap", Refusing)
    assert not huge_pages.zeros(huge_pages.PAGE).any()
    monkeypatch.setattr(huge_pages, "ADVICE", None)
    assert not huge_pages.zeros(huge_pages.PAGE).any()


def test_a_shelf_holds_copies_side_by_side():
    rng = np.random.default_rng(0)
    shapes = [(3,), (0, 2), (1000, 70), (5, 4), (2000, 3, 300), (7,)]
    given = [rng.standard_normal(shape).astype(dtype) for shape in shapes for dtype in ("float32", "float64")]
    given.append(np.asfortranarray(given[4]))
    shelf = huge_pages.Shelf(sum(a.nbytes for a in given))
    kept = [shelf.keep(a) for a in given]
    for a, copy in zip(given, kept, strict=True):
        assert address(copy) % 64 == 0
        assert copy.flags.c_contiguous
        assert not np.shares_memory(a, copy)
        np.testing.assert_array_equal(a, copy, strict=True)
    assert address(kept[1]) - address(kept[0]) == 64
    assert shelf.keep(None) is None


def test_weights_of_a_frozen_network_lie_on_a_shelf():
    model = sequential(layers.Conv2D(64, 3, padding=1), layers.ReLU(), layers.Flatten(), layers.Linear(10))
    network = Network(model, (32, 20, 20), seed=0)
    frozen = network.freeze()
    conv, *_ = (params.weight for params, _ in frozen.weights.of.values() if hasattr(params, "weight"))
    assert isinstance(conv, fastconv.ops.PackedWeight)
    assert address(conv.packed) % 64 == 0
    assert frozen.nbytes > network.parameters["linear1.weight"].nbytes


def test_weights_packed_and_plain_are_counted_once():
    frozen = Network(models.lenet5(), (1, 28, 28), seed=0).freeze()
    parts = [params for params, _ in frozen.weights.of.values()]
    assert frozen.nbytes == sum(a.nbytes for p in parts for a in vars(p).values() if a is not None)
