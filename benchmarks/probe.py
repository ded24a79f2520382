"""The probe of `kernels/probe.pyx`, built on demand for the build in use, with the flags of the kernels.

probe.load("float32").fma_gflops()

What is built goes into `benchmarks/build`. That needs Cython, setuptools and a C compiler (`lacking` says which one is
not there); the package itself holds no probe.
"""

import fcntl
import functools
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from fastconv import kernels

ROOT = Path(__file__).resolve().parents[1]
BUILT = Path("benchmarks") / "build"
OPTIONS = ("-q", "build_ext", "--build-lib", str(BUILT / "lib"), "--build-temp", str(BUILT / "temp"))


def lacking():
    """What a build of the probe needs and this Python has not, as a sentence; None where nothing is lacking."""
    missing = [name for name in ("Cython", "setuptools") if importlib.util.find_spec(name) is None]
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        missing.append(f"the C compiler {compiler}")
    return f"the probe cannot be built without {' and '.join(missing)}" if missing else None


@functools.cache
def load(dtype):
    """The probe for this dtype (float32, float64) and the build in use; ImportError where it cannot be built."""
    if reason := lacking() or failure():
        raise ImportError(reason)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    (path,) = (ROOT / BUILT).glob(f"lib/**/{kernels.build}_{dtype}/probe{suffix}")
    spec = importlib.util.spec_from_file_location(f"{kernels.build}_{dtype}.probe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def failure():
    """Build the probe for both dtypes, where its sources are newer than what was built; why that failed, or None."""
    wanted = os.environ | {"FASTCONV_PROBE": "1", "FASTCONV_BUILDS": kernels.build}
    try:
        (ROOT / BUILT).mkdir(exist_ok=True)
        with open(ROOT / BUILT / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one process at a time
            command = [sys.executable, "setup.py", *OPTIONS]
            done = subprocess.run(command, cwd=ROOT, env=wanted, capture_output=True, text=True)
    except OSError as error:
        return f"the probe cannot be built: {error}"
    return f"the probe cannot be built:\n{done.stdout}{done.stderr}" if done.returncode else None
