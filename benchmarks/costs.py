"""Measure the costs of `fastconv/kernels/runtime/costs.pxd` again, on one thread of this processor.

python benchmarks/costs.py           all of them
python benchmarks/costs.py POOL      those whose names begin so

One line for each: the name, the value in the file, the value measured, and measured time / time by the file. A factor
of two either way is fine; beyond it the line is marked. Nothing else should run beside it. The calls are those of
`cost_cases.py`.
"""

import re
import sys
import time
from pathlib import Path

import numpy as np
from cost_cases import CASES, INSIDE

import fastconv as fc
from fastconv import kernels

COSTS = Path(__file__).resolve().parents[1] / "fastconv" / "kernels" / "runtime" / "costs.pxd"
SECONDS, AT_LEAST = 0.2, 5


def values(path=COSTS):
    """name -> number of every #define in the file."""
    return {name: float(number) for name, number in re.findall(r"#define (\w+)[ \t]+([\d.e+-]+)", path.read_text())}


def cost_of(name, value):
    """Nanoseconds of one unit; a name in _PER_NS tells units of one nanosecond."""
    return 1 / value if name.endswith("_PER_NS") else value


def nanoseconds(call):
    """The median time of a call, after one that is not timed."""
    call()
    times, begun = [], time.perf_counter()
    while time.perf_counter() - begun < SECONDS or len(times) < AT_LEAST:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e9 * float(np.median(times))


def measured(name, file):
    """Nanoseconds of one unit, and measured time / time by the file of the whole call."""
    call, units = CASES[name]()
    units = units if isinstance(units, dict) else {"": units}
    others = sum(units[other] * cost_of(other, file[other]) for other in units if other)
    by_file = others + units[""] * cost_of(name, file[name])
    taken = nanoseconds(call)
    return (taken - others) / units[""], taken / by_file


def line(name, file):
    """One line of the table."""
    start = f"{name:24}{file[name]:10g}"
    if name not in CASES:
        return f"{start}   {'inside ' + INSIDE[name] if name in INSIDE else 'no case measures it'}"
    cost, ratio = measured(name, file)
    shown = cost_of(name, cost) if cost else 0
    return f"{start}{shown:10.3g}{ratio:8.2f}{'' if 0.5 <= ratio <= 2 else '  *'}"


def main(beginning=""):
    """The table of all costs whose names begin so."""
    file = values()
    fc.set_num_threads(1)
    try:
        print(
            f"{kernels.build}, float32, one thread; nanoseconds per unit, or, of names in _PER_NS, units per nanosecond"
        )
        print(f"{'name':24}{'file':>10}{'measured':>10}{'ratio':>8}")
        for name in file:
            if name.startswith(beginning):
                print(line(name, file), flush=True)
    finally:
        fc.set_num_threads(None)


if __name__ == "__main__":
    main(*sys.argv[1:2])
