"""The settings of an optimizer: of all parameters, and of groups of them; checked whenever they change."""

from collections.abc import Mapping
from typing import Any, TypeVar

from ..arguments.signatures import no_attribute
from ..arguments.training import OF_OPTIMIZERS, SETTINGS
from ..ops import check
from ..typing import Array
from .blocks import Slot
from .groups import Groups
from .settings import checked_setting

TINY = 1e-37  # numbers above it are no zeros in float32
DECAY = "weight_decay"
FLAG = "decay_biases_and_norms"
OWN = ("_memory", "_groups")  # attributes that no variant has
C = TypeVar("C", bound="Configured")


class Configured:
    """The settings of a rule, which are attributes, and those of its groups."""

    remembers: tuple[str, ...] | int = ()  # names of the state vectors, or their number
    settings: tuple[str, ...] = ()
    decay_biases_and_norms: bool = True
    _groups: Groups = None  # type: ignore[assignment]  # of each optimizer its own

    def __init__(self, groups: Any, decay_biases_and_norms: Any, settings: Mapping[str, Any]) -> None:
        known = tuple(settings)
        vars(self).update(settings=known, _groups=Groups(type(self).__name__, known))
        self._set(**settings)
        self.decay_biases_and_norms = decay_biases_and_norms
        if groups is not None:
            self.groups = groups

    @property
    def groups(self) -> Any:
        """Pattern of names -> the settings of the parameters that fit it, where they are not those of the optimizer."""
        return self._groups

    @groups.setter
    def groups(self, given: Any) -> None:
        self._groups.replace(given)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.settings:
            value = checked_setting(value, name)
            self.agree(**{**vars(self), name: value})
        elif name == FLAG:
            value = checked_setting(value, name)
        elif type(self).__module__.startswith(f"{__package__}."):
            self.refuse(name, value)
        super().__setattr__(name, value)
        if self._groups is not None:
            self._groups.changed()

    def _set(self, **settings: Any) -> None:
        """Set several settings, one after the other."""
        for name, value in settings.items():
            setattr(self, name, value)

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

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name in self.settings]
        shown += [f"groups={self._groups!r}"] if self._groups else []
        shown += [] if self.decay_biases_and_norms else [f"{FLAG}=False"]
        return f"{type(self).__name__}({', '.join(shown)})"

    def is_one_group(self) -> bool:
        """Whether all parameters surely have the same settings."""
        return self.decay_biases_and_norms and not self._groups.given

    def variant(self: C, name: object, ndim: int) -> C | None:
        """The optimizer with the settings of one parameter; None if they are the optimizer's own."""
        patterns, decays = self._groups.fitting(name), self.decay_biases_and_norms or ndim > 1
        variants, key = self._groups.variants, (patterns, decays)
        if key not in variants:
            changed = self._groups.settings_of(patterns)
            if not decays and DECAY in self.settings:
                changed[DECAY] = 0.0
            changed = {setting: value for setting, value in changed.items() if value != getattr(self, setting)}
            same = tuple(sorted(changed.items()))  # one optimizer for all parameters with these settings
            if changed and same not in variants:
                variants[same] = self.with_settings(changed, name)
            variants[key] = variants[same] if changed else None
        found: C | None = variants[key]
        return found

    def with_settings(self: C, changed: Mapping[str, Any], name: object) -> C:
        """An optimizer that remembers nothing, with these settings and else those of this one."""
        new = object.__new__(type(self))
        vars(new).update({key: value for key, value in vars(self).items() if key not in OWN}, **changed)
        try:
            new.agree(**vars(new))
        except ValueError as error:
            raise ValueError(f"the settings of {name} contradict each other: {error}; they are {new!r}") from None
        return new

    def slots(self) -> tuple[Slot, ...]:
        """The names of the state vectors; a user's own rule may give only their number."""
        return tuple(range(self.remembers)) if isinstance(self.remembers, int) else self.remembers

    def leaves_gaps(self, w: Array) -> bool:
        """Whether a step keeps the zeros between parameters; there gradients are 0, and eps = 0 would give 0 / 0."""
        eps = vars(self).get("eps", getattr(type(self), "eps", 1))
        return eps > TINY or bool(w.dtype.type(eps) > 0)

    def rates(self) -> dict[str, Any]:
        """The learning rates as they are now: {"lr": that of the optimizer, "groups": pattern -> that of a group}.

        A schedule keeps them, scales them by `set_rates`, and puts them back at its end. {} for a rule without lr.
        """
        if "lr" not in self.settings:
            return {}
        own = {pattern: group["lr"] for pattern, group in self._groups.given.items() if "lr" in group}
        return {"lr": vars(self)["lr"], "groups": own}

    def set_rates(self, rates: Mapping[str, Any], factor: float = 1.0) -> None:
        """Set all learning rates to `factor` times those that `rates` gave; all are checked before one changes.

        Groups that have come since then keep their rate.

        Examples
        --------
        >>> from fastconv import SGD
        >>> sgd = SGD(lr=0.5, groups={"layer4.*": {"lr": 0.25}})
        >>> rates = sgd.rates()
        >>> sgd.set_rates(rates, 0.5)
        >>> sgd
        SGD(lr=0.25, momentum=0.0, weight_decay=0.0, nesterov=False, groups={'layer4.*': {'lr': 0.125}})
        >>> sgd.set_rates(rates)
        >>> sgd.lr
        0.5
        """
        sound = isinstance(rates, Mapping) and (
            not rates or (isinstance(rates.get("groups"), Mapping) and "lr" in rates)
        )
        if not sound:
            raise TypeError(f"rates must be what optimizer.rates() gave, got {check.shown(rates)}")
        if not rates:
            return
        lr = checked_setting(rates["lr"] * factor, "lr")
        own = {
            pattern: rate for pattern, rate in rates["groups"].items() if "lr" in self._groups.given.get(pattern, ())
        }
        new = {p: checked_setting(rate * factor, "lr", f"groups[{p!r}]['lr']") for p, rate in own.items()}
        self._set(lr=lr)
        for pattern, rate in new.items():
            self._groups[pattern]["lr"] = rate
