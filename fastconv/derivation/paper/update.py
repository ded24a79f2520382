"""Equations 65 to 70: one step of gradient descent."""

from collections.abc import Iterator

from ..records import Step, same
from .quantities import Quantities, step

__all__ = ["steps"]

LINES = (  # number, title, as the paper writes the parameter, its letter here
    (65, "3 Parameter update: the kernels of C1", "k^1_{1,p}", "k1"),
    (66, "The biases of C1", "b^1_p", "b1"),
    (67, "The kernels of C2", "k^2_{p,q}", "k2"),
    (68, "The biases of C2", "b^2_q", "b2"),
    (69, "The weights of FC", "W", "W"),
    (70, "The biases of FC", "b", "b"),
)


def steps(q: Quantities) -> Iterator[Step]:
    """The library's SGD against the printed line."""
    for number, title, symbol, letter in LINES:
        new = q.run.updated[q.names[letter]]
        expected = getattr(q, letter) - q.run.learning_rate * getattr(q, f"d{letter}")
        check = same(new, expected, f"{symbol.partition('_')[0].replace('^1', '¹').replace('^2', '²')} − α·Δ in NumPy")
        source = f"{symbol} ← {symbol} − α · Δ{symbol}"
        yield step(number, title, source, symbol.partition("_")[0], new, check)
