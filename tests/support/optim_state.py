"""What the tests of the optimizers' memory share: parameters, and the ways to step over them."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import Network, layers
from fastconv.optim import SGD, Adam, AdamW, RMSprop
from fastconv.parameters import Arrays

SHAPES = {"a.weight": (3, 4), "a.bias": (3,), "b": (2, 1, 2), "c": (16,), "empty": (0, 2), "scalar": ()}
RULES = {
    "SGD": lambda: SGD(0.1, 0.9, 0.1, nesterov=True),
    "Adam": lambda: Adam(0.1, eps=1e-3),
    "AdamW": lambda: AdamW(0.1, eps=1e-3),
    "RMSprop": lambda: RMSprop(0.1, 0.9, eps=1e-3, momentum=0.5, centered=True),
}
every_rule = pytest.mark.parametrize("rule", RULES)
COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    **{f"pickle {n}": lambda o, n=n: pickle.loads(pickle.dumps(o, n)) for n in range(2, 6)},
}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
X, LABELS = np.random.default_rng(0).standard_normal((20, 4)).astype("float32"), np.arange(20) % 3


def arrays(rng):
    made = Arrays(SHAPES, "float64")
    for array in made.values():
        array[...] = rng.standard_normal(array.shape)
    return made


def network(seed=0, features=3, **options):
    return Network(layers.Linear(features, **options), (4,), seed=seed)


def flipped(a):
    return a[..., ::-1] if a.ndim else a


# Each way steps over the parameters of these names: (the optimizer, all parameters, all gradients, names).
WAYS = {
    "all": lambda o, p, g, names: o.step(p, g),
    "gradients in a dict": lambda o, p, g, names: o.step(p, {n: np.array(a, order="F") for n, a in g.items()}),
    "dicts": lambda o, p, g, names: o.step(dict(p), dict(g)),
    "a part": lambda o, p, g, names: o.step({n: p[n] for n in names}, {n: g[n] for n in names}),
    "views": lambda o, p, g, names: o.step({n: p[n].ravel() for n in names}, {n: g[n].ravel() for n in names}),
    "transposed": lambda o, p, g, names: o.step({n: p[n].T for n in names}, {n: g[n].T for n in names}),
    "other names": lambda o, p, g, names: o.step(
        {n[::-1]: flipped(p[n]) for n in names}, {n[::-1]: flipped(g[n]) for n in names}
    ),
    "lean": lambda o, p, g, names: lean_step(o, p, g),
}


def lean_step(optimizer, parameters, gradients):
    """In parts that begin and end anywhere."""
    optimizer.begin_step(parameters)
    for start, stop in ((20, 56), (0, 7), (7, 20), (56, parameters.flat.size)):
        optimizer.step_part(parameters, start, gradients.flat[start:stop])
    optimizer.end_step(parameters)
