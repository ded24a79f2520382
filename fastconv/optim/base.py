"""The base of optimizers: checked settings, checked arrays, and the step that runs a rule's `prepare`."""

from collections.abc import Iterable, Mapping
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from .. import kernels
from ..arguments.signatures import explained, no_attribute
from ..arguments.training import OF_OPTIMIZERS, SETTINGS, STEP
from ..parameters import Arrays
from ..system.interrupt import held_back
from ..typing import Array, Call
from .arrays import apart, checked, plain, writable
from .blocks import Remembered, Slot, StateBlock
from .regions import Order, region
from .settings import checked_setting
from .state import State

TINY = 1e-37  # numbers above it are no zeros in float32


class Optimizer:
    """The base of the rules: checked settings, state, and an update that an interrupt never stops half-way.

    A rule names in `remembers` the state vectors of each parameter; its `prepare(kernel, w, dw, t, *kept)` returns the
    call of its t-th step. A vector is created, as zeros, in the first step that needs it.

    Parameters
    ----------
    **settings
        The rule's settings by name, which become attributes. "betas" is a pair of numbers, "nesterov" and "centered"
        are flags, "momentum" and "alpha" are numbers from 0 to below 1, "eps" is a number > 0; any other setting is a
        number >= 0.

    Attributes
    ----------
    remembers : tuple of str, or int
        Names of the state vectors of each parameter, or only their number.
    settings : tuple of str
        Names of the settings.

    Notes
    -----
    The state of a parameter and its number of steps belong to the array's memory, whatever its name or view. So one
    optimizer may serve several networks, or first some parameters and later all of them. Writing into a parameter (as
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

    remembers: tuple[str, ...] | int = ()  # names of the state vectors, or their number
    settings: tuple[str, ...] = ()
    state: State = None  # type: ignore[assignment]  # of each optimizer its own

    def __init__(self, **settings: Any) -> None:
        vars(self).update(settings=tuple(settings), state=State())
        for name, value in settings.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.settings:
            value = checked_setting(value, name)
            self.agree(**{**vars(self), name: value})
        elif type(self).__module__.startswith(f"{__package__}."):
            self.refuse(name, value)
        super().__setattr__(name, value)

    def refuse(self, name: str, value: Any) -> None:
        """AttributeError for what is no setting; attributes of a user's own rule are the user's."""
        own = type(self).__name__
        if name in ("settings", "state"):
            raise AttributeError(f"{name} of {own} cannot be set; to start anew make another: {self!r}")
        if not hasattr(self, name):
            known = SETTINGS.get(name, "")
            settings = f"its settings are {', '.join(self.settings)}"
            cure = f"write optimizer.{known} = {value!r}" if known in self.settings else settings
            raise AttributeError(f"{own} has no {name!r}; {cure}")

    def __getattr__(self, name: str) -> Any:
        if isinstance(own := getattr(type(self), name, None), property):
            return own.__get__(self)  # which raised an AttributeError of its own: let it say what was missing
        no_attribute(self, name, OF_OPTIMIZERS)

    def agree(self, **settings: Any) -> None:
        """ValueError if settings contradict each other."""

    def __copy__(self) -> "Optimizer":
        new = object.__new__(type(self))
        vars(new).update(vars(self), state=copy(self.state))
        return new

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.settings)})"

    @explained("step", STEP, {})
    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
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
                run(self.update(block, parameters.vector, gradients.vector))  # type: ignore[arg-type]  # steps agree
                return
        arrays = checked(parameters, gradients)
        regions = {name: region(w) for name, (w, _) in arrays.items()}
        arrays = apart(arrays, regions)
        records = self.state.records({name: w for name, (w, _) in arrays.items()}, regions)
        run([call for name, record in records.items() for call in self.update(record, *arrays[name])])

    def whole(self, parameters: Arrays) -> StateBlock:
        """The state of all parameters that share one vector, once a step of all of them is known to be possible."""
        if not parameters.writable():
            for name, w in (("flat", parameters.flat), *parameters.items()):
                writable(name, w, "updated")
        block = self.state.gather(parameters)
        block.refuse_unfinished()
        return block

    def begin_step(self, parameters: Arrays) -> None:
        """Check and allocate what a lean step of all parameters needs, while the step can still be refused."""
        self.whole(parameters).vectors(self.slots())

    def step_part(self, parameters: Arrays, start: int, dw: Array) -> None:
        """Update the elements from `start` of parameters that share one vector, as part of a lean step.

        All parts together make the step, and leave the same state as `step` does.
        """
        block, kernel = self.state.gather(parameters), kernels.load(dw.dtype).optim.updates
        w, dw = parameters.vector, dw.reshape(-1)
        for first, last, steps in block.pieces(start, start + dw.size):
            kept = (vector[first:last] for vector in block.vectors(self.slots()))
            call = self.prepare(kernel, w[first:last], dw[first - start : last - start], steps + 1, *kept)
            block.unfinished = True
            call()

    def end_step(self, parameters: Arrays) -> None:
        """Count a lean step, once all its parts are done."""
        block = self.state.gather(parameters)
        block.count()
        block.unfinished = False

    def update(self, remembered: Remembered, w: Array, dw: Array) -> list[Call]:
        """The calls that update one array, or the vector of all arrays, with what is remembered of it."""
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

    def prepare(self, kernel: Any, w: Array, dw: Array, t: int, *kept: Array) -> Call:
        """The call of the t-th step on vectors: it changes `w` and the state vectors `kept`."""
        raise NotImplementedError

    def slots(self) -> tuple[Slot, ...]:
        """The names of the state vectors; a user's own rule may give only their number."""
        return tuple(range(self.remembers)) if isinstance(self.remembers, int) else self.remembers

    def leaves_gaps(self, w: Array) -> bool:
        """Whether a step keeps the zeros between parameters; there gradients are 0, and eps = 0 would give 0 / 0."""
        eps = vars(self).get("eps", getattr(type(self), "eps", 1))
        return eps > TINY or bool(w.dtype.type(eps) > 0)


def run(calls: Iterable[Call]) -> None:
    """Run all calls; an interrupt comes before or after them."""
    with held_back():
        for call in calls:
            call()


OVERRIDDEN = {"step", "update"}  # by rules that users write


def has_own_step(optimizer: Optimizer) -> bool:
    """Whether an optimizer overrides `step` or `update`, but not `step_part`, which lean training calls."""
    kind = type(optimizer)
    if (
        kind.step is Optimizer.step
        and kind.update is Optimizer.update
        and vars(optimizer).keys().isdisjoint(OVERRIDDEN)
    ):
        return False
    kinds = type(optimizer).__mro__

    def depth(name: str) -> int:
        """How far up the classes of the optimizer the method is defined; -1 on the object itself."""
        return -1 if name in vars(optimizer) else next(i for i, kind in enumerate(kinds) if name in vars(kind))

    return min(depth("step"), depth("update")) < depth("step_part")
