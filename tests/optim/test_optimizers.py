"""Optimizers: the sources' rule, and PyTorch's recurrences in plain NumPy; clipping."""

import inputs
import numpy as np
import pytest
from optim_reference import Parameter

import fastconv
from fastconv import Network, layers, train_step
from fastconv.optim import SGD, Adam, AdamW, RMSprop, clip_gradients
from fastconv.parameters import Arrays

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"momentum": 0.5, "nesterov": True},
    {"momentum": 0.5, "nesterov": True, "weight_decay": 0.01},
]
SHAPES = {"a.weight": (3, 4), "a.bias": (3,), "b": (2, 1, 2)}


def textbook(w, gradients, lr, momentum=0, weight_decay=0, nesterov=False):
    velocity = None
    for g in gradients:
        g = g + weight_decay * w
        if momentum:
            velocity = g if velocity is None else momentum * velocity + g
            g = g + momentum * velocity if nesterov else velocity
        w = w - lr * g
    return w


def random_arrays(rng):
    arrays = Arrays(SHAPES, "float64")
    for array in arrays.values():
        array[...] = rng.standard_normal(array.shape)
    return arrays


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kind", [dict, lambda arrays: arrays], ids=["dict", "flat"])
def test_four_steps(settings, kind):
    rng = np.random.default_rng(0)
    parameters, steps = random_arrays(rng), [random_arrays(rng) for _ in range(4)]
    expected = {name: textbook(w.copy(), [s[name] for s in steps], 0.3, **settings) for name, w in parameters.items()}
    before = [{name: g.copy() for name, g in s.items()} for s in steps]
    optimizer = SGD(0.3, **settings)
    for gradients in steps:
        optimizer.step(kind(parameters), kind(gradients))
    for name, w in parameters.items():
        np.testing.assert_allclose(w, expected[name], rtol=1e-13, err_msg=name)
    for step, kept in zip(steps, before, strict=True):
        for name, g in kept.items():
            np.testing.assert_array_equal(step[name], g)


def test_equations_65_to_70():
    w, dw = np.array([1.0, -2.0]), np.array([0.5, 0.25])
    SGD(lr=1.0).step({"k": w}, {"k": dw})
    np.testing.assert_array_equal(w, [0.5, -2.25])


def test_the_learning_rate_may_change():
    w, optimizer = {"w": np.zeros(1)}, SGD(1.0)
    for lr in (1.0, 0.5):
        optimizer.lr = lr
        optimizer.step(w, {"w": np.ones(1)})
    assert w["w"] == -1.5


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"lr": -1}, ValueError),
        ({"lr": float("nan")}, ValueError),
        ({"lr": "fast"}, TypeError),
        ({"lr": 1, "momentum": -0.1}, ValueError),
        ({"lr": 1, "weight_decay": -1}, ValueError),
        ({"lr": 1, "nesterov": True}, ValueError),
    ],
)
def test_wrong_settings(settings, error):
    with pytest.raises(error, match=r"lr|momentum|weight_decay"):
        SGD(**settings)


def test_names_shapes_and_dtypes_must_agree():
    optimizer, w = SGD(1.0), {"a": np.zeros(3), "b": np.zeros(2)}
    with pytest.raises(ValueError, match=r"missing \['b'\], unknown \['c'\]"):
        optimizer.step(w, {"a": np.zeros(3), "c": np.zeros(2)})
    for wrong in (np.zeros(4), np.zeros(3, "float32")):
        with pytest.raises(ValueError, match="a: parameter"):
            optimizer.step(w, {"a": wrong, "b": np.zeros(2)})
    assert not w["a"].any()


# ---------------------------------------------------------------- Adam, AdamW, RMSprop as PyTorch defines them


def adam(w, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m, v, (b1, b2) = 0, 0, betas
    for t, g in enumerate(gradients, 1):
        if decoupled:
            w = w - lr * weight_decay * w
        else:
            g = g + weight_decay * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        w = w - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)
    return w


