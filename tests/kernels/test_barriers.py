"""No thread waits for the others before it begins its share of a loop: read from the modules of all builds."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastconv import kernels

OBJDUMP = shutil.which("objdump")
pytestmark = pytest.mark.skipif(OBJDUMP is None or not sys.platform.startswith("linux"), reason="needs objdump")


@pytest.mark.parametrize("build", kernels.builds)
def test_no_module_calls_a_barrier(build):
    """The end of a parallel section is one by itself; another one would let all threads wait for the last to come."""
    folder = Path(find_spec(f"fastconv.kernels.{build}_float32").origin).parent
    modules = sorted(folder.rglob("*.so"))
    assert modules
    symbols = {m: subprocess.run([OBJDUMP, "-T", str(m)], capture_output=True, text=True).stdout for m in modules}
    assert any("GOMP_parallel" in text for text in symbols.values()) or not any("GOMP" in t for t in symbols.values())
    assert [m.stem for m, text in symbols.items() if "GOMP_barrier" in text] == []
