"""Settings of optimizers, checked whenever they are set; and optimizers with a step of their own."""

import numpy as np
import pytest

from fastconv import SGD, Adam, AdamW, Network, RMSprop, clip_gradients, fit, layers, sequential, train_step
from fastconv.optim import Optimizer

MAKE = {
    "SGD": lambda: SGD(0.1, 0.9),
    "Adam": Adam,
    "AdamW": AdamW,
    "RMSprop": RMSprop,
}
every_rule = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
NO_NUMBERS = ["0.1", None, True, np.True_, np.array(True), np.array("0.1"), [0.1], np.array([0.1]), 1j, np.complex64(1)]
X, LABELS = np.random.default_rng(0).standard_normal((20, 4)).astype("float32"), np.arange(20) % 3


@every_rule
@pytest.mark.parametrize("name", ["lr", "weight_decay", "momentum", "eps", "alpha"])
def test_wrong_numbers_are_refused_and_leave_the_old_one(make, name):
    optimizer = make()
    if not hasattr(optimizer, name):
        with pytest.raises(AttributeError, match=name):
            setattr(optimizer, name, 0.5)
        return
    before = repr(optimizer)
    for wrong in NO_NUMBERS:
        with pytest.raises(TypeError, match=f"{name} must be a number"):
            setattr(optimizer, name, wrong)
    for wrong in (-1, -1e-30, np.nan, np.inf, np.float32(np.inf), 1e39, 10**400):
        with pytest.raises(ValueError, match=f"{name} must be"):
            setattr(optimizer, name, wrong)
    assert repr(optimizer) == before


@every_rule
def test_the_constructor_and_the_attribute_say_the_same(make):
    optimizer = make()
    for name in optimizer.settings:
        for wrong in ("x", None, -1, np.nan, np.inf, (2, 0.5)):
            with pytest.raises((TypeError, ValueError), match=name) as one:
                setattr(optimizer, name, wrong)
            with pytest.raises(one.type, match=name) as other:
                type(optimizer)(**{"lr": 0.1, name: wrong})
            assert str(one.value) == str(other.value)


@pytest.mark.parametrize("value", [1, 1.0, 1.5])
def test_a_momentum_of_one_never_forgets_and_is_refused(value):
    for make in (
        lambda: SGD(0.1, value),
        lambda: RMSprop(momentum=value),
        lambda: setattr(SGD(0.1), "momentum", value),
    ):
        with pytest.raises(ValueError, match="momentum must be below 1, got 1"):
            make()


@pytest.mark.parametrize("number", [1, np.float32(0.25), np.float64(0.5), np.int64(1), np.array(0.125), np.array(1)])
def test_numbers_of_any_kind_become_floats(number):
    optimizer = SGD(number)
    assert type(optimizer.lr) is float
    optimizer.lr = number
    assert (type(optimizer.lr), optimizer.lr) == (float, float(number))


@pytest.mark.parametrize(
    ("betas", "error"),
    [
        (0.9, TypeError),
        ((0.9,), TypeError),
        ("ab", TypeError),
        ((True, 0.9), TypeError),
        ((0.9, 1.0), ValueError),
        ((0.9, np.nan), ValueError),
        ((-0.1, 0.9), ValueError),
    ],
)
def test_wrong_betas(betas, error):
    adam = Adam(betas=[0.5, np.float64(0.75)])
    with pytest.raises(error, match="betas must be"):
        adam.betas = betas
    assert adam.betas == (0.5, 0.75)


def test_nesterov_and_momentum_agree_at_any_time():
    sgd = SGD(0.1)
    with pytest.raises(ValueError, match=r"nesterov needs momentum > 0, got momentum=0\.0"):
        sgd.nesterov = True
    sgd.momentum, sgd.nesterov = 0.9, True
    with pytest.raises(ValueError, match=r"nesterov needs momentum > 0, got momentum=0\.0"):
        sgd.momentum = 0
    assert (sgd.momentum, sgd.nesterov) == (0.9, True)
    for wrong in ("no", None, 2, 0.5):
        with pytest.raises(TypeError, match="nesterov must be True or False"):
            sgd.nesterov = wrong
        with pytest.raises(TypeError, match="centered must be True or False"):
            RMSprop(centered=wrong)


@every_rule
@pytest.mark.parametrize("name", ["beta1", "weigth_decay", "Lr", "l1"])
def test_a_mistyped_setting_is_an_error_that_names_the_settings(make, name):
    optimizer = make()
    with pytest.raises(AttributeError, match=f"{type(optimizer).__name__} has no '{name}'; its settings are lr, "):
        setattr(optimizer, name, 0.1)


def test_repr_shows_the_settings():
    assert repr(SGD(0.1, 0.9, nesterov=True)) == "SGD(lr=0.1, momentum=0.9, weight_decay=0.0, nesterov=True)"
    assert repr(AdamW()) == "AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"
    assert repr(RMSprop(0.1)).endswith("alpha=0.99, eps=1e-08, weight_decay=0.0, momentum=0.0, centered=False)")
    for make in MAKE.values():
        assert repr(eval(repr(make()))) == repr(make())