def adamw(w, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam(w, gradients, lr, betas, eps, weight_decay, decoupled=True)


def rmsprop(w, gradients, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    s, a, v = 0, 0, 0
    for g in gradients:
        g = g + weight_decay * w
        s, a = alpha * s + (1 - alpha) * g * g, alpha * a + (1 - alpha) * g
        v = momentum * v + g / (np.sqrt(s - a * a if centered else s) + eps)
        w = w - lr * v
    return w


RULES = {
    "SGD": (SGD, textbook, {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    "SGD plain": (SGD, textbook, {"lr": 0.3}),
    "Adam": (Adam, adam, {"lr": 0.1}),
    "Adam, all": (Adam, adam, {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.01, "weight_decay": 0.2}),
    "AdamW": (AdamW, adamw, {"lr": 0.1}),
    "AdamW, all": (AdamW, adamw, {"lr": 0.1, "betas": (0.0, 0.9), "eps": 0.1, "weight_decay": 0.5}),
    "RMSprop": (RMSprop, rmsprop, {"lr": 0.1}),
    "RMSprop, momentum": (RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.5, "momentum": 0.9, "weight_decay": 0.1}),
    "RMSprop, centered": (RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.9, "eps": 0.1, "centered": True}),
    "RMSprop, all": (
        RMSprop,
        rmsprop,
        {"lr": 0.1, "alpha": 0.9, "eps": 0.1, "weight_decay": 0.1, "momentum": 0.5, "centered": True},
    ),
}
every_rule = pytest.mark.parametrize("rule", RULES)
every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)


def steps_of(rng, shape, dtype, count=5):
    return inputs.real(rng, shape, dtype), [inputs.real(rng, shape, dtype) for _ in range(count)]


@every_dtype
@every_rule
@pytest.mark.parametrize("size", [1, 7, 16, 100, 40_003])
def test_every_rule(size, rule, dtype):
    kind, book, settings = RULES[rule]
    w, gradients = steps_of(np.random.default_rng(1), (size,), dtype)
    expected = book(w.astype("float64"), [g.astype("float64") for g in gradients], **settings)
    optimizer = kind(**settings)
    for g in gradients:
        optimizer.step({"w": w}, {"w": g})
    np.testing.assert_allclose(w, expected, rtol=0, atol=3e-5 if dtype == "float32" else 1e-12)


def in_numpy(rule, w, gradients):
    """The same steps in NumPy, each product and sum rounded to the dtype: what SGD was before it was compiled."""
    kind, _, settings = RULES[rule]
    p, real = kind(**settings), w.dtype.type
    decay, lr, w = real(p.weight_decay), p.lr, w.copy()
    s, m, v = (np.zeros_like(w) for _ in range(3))
    for t, g in enumerate(gradients, 1):
        if kind is AdamW:
            w, decay = w * real(1 - lr * p.weight_decay), 0
        g = w * decay + g if decay else g
        if kind is SGD:
            v = v * real(p.momentum) + g
            g = g + v * real(p.momentum) if p.nesterov else v
        elif kind is RMSprop:
            a = real(1 - p.alpha)
            s = s * real(p.alpha) + g * g * a
            m = m + (g - m) * a
            v = v * real(p.momentum) + g / (np.sqrt(s - m * m if p.centered else s) + real(p.eps))
            g = v
        else:
            b1, b2 = p.betas
            m = m + (g - m) * real(1 - b1)
            v = v * real(b2) + g * g * (1 - real(b2))
            g, lr = m / (np.sqrt(v) / real(np.sqrt(1 - b2**t)) + real(p.eps)), p.lr / (1 - b1**t)
        w = w - g * real(lr)
        lr = p.lr
    return w


@every_dtype
@every_rule
def test_every_step_is_rounded_as_in_numpy(rule, dtype):
    """No fused multiply-add: the same bits whatever the processor."""
    kind, _, settings = RULES[rule]
    w, gradients = steps_of(np.random.default_rng(7), (1003,), dtype)
    expected, optimizer = in_numpy(rule, w, gradients), kind(**settings)
    for g in gradients:
        optimizer.step({"w": w}, {"w": g})
    np.testing.assert_array_equal(w, expected)


@every_dtype
@every_rule
@pytest.mark.parametrize("odd", [o for o in inputs.SAME_NUMBERS if o not in (inputs.readonly, inputs.swapped)])
def test_parameters_and_gradients_in_any_memory(odd, rule, dtype):
    kind, _, settings = RULES[rule]
    w, gradients = steps_of(np.random.default_rng(2), (3, 5, 4), dtype, 3)
    strange, one, other = odd(w.copy()), kind(**settings), kind(**settings)
    for g in gradients:
        one.step({"w": w}, {"w": g})
        before = g.copy()
        other.step({"w": strange}, {"w": odd(g)})
        np.testing.assert_array_equal(g, before)
    np.testing.assert_array_equal(strange, w)


@every_rule
def test_one_flat_vector_or_many_arrays(rule):
    kind, _, settings = RULES[rule]
    rng = np.random.default_rng(3)
    flat, gradients = random_arrays(rng), [random_arrays(rng) for _ in range(3)]
    apart, one, other = {name: w.copy() for name, w in flat.items()}, kind(**settings), kind(**settings)
    for g in gradients:
        one.step(flat, g)
        other.step(apart, dict(g))
    for name, w in apart.items():
        assert w.tobytes() == flat[name].tobytes()


@every_dtype
@every_rule
@pytest.mark.usefixtures("all_threads")
def test_bits_do_not_depend_on_threads(rule, dtype):
    kind, _, settings = RULES[rule]
    first, gradients = steps_of(np.random.default_rng(4), (70_001,), dtype, 2)
    results = []
    for threads in (1, 2, 4):
        fastconv.set_num_threads(threads)
        w, optimizer = first.copy(), kind(**settings)
        scaled = {"w": gradients[0].copy()}
        norm = clip_gradients(scaled, 1.0)
        for g in (*gradients, scaled["w"]):
            optimizer.step({"w": w}, {"w": g})
        results.append((w.tobytes(), norm))
    assert results[1:] == results[:1] * 2


@every_rule
def test_memory_belongs_to_the_shape_and_dtype(rule):
    """A parameter of another size under the same name starts anew."""
    kind, _, settings = RULES[rule]
    optimizer, fresh = kind(**settings), kind(**settings)
    optimizer.step({"w": np.ones(3)}, {"w": np.ones(3)})
    a, b = np.ones(4), np.ones(4)
    optimizer.step({"w": a}, {"w": np.full(4, 2.0)})
    fresh.step({"w": b}, {"w": np.full(4, 2.0)})
    np.testing.assert_array_equal(a, b)


@every_rule
def test_empty_parameters(rule):
    kind, _, settings = RULES[rule]
    w = np.zeros((0, 3), "float32")
    kind(**settings).step({"w": w}, {"w": w.copy()})
    assert w.shape == (0, 3)


@pytest.mark.parametrize(
    ("kind", "settings", "error", "said"),
    [
        (Adam, {"betas": (0.9, 1.0)}, ValueError, "betas must be from 0 to below 1"),
        (Adam, {"betas": (-0.1, 0.9)}, ValueError, "betas must be from 0"),
        (Adam, {"betas": 0.9}, TypeError, "betas must be a pair"),
        (Adam, {"betas": (0.9, "x")}, TypeError, "betas must be a number"),
        (Adam, {"lr": -1}, ValueError, "lr must be >= 0, got -1"),
        (AdamW, {"eps": -1}, ValueError, "eps must be >= 0"),
        (AdamW, {"weight_decay": float("nan")}, ValueError, "weight_decay must be >= 0, got nan"),
        (RMSprop, {"alpha": 1}, ValueError, "alpha must be below 1"),
        (RMSprop, {"momentum": -1}, ValueError, "momentum must be >= 0"),
    ],
)
def test_wrong_settings_of_the_others(kind, settings, error, said):
    with pytest.raises(error, match=said):
        kind(**settings)


@every_rule
def test_wrong_parameters(rule):
    kind, _, settings = RULES[rule]
    optimizer = kind(**settings)
    with pytest.raises(ValueError, match="w must be writable"):
        optimizer.step({"w": inputs.readonly(np.ones(3))}, {"w": np.ones(3)})
    with pytest.raises(TypeError, match="w must be float32 or float64, got int64"):
        optimizer.step({"w": np.ones(3, int)}, {"w": np.ones(3, int)})


# ---------------------------------------------------------------- settings that change between steps

SCHEDULES = {  # rule, settings, step -> what changes before it, and w after each step as PyTorch 2.13 gives it
    "momentum on": (
        (SGD, {"lr": 0.1}, {2: {"momentum": 0.9}}),
        [0.9, 0.95, 0.75, 0.545, 0.2105, 0.00945],
    ),
    "momentum off and on": (
        (SGD, {"lr": 0.1, "momentum": 0.9}, {2: {"momentum": 0.0}, 4: {"momentum": 0.5}}),
        [0.9, 0.86, 0.66, 0.635, 0.465, 0.48],
    ),
    "nesterov on and off": (
        (SGD, {"lr": 0.1, "momentum": 0.9}, {2: {"nesterov": True}, 4: {"nesterov": False}}),
        [0.9, 0.86, 0.4476, 0.20894, -0.15472, -0.382014],
    ),
    "decay on and off": (
        (SGD, {"lr": 0.1, "momentum": 0.5}, {1: {"weight_decay": 0.5}, 3: {"weight_decay": 0.0, "lr": 0.01}}),
        [0.9, 0.855, 0.58975, 0.5739875, 0.55110625, 0.549665625],
    ),
    "lr 0 and back": (
        (SGD, {"lr": 0.1, "momentum": 0.5}, {1: {"lr": 0.0}, 3: {"lr": 0.2}}),
        [0.9, 0.9, 0.9, 0.65, 0.225, 0.2125],
    ),
    "betas": (
        (Adam, {"lr": 0.1}, {2: {"betas": (0.5, 0.9)}, 4: {"betas": (0.0, 0.99)}}),
        [0.900000001, 0.873366297371, 0.777550441611, 0.712006777171, 0.658563924435, 0.697190144013],
    ),
    "eps and decay": (
        (Adam, {"lr": 0.1}, {1: {"eps": 0.1}, 3: {"weight_decay": 0.5}, 5: {"weight_decay": 0.0}}),
        [0.900000001, 0.876357333161, 0.815170166251, 0.75256672703, 0.679165576326, 0.634455651691],
    ),
    "decoupled decay": (
        (AdamW, {"lr": 0.1}, {1: {"weight_decay": 0.0}, 3: {"weight_decay": 0.5}, 4: {"lr": 0.01}}),
        [0.899000001, 0.872366297371, 0.806555137843, 0.706329707254, 0.695578395646, 0.688040065265],
    ),
    "velocity off and on": (
        (RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}, {2: {"momentum": 0.0}, 4: {"momentum": 0.5}}),
        [0.899496228575, 0.853987689992, 0.765992408621, 0.754991429621, 0.676568699224, 0.672146702327],
    ),
    "centered off and on": (
        (RMSprop, {"lr": 0.01, "momentum": 0.9, "centered": True}, {2: {"centered": False}, 4: {"centered": True}}),
        [0.899496228575, 0.853987689992, 0.725556042391, 0.599043990985, 0.430027288481, 0.312515005961],
    ),
    "alpha": (
        (
            RMSprop,
            {"lr": 0.01, "alpha": 0.5},
            {1: {"alpha": 0.9}, 3: {"alpha": 0.99, "eps": 0.1}, 5: {"weight_decay": 0.5}},
        ),
        [0.985857864576, 0.993112626972, 0.971126638817, 0.968640204025, 0.953837362298, 0.959015128798],
    ),
}


