"""Whether a process is one of several."""

import sys

import child
import pytest

from fastconv.mpi import launched
from fastconv.system.extras import MissingPackage


def test_a_process_alone_has_no_ranks(monkeypatch):
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    assert launched() is None


def test_under_mpiexec_without_mpi4py_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    with pytest.raises(MissingPackage, match=r"pip install mpi4py"):
        launched()


def test_fastconv_does_not_import_mpi4py():
    lines = "import sys, fastconv, fastconv.mpi, fastconv.training, fastconv.cli; print('mpi4py' in sys.modules)"
    assert child.run("-c", lines).strip() == "False"
