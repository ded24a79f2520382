"""What an installed fastconv holds: the sample with its licence, the kernels, no sources, and not too much."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import child
import pytest

import fastconv
from fastconv import kernels

PACKAGE = Path(fastconv.__file__).parent
ROOT = Path(__file__).parents[1]


def installed_files():
    """The files of the wheel that this fastconv was installed from, or None in a source tree built in place."""
    try:
        files = importlib.metadata.files("fastconv") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    ours = any(file.locate().resolve() == (PACKAGE / "__init__.py").resolve() for file in files)
    return [file for file in files if "__pycache__" not in file.parts] if ours else None


FILES = installed_files()
needs_wheel = pytest.mark.skipif(FILES is None, reason="built in place: there is no wheel to look into")


def test_the_version_is_said_once():
    declared = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert fastconv.__version__ == declared[1]


def test_the_sample_and_its_licence_are_there():
    sample = PACKAGE / "data" / "sample"
    assert (sample / "LICENSE").is_file()
    assert len(list(sample.glob("*-ubyte.xz"))) == 4


@needs_wheel
def test_every_build_has_every_kernel():
    sets = {}
    for file in FILES:
        *_, build, family, name = ("", "", *file.parts)
        if file.suffix == ".so" and "_float" in build:
            sets.setdefault(build, set()).add((family, name.partition(".")[0]))
    assert {f"{build}_{dtype}" for build in kernels.builds for dtype in kernels.DTYPES} <= set(sets)
    for build in kernels.builds:
        assert sets[f"{build}_float32"] == sets[f"{build}_float64"] | {("conv", "winograd")}
    (every,) = {frozenset(names) for build, names in sets.items() if build.endswith("float32")}
    assert every >= {("conv", "direct"), ("pool", "windows"), ("norm", "pixels"), ("dense", "linear")}
    assert every >= {("activation", "pointwise"), ("loss", "losses"), ("optim", "updates"), ("layout", "copies")}


def test_kernels_of_another_build_are_not_loaded():
    program = (
        "import sys, fastconv; fastconv.relu(__import__('numpy').zeros(3));"
        "print([name for name in sys.modules if name.startswith('fastconv.kernels.') and '_float' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
    )
    loaded = re.findall(r"kernels\.(\w+?)_float", done.stdout)
    assert loaded
    assert set(loaded) == {kernels.build}


@needs_wheel
def test_the_wheel_holds_no_sources_and_no_tests():
    names = [str(file) for file in FILES]
    assert [name for name in names if re.search(r"\.(pyx|pxd|pxi|c|o|h)$|(^|/)(tests|benchmarks|tools)/", name)] == []


@needs_wheel
def test_the_wheel_carries_both_licences():
    licences = [str(file) for file in FILES if ".dist-info/licenses/" in str(file)]
    assert any(name.endswith("licenses/LICENSE") for name in licences)
    assert any(name.endswith("sample/LICENSE") for name in licences)


@needs_wheel
def test_the_wheel_is_at_most_7_mb():
    def squeezed(file):
        return len(zlib.compress(file.locate().read_bytes(), 6))

    wheel = [file for file in FILES if file.parts[0].startswith("fastconv")]
    assert sum(map(squeezed, wheel)) <= 7_000_000


def test_where_nothing_was_built_the_error_says_in_one_line_what_to_do(tmp_path):
    """The sources alone, as in a fresh checkout."""
    for source in PACKAGE.rglob("*.py"):
        if "_float" not in str(source.relative_to(PACKAGE)):
            copy = tmp_path / "fastconv" / source.relative_to(PACKAGE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    done = child.start("-c", "import fastconv", PYTHONPATH=str(tmp_path))
    (said,) = (line for line in done.stderr.splitlines() if line.startswith("ImportError"))
    assert done.returncode == 1
    assert said == done.stderr.splitlines()[-1]
    assert f"no kernels were built in {tmp_path / 'fastconv' / 'kernels'}" in said
    assert "python setup.py build_ext --inplace" in said
    assert "circular" not in done.stderr
    assert "During handling" not in done.stderr


@needs_wheel
def test_the_command_is_installed():
    (command,) = importlib.metadata.distribution("fastconv").entry_points.select(group="console_scripts")
    assert (command.name, command.value) == ("fastconv", "fastconv.cli:main")


ALONE = """
import sys
before = set(sys.modules)
import fastconv
from fastconv import checkpoint, data
names = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names
print(sorted(name for name in names if not name.startswith(("_", "cython"))))  # these are Cython's own
"""


LATER = """
import sys
import numpy
before = set(sys.modules)
import fastconv
slow = {"numpy.random", "statistics", "zipfile", "pickletools", "difflib", "lzma", "gzip"}
print(sorted((set(sys.modules) - before) & slow))
"""


def test_what_is_slow_to_import_is_imported_where_it_is_used():
    assert child.run("-c", LATER).strip() == "[]"


def test_numpy_is_all_that_an_import_takes():
    """Pillow, safetensors and tqdm wait until they are needed."""
    assert child.run("-c", ALONE).strip() == "['fastconv', 'numpy']"
