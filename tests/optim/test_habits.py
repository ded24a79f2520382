"""Optimizers as other libraries call them: each error says what to write, and that works."""

import inspect
import re

import numpy as np
import pytest

import fastconv
from fastconv import SGD, Adam, AdamW, Network, RMSprop, layers, losses

NETWORK = Network(layers.Linear(2), (3,), seed=0)
PARAMETERS = NETWORK.parameters


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: SGD(learning_rate=0.1), r"^SGD takes no learning_rate, got learning_rate=0\.1; write lr=0\.1$"),
        (lambda: Adam(epsilon=1e-7), r"^Adam takes no epsilon, got epsilon=1e-07; write eps=1e-07$"),
        (lambda: AdamW(decay=0.1), r"^AdamW takes no decay, got decay=0\.1; write weight_decay=0\.1$"),
        (lambda: RMSprop(rho=0.9), r"^RMSprop takes no rho, got rho=0\.9; write alpha=0\.9$"),
        (lambda: Adam(beta_1=0.8), r"^Adam takes no beta_1, got beta_1=0\.8; write betas=\(0\.8, 0\.999\)$"),
        (lambda: Adam(beta2=0.99), r"^Adam takes no beta2, got beta2=0\.99; write betas=\(0\.9, 0\.99\)$"),
        (lambda: SGD(lr=0.1, momentun=0.9), r"^SGD takes no momentun, got momentun=0\.9; write momentum=0\.9$"),
        (lambda: SGD(lr=0.1, dampening=0), r"^SGD takes no dampening, got dampening=0; .*leave it out$"),
        (lambda: Adam(amsgrad=True), r"^Adam takes no amsgrad, got amsgrad=True; .*leave it out$"),
        (lambda: SGD(lr=0.1, foo=1), r"it takes lr, momentum, weight_decay, nesterov, groups, decay_biases_and_norms$"),
        (lambda: SGD(), r"^SGD needs lr; write SGD\(lr=0\.1\)$"),
        (lambda: SGD(PARAMETERS, lr=0.1), r"^SGD takes no parameters; they are given to step, .*SGD\(lr=0\.1\)"),
        (
            lambda: Adam(PARAMETERS, lr=0.1),
            r"^Adam takes no parameters; .*: write optimizer = Adam\(lr=0\.1\), then opt",
        ),
        (
            lambda: fastconv.clip_gradients(5.0, {}),
            r"^max_norm .* got dict; .* first: write clip_gradients\(gradients, ",
        ),
        (lambda: SGD(iter([]), lr=0.1), r"^SGD takes no parameters; they are given to step"),
        (lambda: SGD(params=PARAMETERS, lr=0.1), r"^SGD takes no params, got params=.*; they are given to step"),
        (lambda: SGD(PARAMETERS), r"^lr must be a number, got Arrays; parameters are given to step, not here$"),
        (lambda: SGD(0.1, 0.9, 0.0, False, 1), r"by position, got also 1; write SGD\("),
        (lambda: SGD(0.1, 0.9, True), r"^weight_decay must be a number, got True$"),
        (lambda: Adam(0.9, 0.99), r"^betas must be a pair of numbers, got 0\.99; write betas=\(0\.99, 0\.999\)$"),
        (lambda: SGD(lambda epoch: 0.1), r"^lr must be a number, got a function; .* set optimizer\.lr$"),
        (lambda: SGD(0.1).step(NETWORK, {}), r"^parameters must be .*, got Network; write network\.parameters$"),
        (lambda: fastconv.clip_gradients(NETWORK, 1), r"; write network\.gradients\(images, labels, loss\)\[1\]$"),
        (lambda: fastconv.clip_gradients({}), r"^clip_gradients needs max_norm; write clip_gradients\(gradients, 1"),
        (lambda: fastconv.clip_gradients({}, clip_value=2), r"got clip_value=2; write max_norm=2$"),
        (
            lambda: SGD([{"params": PARAMETERS}]),
            r"^lr .* got a list of dict; .*: write groups={'layer4\.\*': {'lr': 0\.01}}$",
        ),
        (lambda: SGD("0.1"), r"^lr must be a number, got '0\.1'$"),
        (
            lambda: SGD(0.1).step(),
            r"^step needs parameters and gradients; write loss, gradients = network\.gradients\(",
        ),
    ],
)
def test_arguments_of_other_libraries(call, says):
    with pytest.raises(TypeError, match=says):
        call()


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"lr": np.inf}, "lr must be at most"),
        ({"lr": np.nan}, "lr must be >= 0, got nan"),
        ({"lr": -0.1}, r"lr must be >= 0, got -0\.1"),
        ({"lr": 0.1, "weight_decay": -1}, "weight_decay must be >= 0"),
        ({"lr": 0.1, "momentum": 1}, "momentum must be below 1"),
        ({"lr": 0.1, "momentum": 10}, "momentum must be below 1"),
        ({"lr": 0.1, "eps": 0}, r"eps must be > 0, got 0\.0: elements whose gradients"),
        ({"lr": 0.1, "betas": (0.9, 1)}, "betas must be from 0 to below 1"),
        ({"lr": 0.1, "alpha": 1}, "alpha must be below 1"),
    ],
)
def test_settings_that_give_nan_are_refused_at_once(kind, settings, says):
    if not settings.keys() <= set(kind(0.1).settings):
        with pytest.raises(TypeError, match=f"{kind.__name__} takes no "):
            kind(**settings)
        return
    with pytest.raises(ValueError, match=says):
        kind(**settings)
    optimizer = kind(0.1)
    name, value = list(settings.items())[-1]
    with pytest.raises(ValueError, match=says):
        setattr(optimizer, name, value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("zero_grad", "gradients are new in each step"),
        ("param_groups", r"write optimizer\.groups\['layer4\.\*'\] = {'lr': 0\.01}; .* optimizer\.lr$"),
        ("add_param_group", r"write optimizer\.groups\['layer4\.\*'\] = {'lr': 0\.01}; "),
        ("state_dict", r"write optimizer\.state\(\)$"),
        ("load_state_dict", r"write optimizer\.load_state\(state\)$"),
        ("minimize", r"fastconv\.train_step\(network, images, labels, optimizer\)$"),
        ("apply_gradients", r"optimizer\.step\(network\.parameters, gradients\)$"),
        ("learning_rate", r"write optimizer\.lr$"),
        ("no_such_thing", "^SGD has no 'no_such_thing'$"),
    ],
)
def test_attributes_of_other_libraries(name, says):
    with pytest.raises(AttributeError, match=says):
        getattr(SGD(0.1), name)
    assert not hasattr(SGD(0.1), name)


