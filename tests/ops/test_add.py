import hypothesis.strategies as st
import inputs
import numpy as np
import pytest
from hypothesis import given

import fastconv
from fastconv.ops.add import add_call

ACTIVATIONS = {None: lambda s: s, "relu": lambda s: np.maximum(s, 0), "relu6": lambda s: np.clip(s, 0, 6)}
SHAPES = [
    (),
    (1,),
    (7,),
    (4099,),
    (3, 5),
    (2, 3, 4, 5),
    (2, 16, 9, 7),
    (2, 24, 5, 5),
    (3, 64, 14, 14),
    (2, 2, 3, 2, 3, 2),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_add_is_exact(shape, activation, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(dtype) * 5 for _ in range(2))
    np.testing.assert_array_equal(fastconv.add(a, b, activation=activation), ACTIVATIONS[activation](a + b))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(data=st.data())
def test_any_layouts(activation, data):
    rng = np.random.default_rng(1)
    shape = data.draw(st.sampled_from([(2, 16, 5, 4), (1, 3, 7, 7), (2, 40, 3, 3), (2, 64, 6, 6), (1, 130, 9, 9)]))
    a, b = (inputs.real(rng, shape, "float32") * 5 for _ in range(2))
    layouts = (np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second, inputs.negative)
    one, other, target = (data.draw(st.sampled_from(layouts)) for _ in range(3))
    y = target(np.full_like(a, np.nan))
    add_call(one(a), other(b), y, activation)()
    np.testing.assert_array_equal(y, ACTIVATIONS[activation](a + b))


@pytest.mark.parametrize("layout", [np.array, inputs.channels_last, inputs.channel_slice])
@pytest.mark.parametrize("first", [True, False])
def test_in_place(layout, first):
    rng = np.random.default_rng(2)
    a, b = (layout(inputs.real(rng, (2, 48, 9, 9), "float32")) for _ in range(2))
    wanted = np.maximum(a + b, 0)
    y = a if first else b
    assert fastconv.add(a, b, activation="relu", out=y) is y
    np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_nan_and_infinities(activation):
    a = np.array([np.nan, 1, np.inf, -np.inf, np.inf] * 9)
    b = np.array([1, np.nan, 1, 1, -np.inf] * 9)
    with np.errstate(invalid="ignore"):
        wanted = ACTIVATIONS[activation](a + b)
    np.testing.assert_array_equal(fastconv.add(a, b, activation=activation), wanted)


def test_results_past_the_caches():
    """Large results take another way into memory."""
    a = np.arange(5_000_003, dtype="float32")
    wanted = a + a
    np.testing.assert_array_equal(fastconv.add(a, a), wanted)
    y = np.full(a.size + 1, np.nan, "float32")[1:]
    np.testing.assert_array_equal(fastconv.add(a, a, out=y), wanted)
    np.testing.assert_array_equal(fastconv.add(a, a, out=a), wanted)


def test_shapes_must_be_the_same():
    with pytest.raises(ValueError, match=r"b must have shape \(2, 3\) \(the shape of a\), got \(3,\)"):
        fastconv.add(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(TypeError, match="a and b must have the same dtype, got float64 and float32"):
        fastconv.add(np.zeros(3), np.zeros(3, "float32"))
    with pytest.raises(ValueError, match="activation must be None, 'relu' or 'relu6', got 'tanh'"):
        fastconv.add(np.zeros(3), np.zeros(3), activation="tanh")


@pytest.mark.parametrize("b", [1, 2.5, np.float32(3), np.ones((4, 4), "float32"), np.ones((1, 1, 4), int)])
def test_what_numpy_broadcasts_is_told_to_numpy(b):
    a = np.zeros((2, 3, 4, 4), "float32")
    with pytest.raises(ValueError, match=r"^b must have shape \(2, 3, 4, 4\) .*write a \+ b, which broadcasts$"):
        fastconv.add(a, b)
    assert (a + b).shape == a.shape


def test_what_no_one_can_add_is_said_as_it_is():
    a = np.zeros((2, 3), "float32")
    for b, says in ((None, "got None$"), ("a", "b must be"), (np.zeros((2, 4), "float32"), r"got \(2, 4\)$")):
        with pytest.raises((TypeError, ValueError), match=says):
            fastconv.add(a, b)
