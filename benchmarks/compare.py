"""Compare fastconv with every installed peer on the shapes of real layers.

    python benchmarks/compare.py conv
    python benchmarks/compare.py all --threads 1,2 --json all.json --markdown all.md --picture all.png
    python benchmarks/compare.py conv --shapes "3x3|5x5" --directions forward,input --packed

Every result is first checked against a float64 reference; a wrong one is never timed. Ours and the peers then take
turns in one process, with the same number of threads and a heap that is kept between calls, and the ratio shown is
the median over the rounds of the best peer's time / ours. Absolute times depend on the machine and the minute.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from shapes import DIRECTIONS, FAMILIES, SHAPES

SETTINGS = {  # glibc returns large blocks to the system at every free, and the next call faults all pages in again
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": "200000000",
    "OPENBLAS_THREAD_TIMEOUT": "18",  # its threads else spin for 0.1 s after a product, in the others' time
}
CAPPED = {  # the same instruction set for all
    "v3": {
        "FASTCONV_ISA": "v3",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    }
}
CHILD = "FASTCONV_COMPARE_CHILD"  # "threads:file": measure here, write the rows there


def parser():
    p = argparse.ArgumentParser(prog="compare.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("family", choices=[*FAMILIES, "all"])
    p.add_argument("--shapes", default="", metavar="REGEX", help="only shapes whose name holds this")
    p.add_argument("--directions", default=",".join(DIRECTIONS), help="of %(default)s")
    p.add_argument("--threads", default="2", metavar="N,...", help="each in a process of its own (default %(default)s)")
    p.add_argument("--peers", default="", metavar="NAME,...", help="default: all that are installed")
    p.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    p.add_argument("--seconds", type=float, default=1.0, help="of timing per line (default %(default)s)")
    p.add_argument("--nchw", action="store_true", help="every array as NumPy has it, in C order, on both sides")
    p.add_argument("--packed", action="store_true", help="weights packed beforehand, on both sides")
    p.add_argument(
        "--paths-off", default="", metavar="PATH,...", help="of winograd, planar, depthwise, narrow, pointwise"
    )
    p.add_argument("--isa", default="", choices=["", *CAPPED], help="ours and the peers on this instruction set only")
    p.add_argument("--list", action="store_true", help="print the shapes and end")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--picture", metavar="FILE")
    return p


def chosen(options):
    """(shape, direction) of every line."""
    wanted = options.directions.split(",")
    unknown = [name for name in wanted if name not in DIRECTIONS]
    if unknown:
        raise SystemExit(f"--directions: {unknown[0]!r} is unknown; must be some of {', '.join(DIRECTIONS)}")
    shapes = [s for s in SHAPES if options.family in (s.family, "all") and re.search(options.shapes, s.name)]
    if options.nchw:
        shapes = [s.in_nchw() for s in shapes]
    if options.packed:
        shapes = [s for s in shapes if s.op == "conv2d"]
        wanted = [name for name in wanted if name != "weight"]
    lines = [(shape, direction) for shape in shapes for direction in shape.targets if direction in wanted]
    if not lines:
        raise SystemExit("nothing to compare: no such shape and direction (see --list)")
    return lines


def measure(options, lines, threads):
    """The report of one process: prints a line as soon as it is measured."""
    try:
        import fastconv
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error}: install fastconv first (pip install .)") from None
    import measure
    import peers
    import report

    for name in filter(None, options.paths_off.split(",")):
        fastconv.use_path(name, False)
    measure.set_threads(threads)
    found = peers.installed([name for name in options.peers.split(",") if name])
    if options.isa:
        found = {name: peer for name, peer in found.items() if peer.package != "onnxruntime"}  # cannot be capped
    about = about_this(options, peers.versions(found))
    print(f"{threads} thread{'s' * (threads > 1)}, {about['build']}, {about['packages']}", flush=True)
    print(report.line(report.HEAD), flush=True)
    rows = []
    for shape, direction in lines:
        rows.append(measure.row(shape, direction, options.dtype, threads, found, options.seconds, options.packed))
        print(report.line(report.cells(rows[-1], options.isa)), flush=True)
    print("\n".join(report.mean_lines(rows, options.isa) + report.peer_lines(rows)), flush=True)
    return {"about": about, "isa": options.isa, "rows": rows}


def about_this(options, versions):
    import platform

    from fastconv import __version__, kernels

    return {
        "fastconv": __version__,
        "build": f"build {kernels.build}",
        "paths off": options.paths_off or "none",
        "packages": ", ".join(f"{name} {number}" for name, number in versions.items()),
        "machine": f"{platform.machine()}, {processor()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "command": " ".join(["compare.py", *sys.argv[1:]]),
    }


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown processor"


def in_own_process(options, threads):
    """The report of `threads` threads, from a new process with the settings, and every library told the number."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        numbers = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        environment = os.environ | SETTINGS | numbers | CAPPED.get(options.isa, {}) | {CHILD: f"{threads}:{path}"}
        code = subprocess.run([sys.executable, *sys.argv], env=environment).returncode
        if code:
            raise SystemExit(code)
        return json.loads(path.read_text(encoding="utf-8"))


def main():
    options = parser().parse_args()
    if options.list:
        print("\n".join(f"{s.family:11s} {s.name:27s} {', '.join(s.targets)}" for s in SHAPES))
        return 0
    lines = chosen(options)
    if CHILD in os.environ:
        threads, _, path = os.environ[CHILD].partition(":")
        Path(path).write_text(json.dumps(measure(options, lines, int(threads))), encoding="utf-8")
        return 0
    try:
        counts = [int(text) for text in options.threads.split(",")]
    except ValueError:
        raise SystemExit(f"--threads: must be integers, got {options.threads!r}") from None
    if min(counts) < 1:
        raise SystemExit(f"--threads: must be >= 1, got {options.threads!r}")
    parts = [in_own_process(options, threads) for threads in counts]
    whole = parts[0] | {"rows": [row for part in parts for row in part["rows"]]}
    if options.json:
        Path(options.json).write_text(json.dumps(whole, indent=1), encoding="utf-8")
    if options.markdown or options.picture:
        import report

        if options.markdown:
            Path(options.markdown).write_text(report.markdown(whole), encoding="utf-8")
        if options.picture:
            report.picture(whole, options.picture)
    return int(any(row["status"] in ("wrong", "failed") for row in whole["rows"]))


if __name__ == "__main__":
    sys.exit(main())
