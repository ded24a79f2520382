"""Networks with several inputs and outputs: values and gradients against NumPy, and everything that networks do."""

import copy
import pickle

import numpy as np
import pytest

import fastconv
from fastconv import SGD, Network, evaluate, fit, layers, losses, train_step

LOSS = {"kind": losses.CrossEntropy(), "map": losses.MSE("mean"), "size": losses.MSE("mean")}
SHAPES = {"image": (3, 6, 5), "scalar": (4,)}


def model(x):
    """A gate of the second input on features of the first, and three outputs, one of which others read."""
    features = layers.Tanh()(layers.Conv2D(8, 3, padding=1)(x["image"]))
    gate = layers.Sigmoid()(layers.Linear(8)(x["scalar"]))
    pooled = layers.Flatten()(layers.AdaptiveAvgPool2D(1)(features)) * gate
    size = layers.Linear(1)(pooled)
    return {"kind": layers.Linear(3)(fastconv.concat(pooled, size)), "map": layers.Conv2D(1, 1)(features), "size": size}


def network(dtype="float64", **options):
    return Network(model, SHAPES, dtype, seed=0, **options)


def data(n=10, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    x = {name: rng.standard_normal((n, *shape)).astype(dtype) for name, shape in SHAPES.items()}
    targets = {"kind": rng.integers(0, 3, n), "map": rng.standard_normal((n, 1, 6, 5)), "size": rng.random((n, 1))}
    return x, {name: t if t.dtype.kind == "i" else t.astype(dtype) for name, t in targets.items()}


def total(y, targets, weights):
    """The loss by NumPy."""
    z = y["kind"] - y["kind"].max(1, keepdims=True)
    kind = np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), targets["kind"]])
    errors = {name: np.mean((y[name] - targets[name]) ** 2) for name in ("map", "size")}
    return weights["kind"] * kind + sum(weights[name] * errors[name] for name in errors)


def test_outputs_are_those_of_networks_with_one():
    both, (x, _) = network(), data()
    y = both.predict(x)
    assert (
        {name: a.shape[1:] for name, a in y.items()}
        == both.output_shape
        == {"kind": (3,), "map": (1, 6, 5), "size": (1,)}
    )
    for name in y:
        alone = Network(lambda node, name=name: model(node)[name], SHAPES, "float64", seed=0)
        alone.parameters.update({key: both.parameters[key] for key in alone.parameters})
        np.testing.assert_allclose(alone.predict(x), y[name], rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(both.freeze().predict(x)[name], y[name], rtol=1e-12, atol=1e-13)
        assert y[name].flags.c_contiguous


@pytest.mark.parametrize("weights", [None, {"kind": 0.5, "size": 3}])
def test_the_loss_and_its_gradients(weights):
    whole, (x, targets) = network(), data()
    loss = losses.PerOutput(LOSS, weights) if weights else LOSS
    factors = {"kind": 1, "map": 1, "size": 1, **(weights or {})}
    value, gradients, dx = whole.gradients(x, targets, loss, inputs=True)
    assert value == pytest.approx(total(whole.predict(x), targets, factors), rel=1e-12)
    assert {name: d.shape for name, d in dx.items()} == {name: a.shape for name, a in x.items()}
    rng = np.random.default_rng(1)
    for arrays, slopes in ((whole.parameters, gradients), (x, dx)):
        for name, array in arrays.items():
            direction, first, found = rng.standard_normal(array.shape), array.copy(), []
            for step in (1e-5, -1e-5):
                array[...] = first + step * direction
                found.append(total(whole.predict(x), targets, factors))
            array[...] = first
            assert (slopes[name] * direction).sum() == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-5, abs=1e-8)


def test_an_image_alone_has_the_bits_of_its_row():
    whole, (x, _) = network("float32"), data(7, "float32")
    for predict in (whole.predict, whole.freeze().predict):
        y = predict(x)
        one = predict({name: a[3] for name, a in x.items()})
        assert {name: a.tobytes() for name, a in one.items()} == {name: a[3].tobytes() for name, a in y.items()}
        parts = predict(x, batch_size=3)
        assert all(parts[name].tobytes() == y[name].tobytes() for name in y)


