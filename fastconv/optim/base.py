"""The base of optimizers: checked settings, checked arrays, and the step that runs a rule's `prepare`."""

from collections.abc import Mapping
from copy import copy
from functools import partial

import numpy as np

from .. import kernels
from ..ops import check
from ..parameters import Arrays
from ..system.interrupt import held_back
from .state import Order, State, overlaps, region

LARGEST = float(np.finfo(np.float32).max)


def real(value, name):
    """A float from any real number, a NumPy scalar or a 0-dimensional array."""
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError(f"{name} must be a number, got an array of shape {value.shape}")
    return check.number(value.tolist() if isinstance(value, np.ndarray | np.generic) else value, name)


def number(value, name):
    """A float >= 0."""
    value = real(value, name)
    if not value >= 0:
        raise ValueError(f"{name} must be >= 0, got {value}")
    return value


def at_least_0(value, name):
    """A number that float32 can hold."""
    value = number(value, name)
    if value > LARGEST:
        raise ValueError(f"{name} must be at most {LARGEST:.2e}, the largest float32, got {value}")
    return value


def below_1(value, name):
    value = at_least_0(value, name)
    if value >= 1:
        raise ValueError(f"{name} must be below 1, got {value}")
    return value


def two_below_1(value, name):
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair of numbers, got {value!r}")
    value = tuple(real(v, name) for v in value)
    if not all(0 <= v < 1 for v in value):
        raise ValueError(f"{name} must be from 0 to below 1, got {value}")
    return value


def flag(value, name):
    if not isinstance(value, bool | np.bool_ | int) or value not in (0, 1):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


CHECKS = {"momentum": below_1, "alpha": below_1, "betas": two_below_1, "nesterov": flag, "centered": flag}


class Optimizer:
    """The base of the rules: checked settings, state, and an update that an interrupt never stops half-way.

    A rule names in `remembers` the state vectors of each parameter; its `prepare(kernel, w, dw, t, *kept)` returns the
    call of its t-th step. A vector is created, as zeros, in the first step that needs it.

    Notes
    -----
    The state of a parameter and its number of steps belong to the array's memory, whatever its name or view. So one
    optimizer may serve several networks, or some parameters first and later all. Writing into a parameter (as
    `Network.load` does) does not change its state. `copy`, `pickle` and `deepcopy` keep the state by name: a copy
    continues with the first parameters that have the same name, shape and dtype.

    Settings are checked when they are set.

    Examples
    --------
    >>> import numpy as np
    >>> from fastconv import Adam
    >>> w = {"w": np.array([1.0, -2.0])}
    >>> adam = Adam(lr=0.5, eps=1e-12)
    >>> adam.step(w, {"w": np.array([3.0, -0.1])})
    >>> w["w"]
    array([ 0.5, -1.5])
    >>> adam.lr = 0.25
    >>> adam
    Adam(lr=0.25, betas=(0.9, 0.999), eps=1e-12, weight_decay=0.0)
    """

    remembers = ()
    settings = ()
    state = None

    def __init__(self, **settings):
        vars(self).update(settings=tuple(settings), state=State())
        for name, value in settings.items():
            setattr(self, name, value)

    def __setattr__(self, name, value):
        if name in self.settings:
            value = CHECKS.get(name, at_least_0)(value, name)
            self.agree(**{**vars(self), name: value})
        elif type(self).__module__.startswith(f"{__package__}.") and not hasattr(self, name):
            raise AttributeError(f"{type(self).__name__} has no {name!r}; its settings are {', '.join(self.settings)}")
        super().__setattr__(name, value)

    def agree(self, **settings):
        """ValueError if settings contradict each other."""

    def __copy__(self):
        new = object.__new__(type(self))
        vars(new).update(vars(self), state=copy(self.state))
        return new

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.settings)})"

    def step(self, parameters, gradients):
        """Update all these parameters once, in place. An interrupt (Ctrl-C) comes before or after the whole update.

        Parameters
        ----------
        parameters : mapping name -> array, float32 or float64
            Such as `network.parameters`, or some of them; the arrays must not share memory.
        gradients : mapping name -> array
            With the same names, shapes and dtypes.

        Raises
        ------
        TypeError
            Arguments that are not mappings of such arrays.
        ValueError
            Names, shapes or dtypes that differ; parameters that are read-only or share memory.
        RuntimeError
            After a step with ``lean=True`` that stopped half-way.
        """
        if isinstance(parameters, Arrays) and isinstance(gradients, Arrays) and parameters.lie_as(gradients):
            block = self.whole(parameters)
            if block.steps is not None and self.leaves_gaps(parameters.vector):
                # One vector holds all parameters, one all gradients: one call, however many layers there are.
                run(self.update(block, parameters.vector, gradients.vector))
                return
        arrays = checked(parameters, gradients)
        regions = {name: region(w) for name, (w, _) in arrays.items()}
        arrays = apart(arrays, regions)
        records = self.state.records({name: w for name, (w, _) in arrays.items()}, regions)
        run([call for name, record in records.items() for call in self.update(record, *arrays[name])])

    def whole(self, parameters):
        """The state of all parameters that share one vector, checked and ready for a whole step."""
        if not parameters.writable():
            for name, w in (("flat", parameters.flat), *parameters.items()):
                writable(name, w, "updated")
        block = self.state.gather(parameters)
        block.not_half()
        return block

    def begin_step(self, parameters):
        """Checks and allocates what a step of all parameters needs, while the step can still be refused."""
        self.whole(parameters).vectors(self.slots())

    def step_part(self, parameters, start, dw):
        """Update the elements from `start` of parameters that share one vector, as part of a lean step.

        All parts together make the step, and leave the same state as `step` does.
        """
        block, kernel = self.state.gather(parameters), kernels.load(dw.dtype).optim.updates
        w, dw = parameters.vector, dw.reshape(-1)
        for first, last, steps in block.pieces(start, start + dw.size):
            kept = (vector[first:last] for vector in block.vectors(self.slots()))
            call = self.prepare(kernel, w[first:last], dw[first - start : last - start], steps + 1, *kept)
            block.half = True
            call()

    def end_step(self, parameters):
        block = self.state.gather(parameters)
        block.count()
        block.half = False

    def update(self, remembered, w, dw):
        """The calls that update one array, or the vector of all; `remembered`: its state (`vectors`, `steps`)."""
        if not plain(w):
            order = Order(w.strides)
            w, dw = order.of(w), order.of(dw)
        own = w if plain(w) else np.empty(w.shape, w.dtype)
        dw = dw if plain(dw) else np.array(dw, order="C")
        kept, kernel = remembered.vectors(self.slots()), kernels.load(w.dtype).optim.updates
        change = self.prepare(kernel, own.reshape(-1), dw.reshape(-1), remembered.steps + 1, *kept)
        if own is w:
            return [change, remembered.count]
        return [partial(np.copyto, own, w), change, partial(np.copyto, w, own), remembered.count]

    def prepare(self, kernel, w, dw, t, *kept):
        """The call of the t-th step."""
        raise NotImplementedError

    def slots(self):
        """The names of the state vectors; a user's own rule may give only their number."""
        return tuple(range(self.remembers)) if isinstance(self.remembers, int) else self.remembers

    def leaves_gaps(self, w):
        """Whether a step keeps the zeros between parameters, where gradients are 0; with eps = 0 they become 0 / 0."""
        return w.dtype.type(getattr(self, "eps", 1)) > 0


