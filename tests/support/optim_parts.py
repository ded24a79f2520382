"""Groups of parameters for each rule, and the ways to step over a part of the parameters."""

from optim_state import SHAPES

GROUPS = {
    "SGD": {
        "a.*": {"lr": 0.3, "momentum": 0.5},
        "*.bias": {"weight_decay": 0.0, "nesterov": False},
        "scalar": {"lr": 0},
    },
    "Adam": {"a.*": {"lr": 0.01}, "*.bias": {"betas": (0.5, 0.9)}, "c": {"eps": 0.1, "weight_decay": 0.3}},
    "AdamW": {"a.*": {"lr": 0.3}, "*.bias": {"weight_decay": 0.0}, "[bc]": {"weight_decay": 0.5, "lr": 0.02}},
    "RMSprop": {"a.*": {"lr": 0.3, "momentum": 0}, "*.bias": {"centered": False}, "b": {"alpha": 0.5, "momentum": 0.9}},
}
NAMES = [name for name in SHAPES if name != "empty"]


def lean(optimizer, p, g, names):
    """A lean step: whole arrays, the last one first, as the backward pass comes to them."""
    optimizer.begin_step(p, names)
    for name in reversed(NAMES if names is None else sorted(names, key=NAMES.index)):
        start, size = p.starts[name], p[name].size
        for first in range(0, size, 5):  # several rows of it at a time
            optimizer.step_part(p, start + first, g.flat[start + first : start + min(first + 5, size)])
    optimizer.end_step(p, names)


def of(arrays, names):
    return {name: arrays[name] for name in (SHAPES if names is None else names)}


WAYS = {
    "step_of": lambda o, p, g, names: o.step_of(p, g, names),
    "gradients of a part": lambda o, p, g, names: o.step_of(p, of(g, names), names),
    "lean": lean,
    "dicts": lambda o, p, g, names: o.step(of(p, names), of(g, names)),
}
PARTS = [("a.weight", "b"), None, ("c",), ("a.weight", "a.bias", "b"), None, ("scalar", "c"), (), None, ("a.bias", "b")]
