"""Optimizers: `step(parameters, gradients)` changes parameters in place; and clipping of gradients.

Both are mappings name -> array with the same names, as `network.parameters` and the result of `network.gradients`.
Each rule is one pass over a parameter, its gradient and what the rule remembers, in the dtype of the parameter, with
every product and sum rounded by itself. Settings may be changed between steps.
"""

from functools import partial
from math import inf, sqrt

import numpy as np

from .. import kernels
from ..parameters import Arrays
from .base import Optimizer, lie_apart, mapping_is, number, plain, run, writable


class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - lr dw (Zhang 2016, eqs. 65 to 70), with the usual additions.

    With g = dw + weight_decay w and momentum m:

        v <- m v + g  (v = 0 at first, so v = g after the first step with momentum)
        w <- w - lr v,  or, with nesterov,  w <- w - lr (g + m v)

    Steps without momentum leave v unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> SGD(lr=0.5).step(w, {"w": np.array([1.0, 1.0])})
    >>> w["w"]
    array([0.5, 1.5])
    """

    def __init__(self, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        super().__init__(lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    def agree(self, momentum=0.0, nesterov=False, **others):
        if nesterov and not momentum > 0:
            raise ValueError(f"nesterov needs momentum > 0, got momentum={momentum}")

    @property
    def remembers(self):
        return ("velocity",) if self.momentum else ()

    def prepare(self, kernel, w, dw, t, velocity=None):
        return partial(kernel.sgd, w, dw, velocity, self.lr, self.momentum, self.weight_decay, self.nesterov)


class Adam(Optimizer):
    """Steps of about lr, by running means of gradients and of their squares (Kingma and Ba 2015, algorithm 1).

    With g = dw + weight_decay w, in step t:

        m <- m + (1 - beta1) (g - m)
        v <- beta2 v + (1 - beta2) g^2
        w <- w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> Adam(lr=0.5, eps=1e-12).step(w, {"w": np.array([1.0, -100.0])})
    >>> w["w"]
    array([0.5, 2.5])
    """

    remembers = ("first", "second")
    decoupled = False  # AdamW: the decay acts on w, not through the means

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def prepare(self, kernel, w, dw, t, first, second):
        beta1, beta2 = self.betas
        decay, keep = (0.0, 1 - self.lr * self.weight_decay) if self.decoupled else (self.weight_decay, 1.0)
        corrections = (1 - beta1**t, sqrt(1 - beta2**t))
        return partial(kernel.adam, w, dw, first, second, self.lr, beta1, beta2, self.eps, decay, keep, *corrections)


class AdamW(Adam):
    """Adam whose weight decay acts on the weights themselves (Loshchilov and Hutter 2019, algorithm 2).

        w <- (1 - lr weight_decay) w, then the step of `Adam` with g = dw

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> AdamW(lr=0.5, weight_decay=0.1).step(w, {"w": np.zeros(2)})
    >>> w["w"]
    array([0.95, 1.9 ])
    """

    decoupled = True

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient (Tieleman and Hinton 2012).

    With g = dw + weight_decay w:

        s <- alpha s + (1 - alpha) g^2
        u = g / (sqrt(s) + eps);  centered: a <- a + (1 - alpha) (g - a), u = g / (sqrt(max(0, s - a^2)) + eps)
        w <- w - lr u;  with momentum m: v <- m v + u, w <- w - lr v

    s, a and v are 0 at first. Steps without momentum do not change v, and steps that are not centered do not change a.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> RMSprop(lr=0.5, alpha=0.75, eps=1e-12).step(w, {"w": np.array([3.0, -0.1])})
    >>> w["w"].round(6)
    array([0., 3.])
    """

    def __init__(self, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
        super().__init__(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered)

    @property
    def remembers(self):
        return ("squares", *(("velocity",) if self.momentum else ()), *(("mean",) if self.centered else ()))

    def prepare(self, kernel, w, dw, t, *kept):
        kept = dict(zip(self.remembers, kept, strict=True))
        numbers = (self.lr, self.alpha, self.eps, self.weight_decay, self.momentum)
        return partial(kernel.rmsprop, w, dw, kept["squares"], kept.get("velocity"), kept.get("mean"), *numbers)


def clip_gradients(gradients, max_norm):
    """Make gradients, taken together, at most `max_norm` long; returns how long they were.

    g <- g min(1, max_norm / (|g| + 1e-6)), |g| = sqrt(sum of the squares of all elements)

    Parameters
    ----------
    gradients : mapping name -> array, float32 or float64
        Changed in place; the arrays must not share memory.
    max_norm : float >= 0
        Infinity for no limit.

    Returns
    -------
    float
        The norm before clipping. If it is infinite or NaN and max_norm is finite, the gradients become 0 or NaN.

    Raises
    ------
    TypeError
        Other dtypes.
    ValueError
        A max_norm below 0 or NaN, a read-only array, arrays that share memory.

    Notes
    -----
    Squares are added in double over fixed blocks: the same bits for any number of threads. Pascanu, Mikolov and
    Bengio 2013.

    Examples
    --------
    >>> import numpy as np
    >>> gradients = {"a": np.array([3.0]), "b": np.array([4.0])}
    >>> clip_gradients(gradients, 1.0)
    5.0
    >>> gradients["a"].round(6)
    array([0.6])
    """
    max_norm = number(max_norm, "max_norm")
    mapping_is(gradients, "gradients")
    for name, g in gradients.items():
        writable(name, g, "scaled")
    arrays = [gradients.flat] if isinstance(gradients, Arrays) else lie_apart(gradients)
    vectors = [(g if plain(g) else np.array(g, order="C")).reshape(-1) for g in arrays]
    norm = length(vectors)
    factor = max_norm / (norm + 1e-6)
    if max_norm < inf and not factor >= 1:  # smaller, or NaN
        factors = [sqrt(factor)] * 2 if 0 < factor < 1e-30 else [factor]  # a tiny float32 loses digits
        calls = [partial(kernels.load(v.dtype).optim.updates.scale, v, f) for v in vectors for f in factors]
        back = [partial(np.copyto, g, v.reshape(g.shape)) for g, v in zip(arrays, vectors, strict=True) if not plain(g)]
        run([*calls, *back])
    return norm


def length(vectors):
    """sqrt(sum of squares), also if a square overflows float64."""
    norm = sqrt(sum(kernels.load(v.dtype).optim.updates.sum_of_squares(v) for v in vectors))
    if 1e-150 < norm < inf or norm != norm:
        return norm
    largest = max((float(np.abs(v).max()) for v in vectors if v.size), default=0.0)
    return largest * length([v / largest for v in vectors]) if 0 < largest < inf else largest
