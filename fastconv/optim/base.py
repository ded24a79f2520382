"""The base of optimizers: checked arrays, and the step that runs a rule's `prepare`."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from functools import partial
from typing import Any

import numpy as np

from .. import kernels
from ..arguments.signatures import explained
from ..arguments.training import STEP
from ..parameters import Arrays
from ..system.interrupt import held_back
from ..typing import Array, Call
from .arrays import apart, checked, mapping_is, plain, writable
from .blocks import Part, Remembered, StateBlock
from .configured import Configured
from .parts import chosen, part_of
from .regions import Order, region
from .saved import read, state_of
from .spans import pieces, spans_of
from .state import State


class Optimizer(Configured):
    """The base of the rules: checked settings, state, and an update that an interrupt never stops half-way.

    A rule names in `remembers` the state vectors of each parameter; its `prepare(kernel, w, dw, t, *kept)` returns the
    call of its t-th step. A vector is created, as zeros, in the first step that needs it.

    Parameters
    ----------
    groups : mapping str -> mapping, optional
        Pattern of names -> settings that the parameters whose names fit it have instead of those of the optimizer.
    decay_biases_and_norms : bool, default True
        False: weight_decay is 0 for arrays of less than two axes.
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
    groups : mapping str -> mapping
        Patterns as `fnmatch` reads them ("layer4.*", "*.bias"). All that fit a name apply; where two of them set the
        same, the later one wins. Changes are checked: ``optimizer.groups["layer4.*"] = {"lr": 0.01}``,
        ``optimizer.groups["layer4.*"]["lr"] = 0.001``, ``del optimizer.groups["layer4.*"]``. A pattern that fits none
        of the parameters raises ValueError at the first step.

    Notes
    -----
    The state of a parameter and its number of steps belong to the array's memory, whatever its name or view. So one
    optimizer may serve several networks, or first some parameters and later all of them. Writing into a parameter (as
    `Network.load` does) does not change its state. `copy`, `pickle` and `deepcopy` keep the state by name: a copy
    continues with the first parameters that have the same name, shape and dtype. So does an optimizer after
    `load_state`.

    Settings are checked when they are set. A group is updated by a copy of the optimizer that has the settings of the
    group: a `prepare` of one's own finds them in `self`, as usual.

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

    _memory: State = None  # type: ignore[assignment]  # of each optimizer its own

    def __init__(
        self,
        *,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        decay_biases_and_norms: bool = True,
        **settings: Any,
    ) -> None:
        vars(self)["_memory"] = State()
        super().__init__(groups, decay_biases_and_norms, settings)

    def __copy__(self) -> "Optimizer":
        new = object.__new__(type(self))
        vars(new).update(vars(self), _memory=copy(self._memory), _groups=copy(self._groups))
        return new

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
        self.step_of(parameters, gradients, None)

    def step_of(
        self, parameters: Mapping[str, Array], gradients: Mapping[str, Array], names: Collection[str] | None
    ) -> None:
        """`step` that updates only the parameters of these names: state and numbers of steps of the others stay.

        Parameters
        ----------
        parameters : mapping name -> array, float32 or float64
            Such as `network.parameters`: all of them, for the patterns of `groups` choose among these names.
        gradients : mapping name -> array
            At least those of `names`.
        names : collection of str, or None
            Such as `network.trainable`; None for all.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `step`; a name that is none of the parameters.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import SGD
        >>> w, g = {"a": np.ones(1), "b": np.ones(1)}, {"a": np.ones(1), "b": np.ones(1)}
        >>> SGD(lr=0.5).step_of(w, g, ["b"])
        >>> print(w["a"], w["b"])
        [1.] [0.5]
        """
        names = chosen(parameters, names)
        if isinstance(parameters, Arrays) and isinstance(gradients, Arrays) and parameters.lie_as(gradients):
            run(self.in_one_vector(parameters, gradients, names))
            return
        mapping_is(parameters, "parameters")
        self._groups.refuse_strangers(parameters)
        arrays = checked(*part_of(parameters, gradients, names))
        rules = {name: self.variant(name, w.ndim) or self for name, (w, _) in arrays.items()}
        regions = {name: region(w) for name, (w, _) in arrays.items()}
        arrays = apart(arrays, regions)
        records = self._memory.records({name: w for name, (w, _) in arrays.items()}, regions)
        run([call for name, record in records.items() for call in rules[name].update(record, *arrays[name])])

    def in_one_vector(self, parameters: Arrays, gradients: Arrays, names: tuple[str, ...] | None) -> list[Call]:
        """The calls of a step of parameters, all or these, that share one vector."""
        block, w, dw = self.whole(parameters), parameters.vector, gradients.vector
        if names is None and self.is_one_group() and block.steps is not None and self.leaves_gaps(w):
            return self.update(block, w, dw)  # type: ignore[arg-type]  # steps agree
        found, calls = spans_of(self, block, parameters, names), list[Call]()
        for start, stop, rule, first in found.spans:
            part = Part(block, start, stop, block.steps_of(first))
            calls += (rule or self).update(part, w[start:stop], dw[start:stop])
        return [*calls, partial(block.count, found.parameters)]

    def whole(self, parameters: Arrays) -> StateBlock:
        """The state of all parameters that share one vector, once a step of all of them is known to be possible."""
        if not parameters.writable():
            for name, w in (("flat", parameters.flat), *parameters.items()):
                writable(name, w, "updated")
        block = self._memory.gather(parameters)
        block.refuse_unfinished()
        return block

    def begin_step(self, parameters: Arrays, names: Collection[str] | None = None) -> None:
        """Check and allocate what a lean step of all parameters, or of these, needs, while it can still be refused."""
        names, block = chosen(parameters, names), self.whole(parameters)
        block.names = names
        rules: Iterable[Any] = [self]
        if names is not None or not self.is_one_group():
            rules = dict.fromkeys(span.rule or self for span in spans_of(self, block, parameters, names).spans)
        for rule in rules:
            block.vectors(rule.slots())

    def step_part(self, parameters: Arrays, start: int, dw: Array) -> None:
        """Update the elements from `start` of parameters that share one vector, as part of a lean step.

        All parts together make the step, and leave the same state as `step` does.
        """
        block, kernel = self._memory.gather(parameters), kernels.load(dw.dtype).optim.updates
        w, dw = parameters.vector, dw.reshape(-1)
        for first, last, rule, steps in pieces(self, block, parameters, start, start + dw.size):
            kept = (vector[first:last] for vector in block.vectors(rule.slots()))
            call = rule.prepare(kernel, w[first:last], dw[first - start : last - start], steps + 1, *kept)
            block.unfinished = True
            call()

    def end_step(self, parameters: Arrays, names: Collection[str] | None = None) -> None:
        """Count a lean step, once all its parts are done."""
        block = self._memory.gather(parameters)
        names = block.names if names is None else chosen(parameters, names)
        block.count(None if names is None else spans_of(self, block, parameters, names).parameters)
        block.names, block.unfinished = None, False

    def state(self) -> dict[str, Any]:
        """All that an optimizer of this kind needs to go on from here: nested dicts of arrays and of what JSON holds.

        Returns
        -------
        dict
            "kind", the name of the rule; "settings" and "decay_biases_and_norms"; "groups", a list of pairs [pattern,
            settings]; "arrays", copies by "vector/parameter" such as "velocity/conv1.weight"; "steps", how many each
            parameter has made. Parameters without a step are left out.

        Raises
        ------
        ValueError
            Two parameters of one name, such as those of two networks.
        RuntimeError
            After a step with ``lean=True`` that stopped half-way.

        Examples
        --------
        >>> import numpy as np
        >>> from fastconv import SGD
        >>> w, g = {"w": np.zeros(2)}, {"w": np.ones(2)}
        >>> sgd, other = SGD(lr=0.5, momentum=0.5), SGD(lr=0.1)
        >>> sgd.step(w, g)
        >>> other.load_state(sgd.state())
        >>> other.step(w, g)
        >>> w["w"]
        array([-1.25, -1.25])
        """
        return state_of(self, self._memory.copies())

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave: settings, groups, and what was remembered of parameters, by their names.

        The next steps of parameters of these names, shapes and dtypes are bit for bit those that the other optimizer
        would make; what this one remembered is dropped.

        Raises
        ------
        TypeError, ValueError
            The state of another kind of optimizer, or a damaged one: nothing was changed.
        """
        found = read(self, state)
        vars(self).update(found.settings, decay_biases_and_norms=found.decays, _memory=State(found.copied))
        self._groups.replace(found.groups)

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


def run(calls: Iterable[Call]) -> None:
    """Run all calls; an interrupt comes before or after them."""
    with held_back():
        for call in calls:
            call()


OVERRIDDEN = ("step", "step_of", "update")  # by rules that users write


def has_own_step(optimizer: Optimizer) -> bool:
    """Whether an optimizer overrides `step`, `step_of` or `update`, but not `step_part`, which lean training calls."""
    kind = type(optimizer)
    ours = all(getattr(kind, name) is getattr(Optimizer, name) for name in OVERRIDDEN)
    if ours and vars(optimizer).keys().isdisjoint(OVERRIDDEN):
        return False
    kinds = type(optimizer).__mro__

    def depth(name: str) -> int:
        """How far up the classes of the optimizer the method is defined; -1 on the object itself."""
        return -1 if name in vars(optimizer) else next(i for i, kind in enumerate(kinds) if name in vars(kind))

    return min(map(depth, OVERRIDDEN)) < depth("step_part")
