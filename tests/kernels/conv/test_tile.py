"""The micro-kernel keeps its accumulators in registers: read from the machine code of the built kernels.

Collected where there is something to read: x86-64, a release build, and objdump (it comes with the C compiler).
"""

import platform
import re
import shutil
import subprocess
from importlib.util import find_spec

import pytest

from fastconv import kernels

X86 = platform.machine().lower() in ("x86_64", "amd64")
OBJDUMP = shutil.which("objdump")
BUILDS = [b for b in kernels.builds if b != "baseline"] if X86 and OBJDUMP and not kernels.cpu.is_debug_build() else []
TILES = {"v4": ("zmm", 24), "v3": ("ymm", 12)}  # registers, accumulators: 6 rows x 4 vectors, 6 x 2


def products(build, dtype, kernel):
    """Every fused multiply-add of whole vectors in a kernel's machine code, one line each, in order."""
    path = find_spec(f"fastconv.kernels.{build}_{dtype}.{kernel}").origin
    command = [OBJDUMP, "-d", "--no-show-raw-insn", path]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    register = TILES[build][0]
    return [line for line in lines if re.search(r"vfmadd\d+p[sd]\s", line) and f"%{register}" in line]


if BUILDS:

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("build", BUILDS)
    def test_no_accumulator_lives_on_the_stack(build, dtype):
        """A tile whose loops were not unrolled adds to memory: vfmadd with an operand at the stack pointer."""
        found = products(build, dtype, "conv.direct")
        assert found
        assert [line for line in found if "(%rsp" in line or "(%rbp" in line] == []

    @pytest.mark.parametrize("kernel", ["conv.direct", "conv.planar"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.parametrize("build", BUILDS)
    def test_a_whole_tile_is_one_run_of_products(build, dtype, kernel):
        """Somewhere all accumulators of a tile are updated side by side, each in a register of its own."""
        accumulators = TILES[build][1]
        targets = [line.rsplit("%", 1)[1] for line in products(build, dtype, kernel)]
        runs = [set(targets[i : i + accumulators]) for i in range(len(targets) - accumulators + 1)]
        assert max(map(len, runs)) == accumulators
