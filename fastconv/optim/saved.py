"""The state of an optimizer as nested dicts of arrays and of what JSON holds, and the way back."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..ops import check
from ..typing import Array
from .blocks import Slot, half_a_step
from .configured import FLAG, Configured
from .groups import Groups
from .settings import checked_setting
from .state import Copied

MOST_STEPS = 2**53  # a float holds it
KEYS = ("kind", "settings", "groups", FLAG, "arrays", "steps")


class Read(NamedTuple):
    """A state that has been checked."""

    settings: dict[str, Any]
    groups: dict[str, dict[str, Any]]
    decays: bool
    copied: list[Copied]


def state_of(optimizer: Any, known: list[Copied]) -> dict[str, Any]:
    """The state of an optimizer that remembers `known`; arrays are copies."""
    known = [copy for copy in known if copy.steps != 0]
    for copy in known:
        if copy.steps is None:
            raise half_a_step()
        if not isinstance(copy.name, str):
            raise TypeError(f"the names of parameters must be texts to be stored, got {copy.name!r}")
    for name, count in Counter(copy.name for copy in known).items():
        if count > 1:
            raise ValueError(
                f"the state names parameters, and this optimizer remembers {count} named {name}; "
                "use one optimizer for each network"
            )
    arrays = {f"{slot}/{copy.name}": array for copy in known for slot, array in kept(optimizer, copy).items()}
    return {
        "kind": type(optimizer).__name__,
        "settings": {name: jsonable(getattr(optimizer, name)) for name in optimizer.settings},
        # pairs, because the order of patterns matters
        "groups": [
            [pattern, {name: jsonable(value) for name, value in settings.items()}]
            for pattern, settings in optimizer.groups.as_dict().items()
        ],
        FLAG: optimizer.decay_biases_and_norms,
        "arrays": arrays,
        "steps": {copy.name: copy.steps for copy in known},
    }


def kept(optimizer: Any, copy: Copied) -> dict[Slot, Array]:
    """All state arrays of a parameter, also those that its next step would create, as zeros."""
    if copy.shape is None:
        return {}
    slots = needed(optimizer, copy.name, len(copy.shape))
    return {**{slot: np.zeros(copy.shape, copy.dtype) for slot in slots}, **copy.kept}


def needed(optimizer: Any, name: str, ndim: int) -> tuple[Slot, ...]:
    """The state vectors that the next step of a parameter needs."""
    slots: tuple[Slot, ...] = (optimizer.variant(name, ndim) or optimizer).slots()
    return slots


def jsonable(value: Any) -> Any:
    """A setting as JSON holds it."""
    return list(value) if isinstance(value, tuple) else value


def read(optimizer: Any, state: object) -> Read:
    """The state, once all of it is known to be right for this optimizer; TypeError or ValueError."""
    if not isinstance(state, Mapping):
        raise TypeError(f"state must be what optimizer.state() gave, got {check.shown(state)}")
    kind = type(optimizer).__name__
    if state.get("kind", kind) != kind:
        raise ValueError(f"the state is that of {check.shown(state['kind'])}, this optimizer is {kind}; use one kind")
    same_names("state", state, KEYS)
    for key in ("settings", "arrays", "steps"):
        if not isinstance(state[key], Mapping):
            raise TypeError(f"state[{key!r}] must be a dict, got {check.shown(state[key])}")
    trial = configured(optimizer, state)
    return Read(
        {name: getattr(trial, name) for name in optimizer.settings},
        trial.groups.as_dict(),
        trial.decay_biases_and_norms,
        remembered(trial, state["arrays"], state["steps"]),
    )


def configured(optimizer: Configured, state: Mapping[str, Any]) -> Any:
    """An optimizer of this kind that has the settings and groups of a state."""
    given = state["settings"]
    same_names("state['settings']", given, optimizer.settings)
    settings = {name: checked_setting(given[name], name, f"state['settings'][{name!r}]") for name in optimizer.settings}
    settings[FLAG] = checked_setting(state[FLAG], FLAG, f"state[{FLAG!r}]")
    trial: Any = optimizer.with_settings(settings, "the state")
    pairs = state["groups"]
    if not isinstance(pairs, list | tuple) or any(not isinstance(p, list | tuple) or len(p) != 2 for p in pairs):
        raise TypeError(f"state['groups'] must be a list of pairs [pattern, settings], got {check.shown(pairs)}")
    if any(not isinstance(pattern, str) for pattern, _ in pairs):
        raise TypeError(f"the patterns in state['groups'] must be texts, got {check.shown(pairs)}")
    vars(trial)["_groups"] = Groups(type(optimizer).__name__, optimizer.settings, dict(pairs))
    return trial


def remembered(trial: Any, arrays: Mapping[str, Any], steps: Mapping[str, Any]) -> list[Copied]:
    """What the state holds of each parameter."""
    for name, count in steps.items():
        if check.integer(count, f"state['steps'][{name!r}]", 1) > MOST_STEPS:
            raise ValueError(f"state['steps'][{name!r}] must be at most {MOST_STEPS}, got {count}")
    by_name: dict[str, dict[Slot, Array]] = {name: {} for name in steps}
    for key, array in arrays.items():
        slot, _, name = str(key).partition("/")
        if name not in by_name:
            raise ValueError(f"state['arrays'] has {key!r}, and state['steps'] has no {name!r}")
        if not isinstance(array, np.ndarray) or array.dtype not in check.DTYPES:
            got = array.dtype if isinstance(array, np.ndarray) else check.shown(array)
            raise TypeError(f"state['arrays'][{key!r}] must be a float32 or float64 array, got {got}")
        by_name[name][int(slot) if slot.isdecimal() else slot] = np.array(array, order="C")
    return [of_one(trial, name, int(steps[name]), found) for name, found in by_name.items()]


def of_one(trial: Any, name: str, steps: int, found: dict[Slot, Array]) -> Copied:
    """What the state holds of one parameter: arrays of one shape and dtype, all that its next step needs."""
    shapes = {(array.shape, array.dtype) for array in found.values()}
    if len(shapes) > 1:
        shown = ", ".join(f"{slot} {array.shape} {array.dtype}" for slot, array in found.items())
        raise ValueError(f"the state arrays of {name} must have one shape and dtype, got {shown}")
    shape, dtype = shapes.pop() if shapes else (None, None)
    for slot in needed(trial, name, len(shape or ())):
        if slot not in found:
            raise ValueError(f"state['arrays'] has no '{slot}/{name}', and state['steps'] says {steps} steps")
    return Copied(name, shape, dtype, steps, found)


def same_names(what: str, given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """ValueError unless a mapping has exactly these names."""
    missing, extra = [name for name in names if name not in given], [name for name in given if name not in names]
    if missing or extra:
        raise ValueError(f"{what} is damaged: missing {missing}, unknown {extra}")
