"""fastconv in real programs: on a busy machine, inside programs that others wrote, and in too many threads.

    python benchmarks/real.py all --json real.json --markdown real.md --picture real.png
    python benchmarks/real.py busy --programs conv,step --spinners 2 --repeats 2 --seconds 0.3
    python benchmarks/real.py clients
    python benchmarks/real.py crowd

busy     five programs beside 0, 1, 2 other processes that spin: ours by default, on one thread, with
         FASTCONV_THREADS=fixed (as many threads as there are, at every call), and PyTorch where it is installed
clients  programs from PyPI whose convolution and pooling are replaced by ours by assignment
crowd    OMP_NUM_THREADS=8, and four processes at once

Every measurement is a process of its own, which warms up and then calls the program for --seconds; the contenders take
turns, --repeats times. A process counts with the mean of its calls, for stalls count. Nothing else should run.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import clients
import real_report
import real_turns

PROGRAMS = ("resnet18", "conv", "step", "small", "jpeg")
CROWDED = ("resnet18", "conv", "step", "small")
BUSY = ("ours", "one thread", "fixed", "torch")
PARTS = ("busy", "clients", "crowd")
VARIABLES = ("OMP", "OPENBLAS", "GOMP", "MKL", "FASTCONV", "MALLOC")
PROCESSES = 4


def parser():
    p = argparse.ArgumentParser(prog="real.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("part", choices=[*PARTS, "all"])
    p.add_argument("--programs", default="", metavar="NAME,...", help=f"of {', '.join((*PROGRAMS, *clients.NAMES))}")
    p.add_argument("--contenders", default="", metavar="NAME,...", help=f"of {', '.join(real_turns.CONTENDERS)}")
    p.add_argument("--spinners", default="0,1,2", metavar="N,...", help="other processes (default %(default)s)")
    p.add_argument("--repeats", type=int, default=10, help="processes of each contender (default %(default)s)")
    p.add_argument("--seconds", type=float, default=1.0, help="of timing in each (default %(default)s)")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--picture", metavar="FILE")
    return p


def checked(options):
    """The options with lists in the place of texts; ends the program where they name what does not exist."""
    known = {"programs": (*PROGRAMS, *clients.NAMES), "contenders": tuple(real_turns.CONTENDERS)}
    for name, words in known.items():
        given = [word for word in getattr(options, name).split(",") if word]
        unknown = [word for word in given if word not in words]
        if unknown:
            raise SystemExit(f"--{name}: {unknown[0]!r} is unknown; must be some of {', '.join(words)}")
        setattr(options, name, given or list(words))
    try:
        options.spinners = [int(text) for text in options.spinners.split(",")]
    except ValueError:
        raise SystemExit(f"--spinners: must be integers, got {options.spinners!r}") from None
    if min(options.spinners) < 0 or options.repeats < 1 or not options.seconds > 0:
        raise SystemExit("--spinners must be >= 0, --repeats >= 1, and --seconds > 0")
    return options


def turns(options, part, program, situation, contenders, count=1):
    """One row, printed as soon as it is measured."""
    names = [name for name in contenders if name in options.contenders]
    kind = "client:" * (part == "clients") + program
    results, failed = real_turns.in_turns(kind, names, options.repeats, options.seconds, count)
    row = real_report.row(part, program, situation, results, failed)
    print(real_report.line(real_report.cells(row)), flush=True)
    return row


def busy(options):
    for program in PROGRAMS:
        for count in options.spinners if program in options.programs else ():
            with real_turns.spinning(count):
                yield turns(options, "busy", program, f"{count} spinning" if count else "idle", BUSY)


def client_programs(options):
    for name in clients.NAMES:
        if name not in options.programs:
            continue
        lacking = clients.missing(name)
        if lacking:
            print(f"{name}: not run: {lacking}", flush=True)
        else:
            yield turns(options, "clients", name, "idle", ("theirs", "ours", "one thread"))


def crowd(options):
    for program in CROWDED:
        if program in options.programs:
            yield turns(options, "crowd", program, "OMP_NUM_THREADS=8", ("OMP_NUM_THREADS=8", "one thread"))
            yield turns(options, "crowd", program, f"{PROCESSES} processes", ("ours", "one thread"), PROCESSES)


def about():
    from compare import processor

    import fastconv
    from fastconv import kernels

    settings = [f"{name}={text}" for name, text in os.environ.items() if name.startswith(VARIABLES)]
    return {
        "fastconv": f"{fastconv.__version__}, build {kernels.build}, {fastconv.get_num_threads()} threads",
        "machine": f"{processor()}, {os.cpu_count()} processors",
        "settings": ", ".join(sorted(settings)) or "none",
        "command": " ".join(["real.py", *sys.argv[1:]]),
    }


def main():
    options = checked(parser().parse_args())
    report = {"about": about(), "rows": []}
    print("\n".join(f"{name}: {text}" for name, text in report["about"].items()), flush=True)
    print(real_report.line(real_report.HEAD), flush=True)
    parts = {"busy": busy, "clients": client_programs, "crowd": crowd}
    for part in PARTS if options.part == "all" else [options.part]:
        report["rows"] += parts[part](options)
    print(real_report.summary(report["rows"]))
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if options.markdown:
        Path(options.markdown).write_text(real_report.markdown(report), encoding="utf-8")
    if options.picture:
        real_report.picture(report, options.picture)
    return int(any(real_report.wrong(row) for row in report["rows"]))


if __name__ == "__main__":
    sys.exit(main())