def test_training_in_all_its_forms():
    x, targets = data(24, "float32")
    results = []
    for lean in (False, True):
        whole = network("float32")
        history = fit(whole, x, targets, epochs=8, batch_size=10, loss=LOSS, optimizer=SGD(0.1), seed=0, lean=lean)
        results.append([whole.parameters.flat.tobytes(), [epoch.loss for epoch in history]])
    assert results[0] == results[1]
    assert history[-1].loss < 0.8 * history[0].loss
    assert history[0].accuracy is not None
    loss, accuracy = evaluate(whole, x, targets, LOSS)
    y = whole.predict(x)
    assert loss == pytest.approx(total(y, targets, dict.fromkeys(LOSS, 1)), rel=1e-5)
    assert accuracy == np.mean(y["kind"].argmax(1) == targets["kind"])
    assert train_step(whole, x, targets, SGD(0.1), LOSS) == pytest.approx(loss, rel=1e-5)
    held = fit(whole, x, targets, epochs=1, loss=LOSS, validation=0.25, sample_weight=np.arange(24), seed=0)
    assert held[0].validation_loss > 0
    assert fit(whole, (x, targets), epochs=1, loss=LOSS, validation=(x, targets))[0].validation_loss > 0


def test_tuples_of_inputs_and_outputs():
    pair = Network(lambda nodes: (nodes[0] + nodes[1], nodes[0] * nodes[1]), [(3, 4, 4), (3, 4, 4)], "float64")
    a, b = np.random.default_rng(0).standard_normal((2, 5, 3, 4, 4))
    for predict in (pair.predict, pair.freeze().predict):
        total_, product = predict((a, b))
        np.testing.assert_array_equal(total_, a + b)
        np.testing.assert_array_equal(product, a * b)
    assert pair.input_shape == ((3, 4, 4), (3, 4, 4)) == pair.output_shape
    loss = (losses.MSE("mean"), losses.MSE("mean"))
    value, _, (da, db) = pair.gradients([a, b], (a, b), loss, inputs=True, training=False)
    assert value == pytest.approx(np.mean(b**2) + np.mean((a * b - b) ** 2))
    np.testing.assert_allclose(da, 2 * (b + (a * b - b) * b) / a.size, atol=1e-14)
    np.testing.assert_allclose(db, 2 * (b + (a * b - b) * a) / a.size, atol=1e-14)


def test_an_input_that_nothing_reads_and_an_output_that_repeats():
    odd = Network(
        lambda x: {"a": x["used"], "b": x["used"], "c": layers.ReLU()(x["used"])}, {"unused": (2,), "used": (3,)}
    )
    x = {"unused": np.ones((2, 2), "float32"), "used": -np.ones((2, 3), "float32")}
    y = odd.predict(x)
    assert (y["a"] == -1).all()
    assert (y["b"] == -1).all()
    assert (y["c"] == 0).all()
    t = {name: np.zeros((2, 3), "float32") for name in "abc"}
    _, _, dx = odd.gradients(x, t, dict.fromkeys("abc", losses.MSE("mean")), inputs=True)
    np.testing.assert_allclose(dx["used"], np.full((2, 3), 2 * 2 * -1 / 6), rtol=1e-6)
    assert (dx["unused"] == 0).all()


def test_copies_pickles_and_files(tmp_path):
    whole, (x, _) = network("float32"), data(3, "float32")
    y = whole.predict(x)
    whole.save(tmp_path / "w.npz")
    loaded = Network(model, SHAPES, seed=1)
    loaded.load(tmp_path / "w.npz")
    frozen = whole.freeze()
    for other in (copy.deepcopy(whole), pickle.loads(pickle.dumps(whole)), loaded, pickle.loads(pickle.dumps(frozen))):
        assert all(other.predict(x)[name].shape == y[name].shape for name in y)
        np.testing.assert_allclose(other.predict(x)["map"], y["map"], rtol=1e-5, atol=1e-6)


