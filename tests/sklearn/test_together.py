"""The estimators in scikit-learn's pipelines, searches and copies, with joblib and pandas."""

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastconv
from fastconv import layers, optim
from fastconv.sklearn import ConvNetClassifier, ConvNetRegressor

RNG = np.random.default_rng(0)
LABELS = np.array(["a", "b", "c"])[RNG.integers(0, 3, 90)]
ROWS = 100 + RNG.standard_normal((90, 16)) * 5 + 20 * (LABELS == "a")[:, None] - 20 * (LABELS == "b")[:, None]
IMAGES = (ROWS.reshape(-1, 1, 4, 4) - 100) / 20


def classifier(**options):
    return ConvNetClassifier(**{"epochs": 4, "lr": 0.01, "random_state": 0} | options)


def test_a_pipeline_scales_rows_before_the_network_and_passes_weights():
    both = make_pipeline(StandardScaler(), classifier(image_shape=(4, 4)))
    assert both.fit(ROWS, LABELS).score(ROWS, LABELS) > 0.9
    by_hand = classifier().fit(StandardScaler().fit_transform(ROWS).reshape(-1, 1, 4, 4), LABELS)
    np.testing.assert_array_equal(both.predict_proba(ROWS), by_hand.predict_proba(both[0].transform(ROWS)))
    both.fit(ROWS, LABELS, convnetclassifier__sample_weight=(LABELS != "a"))
    assert set(both.predict(ROWS)) == {"b", "c"}


def test_a_search_over_two_processes_finds_what_one_finds():
    choices = {"lr": [1e-9, 0.01], "optimizer": ["adam", optim.SGD(0.1)]}
    net = classifier(epochs=2)
    searches = [
        GridSearchCV(net, choices, cv=KFold(2), n_jobs=jobs, return_train_score=True).fit(IMAGES, LABELS)
        for jobs in (1, 2)
    ]
    one, two = searches
    for name in ("mean_test_score", "std_test_score", "mean_train_score"):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    assert two.best_params_["lr"] == 0.01
    assert two.best_score_ > 0.6
    np.testing.assert_array_equal(one.predict_proba(IMAGES), two.predict_proba(IMAGES))
    score = clone(net).set_params(**two.best_params_).fit(IMAGES[45:], LABELS[45:]).score(IMAGES[:45], LABELS[:45])
    assert score == two.cv_results_["split0_test_score"][two.best_index_]