def change(optimizer, settings):
    for name, value in settings.items():
        setattr(optimizer, name, value)


@pytest.mark.parametrize(("schedule", "expected"), SCHEDULES.values(), ids=SCHEDULES)
def test_settings_may_change_between_steps(schedule, expected):
    kind, settings, changes = schedule
    w, optimizer, found = np.ones(1), kind(**settings), []
    for i, g in enumerate([1.0, -0.5, 2.0, 0.25, 1.5, -1.0]):
        change(optimizer, changes.get(i, {}))
        optimizer.step({"w": w}, {"w": np.array([g])})
        found.append(w[0])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("lean", [False, True])
def test_what_a_setting_asks_for_starts_at_zero(lean):
    """RMSprop that begins without a velocity and a mean, as nothing else defines it."""
    optimizer, rng = RMSprop(0.01), np.random.default_rng(0)
    parameters = random_arrays(rng)
    expected = {name: Parameter(w) for name, w in parameters.items()}
    for settings in (
        {},
        {"momentum": 0.9},
        {"centered": True},
        {"momentum": 0.0},
        {"momentum": 0.5, "centered": False},
    ):
        change(optimizer, settings)
        gradients = random_arrays(rng)
        if lean:
            optimizer.begin_step(parameters)
            optimizer.step_part(parameters, 0, gradients.flat)
            optimizer.end_step(parameters)
        else:
            optimizer.step(parameters, gradients)
        for name, w in parameters.items():
            expected[name].step(gradients[name], "RMSprop", optimizer)
            np.testing.assert_allclose(w, expected[name].w, rtol=1e-9)


