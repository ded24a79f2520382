"""The network of Zhang 2016, equation by equation: 4 to 13 forward, 14 to 64 backward, 65 to 70 the update.

maps.py         the sums, rotations and scans that the equations are written in
quantities.py   the paper's letters: what the library computed, by name
forward.py      4 to 13
dense.py        14 to 30, for W, b and f
kernels.py      the derivation of a layer's kernels and bias, once for C2 (33 to 45) and once for C1 (53 to 64)
errors.py       31, 32 and 46 to 52: errors go back through pooling and convolution
update.py       65 to 70
"""

from collections.abc import Iterator

from ..records import Step
from ..run import Run
from . import dense, errors, forward, kernels, update
from .quantities import Quantities, is_paper

__all__ = ["is_paper", "steps"]


def steps(run: Run, seed: int) -> Iterator[Step]:
    """All steps, in the order of the paper."""
    q = Quantities(run, seed)
    yield from forward.steps(q)
    yield from dense.weight_steps(q)
    yield from dense.bias_steps(q)
    yield from dense.input_steps(q)
    yield from errors.second_layer(q)
    yield from kernels.kernel_steps(q, kernels.SECOND)
    yield from kernels.bias_steps(q, kernels.SECOND)
    yield from errors.first_layer(q)
    yield from kernels.kernel_steps(q, kernels.FIRST)
    yield from kernels.bias_steps(q, kernels.FIRST)
    yield from update.steps(q)
