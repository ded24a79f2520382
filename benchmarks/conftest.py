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


def pytest_generate_tests(metafunc):
    """Every shape and direction of the module's FAMILY, with ours and each installed peer."""
    import peers
    from shapes import SHAPES

    shapes = [s for s in SHAPES if s.family == metafunc.module.FAMILY]
    names = ["ours", *(name for name, peer in peers.installed().items() if not peer.packs)]
    lines = [
        pytest.param(shape, direction, name, id=f"{shape.name}-{direction}-{name}".replace(" ", "_"))
        for shape in shapes
        for direction in shape.targets
        for name in names
        if name == "ours" or name.startswith(shape.against)
    ]
    metafunc.parametrize(("shape", "direction", "contender"), lines)
