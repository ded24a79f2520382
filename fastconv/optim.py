"""Optimizers: `step(parameters, gradients)` changes parameters in place; and clipping of gradients.

Both are mappings name -> array with the same names, as `network.parameters` and the result of `network.gradients`.
Each rule is one pass over a parameter, its gradient and what the rule remembers, in the dtype of the parameter, with
every product and sum rounded by itself. `lr` may be changed between steps.
"""

from functools import partial
from math import sqrt

import numpy as np

from . import kernels, memory
from .interrupt import held_back
from .ops import check

ALL = "all parameters"  # the name of the one vector that holds them


class Optimizer:
    """What the rules share: checked numbers, memory by name, and an update that an interrupt finds done or not begun.

    A rule says in `remembers` which arrays it keeps for each parameter, and in `prepare(kernel, w, dw, t, *kept)`
    gives the call of its t-th step.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, -2.0])}
    >>> Adam(lr=0.5, eps=1e-12).step(w, {"w": np.array([3.0, -0.1])})
    >>> w["w"]
    array([ 0.5, -1.5])
    """

    remembers = 0

    def __init__(self, **numbers):
        for name, value in numbers.items():
            value = check.number(value, name)
            if not value >= 0:
                raise ValueError(f"{name} must be >= 0, got {value}")
            setattr(self, name, value)
        self.memory = {}

    def step(self, parameters, gradients):
        """One update. An interrupt (Ctrl-C) finds all of it done or none of it."""
        flat, dflat = getattr(parameters, "flat", None), getattr(gradients, "flat", None)
        if flat is not None and dflat is not None and flat.size == dflat.size:
            # One vector holds all parameters, one all gradients: one call, however many layers there are.
            calls = self.update(ALL, flat, dflat)
        else:
            check_names(parameters, gradients)
            calls = [c for name in parameters for c in self.update(name, parameters[name], gradients[name])]
        run(calls)

    def step_part(self, parameters, start, dw):
        """Update the elements from `start` of parameters that share one vector, as part of a step that `end_step` ends.

        All parts together are the step: the same numbers are remembered, at the same places.
        """
        flat, stop = parameters.flat, start + dw.size
        kept, steps = self.memory_of(ALL, flat)
        part = (array[start:stop] for array in kept)
        self.prepare(kernels.load(flat.dtype).optim, flat[start:stop], dw.reshape(-1), int(steps) + 1, *part)()

    def end_step(self, parameters):
        self.memory_of(ALL, parameters.flat)[1][...] += 1

    def update(self, name, w, dw):
        """The calls that update one array."""
        if w.shape != dw.shape or w.dtype != dw.dtype:
            raise ValueError(f"{name}: parameter {w.shape} {w.dtype} and gradient {dw.shape} {dw.dtype} must agree")
        if w.dtype not in check.DTYPES:
            raise TypeError(f"{name} must be float32 or float64, got {w.dtype}")
        if not w.flags.writeable:
            raise ValueError(f"{name} must be writable, for it is updated")
        kept, steps = self.memory_of(name, w)
        kernel = kernels.load(w.dtype).optim
        before, own, after = [], w, []
        if not plain(w):
            own = np.empty(w.shape, w.dtype)
            before, after = [partial(np.copyto, own, w)], [partial(np.copyto, w, own)]
        dw = dw if plain(dw) else np.array(dw, order="C")
        change = self.prepare(kernel, own.reshape(-1), dw.reshape(-1), int(steps) + 1, *kept)
        return [*before, partial(np.add, steps, 1, steps), change, *after]

    def prepare(self, kernel, w, dw, t, *kept):
        """The call of the t-th step."""
        raise NotImplementedError

    def memory_of(self, name, w):
        """What the rule keeps for this parameter, zeros at first, and how many steps it has made."""
        known = self.memory.get(name)
        if known is None or any(a.size != w.size or a.dtype != w.dtype for a in known[0]):
            kept = [memory.aligned(w.size, w.dtype) for _ in range(self.remembers)]
            known = self.memory[name] = (kept, np.zeros((), np.int64))
        return known