# ---------------------------------------------------------------- rules and steps of one's own


class Signs(Optimizer):
    """w <- w - lr sign(m), m <- decay m + g: a rule that only says how many vectors it keeps."""

    remembers = 1

    def __init__(self, lr, decay):
        super().__init__(lr=lr, decay=decay)
        self.calls = 0

    def prepare(self, kernel, w, dw, t, m):
        def call():
            self.calls += 1
            m[...] = self.decay * m + dw
            w[...] -= self.lr * np.sign(m)

        return call


@pytest.mark.parametrize("lean", [False, True])
def test_a_rule_of_ones_own(lean):
    rule, net, right = Signs(0.5, decay=0.5), network(), network()
    m, labels = np.zeros_like(right.parameters.flat), LABELS
    for _ in range(3):
        train_step(net, X, labels, rule, lean=lean)
        train_step(right, X, labels, Keep(kept := []))
        m = np.float32(0.5) * m + kept[0]
        right.parameters.flat[...] -= np.float32(0.5) * np.sign(m)
    np.testing.assert_array_equal(net.parameters.flat, right.parameters.flat)
    assert rule.calls >= 3
    with pytest.raises(ValueError, match="decay must be >= 0"):
        rule.decay = -1
    rule.anything = "mine"


class Keep:
    """Hands out the gradients."""

    def __init__(self, kept):
        self.kept = kept

    def step(self, parameters, gradients):
        self.kept.append(gradients.flat.copy())


def network():
    model = sequential(layers.Linear(16, name="body"), layers.ReLU(), layers.Linear(3, name="head"))
    return Network(model, (4,), seed=0)


class HeadOnly(SGD):
    """Updates a part."""

    def step(self, parameters, gradients):
        names = [name for name in parameters if name.startswith("head")]
        super().step({name: parameters[name] for name in names}, {name: gradients[name] for name in names})


class Clipped(Adam):
    """Needs all gradients at once."""

    def step(self, parameters, gradients):
        clip_gradients(gradients, 0.01)
        super().step(parameters, gradients)


class Deeper(Clipped):
    """Inherits a step of a person's own."""


class Half(SGD):
    """Changes how one array is updated."""

    def update(self, remembered, w, dw):
        return super().update(remembered, w, dw * np.float32(0.5))


def patched():
    sgd = SGD(0.1, 0.5)
    step = sgd.step
    sgd.step = lambda parameters, gradients: step(parameters, {name: 2 * g for name, g in gradients.items()})
    return sgd


OWN = {
    "a part": lambda: HeadOnly(0.1, 0.9),
    "clipped": lambda: Clipped(0.1),
    "inherited": lambda: Deeper(0.1),
    "update": lambda: Half(0.1, 0.9),
    "one object's": patched,
}


@pytest.mark.parametrize("make", OWN.values(), ids=OWN)
def test_lean_training_obeys_a_step_of_ones_own(make):
    found = []
    for lean in (False, True):
        net, optimizer = network(), make()
        fit(net, X, LABELS, epochs=2, batch_size=6, optimizer=optimizer, seed=0, progress=False, lean=lean)
        train_step(net, X, LABELS, optimizer, lean=lean)
        found.append(net.parameters.flat.copy())
    np.testing.assert_array_equal(*found)
    plain = network()
    fit(plain, X, LABELS, epochs=2, batch_size=6, optimizer=SGD(0.1, 0.9), seed=0, progress=False)
    assert (plain.parameters.flat != found[0]).any()


def test_a_frozen_part_stays_under_lean_training():
    net = network()
    before = net.parameters.copy()
    fit(net, X, LABELS, batch_size=5, optimizer=HeadOnly(0.1), seed=0, progress=False, lean=True)
    for name, w in net.parameters.items():
        assert (w == before[name]).all() == name.startswith("body")


def test_gradients_are_kept_under_lean_training_only_where_a_step_needs_them():
    for optimizer, kept in ((SGD(0.1), False), (Signs(0.1, 0.5), False), (HeadOnly(0.1), True), (Half(0.1), True)):
        net = network()
        train_step(net, X, LABELS, optimizer, lean=True)
        assert (net.executor.gradients is not None) == kept


class Both(HeadOnly):
    """Says itself what a lean step does."""

    def step_part(self, parameters, start, dw):
        if start >= parameters.starts["head.weight"]:
            super().step_part(parameters, start, dw)


def test_a_step_part_of_ones_own_is_called_by_lean_training(monkeypatch):
    net = network()
    train_step(net, X, LABELS, Both(0.1), lean=True)
    assert net.executor.gradients is None


def test_the_plan_lets_go_of_the_optimizer():
    net = network()
    train_step(net, X, LABELS, SGD(0.1), lean=True)
    assert all(plan.updates.optimizer is None for plan in net.executor.plans.values())
