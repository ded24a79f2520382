"""Networks as estimators of scikit-learn, for its pipelines and searches.

    ConvNetClassifier(epochs=5).fit(X, y)        classes, of any kind
    ConvNetRegressor().fit(X, y)                 one value or several

X is images (N, C, H, W), grey images (N, H, W), or rows (N, features),
which ``image_shape=(C, H, W)`` makes images of. The options of `fit` are
parameters of the constructor, under the same names; the seed is called
random_state, as everywhere in scikit-learn.
"""

from ..system.extras import needed

needed("sklearn", "fastconv.sklearn", "scikit-learn")

from .classifier import ConvNetClassifier  # noqa: E402
from .regressor import ConvNetRegressor  # noqa: E402

__all__ = ["ConvNetClassifier", "ConvNetRegressor"]
