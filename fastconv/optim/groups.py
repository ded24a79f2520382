"""Settings of groups of parameters, which patterns of names choose."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Any

from ..arguments.training import SETTINGS
from ..ops import check
from ..parameters import Arrays, Named
from .settings import checked_setting

EXAMPLE = "groups={'*.bias': {'weight_decay': 0.0}}"


class Groups(MutableMapping[str, Any]):
    """Pattern -> the settings of the parameters whose names fit it; checked whenever they change.

    Where several patterns fit a name, all of them apply, and of two that set the same the later one wins.

    Parameters
    ----------
    kind : str
        The name of the rule.
    settings : sequence of str
        The settings that the rule has.
    given : mapping str -> mapping, optional
        Patterns, as `fnmatch` reads them, and settings by name.
    """

    def __init__(self, kind: str, settings: Iterable[str], given: object = None) -> None:
        self._kind, self._known = kind, tuple(settings)
        self.given: dict[str, dict[str, Any]] = {}
        self._fitting: dict[str, tuple[str, ...]] = {}  # name -> the patterns that fit it
        self.version = 0  # grows with every change of settings, also of those of the optimizer itself
        self.version_of_patterns = 0  # grows with every change of patterns
        self.variants: dict[object, Any] = {}  # what the optimizer makes of the settings of this version
        if given is not None:
            self.replace(given)

    def replace(self, given: object) -> None:
        """Take these patterns in place of those that are there, once all are known to be right."""
        if not isinstance(given, Mapping):
            raise TypeError(f"groups must be a mapping pattern -> settings, got {check.shown(given)}; write {EXAMPLE}")
        self.given = {pattern: self._checked(pattern, settings) for pattern, settings in given.items()}
        self._patterns_changed()

    def changed(self) -> None:
        """Note that settings of a group, or of the optimizer itself, are others."""
        self.version += 1
        self.variants.clear()

    def _patterns_changed(self) -> None:
        self.version_of_patterns += 1
        self._fitting.clear()
        self.changed()

    def _checked(self, pattern: object, settings: object) -> dict[str, Any]:
        """The settings of a group, each checked."""
        if not isinstance(pattern, str) or not pattern:
            raise TypeError(f"a pattern of groups must be a text such as '*.bias', got {check.shown(pattern)}")
        if not isinstance(settings, Mapping):
            line = f"groups={{{pattern!r}: {{{self._known[0] if self._known else 'lr'!r}: {check.shown(settings)}}}}}"
            cure = f"; write {line}" if isinstance(settings, int | float) else f"; write {EXAMPLE}"
            raise TypeError(
                f"groups[{pattern!r}] must be a mapping setting -> value, got {check.shown(settings)}{cure}"
            )
        return {name: self._value(pattern, name, value) for name, value in settings.items()}

    def _value(self, pattern: str, name: object, value: object) -> Any:
        """One setting of a group, checked."""
        if name not in self._known:
            words = SETTINGS.get(name, "") if isinstance(name, str) else ""
            near = check.nearest(str(name), self._known)
            cure = f"write {words!r}" if words in self._known else words
            cure = cure or (f"did you mean {near[0]!r}?" if near else f"its settings are {', '.join(self._known)}")
            raise ValueError(f"groups[{pattern!r}] sets {name!r}, which {self._kind} does not have; {cure}")
        return checked_setting(value, str(name), f"groups[{pattern!r}][{name!r}]")

    def fitting(self, name: object) -> tuple[str, ...]:
        """The patterns that fit a name."""
        text = str(name)
        if text not in self._fitting:
            self._fitting[text] = tuple(pattern for pattern in self.given if fnmatchcase(text, pattern))
        return self._fitting[text]

    def settings_of(self, patterns: Iterable[str]) -> dict[str, Any]:
        """What these patterns set, taken together."""
        return {name: value for pattern in patterns for name, value in self.given[pattern].items()}

    def refuse_strangers(self, parameters: Mapping[str, Any]) -> None:
        """ValueError if a pattern fits none of these parameters; not where they are a part of a network's."""
        if not self.given or (isinstance(parameters, Named) and not isinstance(parameters, Arrays)):
            return
        names = list(map(str, parameters))
        met = {pattern for name in names for pattern in self.fitting(name)}
        for pattern in self.given:
            if pattern not in met and names:
                raise ValueError(f"groups[{pattern!r}] fits none of the parameters; {meant(pattern, names)}")

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """A copy in plain dicts."""
        return {pattern: dict(settings) for pattern, settings in self.given.items()}

    def __getitem__(self, pattern: str) -> "Group":
        if pattern not in self.given:
            raise KeyError(pattern)
        return Group(self, pattern, self.given[pattern])

    def __setitem__(self, pattern: str, settings: object) -> None:
        self.given[pattern] = self._checked(pattern, settings)
        self._patterns_changed()

    def __delitem__(self, pattern: str) -> None:
        del self.given[pattern]
        self._patterns_changed()

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)

    def __repr__(self) -> str:
        return repr(self.given)

    def __reduce__(self) -> tuple[Any, ...]:
        return Groups, (self._kind, self._known, self.as_dict())


class Group(MutableMapping[str, Any]):
    """The settings of one group: a view, which writes into the groups that it belongs to."""

    def __init__(self, groups: Groups, pattern: str, settings: dict[str, Any]) -> None:
        self._groups, self._pattern, self._settings = groups, pattern, settings

    def __getitem__(self, name: str) -> Any:
        return self._settings[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._settings[name] = self._groups._value(self._pattern, name, value)
        self._groups.changed()

    def __delitem__(self, name: str) -> None:
        del self._settings[name]
        self._groups.changed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)

    def __repr__(self) -> str:
        return repr(self._settings)


def meant(pattern: str, names: list[str]) -> str:
    """The patterns that were probably meant: prefixes and last parts of these names, or names."""
    parts = [name.split(".") for name in names]
    prefixes = [".".join(part[:i]) + ".*" for part in parts for i in range(1, len(part))]
    options = dict.fromkeys([*prefixes, *(f"*.{part[-1]}" for part in parts if len(part) > 1), *names])
    found = [option for option in options if pattern and option.strip("*.") == pattern.strip("*.")]
    found = found or check.nearest(pattern, options, 3)
    shown = ", ".join(names if len(names) <= 6 else [*names[:5], "..."])
    return f"did you mean {' or '.join(map(repr, found))}?" if found else f"the names are {shown}"