def test_reports_and_values_inside():
    whole, (x, targets) = network("float32"), data(3, "float32")
    names = [row.name for row in whole.summary().rows]
    assert names[:2] == ["input.image", "input.scalar"]
    assert "loss" in [row.step for row in whole.profile(x, targets, LOSS, repeats=1).rows]
    assert whole.plan(2, training=True).values
    features = whole.features(x, ["input.scalar", "sigmoid1"])
    np.testing.assert_array_equal(features["input.scalar"], x["scalar"])
    dy = {name: np.ones_like(a) for name, a in whole.predict(x).items()}
    assert whole.feature_gradients(x, "sigmoid1", dy).shape == (3, 8)


def refused(call, *arguments, **options):
    with pytest.raises((TypeError, ValueError)) as error:
        call(*arguments, **options)
    return str(error.value)


def test_what_does_not_fit_is_refused():
    whole, (x, targets) = network("float32"), data(3, "float32")
    assert "x must be a dict with 'image', 'scalar', got" in refused(whole.predict, x["image"])
    assert "x must be a dict with 'image', 'scalar', got 'image'" in refused(whole.predict, {"image": x["image"]})
    assert "x['scalar'] must have shape (N, 4) or (4,)" in refused(whole.predict, {**x, "scalar": x["image"]})
    assert "one row for each image" in refused(whole.predict, {**x, "scalar": x["scalar"][:2]})
    assert "x['scalar'] has no batch axis" in refused(whole.predict, {**x, "scalar": x["scalar"][0]})
    assert "loss must be one for each output" in refused(whole.gradients, x, targets, losses.MSE())
    assert "loss must be for the outputs of the network" in refused(whole.gradients, x, targets, {"kind": LOSS["kind"]})
    wrong = {**targets, "kind": [0, 1, 7]}
    assert "targets['kind']" in refused(whole.gradients, x, wrong, LOSS)
    assert "dict of 2 nodes; give it one of them: ReLU()(x['image'])" in refused(Network, layers.ReLU(), SHAPES)
    assert "x must be a dict with 'image', 'scalar', got a list" in refused(whole.predict, [x["image"], x["scalar"]])
    assert "labels must be a dict" in refused(fit, whole, x, targets["kind"], loss=LOSS)
    assert "one dict or tuple of nodes" in refused(Network, lambda x: (x, (x, x)), (3,))
    assert "input_shape must have names as keys" in refused(Network, model, {1: (3,)})
    assert "input_shape must be" in refused(Network, model, {})
    assert "weights must be numbers for" in refused(losses.PerOutput, LOSS, {"size": 1, "other": 2})
    assert "losses must be a dict" in refused(losses.PerOutput, losses.MSE())


def test_losses_compare_by_what_they_do():
    assert losses.PerOutput(LOSS) == losses.PerOutput({**LOSS}, {"kind": 1.0})
    assert losses.PerOutput(LOSS) != losses.PerOutput(LOSS, {"kind": 2.0})
    assert hash(losses.PerOutput(LOSS)) == hash(losses.PerOutput({**LOSS}))
    assert "CrossEntropy()" in repr(losses.PerOutput(LOSS))


def test_a_data_set_of_several():
    class Pairs:
        def __init__(self, x, targets):
            self.x, self.targets = x, targets

        def __len__(self):
            return len(self.targets["kind"])

        def batch(self, indices):
            return {k: a[indices] for k, a in self.x.items()}, {k: t[indices] for k, t in self.targets.items()}

    x, targets = data(12, "float32")
    whole = network("float32")
    history = fit(whole, Pairs(x, targets), epochs=2, batch_size=4, loss=LOSS, optimizer=SGD(0.1), seed=0)
    assert history[1].loss < history[0].loss