def test_a_gradient_that_does_not_change_gives_no_nan():
    w, g = {"w": np.ones(100, "float32")}, {"w": np.linspace(0.1, 1, 100, dtype="float32")}
    optimizer = RMSprop(1e-3, alpha=0.9, eps=1e-3, centered=True)
    for _ in range(300):
        optimizer.step(w, g)
    assert np.isfinite(w["w"]).all()


# ---------------------------------------------------------------- wrong parameters and gradients

WRONG = {
    "lists": ([np.ones(3)], [np.ones(3)], TypeError, "parameters must be a mapping name -> array, got list"),
    "an array": (np.ones(3), np.ones(3), TypeError, "parameters must be a mapping name -> array, got ndarray"),
    "gradients in a list": ({"w": np.ones(3)}, [np.ones(3)], TypeError, "gradients must be a mapping .* got list"),
    "a list": ({"w": [1.0]}, {"w": np.ones(1)}, TypeError, r"w must be a numpy\.ndarray, got list"),
    "a scalar": ({"w": np.float64(1)}, {"w": np.ones(())}, TypeError, r"w must be a numpy\.ndarray, got float64"),
    "a gradient that is a list": ({"w": np.ones(1)}, {"w": [1.0]}, TypeError, "the gradient of w must be a numpy"),
    "names of several types": (
        {1: np.ones(3), "a": np.ones(3)},
        {},
        ValueError,
        r"gradients must have the names of parameters; missing \[1, 'a'\], unknown \[\]",
    ),
    "half precision": ({"w": np.ones(3, "f2")}, {"w": np.ones(3, "f2")}, TypeError, "w must be float32 or float64"),
    "another byte order": (
        {"w": np.ones(3).astype(inputs.swapped(np.ones(1)).dtype)},
        {"w": np.ones(3).astype(inputs.swapped(np.ones(1)).dtype)},
        TypeError,
        "w must be float32 or float64, got >f8",
    ),
    "an array that overlaps itself": (
        {"w": np.lib.stride_tricks.as_strided(np.ones(5), (3, 3), (8, 8))},
        {"w": np.ones((3, 3))},
        ValueError,
        "w must not overlap itself",
    ),
}