class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - lr dw (Zhang 2016, eqs. 65 to 70), with the usual additions.

    With g = dw + weight_decay w and momentum m:

        v <- m v + g  (at the first step v <- g)
        w <- w - lr v,  or, with nesterov,  w <- w - lr (g + m v)

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> SGD(lr=0.5).step(w, {"w": np.array([1.0, 1.0])})
    >>> w["w"]
    array([0.5, 1.5])
    """

    def __init__(self, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        super().__init__(lr=lr, momentum=momentum, weight_decay=weight_decay)
        self.nesterov = bool(nesterov)
        if self.nesterov and not self.momentum > 0:
            raise ValueError(f"nesterov needs momentum > 0, got momentum={self.momentum}")

    @property
    def remembers(self):
        return 1 if self.momentum else 0

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

    remembers = 2
    decoupled = False  # AdamW: the decay acts on w, not through the means

    def __init__(self, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(lr=lr, eps=eps, weight_decay=weight_decay)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"betas must be a pair of numbers, got {betas!r}")
        self.betas = tuple(check.number(beta, "betas") for beta in betas)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas must be from 0 to below 1, got {self.betas}")

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
        u = g / (sqrt(s) + eps);  centered: a <- a + (1 - alpha) (g - a), u = g / (sqrt(s - a^2) + eps)
        w <- w - lr u;  with momentum m: v <- m v + u, w <- w - lr v

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> RMSprop(lr=0.5, alpha=0.75, eps=1e-12).step(w, {"w": np.array([3.0, -0.1])})
    >>> w["w"].round(6)
    array([0., 3.])
    """

    def __init__(self, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
        super().__init__(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        if self.alpha >= 1:
            raise ValueError(f"alpha must be below 1, got {self.alpha}")
        self.centered = bool(centered)

    @property
    def remembers(self):
        return 1 + bool(self.momentum) + self.centered

    def prepare(self, kernel, w, dw, t, squares, *more):
        more = list(more)
        velocity = more.pop(0) if self.momentum else None
        mean = more.pop(0) if self.centered else None
        numbers = (self.lr, self.alpha, self.eps, self.weight_decay, self.momentum)
        return partial(kernel.rmsprop, w, dw, squares, velocity, mean, *numbers)


def clip_gradients(gradients, max_norm):
    """Make gradients, taken together, at most `max_norm` long; returns how long they were.

    g <- g min(1, max_norm / (|g| + 1e-6)), |g| = sqrt(sum of the squares of all elements)

    Parameters
    ----------
    gradients : mapping name -> array, float32 or float64
        Changed in place.
    max_norm : float >= 0

    Returns
    -------
    float
        The norm before. Where it is infinite or NaN the gradients become 0 or NaN.

    Raises
    ------
    TypeError
        Other dtypes.
    ValueError
        A max_norm below 0, an array that cannot be written.

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
    max_norm = check.number(max_norm, "max_norm")
    if not max_norm >= 0:
        raise ValueError(f"max_norm must be >= 0, got {max_norm}")
    for name, g in gradients.items():
        if not isinstance(g, np.ndarray) or g.dtype not in check.DTYPES:
            raise TypeError(f"{name} must be float32 or float64, got {getattr(g, 'dtype', type(g).__name__)}")
        if not g.flags.writeable:
            raise ValueError(f"{name} must be writable, for it is scaled")
    flat = getattr(gradients, "flat", None)
    arrays = list(gradients.values()) if flat is None else [flat]
    vectors = [(g if plain(g) else np.array(g, order="C")).reshape(-1) for g in arrays]
    norm = sqrt(sum(kernels.load(v.dtype).optim.sum_of_squares(v) for v in vectors))
    factor = max_norm / (norm + 1e-6)
    if not factor >= 1:  # smaller, or NaN
        calls = [partial(kernels.load(v.dtype).optim.scale, v, factor) for v in vectors]
        back = [partial(np.copyto, g, v.reshape(g.shape)) for g, v in zip(arrays, vectors, strict=True) if not plain(g)]
        run([*calls, *back])
    return norm


def plain(a):
    """Whether the kernels can read the array as it lies."""
    return a.flags.c_contiguous and a.flags.aligned


def check_names(parameters, gradients):
    if parameters.keys() != gradients.keys():
        missing, extra = parameters.keys() - gradients.keys(), gradients.keys() - parameters.keys()
        raise ValueError(
            f"gradients must have the names of parameters; missing {sorted(missing)}, unknown {sorted(extra)}"
        )


def run(calls):
    """Run all calls; an interrupt comes before or after them."""
    with held_back():
        for call in calls:
            call()