def plain(a):
    """Whether the kernels can read the array without a copy."""
    return a.flags.c_contiguous and a.flags.aligned


def mapping_is(arrays, name):
    if not isinstance(arrays, Mapping):
        pair = isinstance(arrays, tuple) and len(arrays) == 2 and isinstance(arrays[1], Mapping)
        cure = "; network.gradients returns (loss, gradients), so unpack it first" if pair else ""
        raise TypeError(f"{name} must be a mapping name -> array, got {type(arrays).__name__}{cure}")


def writable(name, a, why):
    """Errors unless kernels can change this array in place."""
    if not isinstance(a, np.ndarray) or a.dtype not in check.DTYPES:
        raise TypeError(f"{name} must be float32 or float64, got {getattr(a, 'dtype', type(a).__name__)}")
    if not a.flags.writeable:
        raise ValueError(f"{name} must be writable, because it is {why}")
    if not a.flags.c_contiguous and check.overlaps_itself(a):
        raise ValueError(f"{name} must not overlap itself, got strides {a.strides} for shape {a.shape}")


def checked(parameters, gradients):
    """name -> (parameter, gradient), without empty arrays; all are checked before anything changes."""
    mapping_is(parameters, "parameters")
    mapping_is(gradients, "gradients")
    if parameters.keys() != gradients.keys():
        missing = sorted(parameters.keys() - gradients.keys(), key=str)
        extra = sorted(gradients.keys() - parameters.keys(), key=str)
        raise ValueError(f"gradients must have the names of parameters; missing {missing}, unknown {extra}")
    pairs = {name: (w, gradients[name]) for name, w in parameters.items()}
    for name, (w, dw) in pairs.items():
        for a, what in ((w, name), (dw, f"the gradient of {name}")):
            if not isinstance(a, np.ndarray):
                raise TypeError(f"{what} must be a numpy.ndarray, got {type(a).__name__}")
        if w.shape != dw.shape or w.dtype != dw.dtype:
            raise ValueError(f"{name}: parameter {w.shape} {w.dtype} and gradient {dw.shape} {dw.dtype} must agree")
        writable(name, w, "updated")
    return {name: (np.asarray(w), np.asarray(dw)) for name, (w, dw) in pairs.items() if w.size}


def apart(arrays, regions):
    """name -> (parameter, gradient); gradients that share memory with a parameter are copied. `regions`: theirs."""
    names = list(arrays)
    regions = [*regions.values(), *(region(dw) for _, dw in arrays.values())]
    shared = {names[j - len(names)] for pair in overlaps(regions) for i, j in [sorted(pair)] if i < len(names) <= j}
    if not shared:
        return arrays
    return {name: (w, dw.copy() if name in shared else dw) for name, (w, dw) in arrays.items()}


def lie_apart(arrays):
    """The arrays that are not empty; ValueError if two share memory."""
    arrays = {name: np.asarray(a) for name, a in arrays.items() if a.size}
    for i, j in overlaps([region(a) for a in arrays.values()]):
        one, other = sorted((i, j))
        raise ValueError(f"{list(arrays)[one]} and {list(arrays)[other]} share memory; give each array once")
    return list(arrays.values())


def run(calls):
    """Run all calls; an interrupt comes before or after them."""
    with held_back():
        for call in calls:
            call()


OWN = {"step", "update"}


def has_own_step(optimizer):
    """Whether an optimizer has a `step` or `update` of its own, but no `step_part`, which lean training calls."""
    kind = type(optimizer)
    if kind.step is Optimizer.step and kind.update is Optimizer.update and vars(optimizer).keys().isdisjoint(OWN):
        return False
    kinds = type(optimizer).__mro__

    def depth(name):
        return -1 if name in vars(optimizer) else next(i for i, kind in enumerate(kinds) if name in vars(kind))

    return min(depth("step"), depth("update")) < depth("step_part")
