"""What a network asks of each batch: shape and order in one question, the place of the first NaN, copies."""

import numpy as np
import pytest

from fastconv.kernels.runtime.calls import all_writeable, copy_into, first_nan, is_batch_of

FLOAT32 = np.dtype("float32")


class Derived(np.ndarray):
    pass


def test_a_batch_has_the_shape_and_dtype_of_the_network_and_lies_in_c_order():
    x = np.zeros((2, 3, 4, 5), "float32")
    assert is_batch_of(x, (3, 4, 5), FLOAT32)
    assert is_batch_of(x[:0], (3, 4, 5), FLOAT32)
    raw = np.zeros(x.nbytes + 1, "uint8")[1:].view("float32").reshape(x.shape)
    others = (x[0], x[None], x[:, ::-1], x.transpose(0, 1, 3, 2), x.astype("float64"), x.view(Derived), x.tolist(), raw)
    for other in (*others, x.astype(">f4"), 1.0, None):
        assert not is_batch_of(other, (3, 4, 5), FLOAT32)
    assert not is_batch_of(x, (3, 5, 4), FLOAT32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 3, 63, 64, 65, 200])
def test_the_first_nan_is_found_wherever_it_is(dtype, size):
    a = np.full(size, np.inf, dtype)
    assert first_nan(a) == -1
    for place in reversed(range(size)):
        a[place] = np.nan
        assert first_nan(a) == place
    assert first_nan(a[:0]) == -1


@pytest.mark.parametrize("a", [np.zeros(4, int), np.zeros(4, "float32")[::2], np.zeros(3, ">f8")])
def test_nan_is_looked_for_in_floats_in_c_order_alone(a):
    with pytest.raises(TypeError, match="float32 or float64 in C order"):
        first_nan(a)


def test_arrays_are_writeable_if_each_is():
    a, b = np.zeros(3), np.zeros(3)
    assert all_writeable([a, b])
    b.flags.writeable = False
    assert not all_writeable([a, b])
    assert all_writeable([])


def test_copies_into_a_read_only_array_are_refused():
    out = np.zeros(3)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        copy_into(np.ones(3), out)
    assert not out.any()


LAYOUTS = {
    "C order": lambda a: a,
    "axes exchanged": lambda a: a.swapaxes(-1, -2),
    "backwards": lambda a: a[..., ::-1],
    "every second": lambda a: a[..., ::2],
    "repeated": lambda a: np.broadcast_to(a[..., :1], a.shape),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", ">f4", "bool"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 4, 6), (1, 2, 3, 4, 6), (40, 40, 6), (0, 6)])
def test_copies_have_the_values_of_the_source(shape, layout, dtype):
    """Also where copies are made without NumPy: small arrays of any strides, up to four axes."""
    if len(shape) == 1 and layout == "axes exchanged":
        return
    source = LAYOUTS[layout](np.random.default_rng(0).integers(0, 100, shape).astype(dtype))
    dense = np.full(source.shape, 7, dtype)
    strided = np.full((*source.shape, 2), 7, dtype)[..., 1]
    for out in (dense, strided):
        copy_into(source, out)
        assert out.tolist() == source.tolist()
    assert (strided.base[..., 0] == np.array(7, dtype)).all()


def test_copies_between_arrays_that_overlap_are_as_if_they_did_not():
    memory = np.arange(10.0)
    copy_into(memory[:8], memory[2:])
    np.testing.assert_array_equal(memory, [0, 1, 0, 1, 2, 3, 4, 5, 6, 7])
    copy_into(memory[::-1], memory)
    np.testing.assert_array_equal(memory, [7, 6, 5, 4, 3, 2, 1, 0, 1, 0])


def test_copies_repeat_a_shorter_source_and_refuse_another_shape():
    out = np.zeros((2, 3), "float32")
    copy_into(np.arange(3, dtype="float32"), out)
    np.testing.assert_array_equal(out, [[0, 1, 2]] * 2)
    with pytest.raises(ValueError, match="could not broadcast"):
        copy_into(np.zeros((2, 2), "float32"), out)


def test_copies_of_memory_that_no_number_starts_in():
    raw = np.zeros(4 * 5 + 1, "uint8")
    source = raw[1:].view("float32")
    source[...] = np.arange(5)
    out = np.zeros(5, "float32")
    copy_into(source, out)
    np.testing.assert_array_equal(out, np.arange(5))
