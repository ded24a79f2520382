"""Compare whole networks with every installed peer: inference, training steps, memory.

    python benchmarks/networks.py inference --models resnet18,resnet50 --batch 1,8
    python benchmarks/networks.py training --models vgg16,resnet50,mobilenet_v1 --batch 8
    python benchmarks/networks.py training --models zhang2016 --batch 1,50,256
    python benchmarks/networks.py memory --models resnet50 --batch 8

The peers get our weights (torchvision's own models where it has them), their outputs and losses are compared with ours
before anything is timed, and then all take turns in one process with the same number of threads and a heap that is
kept between calls; a turn begins when no thread of the one before spins any more, with a call that is not timed.
The ratio is the median over the rounds of the best peer's time / ours. `memory` measures the peak
of a process that does two training steps, above what the imports took, each kind in a process of its own: ours, ours
with recompute=True and lean=True, PyTorch's.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import compare

CHILD = "FASTCONV_NETWORKS_CHILD"
INFERENCE = ("vgg16", "resnet18", "resnet50", "alexnet", "googlenet", "densenet121", "squeezenet1_1", "mobilenet_v1",
             "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0", "mnasnet1_0",
             "regnet_x_400mf", "regnet_y_400mf", "resnext50_32x4d", "wide_resnet50_2", "inception_v3",
             "convnext_tiny", "shufflenet_v2_x1_0", "fcn_resnet50", "unet", "autoencoder")  # fmt: skip
TRAINING = ("vgg16", "resnet50", "mobilenet_v1", "mobilenet_v3_large", "efficientnet_b0", "mnasnet1_0",
            "regnet_x_400mf", "regnet_y_400mf", "resnext50_32x4d", "wide_resnet50_2", "inception_v3", "convnext_tiny",
            "shufflenet_v2_x1_0", "fcn_resnet50", "unet", "autoencoder")  # fmt: skip
GOALS = {
    "inference": {"vgg16": 1.8, "resnet18": 1.2, "resnet50": 1.2, **dict.fromkeys(INFERENCE[3:], 1.0)},
    "training": {"vgg16": 1.6, "resnet50": 1.4, "mobilenet_v1": 2.0, **dict.fromkeys(TRAINING[3:], 1.0),
                 ("zhang2016", 1): 1.5, ("zhang2016", 50): 2.5, ("zhang2016", 256): 2.5},
}  # fmt: skip


def parser():
    p = argparse.ArgumentParser(prog="networks.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("work", choices=["inference", "training", "memory"])
    p.add_argument("--models", default="", metavar="NAME,...")
    p.add_argument("--batch", default="", metavar="N,...", help="default 1,8 for inference, 8 for the others")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--peers", default="", metavar="NAME,...", help="default: all that are installed")
    p.add_argument("--compile", action="store_true", help="torch.compile too: needs a C++ compiler, and minutes")
    p.add_argument("--lean", action="store_true", help="ours in training with recompute=True and lean=True")
    p.add_argument("--seconds", type=float, default=5.0, help="of timing per line (default %(default)s)")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--markdown", metavar="FILE")
    p.add_argument("--of", default="", help=argparse.SUPPRESS)
    return p


def lines_of(options):
    models = options.models.split(",") if options.models else INFERENCE if options.work == "inference" else TRAINING
    batches = options.batch or ("1,8" if options.work == "inference" else "8")
    return [(model, int(n)) for model in models for n in batches.split(",")]


def measure(options):
    import network_peers
    from measure import alternate, set_threads

    set_threads(options.threads)
    rows = []
    print(head(), flush=True)
    for model, n in lines_of(options):
        case = network_peers.Case(model, n, options.work == "training", options.lean)
        calls, errors = {"ours": case.ours()}, {}
        calls["ours"]()
        for name, make in network_peers.peers(case, options.threads, options.compile).items():
            if options.peers and name not in options.peers.split(","):
                continue
            try:
                call = make()
                errors[name] = case.error(call())
            except Exception as why:
                print(f"{model}, {name} failed: {type(why).__name__}: {str(why).splitlines()[0][:120]}", flush=True)
                continue
            if errors[name] > case.tolerance:
                print(f"{model}, {name} disagrees by {errors[name]:.1e}", flush=True)
            else:
                calls[name] = call
        times = alternate(calls, options.seconds, at_least=3, block=0.05, least=2)
        rows.append(row(options, model, n, times, max(errors.values(), default=None)))
        print(text(rows[-1]), flush=True)
    return rows


def row(options, model, n, times, error):
    middle = {name: median(values) for name, values in times.items()}
    ratios = {k: median(p / o for p, o in zip(v, times["ours"], strict=False)) for k, v in times.items() if k != "ours"}
    best = min(ratios, key=middle.get, default=None)
    goals = GOALS[options.work]
    return {
        "work": options.work, "model": model, "batch": n, "threads": options.threads, "milliseconds":
        {name: 1e3 * t for name, t in middle.items()}, "ratios": ratios, "best": best, "ratio": ratios.get(best),
        "goal": goals.get((model, n), goals.get(model)), "error": error,
    }  # fmt: skip


def head():
    return f"{'model':16s} {'batch':>5s} {'ours ms':>9s} {'ratio':>6s} {'goal':>5s}  best peer, all peers (ms)"


def text(r):
    ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
    goal = "" if r["goal"] is None else f"{r['goal']:g}"
    peers = ", ".join(f"{name} {t:.2f}" for name, t in r["milliseconds"].items() if name != "ours")
    ours = r["milliseconds"]["ours"]
    return f"{r['model']:16s} {r['batch']:5d} {ours:9.2f} {ratio:>6s} {goal:>5s}  {r['best']}; {peers}"


def markdown(rows):
    lines = ["| work | model | batch | ours, ms | best peer | its ms | ratio | goal |", "|" + "---|" * 8]
    for r in rows:
        its = "" if r["best"] is None else f"{r['milliseconds'][r['best']]:.2f}"
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
        lines.append(f"| {r['work']} | {r['model']} | {r['batch']} | {r['milliseconds']['ours']:.2f} | {r['best']} "
                     f"| {its} | {ratio} | {r['goal'] or ''} |")  # fmt: skip
    return "\n".join(lines) + "\n"


def memory(options):
    """One line a model: MB above the imports, ours, ours lean, what the plans said, PyTorch's."""
    rows, columns = [], ("ours", "ours planned", "lean", "lean planned", "torch")
    print(
        "model            batch " + "".join(f"{name:>14s}" for name in columns) + "    ours/torch  lean/torch  goal 0.7"
    )
    for model, n in lines_of(options):
        row = {"model": model, "batch": n, "work": "memory"}
        for of in ("ours", "lean", "torch"):
            command = [sys.executable, __file__, "memory", "--models", model, "--batch", str(n), "--of", of]
            environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
            output = subprocess.run([*command, "--threads", str(options.threads)], env=environment, check=True,
                                    stdout=subprocess.PIPE, text=True).stdout  # fmt: skip
            row |= json.loads(output.splitlines()[-1])
        rows.append(row)
        ratios = [row[of] / row["torch"] for of in ("ours", "lean")]
        print(f"{model:16s} {n:5d} " + "".join(f"{row[name]:14.1f}" for name in columns), end="")
        print(f"{ratios[0]:14.2f}{ratios[1]:12.2f}", flush=True)
    return rows


def main():
    options = parser().parse_args()
    if options.of:
        import network_memory

        print(json.dumps(network_memory.peak(options.of, *lines_of(options)[0], options.threads)))
        return 0
    if options.work == "memory":
        rows = memory(options)
    elif CHILD in os.environ:
        Path(os.environ[CHILD]).write_text(json.dumps(measure(options)), encoding="utf-8")
        return 0
    else:
        rows = in_own_process(options)
        if options.markdown:
            Path(options.markdown).write_text(markdown(rows), encoding="utf-8")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


def in_own_process(options):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.json")
        numbers = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads))
        environment = os.environ | compare.SETTINGS | numbers | {CHILD: str(path)}
        code = subprocess.run([sys.executable, *sys.argv], env=environment).returncode
        if code:
            raise SystemExit(code)
        return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    raise SystemExit(main())
