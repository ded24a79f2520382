"""Build the kernels: every source once per instruction set and once per dtype.

Cython translates each ``.pyx`` to C once. The C file is then compiled for every build in ``BUILDS`` and every type in
``DTYPES`` into its own sub-package, for example ``fastconv/kernels/conv/direct.pyx`` into
``fastconv.kernels.v3_float32.conv.direct``; ``fastconv.kernels`` picks one at import. Each C file is first copied into
a folder of its own, because object files are named after their source and two compilations of one path would overwrite
each other.

Environment:
    FASTCONV_DEBUG=1       bounds checks, no optimisation of index arithmetic, assertions of the compiler kept
    FASTCONV_SANITIZE=1    every access and operation checked by AddressSanitizer and UndefinedBehaviorSanitizer
    FASTCONV_OPENMP=0      build without OpenMP even where the compiler has it
    FASTCONV_BUILDS=v3,v4  compile these instruction sets only (for development)
    FASTCONV_KERNELS=conv.direct,pool.windows  compile these kernel sources only (for development)
    FASTCONV_PROBE=1       compile only the probe of the benchmarks (benchmarks/probe.py asks for it)
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from Cython.Compiler import Options
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("fastconv") / "kernels"
SHARED = "fastconv.kernels._memoryview"
ONCE = ["runtime.calls", "runtime.cpu", "runtime.threads"]  # compiled once, for the baseline
FLOAT32_ONLY = {"conv.winograd"}  # its rounding is too large for the promise of float64
SELDOM = ["runtime.cpu", "runtime.threads"]  # whose time does not matter
OF_NUMPY = "runtime.calls"  # the one module that knows the memory of NumPy's array objects
# Families that are limited by memory, and what is compiled once: their baseline is smaller with -O2, and with -Os on
# x86-64, where few processors take it. The other builds have multiply-adds, whose choice depends on the level: theirs
# stays, so that results keep their bits.
MOVES_MEMORY = {"activation", "layout", "loss", "norm", "optim", "pool", "runtime", "_memoryview"}
PROBE = Path("benchmarks") / "kernels" / "probe.pyx"

DTYPES = {"float32": ("float", 4), "float64": ("double", 8)}
BUILDS = {  # name: (compiler flags, vector bytes, vectors in a tile)
    "baseline": ([], 16, 2),
    "v3": (["-march=x86-64-v3", "-mtune=haswell"], 32, 2),
    "v4": (["-march=x86-64-v4", "-mtune=skylake-avx512", "-mprefer-vector-width=512"], 64, 4),
}

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
    "embedsignature": True,
}
# Modules that only the ops call: plain built-in functions without docstrings, 2.4 kB less in each.
INTERNAL = {"binding": False, "embedsignature": False}
OPTIMISE = [
    "-O3",
    "-g0",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-Wno-psabi",
    "-Werror=implicit-function-declaration",
]
SMALLER = ["-fno-asynchronous-unwind-tables", "-fno-plt", "-fvisibility=hidden"]  # C unwinds no stack
LINK = ["-Wl,-s", "-Wl,--build-id=none", "-Wl,-z,noseparate-code"]
ALWAYS_INLINE = "inline __attribute__((always_inline))"  # the tiles' constants must reach their loops
HELPER = "__attribute__((noinline, unused))"  # pasted at each call, Cython's helpers are a tenth of the wheel
SANITIZE = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-wrapv", "-fsanitize=address,undefined,float-cast-overflow"]

EMPTY = "int main(void) { return 0; }"
USES_OPENMP = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }"
ONE_THREAD = ["-include", str(KERNELS.absolute() / "runtime" / "regions.h"), "-Wl,--wrap=GOMP_parallel"]
HAS_SECTION = "int main(void) { int n = 0;\n#pragma omp parallel num_threads(1)\nn = 1; return n != 1; }"


def flag(name, default):
    """Whether this environment variable is set to anything but 0."""
    return os.environ.get(name, default) not in ("", "0")


DEBUG = flag("FASTCONV_DEBUG", "0")
if DEBUG:
    DIRECTIVES.update(boundscheck=True, initializedcheck=True)
SANITIZED = flag("FASTCONV_SANITIZE", "0")
WITH_PROBE = flag("FASTCONV_PROBE", "0")


def chosen(name, everything):
    """The items that this environment variable names, all where it is not set."""
    wanted = os.environ.get(name)
    return [item for item in everything if wanted is None or item in wanted.split(",")]


def sources():
    """The kernel sources compiled per build, family.name in alphabetical order."""
    names = sorted(f"{path.parent.name}.{path.stem}" for path in KERNELS.glob("*/*.pyx"))
    return [name for name in names if name not in ONCE]


def source_of(name):
    """The path of the source `family.name`."""
    return KERNELS.joinpath(*name.split(".")).with_suffix(".pyx")


def x86_64():
    """Whether the processor is of the family that the builds v3 and v4 are for."""
    return platform.machine().lower() in ("x86_64", "amd64") and sys.maxsize > 2**32


def build_names():
    """The instruction sets to compile for."""
    return chosen("FASTCONV_BUILDS", list(BUILDS) if x86_64() else ["baseline"])


def extensions():
    """Every module that is built: the shared ones, then each source for each build and dtype."""
    if WITH_PROBE:
        return [Extension(f"benchmarks.kernels.{b}_{d}.probe", [str(PROBE)]) for b in build_names() for d in DTYPES]
    made = [Extension(SHARED, [f"{SHARED}.c"])]
    wanted = chosen("FASTCONV_KERNELS", ONCE + sources())
    made += [Extension(f"fastconv.kernels.{name}", [str(source_of(name))]) for name in ONCE if name in wanted]
    for build in build_names():
        for dtype in DTYPES:
            made += [
                Extension(f"fastconv.kernels.{build}_{dtype}.{name}", [str(source_of(name))])
                for name in sources()
                if name in wanted and not (dtype == "float64" and name in FLOAT32_ONLY)
            ]
    return made


class BuildKernels(build_ext):
    """Translates once, then compiles every copy with the flags of its build."""

    def finalize_options(self):
        """As many compilations at a time as there are processors, unless --parallel says otherwise."""
        super().finalize_options()
        if self.parallel is None:
            self.parallel = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

    def run(self):
        """Make the folders, which setuptools copies into when building in place, then build."""
        self.make_packages()
        super().run()

    def make_packages(self):
        """The folders of every build, one per family, each with a package file."""
        if WITH_PROBE:
            return
        families = sorted({name.partition(".")[0] for name in sources()})
        for build in build_names():
            for dtype in DTYPES:
                folder = Path(self.get_ext_fullpath(f"fastconv.kernels.{build}_{dtype}.x")).parent
                for package in (folder, *(folder / family for family in families)):
                    package.mkdir(parents=True, exist_ok=True)
                    (package / "__init__.py").write_text(
                        '"""One build of the kernels, chosen by fastconv.kernels."""\n'
                    )

    def build_extensions(self):
        """Translate, then compile what this compiler can."""
        self.openmp = flag("FASTCONV_OPENMP", "1") and self.accepts(["-fopenmp"], USES_OPENMP)
        self.calls_for_one_thread = self.openmp and self.accepts(["-fopenmp", *ONE_THREAD], HAS_SECTION)
        self.extensions = [e for e in self.extensions if self.accepts(BUILDS[self.build_of(e)][0], EMPTY)]
        self.temp = Path(self.build_temp)
        self.translate()
        for extension in self.extensions:
            self.prepare(extension)
        self.make_packages()
        super().build_extensions()

    @staticmethod
    def build_of(extension):
        """The name of the instruction set of a module."""
        folder = extension.name.split(".")[2]
        return folder.partition("_")[0] if "_float" in folder else "baseline"

    def accepts(self, flags, program):
        """Whether the compiler builds and links this program with these flags."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(program)
            command = [*self.compiler.compiler_so, *flags, str(source), "-o", str(Path(folder, "probe"))]
            try:
                return subprocess.run(command, capture_output=True).returncode == 0
            except OSError:
                return False

    def translate(self):
        """Cython, once per source; the memoryview code is shared by all modules but the probe."""
        paths = sorted({Path(e.sources[0]) for e in self.extensions if e.sources[0].endswith(".pyx")})
        modules = [Extension(f"fastconv.kernels.{path.parent.name}.{path.stem}", [str(path)]) for path in paths]
        public = [module for module in modules if module.name.removeprefix("fastconv.kernels.") in ONCE]
        internal = [module for module in modules if module not in public]
        self.c_folder = self.temp / "cython"
        for some, directives in ((public, DIRECTIVES), (internal, DIRECTIVES | INTERNAL)):
            Options.docstrings = some is public
            cythonize(
                some,
                compiler_directives=directives,
                build_dir=str(self.c_folder),
                shared_utility_qualified_name=None if WITH_PROBE else SHARED,
                include_path=[str(KERNELS)],
                quiet=True,
                force=bool(self.force),
            )
        self.shared_c = self.c_folder / "_memoryview.c"
        if not (self.shared_c.exists() or WITH_PROBE):
            subprocess.run([sys.executable, "-m", "cython", f"--generate-shared={self.shared_c}"], check=True)

    def prepare(self, extension):
        """Give the extension its own copy of the C file, and the macros and flags of its build."""
        parts = extension.name.split(".")[2:]
        source = Path(extension.sources[0]).with_suffix(".c")
        c_file = self.shared_c if extension.name == SHARED else self.c_folder / source
        own = self.temp / "copies" / Path(*parts).with_suffix(".c")
        own.parent.mkdir(parents=True, exist_ok=True)
        code = without_barriers(inlined(c_file.read_text(encoding="utf-8")))
        if not own.exists() or own.read_text(encoding="utf-8") != code:
            own.write_text(code, encoding="utf-8")
        extension.sources = [str(own)]
        extension.define_macros = macros(self.build_of(extension), parts[0].partition("_")[2])
        extension.include_dirs = [str(KERNELS)]
        if ".".join(parts) == OF_NUMPY:
            extension.include_dirs.append(numpy.get_include())
            extension.define_macros.append(("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"))
            inline = ("CYTHON_INLINE", "inline")  # run on every call of an op: its helpers are pasted
            extension.define_macros = [inline if macro[0] == inline[0] else macro for macro in extension.define_macros]
        extension.depends = [str(path) for path in (*KERNELS.glob("*/*.px[di]"), *KERNELS.glob("*/*.h"))]
        extension.extra_compile_args = [*BUILDS[self.build_of(extension)][0], *OPTIMISE, *SMALLER]
        if self.build_of(extension) == "baseline" and MOVES_MEMORY & set(parts):
            seldom = x86_64() and "_float" in parts[0]  # processors of before 2013 alone
            extension.extra_compile_args.append("-Os" if seldom else "-O2")
        if ".".join(parts) in SELDOM:
            extension.extra_compile_args.append("-Os")
        extension.extra_link_args = [*LINK] if sys.platform.startswith("linux") else []
        if DEBUG:
            extension.extra_compile_args += ["-O1", "-g"]
        if SANITIZED:
            extension.extra_compile_args += SANITIZE
            extension.extra_link_args = [SANITIZE[-1]]
        if self.openmp:
            extension.extra_compile_args.append("-fopenmp")
            extension.extra_link_args.append("-fopenmp")
        if self.calls_for_one_thread:
            extension.extra_compile_args += ONE_THREAD[:-1]
            extension.extra_link_args.append(ONE_THREAD[-1])


