"""A search over settings on several machines: scikit-learn's GridSearchCV on a backend of Dask or Ray.

    pip install "dask[distributed]"        or  pip install ray
    python examples/search_cluster.py dask     python examples/search_cluster.py ray

joblib, with which scikit-learn runs its work, sends each training to a worker. The address of a cluster is given to
`dask.distributed.Client` or `ray.init`; without one, workers on this machine are started.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV

import fastconv
from fastconv.sklearn import ConvNetClassifier


@contextmanager
def backend(name: str, workers: int) -> Iterator[None]:
    """In this block joblib's work runs on "dask", "ray", or in processes of its own ("loky")."""
    if name == "dask":
        from dask.distributed import Client

        with Client(n_workers=workers, threads_per_worker=1, dashboard_address=None), joblib.parallel_config("dask"):
            yield
    elif name == "ray":
        import ray
        from ray.util.joblib import register_ray

        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
        register_ray()
        try:
            with joblib.parallel_config("ray", n_jobs=workers):
                yield
        finally:
            ray.shutdown()
    else:
        with joblib.parallel_config("loky", n_jobs=workers):
            yield


def search(images: np.ndarray, labels: np.ndarray) -> GridSearchCV:
    """The best of four pairs of settings, by cross-validation."""
    model = ConvNetClassifier("lenet5", image_shape=(1, 28, 28), epochs=1, optimizer="sgd", random_state=0)
    grid = {"lr": [0.02, 0.1], "batch_size": [25, 50]}
    return GridSearchCV(model, grid, cv=2, refit=False, error_score="raise").fit(images, labels)


def main(name: str = "loky") -> None:
    """Search on the sample of images."""
    train = fastconv.data.load("sample").train
    with backend(name, workers=2):
        found = search(train.images[:600], train.labels[:600])
    print(f"best {found.best_params_}, accuracy {found.best_score_:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
