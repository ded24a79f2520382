"""The examples on several workers: a search on a backend of joblib, and predictions of an array of dask."""

import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastconv

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("name", ["loky", "dask", "ray"])
def test_a_search_finds_the_same_on_every_backend(name):
    if name != "loky":
        pytest.importorskip("distributed" if name == "dask" else name)
    example = runpy.run_path(str(EXAMPLES / "search_cluster.py"))
    train = fastconv.data.load("sample").train
    images, labels = train.images[:300], train.labels[:300]
    alone = example["search"](images, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the backends
        with example["backend"](name, 2):
            found = example["search"](images, labels)
    assert found.best_params_ == alone.best_params_
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_predictions_of_a_dask_array_are_those_of_the_images():
    dask_array = pytest.importorskip("dask.array")
    example = runpy.run_path(str(EXAMPLES / "predict_dask.py"))
    images = np.random.default_rng(0).random((70, 1, 28, 28), dtype="float32")
    network = fastconv.Network(fastconv.models.lenet5(), (1, 28, 28), seed=0)
    found = example["predictions"](network, dask_array.from_array(images, chunks=(32, 1, 28, 28)))
    assert found.shape == (70, 10)
    np.testing.assert_array_equal(found.compute(), network.freeze(batch_size=32).predict(images))