def macros(build, dtype):
    """What the C of one module is compiled with: its number type, its vectors, and what Cython's macros stand for."""
    _, vector_bytes, tile_vectors = BUILDS[build]
    real, real_bytes = DTYPES.get(dtype, DTYPES["float32"])
    return [
        ("REAL", real),
        ("REAL_BYTES", str(real_bytes)),
        ("VBYTES", str(vector_bytes)),
        ("TILE_VECTORS", str(tile_vectors)),
        ("FASTCONV_DEBUG_BUILD", str(int(DEBUG or SANITIZED))),
        ("CYTHON_CLINE_IN_TRACEBACK", "0"),
        ("CYTHON_COMPRESS_STRINGS", "0"),  # the wheel is compressed, and importing needs no zlib
        ("CYTHON_INLINE", HELPER),
        ("ALWAYS_INLINE", ALWAYS_INLINE),
    ]


def inlined(code):
    """C of Cython, in which the inline functions of the kernels have a macro of their own: ALWAYS_INLINE."""
    return re.sub(r"\bCYTHON_INLINE\b(?=[^\n(]*\b__pyx_f_)", "ALWAYS_INLINE", code)


def without_barriers(code):
    """C of Cython, in which no thread waits for the others before a `prange`.

    A variable that is both firstprivate and lastprivate makes the compiler begin the loop with a barrier. Cython writes
    both for what a body assigns, and promises that a body never sees the value from before the loop.
    """
    return re.sub(r"\bfirstprivate\((\w+)\) lastprivate\(\1\)", r"lastprivate(\1)", code)


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildKernels})