@every_rule
@pytest.mark.parametrize(("parameters", "gradients", "error", "said"), WRONG.values(), ids=WRONG)
def test_wrong_arrays_are_refused(rule, parameters, gradients, error, said):
    kind, _, settings = RULES[rule]
    with pytest.raises(error, match=said):
        kind(**settings).step(parameters, gradients)


@every_rule
def test_one_wrong_parameter_leaves_the_others(rule):
    kind, _, settings = RULES[rule]
    optimizer, w = kind(**settings), np.ones(3)
    for wrong in (inputs.readonly(np.ones(2)), np.ones(2, int)):
        with pytest.raises((ValueError, TypeError), match="v must be"):
            optimizer.step({"w": w, "v": wrong}, {"w": np.ones(3), "v": wrong.copy()})
    assert (w == 1).all()
    assert not optimizer.state.known


@every_rule
def test_one_vector_of_gradients_must_have_the_same_shapes(rule):
    """Vectors of one size alone do not make gradients those of the parameters."""
    kind, _, settings = RULES[rule]
    for shapes, said in (({"w": (4, 3)}, "must agree"), ({"v": (3, 4)}, "names of parameters")):
        w = Arrays({"w": (3, 4)}, "float64")
        with pytest.raises(ValueError, match=said):
            kind(**settings).step(w, Arrays(shapes, "float64"))


@pytest.mark.parametrize("lean", [False, True])
def test_a_parameter_made_read_only_is_not_updated(lean):
    network = Network(layers.Linear(2), (3,), seed=0)
    weights = network.parameters.flat.copy()
    network.parameters["linear1.bias"].flags.writeable = False
    with pytest.raises(ValueError, match=r"linear1\.bias'\] must be writable"):
        train_step(network, np.ones((2, 3), "float32"), [0, 1], SGD(0.1), lean=lean)
    np.testing.assert_array_equal(network.parameters.flat, weights)


# ---------------------------------------------------------------- clipping


