"""Named arrays: whatever is done to the arrays that people hold, the memory stays what plans were made for."""

import warnings

import numpy as np
import pytest

from fastconv import SGD, Network, losses, sequential, train_step
from fastconv.executor.arena import Slot, dense_slot
from fastconv.layers import BatchNorm, Conv2D, Flatten, Linear, ReLU
from fastconv.parameters import Arrays, Named

X = np.random.default_rng(0).standard_normal((4, 3, 8, 8)).astype("float32")
TARGETS = [0, 1, 2, 3]


def network():
    return Network(sequential(Conv2D(6, 3), BatchNorm(), ReLU(), Flatten(), Linear(5)), (3, 8, 8), seed=0)


def work(made):
    """The bits of everything that runs."""
    train_step(made, X, TARGETS, SGD(0.1, momentum=0.5))
    train_step(made, X, TARGETS, SGD(0.1, momentum=0.5), lean=True)
    found = [made.predict(X), made.predict(X[:3]), made.freeze().predict(X)]
    found += [made.gradients(X, TARGETS, losses.CrossEntropy())[1].flat, *made.parameters.values()]
    return [array.tobytes() for array in (*found, *made.buffers.values(), made.parameters.flat)]


def set_in_place(array, attribute, value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer NumPy on setting strides and shapes
        setattr(array, attribute, value)


CHANGES = {
    "shape of a parameter": lambda n: set_in_place(n.parameters["conv1.weight"], "shape", (6 * 27,)),
    "dtype of a parameter": lambda n: set_in_place(n.parameters["linear1.bias"], "dtype", "int32"),
    "strides of a parameter": lambda n: set_in_place(n.parameters["linear1.bias"], "strides", (0,)),
    "shape of a buffer": lambda n: set_in_place(n.buffers["bn1.running_mean"], "shape", (2, 3)),
    "dtype of a buffer": lambda n: set_in_place(n.buffers["bn1.running_mean"], "dtype", "int16"),
    "shape of the vector": lambda n: set_in_place(n.parameters.flat, "shape", (2, -1)),
    "dtype of the vector": lambda n: set_in_place(n.parameters.flat, "dtype", "float64"),
    "an array that is not its own": lambda n: n.parameters._arrays.update({"conv1.weight": np.zeros(3, "float32")}),
    "a buffer that cannot be written": lambda n: n.buffers["bn1.running_mean"].setflags(write=False),
    "shape of a gradient": lambda n: [set_in_place(g, "shape", (-1,)) for g in (n.executor.gradients or {}).values()],
}


@pytest.mark.parametrize("planned", [False, True], ids=["before plans", "after plans"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_memory_stays_whatever_is_set_on_an_array_in_place(change, planned):
    made, other = network(), network()
    if planned:
        assert work(made) == work(other)
    change(made)
    assert work(made) == work(other)


def test_arrays_of_a_network_cannot_be_resized():
    made = network()
    for array in (made.parameters["conv1.bias"], made.parameters.flat, made.buffers["bn1.running_mean"]):
        with pytest.raises(ValueError, match="does not own its data"):
            array.resize(1, refcheck=False)


@pytest.mark.parametrize("value", [0, np.ones(1), np.ones((1, 5)), np.ones(4), np.ones((5, 1))])
def test_what_has_another_shape_is_not_written(value):
    """Nothing is broadcast: a number or a row in place of a weight is more often a slip; `[...] =` does broadcast."""
    made = network()
    before = made.parameters["linear1.bias"].copy()
    with pytest.raises(
        ValueError,
        match=r"linear1.bias must have shape \(5,\) .*write network.parameters\['linear1.bias'\]\[...\] = value",
    ):
        made.parameters["linear1.bias"] = value
    np.testing.assert_array_equal(made.parameters["linear1.bias"], before)
    made.parameters["linear1.bias"][...] = 2
    assert (made.parameters["linear1.bias"] == 2).all()


@pytest.mark.parametrize("value", [np.ones(5) * 1j, ["1"] * 5, [None] * 5, np.zeros(5, "datetime64[s]")])
def test_what_is_no_real_number_is_not_written(value):
    made = network()
    with pytest.raises(TypeError, match=r"linear1\.bias must be numbers that fit float32, got"):
        made.parameters["linear1.bias"] = value


@pytest.mark.parametrize("value", [2.5, np.nan, np.inf])
def test_a_counter_takes_whole_numbers(value):
    made = network()
    with pytest.raises(ValueError, match=r"bn1\.num_batches_tracked must be integers that fit int64, got"):
        made.buffers["bn1.num_batches_tracked"] = value
    for whole in (3, 3.0, np.int8(3), np.uint64(3)):
        made.buffers["bn1.num_batches_tracked"] = whole
        assert made.buffers["bn1.num_batches_tracked"] == 3


def test_negative_numbers_do_not_wrap_around():
    named = Named({"a": np.zeros(2, "uint64")})
    with pytest.raises(ValueError, match="a must be integers that fit uint64"):
        named["a"] = [1, -1]
    named["a"] = [1, 2]
    np.testing.assert_array_equal(named["a"], [1, 2])


def test_the_vector_is_written_not_replaced():
    arrays = Arrays({"a": (3,), "b": (2, 2)}, "float32")
    with pytest.raises(AttributeError, match=r"flat\[...\] = values"):
        arrays.flat = np.zeros(32)
    arrays.flat[...] = 4
    assert all((a == 4).all() for a in arrays.values())
    with pytest.raises((AttributeError, TypeError)):
        arrays.starts["a"] = 100
    assert arrays.flat is arrays.flat
    assert arrays["a"] is arrays["a"]


FIXED = ("parameters", "buffers", "executor", "dtype", "input_shape", "output_shape", "output")


@pytest.mark.parametrize("name", ["output", "parameters", "buffers"])
def test_an_executor_keeps_its_network(name):
    made, other = network(), network()
    with pytest.raises(AttributeError, match=f"Executor.{name} cannot be replaced: an executor runs one network"):
        setattr(made.executor, name, getattr(other.executor, name))


@pytest.mark.parametrize("name", FIXED)
def test_what_plans_were_made_for_is_not_replaced(name):
    made, other = network(), network()
    with pytest.raises(AttributeError, match=f"Network.{name} cannot be replaced: "):
        setattr(made, name, getattr(other, name))
    with pytest.raises(AttributeError, match="cannot be deleted"):
        delattr(made, name)
    assert work(made) == work(other)


def test_advice_for_parameters_works_when_it_is_followed():
    made, other = network(), network()
    with pytest.raises(AttributeError, match=r"network\.parameters\.update\(values\)"):
        made.parameters = other.parameters
    work(other)
    for held, theirs in ((made.parameters, other.parameters), (made.buffers, other.buffers)):
        held.update(theirs)
    assert work(made) == work(other)


def test_a_slot_is_not_seen_with_another_number_of_elements():
    dense = dense_slot(64, (2, 3), "float32")
    assert isinstance(dense.reshaped((6,)), Slot)
    assert dense.reshaped((7,)) is None
    assert dense.reshaped((2, 2)) is None


@pytest.mark.parametrize("kind", [Arrays, Named])
def test_a_read_only_array_is_named_where_it_is_written(kind):
    held = kind({"weight": (3,)}, "float32") if kind is Arrays else kind({"weight": np.zeros(3, "float32")})
    held["weight"].setflags(write=False)
    with pytest.raises(ValueError, match="weight must be writable, got a read-only array"):
        held["weight"] = np.ones(3, "float32")
    held["weight"].setflags(write=True)
    held["weight"] = np.ones(3, "float32")
    assert held["weight"].sum() == 3
