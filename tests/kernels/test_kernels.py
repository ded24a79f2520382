"""The builds and how one is picked; copies between layouts."""

import re

import child
import inputs
import numpy as np
import pytest

from fastconv import kernels

every_dtype = pytest.mark.parametrize("dtype", inputs.DTYPES)

# Builds


def test_the_best_build_is_picked():
    printed = child.run("-c", "from fastconv import kernels; print(kernels.build)", FASTCONV_ISA=None)
    assert printed.strip() == kernels.builds[0]
    assert kernels.builds[-1] == "baseline"


@pytest.mark.parametrize("build", kernels.builds)
def test_every_build_gives_the_exact_results(build):
    program = "\n".join(
        [
            "import numpy as np, fastconv, reference, problems, inputs",
            "from fastconv import kernels",
            f"assert kernels.build == {build!r}",
            "rng = np.random.default_rng(1)",
            "for seed in range(40):",
            "    for random in (problems.random_conv, problems.random_transposed):",
            "        p = random(rng, channels=35)",
            "        for dtype in inputs.DTYPES:",
            "            a = problems.operands(p, inputs.whole, seed, dtype)",
            "            for which in problems.PASSES:",
            "                problems.assert_exact(p.call(fastconv, which, a), p.call(reference, which, a), dtype)",
        ]
    )
    child.run("-c", program, FASTCONV_ISA=build, FASTCONV_PATHS_OFF="winograd")  # which is not exact


@pytest.mark.parametrize("wanted", ["avx2", "V3", "v5", "best", " v3"])
def test_an_unknown_build_is_a_clear_error(wanted):
    result = child.start("-c", "import fastconv", FASTCONV_ISA=wanted)
    assert result.returncode == 1
    assert f"ImportError: FASTCONV_ISA={wanted!r}: must be baseline, v3 or v4" in result.stderr


def test_a_build_the_processor_cannot_run_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(kernels.cpu, "supported_builds", lambda: ["baseline"])
    with pytest.raises(ImportError, match="FASTCONV_ISA=v4: this processor cannot run it"):
        kernels.choose_build("v4")
    assert kernels.choose_build("baseline") == "baseline"


def test_a_build_that_was_not_installed_is_a_clear_error(monkeypatch):
    monkeypatch.setattr(kernels.cpu, "supported_builds", lambda: ["v3", "baseline"])
    monkeypatch.setattr(kernels, "builds", ["baseline"])
    with pytest.raises(ImportError, match="FASTCONV_ISA=v3: not in this installation, which has baseline"):
        kernels.choose_build("v3")


def test_an_empty_wish_is_no_wish():
    assert kernels.choose_build("") == kernels.builds[0]


def test_supported_builds_are_ordered_and_end_with_the_baseline():
    supported = kernels.cpu.supported_builds()
    assert supported == [name for name in ("v4", "v3", "baseline") if name in supported]
    assert supported[-1] == "baseline"
    assert set(kernels.builds) <= set(supported)


def test_kernels_are_loaded_when_first_used():
    program = (
        "import sys, fastconv; print([m for m in sys.modules if m.startswith('fastconv.kernels.') and '_float' in m])"
    )
    assert child.run("-c", program).strip() == "[]"
    with pytest.raises(ModuleNotFoundError, match="no_such_kernel"):
        _ = kernels.load("float32").no_such_kernel


@every_dtype
def test_load_takes_names_and_dtypes(dtype):
    assert kernels.load(dtype) is kernels.load(np.dtype(dtype))


# Copies between layouts


@every_dtype
def test_layout_copies_are_exact(dtype):
    rng = np.random.default_rng(3)
    copy = kernels.load(dtype).layout.copies.copy
    for _ in range(60):
        a = inputs.real(rng, rng.integers(1, [4, 40, 6, 40]), dtype)
        for source in (np.array, inputs.channels_last, inputs.channel_slice, inputs.every_second, inputs.negative):
            for target in (np.array, inputs.channels_last, inputs.channel_slice, inputs.inside):
                y = target(np.full_like(a, np.nan))
                copy(source(a), y)
                np.testing.assert_array_equal(y, a)


EXTENT = re.compile(r"\b(unsigned|short|int|long) (N|C|K|H|W|OH|OW|GH|GW|oh|ow|ih|iw|pixels)\b")


def test_no_kernel_counts_pixels_in_32_bits():
    """intel/torch-xpu-ops#3940: one such index was left, in one backward kernel. A rule kept by reading."""
    sources = (child.TESTS.parent / "fastconv" / "kernels").rglob("*.p[yx][xdi]")
    lines = [(path.name, line.strip()) for path in sources for line in path.read_text().splitlines()]
    assert [line for line in lines if EXTENT.search(line[1])] == []


def test_what_a_test_runs_for_each_build_are_the_kernels_of_this_build(each_build):
    for dtype in ("float32", np.dtype("float32"), np.dtype("float64")):
        assert f"{each_build}_{dtype}." in kernels.load(dtype).activation.pointwise.__name__
