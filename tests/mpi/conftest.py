"""Programs on several processes: they run where mpi4py and an mpiexec are installed."""

import importlib.util
import os
import shutil
import subprocess
import sys

import child
import pytest


@pytest.fixture(scope="session")
def mpiexec():
    """A function (ranks, arguments of python) that runs a program; the result is that of `subprocess.run`."""
    beside = os.path.join(os.path.dirname(sys.executable), "mpiexec")  # of the wheel mpich, whose MPI mpi4py then loads
    program = beside if os.path.exists(beside) else shutil.which("mpiexec")
    if program is None or importlib.util.find_spec("mpi4py") is None:
        pytest.skip("needs mpi4py and mpiexec: pip install mpi4py mpich")

    def run(ranks, *arguments, timeout=100, **environment):
        variables = child.seeing_fastconv(FASTCONV_THREADS="fixed", **environment)
        options = ["-n", str(ranks), sys.executable, "-m", "mpi4py", *map(str, arguments)]
        if "open" in os.path.realpath(program):
            options = ["--oversubscribe", "--allow-run-as-root", *options]
        about = {"timeout": timeout, "env": variables, "cwd": child.TESTS}  # the sources hold no kernels
        return subprocess.run([program, *options], capture_output=True, text=True, **about)

    refuse_where_processes_do_not_meet(run)
    return run


def refuse_where_processes_do_not_meet(run):
    """A skip where mpiexec starts no two processes that see each other, as in a container without names of hosts."""
    try:
        found = run(2, "-c", "from mpi4py import MPI; print(MPI.COMM_WORLD.size, flush=True)", timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip("mpiexec does not end within a minute")
    if found.stdout.split() != ["2", "2"]:
        pytest.skip(f"mpiexec starts no two processes that meet: {found.stdout} {found.stderr[-300:]}")
