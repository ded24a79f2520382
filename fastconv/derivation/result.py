"""What `derive` returns: the steps, and how they are shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..ops import check
from ..typing import Array
from .records import Step

__all__ = ["Derivation", "Row"]


class Row(NamedTuple):
    """The largest difference of one step."""

    cites: str
    difference: float
    passed: bool


@dataclass(frozen=True)
class Derivation:
    """A derivation of backpropagation with the numbers of one image; ``print(derivation)`` shows it.

    A notebook shows it with equations as on paper; `html` gives the same as a page of its own.

    Attributes
    ----------
    steps : tuple of Step
        In the order of the paper. Each has ``number``, ``cites``, ``title``, ``direction``, ``equation``, ``symbol``,
        ``values``, ``note`` and ``checks``.
    check : list of (cites, difference, passed)
        For each step the largest difference between two ways to its values.
    passed : bool
        Whether all of them are as small as rounding explains.
    image : array
        The image, float64.
    about : mapping of text to text
        The network, the image, the target, the loss and the learning rate.
    """

    steps: tuple[Step, ...]
    about: dict[str, str]
    image: Array = field(repr=False)
    losses: tuple[float, float] = (float("nan"), float("nan"))
    shown_values: int = 8

    @property
    def check(self) -> list[Row]:
        """The largest difference of each step."""
        worst = [max(step.checks, key=lambda check: (not check.passed, check.difference)) for step in self.checked]
        return [Row(step.cites, check.difference, step.passed) for step, check in zip(self.checked, worst, strict=True)]

    @property
    def checked(self) -> list[Step]:
        """The steps that have a check."""
        return [step for step in self.steps if step.checks]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(step.passed for step in self.steps)

    @property
    def failed(self) -> Sequence[Step]:
        """The steps whose check failed, in order."""
        return [step for step in self.steps if not step.passed]

    def summary(self) -> str:
        """One sentence about all checks."""
        checks = [check for step in self.steps for check in step.checks]
        kinks = sum(check.kinks for check in checks)
        bent = f"; {kinks:,} entries at a kink or a tie do not count" if kinks else ""
        if self.passed:
            return f"All {len(checks)} checks of {len(self.steps)} steps passed{bent}."
        first = self.failed[0]
        check = next(check for check in first.checks if not check.passed)
        where = f"the first is {first.cites} {first.title}"
        number = sum(not check.passed for check in checks)
        found = f"{number} of {len(checks)} checks failed"
        return f"{found}; {where}: {check.difference:.1e} from {check.against}, {check.limit:.1e} allowed{bent}."

    def __str__(self) -> str:
        from .terminal import text_of

        return text_of(self, self.shown_values)

    def _repr_html_(self) -> str:
        from .page import fragment

        return fragment(self, self.shown_values)

    def html(self, values: int | None = None) -> str:
        """The derivation as one self-contained page of HTML, without a script.

        Parameters
        ----------
        values : int >= 1, optional
            How many values of an array are shown; by default as many as in the terminal.

        Examples
        --------
        >>> from fastconv.derivation import derive
        >>> page = derive().html()
        >>> page[:15], "<script" in page
        ('<!DOCTYPE html>', False)
        """
        from .page import document

        return document(self, self.shown_values if values is None else check.integer(values, "values", 1))

    def to_dict(self) -> dict[str, Any]:
        """Everything in values that JSON holds."""
        return {
            "about": dict(self.about),
            "loss": self.losses[0],
            "loss_after_the_update": self.losses[1],
            "passed": self.passed,
            "summary": self.summary(),
            "steps": [step.to_dict() for step in self.steps],
        }
