"""The optimizer of an estimator: by name with its settings, or an object."""

from copy import deepcopy
from inspect import signature
from typing import Any

from .. import optim
from ..ops import check

__all__ = ["optimizer_for"]

NAMES = {"sgd": optim.SGD, "adam": optim.Adam, "adamw": optim.AdamW, "rmsprop": optim.RMSprop}
USUAL = {"sgd": {"lr": 0.1}}  # where the class itself has no default


def optimizer_for(optimizer: Any, **settings: Any) -> Any:
    """A new optimizer with these settings; those that are None are its own.

    A copy of an object: each training begins with fresh momentum, and the parameter of the estimator stays as it is.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if isinstance(optimizer, type) and optimizer in NAMES.values():
        optimizer = next(name for name, kind in NAMES.items() if kind is optimizer)
    if isinstance(optimizer, str):
        name = check.choice(optimizer.lower(), "optimizer", tuple(NAMES))
        known = signature(NAMES[name]).parameters
        refuse_unknown(given, known, NAMES[name].__name__)
        return NAMES[name](**{**USUAL.get(name, {}), **given})
    if isinstance(optimizer, type) or not callable(getattr(optimizer, "step", None)):
        return optimizer  # which `fastconv.fit` refuses
    made = deepcopy(optimizer)
    refuse_unknown(given, vars(made) if hasattr(made, "__dict__") else (), type(made).__name__)
    for name, value in given.items():
        setattr(made, name, value)
    return made


def refuse_unknown(given: Any, known: Any, kind: str) -> None:
    """ValueError for a setting that the optimizer does not have."""
    for name in given:
        if name not in known:
            raise ValueError(f"{name}={given[name]!r} is no setting of {kind}: leave it out, or take another optimizer")
