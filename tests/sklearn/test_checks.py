"""scikit-learn's own checks of estimators."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from fastconv.sklearn import ConvNetClassifier, ConvNetRegressor

QUICK = {"epochs": 30, "lr": 0.01, "batch_size": 100, "random_state": 0}
FLOAT32 = "check_sample_weight_equivalence_on_dense_data"  # asks for 7 digits, which float32 does not hold


@parametrize_with_checks(
    [ConvNetClassifier(dtype="float64", **QUICK), ConvNetRegressor(dtype="float64", **QUICK | {"epochs": 60})]
)
def test_float64_passes_every_check(estimator, check):
    check(estimator)


def checks(estimator):
    for each, check in estimator_checks_generator(estimator, mark=None):
        name = getattr(check, "func", check).__name__
        if name not in (FLOAT32, "check_array_api_input"):
            yield pytest.param(each, check, id=f"{type(each).__name__}-{name}")


@pytest.mark.parametrize(("estimator", "check"), [*checks(ConvNetClassifier()), *checks(ConvNetRegressor())])
def test_the_defaults_pass_every_check_but_that_of_the_seventh_digit(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [ConvNetClassifier, ConvNetRegressor])
def test_whole_number_weights_are_repetitions_in_float32_up_to_rounding(kind):
    rng = np.random.default_rng(0)
    X, y, counts = rng.random((15, 30)), rng.integers(0, 3, 15), rng.integers(0, 5, 15)
    repeated = kind(**QUICK).fit(X.repeat(counts, 0), y.repeat(counts))
    weighted = kind(**QUICK).fit(X, y, sample_weight=counts)
    outputs = [getattr(each, "predict_proba", each.predict)(X) for each in (repeated, weighted)]
    np.testing.assert_allclose(*outputs, rtol=1e-3, atol=1e-5)
    assert (
        np.abs(outputs[0] - getattr(kind(**QUICK).fit(X, y), "predict_proba", kind(**QUICK).fit(X, y).predict)(X)).max()
        > 0.01
    )
