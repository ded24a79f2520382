"""Schedules beside their equations, and what `fit` does with them."""

import math

import numpy as np
import pytest

from fastconv import SGD, Linear, Network, fit, losses, schedules
from fastconv.schedules import Moment

EPOCHS, PER_EPOCH = 12, 5
STEPS = EPOCHS * PER_EPOCH
MOMENTS = [Moment(step, STEPS, step / PER_EPOCH, EPOCHS) for step in range(STEPS)]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)).astype("float32"), RNG.normal(size=(20, 2)).astype("float32")


def half_cosine(first, last, passed):
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * passed))


CASES = {
    "constant": (schedules.constant(0.3), lambda t, e: 0.3),
    "step": (schedules.step(4, 0.5), lambda t, e: 0.5 ** (e // 4)),
    "a step of a fraction": (schedules.step(0.4, 0.5), lambda t, e: 0.5 ** (t // 2)),
    "multi_step": (schedules.multi_step([9, 3]), lambda t, e: 1 if e < 3 else 0.1 if e < 9 else 0.1**2),
    "exponential": (schedules.exponential(0.9), lambda t, e: 0.9**e),
    "cosine": (schedules.cosine(0.1), lambda t, e: half_cosine(1, 0.1, t / STEPS)),
    "restarts": (schedules.cosine_restarts(3), lambda t, e: half_cosine(1, 0, t % 15 / 15)),
    "longer and longer": (
        schedules.cosine_restarts(1, 2, 0.2),
        lambda t, e: half_cosine(
            1, 0.2, e if e < 1 else (e - 1) / 2 if e < 3 else (e - 3) / 4 if e < 7 else (e - 7) / 8
        ),
    ),
    "one_cycle": (
        schedules.one_cycle(0.25, 0.1, 0.01),
        lambda t, e: half_cosine(0.1, 1, t / 14.75) if t < 14.75 else half_cosine(1, 0.01, (t - 14.75) / 44.25),
    ),
    "only up": (schedules.one_cycle(1, 0.5), lambda t, e: half_cosine(0.5, 1, t / 59)),
    "only down": (schedules.one_cycle(0, 0.5, 0), lambda t, e: half_cosine(1, 0, t / 59)),
    "warm_up": (schedules.warm_up(2), lambda t, e: min(1, (t + 1) / 10)),
    "warm_up before another": (
        schedules.warm_up(2, schedules.cosine(), 0.5),
        lambda t, e: 0.5 + (t + 1) / 20 if t < 10 else half_cosine(1, 0, (t - 10) / 50),
    ),
    "warm_up for ever": (schedules.warm_up(100), lambda t, e: (t + 1) / 500),
    "no warm_up": (schedules.warm_up(0, schedules.step(1, 0.5)), lambda t, e: 0.5 ** (t // 5)),
}


@pytest.mark.parametrize("name", CASES)
def test_every_step_has_the_factor_of_the_equation(name):
    schedule, formula = CASES[name]
    found = [schedule(moment) for moment in MOMENTS]
    np.testing.assert_allclose(found, [formula(t, t / PER_EPOCH) for t in range(STEPS)], rtol=1e-12, atol=1e-15)


def test_a_plateau_falls_after_more_than_its_patience():
    schedule, found = schedules.plateau(0.5, patience=2, least=0.2), []
    for loss in (5, 4, 4, 3.9999, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3):
        schedule.observe(loss)
        found.append(schedule(MOMENTS[0]))
    assert found == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2]


def test_losses_below_zero_improve_downwards():
    schedule = schedules.plateau(0.5, patience=0)
    for loss in (-1, -2, -3):
        schedule.observe(loss)
    assert schedule(MOMENTS[0]) == 1
    schedule.observe(-3)
    assert schedule(MOMENTS[0]) == 0.5


class Rates(SGD):
    """Notes the rate of each step."""

    def __init__(self, lr):
        super().__init__(lr)
        self.seen = []

    def step(self, parameters, gradients):
        self.seen.append(self.lr)
        super().step(parameters, gradients)


def train(schedule, epochs=3, **options):
    optimizer = Rates(0.2)
    network = Network(Linear(2), (3,), seed=0)
    options = {"batch_size": 8, "seed": 0, "progress": False, "loss": losses.MSE("mean")} | options
    history = fit(network, X, Y, epochs=epochs, optimizer=optimizer, schedule=schedule, **options)
    return optimizer, history, network


def test_fit_sets_the_rate_of_every_step_and_puts_the_first_one_back():
    moments = []

    def falling(moment):
        moments.append(moment)
        return 1 / (1 + moment.step)

    optimizer, _, _ = train(falling)
    assert moments == [Moment(step, 9, step / 3, 3) for step in range(9)]
    np.testing.assert_allclose(optimizer.seen, [0.2 / (1 + step) for step in range(9)])
    assert optimizer.lr == 0.2


@pytest.mark.parametrize("lean", [False, True])
def test_a_schedule_is_what_setting_the_rate_by_hand_is(lean):
    by_hand, optimizer = Network(Linear(2), (3,), seed=0), SGD(0.2)

    def change(epoch):
        optimizer.lr = 0.2 * 0.5**epoch.epoch

    options = {"epochs": 4, "batch_size": 8, "seed": 0, "progress": False, "loss": losses.MSE("mean")}
    fit(by_hand, X, Y, optimizer=optimizer, on_epoch=change, **options)
    network = Network(Linear(2), (3,), seed=0)
    fit(network, X, Y, optimizer=SGD(0.2), schedule=schedules.step(1, 0.5), lean=lean, **options)
    assert network.parameters.flat.tobytes() == by_hand.parameters.flat.tobytes()


def test_a_plateau_is_told_the_validation_loss_also_through_a_warm_up():
    told = []

    class Told(schedules.Plateau):
        def observe(self, loss):
            told.append(loss)
            super().observe(loss)

    schedule = schedules.warm_up(1, Told(0.5, 0, 0.0, 0.0))
    _, history, _ = train(schedule, epochs=4, validation=(X[:5], Y[:5]))
    assert told == [epoch.validation_loss for epoch in history]
    told.clear()
    _, history, _ = train(schedule, epochs=2)
    assert told == [epoch.loss for epoch in history]


def test_the_rate_is_put_back_after_an_error():
    def broken(moment):
        if moment.step == 4:
            raise KeyError("schedule")
        return 0.5

    network, optimizer = Network(Linear(2), (3,), seed=0), SGD(0.2)
    with pytest.raises(KeyError):
        fit(
            network,
            X,
            Y,
            epochs=3,
            batch_size=8,
            optimizer=optimizer,
            schedule=broken,
            loss=losses.MSE(),
            progress=False,
        )
    assert optimizer.lr == 0.2


@pytest.mark.parametrize("given", [-1, math.nan, math.inf, "0.1", None, [1]], ids=str)
def test_a_factor_that_is_no_number_names_the_moment(given):
    with pytest.raises(ValueError, match=r"schedule must give numbers >= 0, .* got .* at Moment\(step=0, steps=9"):
        train(lambda moment: given)


@pytest.mark.parametrize("schedule", [0.1, "cosine", [0.1, 0.01], schedules.Plateau], ids=str)
def test_what_is_no_schedule(schedule):
    with pytest.raises(
        TypeError, match=r"schedule must be a function of a Moment, such as fastconv\.schedules\.cosine"
    ):
        train(schedule)
    with pytest.raises(TypeError, match="schedule must be a function of a Moment"):
        schedules.warm_up(1, schedule)


@pytest.mark.parametrize("name", [name for name in schedules.__all__ if name.islower()])
def test_a_function_that_makes_schedules_is_no_schedule(name):
    with pytest.raises(TypeError, match=rf"fastconv\.schedules\.{name} makes one: .* schedules\.{name}\(\.\.\.\)"):
        train(getattr(schedules, name))


class Own:
    def step(self, parameters, gradients):
        pass


def test_an_optimizer_without_a_rate_has_no_schedule():
    with pytest.raises(
        TypeError, match=r"schedule needs an optimizer with a learning rate, lr, a number; Own has none"
    ):
        fit(
            Network(Linear(2), (3,)),
            X,
            Y,
            optimizer=Own(),
            schedule=schedules.cosine(),
            loss=losses.MSE(),
            progress=False,
        )


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: schedules.step(0), ValueError, "every must be > 0, got 0"),
        (lambda: schedules.step("3"), TypeError, "every must be a number"),
        (lambda: schedules.step(3, -1), ValueError, "factor must be >= 0, got -1"),
        (lambda: schedules.multi_step(30), TypeError, r"epochs must be numbers, such as \[30, 60\], got 30"),
        (lambda: schedules.multi_step([-1]), ValueError, "epochs must be >= 0"),
        (lambda: schedules.exponential(0), ValueError, "factor must be > 0"),
        (lambda: schedules.cosine(math.nan), ValueError, "final must be"),
        (lambda: schedules.cosine_restarts(3, 0.5), ValueError, "growth must be >= 1, got 0.5"),
        (lambda: schedules.one_cycle(1.5), ValueError, "rise must be from 0 to 1, a share of the training, got 1.5"),
        (lambda: schedules.warm_up(-1), ValueError, "epochs must be >= 0"),
        (lambda: schedules.plateau(patience=-1), ValueError, "patience must be"),
    ],
)
def test_settings_that_make_no_sense(make, error, says):
    with pytest.raises(error, match=says):
        make()