@every_dtype
@pytest.mark.parametrize("kind", [dict, lambda arrays: arrays], ids=["dict", "flat"])
def test_clip_gradients(kind, dtype):
    gradients = Arrays(SHAPES, dtype)
    for g in gradients.values():
        g[...] = np.random.default_rng(5).standard_normal(g.shape)
    gradients = kind(gradients)
    before = {name: g.astype("float64") for name, g in gradients.items()}
    norm = np.sqrt(sum((g**2).sum() for g in before.values()))
    assert clip_gradients(gradients, 2 * norm) == pytest.approx(norm, rel=1e-12)
    for name, g in gradients.items():
        np.testing.assert_array_equal(g, before[name])
    assert clip_gradients(gradients, 0.5) == pytest.approx(norm, rel=1e-12)
    for name, g in gradients.items():
        np.testing.assert_allclose(g, before[name] * 0.5 / (norm + 1e-6), rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("odd", [o for o in inputs.SAME_NUMBERS if o not in (inputs.readonly, inputs.swapped)])
def test_clip_gradients_in_any_memory(odd):
    g = np.random.default_rng(6).standard_normal((3, 5, 4))
    strange = odd(g.copy())
    assert clip_gradients({"a": strange}, 1.0) == clip_gradients({"a": g}, 1.0)
    np.testing.assert_array_equal(strange, g)


def test_clip_gradients_beyond_the_range():
    for big in (1e30, -1e38):  # their squares would overflow in float32
        g = {"a": np.array([big, 0], "float32")}
        assert clip_gradients(g, 1.0) == pytest.approx(abs(big), rel=1e-6)
        np.testing.assert_allclose(g["a"], [np.sign(big), 0], rtol=1e-5)
    g = {"a": np.array([1.0, np.nan])}
    assert np.isnan(clip_gradients(g, 1.0))
    assert np.isnan(g["a"]).all()
    assert clip_gradients({}, 1.0) == 0
    assert clip_gradients({"a": np.zeros(3)}, 1.0) == 0


def test_clip_gradients_refuses():
    with pytest.raises(ValueError, match="max_norm must be >= 0, got -1"):
        clip_gradients({"a": np.ones(3)}, -1)
    with pytest.raises(TypeError, match="max_norm must be a number"):
        clip_gradients({"a": np.ones(3)}, "1")
    with pytest.raises(TypeError, match="a must be float32 or float64, got int64"):
        clip_gradients({"a": np.ones(3, int)}, 1)
    with pytest.raises(TypeError, match="a must be float32 or float64, got list"):
        clip_gradients({"a": [1.0]}, 1)
    with pytest.raises(ValueError, match="a must be writable"):
        clip_gradients({"a": inputs.readonly(np.ones(3))}, 1)


@pytest.mark.parametrize("view", [lambda g: g, lambda g: g[1:], lambda g: g[::-1]])
def test_clip_gradients_refuses_arrays_that_share_memory(view):
    g = np.ones(3)
    with pytest.raises(ValueError, match="a and b share memory; give each array once"):
        clip_gradients({"a": g, "b": view(g)}, 0.1)
    assert (g == 1).all()


@pytest.mark.parametrize("big", [1e-200, 1e-160, 1e160, 1e300])
def test_clip_gradients_whose_squares_float64_cannot_hold(big):
    g = {"a": np.array([3 * big, 0.0]), "b": np.array([[4 * big]])}
    assert clip_gradients(g, 1.0) == pytest.approx(5 * big, rel=1e-14)
    factor = min(1, 1 / (5 * big + 1e-6))
    np.testing.assert_allclose([g["a"][0], g["b"][0, 0]], [3 * big * factor, 4 * big * factor], rtol=1e-14)


def test_clip_gradients_far_beyond_the_limit_in_float32():
    """The factor is below the smallest float32 of full precision."""
    g = {"a": np.full(10_000, 3e38, "float32")}
    assert clip_gradients(g, 1.0) == pytest.approx(3e40, rel=1e-6)
    np.testing.assert_allclose(g["a"], 0.01, rtol=1e-6)


def test_clip_gradients_without_a_limit():
    g = {"a": np.array([1e200, np.inf, np.nan])}
    clip_gradients(g, np.inf)
    np.testing.assert_array_equal(g["a"], [1e200, np.inf, np.nan])
    g = {"a": np.array([np.inf, 1.0])}
    assert clip_gradients(g, np.inf) == np.inf
    np.testing.assert_array_equal(g["a"], [np.inf, 1.0])


@pytest.mark.parametrize(
    ("gradients", "max_norm", "error", "said"),
    [
        ({"a": np.ones(3)}, float("nan"), ValueError, "max_norm must be >= 0, got nan"),
        ({"a": np.ones(3)}, True, TypeError, "max_norm must be a number"),
        ({"a": np.ones(3)}, np.ones(1), TypeError, r"max_norm must be a number, got an array of shape \(1,\)"),
        ([np.ones(3)], 1.0, TypeError, "gradients must be a mapping name -> array, got list"),
    ],
)
def test_clip_gradients_refuses_what_is_no_limit(gradients, max_norm, error, said):
    with pytest.raises(error, match=said):
        clip_gradients(gradients, max_norm)