def test_a_setting_by_another_name_is_not_set():
    optimizer = SGD(0.1)
    with pytest.raises(AttributeError, match=r"^SGD has no 'learning_rate'; write optimizer\.lr = 0\.2$") as caught:
        optimizer.learning_rate = 0.2
    exec(str(caught.value).partition("write ")[2])
    assert optimizer.lr == 0.2


def test_the_step_that_the_error_tells_is_a_step():
    with pytest.raises(TypeError) as caught:
        SGD(0.1).step()
    images, labels, loss = np.ones((2, 3), "float32"), [0, 1], losses.CrossEntropy()
    network, right = (Network(layers.Linear(2), (3,), seed=0) for _ in range(2))
    names = {"network": network, "images": images, "labels": labels, "loss": loss, "optimizer": SGD(0.1)}
    first, second = str(caught.value).partition("write ")[2].split(" and ", 1)
    exec(f"{first}\n{second}", names)
    fastconv.train_step(right, images, labels, SGD(0.1), loss)
    assert network.parameters.flat.tobytes() == right.parameters.flat.tobytes()


def test_a_type_error_from_inside_a_step_is_left_as_it_is():
    with pytest.raises(TypeError, match=r"^parameters must be a mapping name -> array, got int$"):
        SGD(0.1).step(1, 2)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, RMSprop])
def test_help_explains_every_setting_with_its_default(kind):
    text = inspect.getdoc(kind).partition("Attributes\n")[0]
    for name, parameter in inspect.signature(kind).parameters.items():
        line = re.search(rf"^{name} : (.*)$", text, re.MULTILINE)[1]
        if parameter.default is not parameter.empty:
            assert eval(line.partition("default ")[2]) == parameter.default


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_pair_of_numbers_may_be_an_array(dtype):
    assert Adam(betas=np.array([0.5, 0.75], dtype)).betas == (0.5, 0.75)
    with pytest.raises(TypeError, match=r"betas must be a pair of numbers, got \[0\.5, 0\.5, 0\.5\]"):
        Adam(betas=np.full(3, 0.5))


def test_an_attribute_that_a_property_lacks_is_the_one_named():
    class Own(fastconv.optim.Optimizer):
        @property
        def remembers(self):
            return self.names

        def prepare(self, kernel, w, dw, t, *kept):
            return lambda: None

    with pytest.raises(AttributeError, match=r"^Own has no 'names'$"):
        Own(lr=0.1).step({"w": np.ones(3)}, {"w": np.ones(3)})


@pytest.mark.parametrize(
    ("parameters", "gradients", "says"),
    [
        ([np.ones(2)], [np.ones(2)], r"^parameters must be .* got list; .*such as parameters = {'w': w, 'b': b}$"),
        (np.ones(2), np.ones(2), r"^parameters must be .* got ndarray; give each array a name of your own"),
        ({"w": np.ones(2)}, (np.ones(2),), r"^gradients must be .* got tuple; .*such as gradients = {'w': w, 'b': b}$"),
        ({"w": np.ones(2, int)}, {"w": np.ones(2, int)}, r"^w must be .* got int64; write w\.astype\('float64'\)"),
        ({"w": np.ones(2)}, {"w": np.ones(2, "f4")}, r"must agree; write gradients\['w'\]\.astype\('float64'\)$"),
        ({"w": np.ones(2)}, {"w": np.ones(3)}, r"^w: parameter \(2,\) float64 and gradient \(3,\) float64 must agree$"),
    ],
)
def test_arrays_of_ones_own_that_do_not_fit(parameters, gradients, says):
    with pytest.raises((TypeError, ValueError), match=says):
        SGD(0.1).step(parameters, gradients)


@pytest.mark.parametrize("name", ["settings", "state"])
def test_what_an_optimizer_keeps_cannot_be_set(name):
    sgd = SGD(0.5)
    with pytest.raises(AttributeError, match=rf"^{name} of SGD cannot be set; .* another: SGD\(lr=0\.5, "):
        setattr(sgd, name, {})
    sgd.step({"w": np.ones(2)}, {"w": np.ones(2)})
    assert repr(sgd).startswith("SGD(lr=0.5")
