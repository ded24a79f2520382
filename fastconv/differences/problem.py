"""What is checked, whatever it is: arrays that can be moved, the y that follows, and gradients of sum dy y."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..typing import Array, Generator, Shape
from .central import size_of


class Gradient(NamedTuple):
    """One result of a backward pass: the array it is for, the array given, and how to tell it from others."""

    name: str
    value: Any
    note: str = ""  # such as the function it comes from, where several give a gradient of one array


@dataclass
class Problem:
    """y = f(arrays), and a backward pass to be checked."""

    title: str
    arrays: dict[str, Array]  # float64, by name; the check moves their entries
    value: Callable[[], Array]  # y for the arrays as they are now, a new array
    gradients: Callable[[Array | float], list[Gradient]]  # of sum dy y
    composed: bool = False  # of many functions, whose kinks may meet
    scalar: bool = False  # y is a loss: dy is 1
    faults: list[str] = field(default_factory=list)  # what `gradients` sees to be wrong besides its values

    def weights(self, y: Array, rng: Generator) -> Array:
        """dy: sizes between a half and one and a half with random signs, so that no element of y counts little."""
        if self.scalar:
            return np.ones_like(y)
        return signed(rng, y.shape, 1.5)

    @contextmanager
    def elsewhere(self, rng: Generator, far: float) -> Iterator[None]:
        """All arrays moved at random by `far` of their size, until the end of the context."""
        here = {name: array.copy() for name, array in self.arrays.items()}
        try:
            for array in self.arrays.values():
                array += far * size_of(array) * signed(rng, array.shape, 1.0)
            yield
        finally:
            for name, array in self.arrays.items():
                array[...] = here[name]

    def fault(self, text: str) -> None:
        """Note what is wrong, once."""
        if text not in self.faults:
            self.faults.append(text)


def signed(rng: Generator, shape: Shape, largest: float) -> Array:
    """Random numbers of sizes from a half to `largest`, with random signs."""
    numbers: Array = rng.uniform(0.5, largest, shape) * rng.choice([-1.0, 1.0], shape)
    return numbers


def label(name: str) -> str:
    """How the gradient of an array is called: dx, dweight; conv1.weight where the name has a dot."""
    return name if "." in name else f"d{name}"
