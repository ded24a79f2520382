"""`pytest benchmarks/`: collects bench_*.py, in a process whose heap is kept between calls."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from compare import SETTINGS


def pytest_configure(config):
    """Start again with the variables of malloc and OpenBLAS, which read them at their start only."""
    if all(os.environ.get(name) == value for name, value in SETTINGS.items()):
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.stop_global_capturing()
    os.environ.update(SETTINGS)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *config.invocation_params.args])


def pytest_collect_file(file_path, parent):
    if file_path.match("bench_*.py") and not parent.session.isinitpath(file_path):
        return pytest.Module.from_parent(parent, path=file_path)
    return None