def test_processes_of_joblib_share_the_processors():
    here = fastconv.get_num_threads()
    there = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(fastconv.get_num_threads)() for _ in range(2))
    allowed = max(1, joblib.cpu_count() // 2)
    assert all(number <= allowed for number in there)
    assert fastconv.get_num_threads() == here


def test_threads_of_joblib_train_networks_of_their_own():
    with joblib.parallel_backend("threading"):
        found = cross_val_score(classifier(), IMAGES, LABELS, cv=3, n_jobs=3)
    np.testing.assert_array_equal(found, cross_val_score(classifier(), IMAGES, LABELS, cv=3))
    assert found.mean() > 0.8


def test_cross_validation_of_a_regressor_with_a_scaled_target():
    y = 1000 + 50 * IMAGES.mean((1, 2, 3))
    scaled = TransformedTargetRegressor(
        ConvNetRegressor(epochs=40, lr=0.01, random_state=0), transformer=StandardScaler()
    )
    assert cross_val_score(scaled, IMAGES.reshape(90, -1), y, cv=3).min() > 0.9
    assert cross_val_predict(classifier(), IMAGES, LABELS, cv=3, method="predict_proba").shape == (90, 3)


def test_several_targets_of_classes_by_a_meta_estimator():
    both = np.stack([LABELS == "a", LABELS == "b"], 1)
    assert MultiOutputClassifier(classifier()).fit(IMAGES.reshape(90, -1), both).predict(
        IMAGES.reshape(90, -1)
    ).shape == (90, 2)


WAYS = {
    "pickle": lambda net, folder: pickle.loads(pickle.dumps(net)),
    "deepcopy": lambda net, folder: copy.deepcopy(net),
    "joblib": lambda net, folder: joblib.load(joblib.dump(net, folder / "net.joblib")[0]),
    "compressed": lambda net, folder: joblib.load(joblib.dump(net, folder / "net.z", compress=3)[0]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("optimizer", ["adam", optim.SGD(0.1, momentum=0.9)])
def test_a_copy_predicts_and_goes_on_with_the_same_bits(way, optimizer, tmp_path):
    net = classifier(warm_start=True, optimizer=optimizer, early_stopping=True, patience=9).fit(IMAGES, LABELS)
    other = WAYS[way](net, tmp_path)
    np.testing.assert_array_equal(net.predict_proba(IMAGES), other.predict_proba(IMAGES))
    for each in (net, other):
        each.fit(IMAGES, LABELS).partial_fit(IMAGES[:50], LABELS[:50])
    assert other.n_iter_ == net.n_iter_ == 9
    np.testing.assert_array_equal(net.predict_proba(IMAGES), other.predict_proba(IMAGES))


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_before_training_is_as_good(way, tmp_path):
    net = classifier(model="resnet8")
    np.testing.assert_array_equal(
        WAYS[way](net, tmp_path).fit(IMAGES, LABELS).predict_proba(IMAGES),
        net.fit(IMAGES, LABELS).predict_proba(IMAGES),
    )


def test_a_clone_has_the_parameters_and_nothing_learned():
    net = classifier(model=layers.Linear(3), optimizer=optim.SGD(0.1), image_shape=None).fit(ROWS, LABELS)
    other = clone(net)
    assert not hasattr(other, "network_")
    assert other.get_params().keys() == net.get_params().keys()
    np.testing.assert_array_equal(other.fit(ROWS, LABELS).predict_proba(ROWS), net.predict_proba(ROWS))
    assert repr(classifier(epochs=20, lr=None)) == "ConvNetClassifier(random_state=0)"


def test_a_model_that_pickle_cannot_take_says_what_to_do(tmp_path):
    net = classifier(model=layers.Linear(3, init=lambda rng, shape, i, o: np.ones(shape), name="head")).fit(
        ROWS, LABELS
    )
    net.set_params(model=None)
    with pytest.raises(pickle.PicklingError, match=r"head .Linear. cannot be pickled: .*top of a module"):
        pickle.dumps(net)
    with pytest.raises(pickle.PicklingError, match=r"head .Linear. cannot be pickled: .*top of a module"):
        joblib.dump(net, tmp_path / "net.joblib")
    cloudpickle = pytest.importorskip("cloudpickle")
    assert pickle.loads(cloudpickle.dumps(net)).predict(ROWS).tolist() == net.predict(ROWS).tolist()
    assert copy.deepcopy(net).predict(ROWS).tolist() == net.predict(ROWS).tolist()


def test_frames_have_names_and_others_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(IMAGES.reshape(90, 16), columns=[f"pixel{number}" for number in range(16)])
    net = classifier(image_shape=(1, 4, 4)).fit(frame, pandas.Series(LABELS))
    assert net.feature_names_in_.tolist() == list(frame.columns)
    np.testing.assert_array_equal(net.predict(frame), classifier().fit(IMAGES, LABELS).predict(IMAGES))
    with pytest.raises(ValueError, match="feature names should match"):
        net.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        net.predict(frame.to_numpy())


def test_the_data_is_not_changed():
    for given in (ROWS.copy(), IMAGES.astype("float32")):
        before = given.copy()
        given.flags.writeable = False
        net = classifier(epochs=1).fit(given, LABELS, sample_weight=np.ones(90))
        net.predict(given)
        np.testing.assert_array_equal(given, before)


def test_without_scikit_learn_one_line_says_what_to_install(tmp_path):
    import child

    code = """
import sys
sys.modules["sklearn"] = None
import fastconv
try:
    import fastconv.sklearn
except ImportError as error:
    print(error)
"""
    assert "fastconv.sklearn needs the package sklearn" in child.run("-c", code)
