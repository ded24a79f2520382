"""Networks from files of ONNX beside ONNX Runtime, on the same file: the same outputs, and the time of a prediction.

    python benchmarks/exchange.py --models resnet18,mobilenet_v2 --batch 1,8 --exporter torchscript,dynamo
    python benchmarks/exchange.py --light all
    python benchmarks/exchange.py --files classifier.onnx --shape 3,48,192
    python benchmarks/exchange.py --table all.json

The first form exports torchvision's classifiers with new weights by torch.onnx; the second takes the networks that
come with the package onnx, with random weights. `fastconv.onnx.load` makes a network of the file, which is frozen; its
outputs are compared with those of ONNX Runtime, and then both take turns in one process. The ratio is the median over
the rounds of ONNX Runtime's time / ours; at the end stands the geometric mean.

Exporting takes longer than timing: `--exports FOLDER` keeps the files, `--seconds 0` compares without timing. The rows
of several runs with one `--json FILE` add up there, and `--table FILE` shows them.
"""

import argparse
import json
import math
import os
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import exchange_files
import networks
import numpy as np

MODELS = (
    "alexnet,vgg11,vgg16,resnet18,resnet50,googlenet,inception_v3,densenet121,squeezenet1_1,mobilenet_v2,mobilenet_v3_large,"
    "mobilenet_v3_small,shufflenet_v2_x1_0,mnasnet1_0,regnet_x_400mf,regnet_y_400mf,efficientnet_b0,resnext50_32x4d,"
    "wide_resnet50_2,convnext_tiny"
)
TOLERANCE = 1e-4


def parser():
    p = argparse.ArgumentParser(prog="exchange.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--models", default=MODELS, metavar="NAME,...")
    p.add_argument("--exporter", default="torchscript", metavar=",".join(exchange_files.EXPORTERS))
    p.add_argument("--light", default="", metavar="NAME,...", help="all, or some of " + ", ".join(exchange_files.LIGHT))
    p.add_argument("--exports", metavar="FOLDER", help="where exported files are kept, and found again")
    p.add_argument("--files", nargs="*", default=[], metavar="FILE")
    p.add_argument("--shape", default="", metavar="C,H,W", help="of one image, where a file leaves it open")
    p.add_argument("--batch", default="1,8", metavar="N,...")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=4.0, help="of timing per line (default %(default)s)")
    p.add_argument("--json", metavar="FILE", help="add the rows to those in this file")
    p.add_argument("--table", metavar="FILE", help="show the rows of such a file, and measure nothing")
    p.add_argument("--markdown", metavar="FILE")
    return p


def session_of(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.force_spinning_stop", "1")  # the next turn is ours
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def outputs_of(y):
    """The outputs of a network in their order."""
    return list(y.values()) if isinstance(y, dict) else list(y) if isinstance(y, tuple) else [y]


def compare(path, shape, n, options):
    """One line: the largest difference, relative to the largest output, and the times."""
    from measure import alternate, set_threads

    import fastconv.onnx

    set_threads(options.threads)
    network = fastconv.onnx.load(path, input_shape=shape)
    frozen, session = network.freeze(n), session_of(path, options.threads)
    x = np.random.default_rng(0).standard_normal((n, *network.input_shape)).astype("float32")
    theirs = partial(session.run, None, {session.get_inputs()[0].name: x})
    pairs = list(zip(outputs_of(frozen.predict(x)), theirs(), strict=True))
    error = max(float(np.abs(a.reshape(b.shape) - b).max() / max(1e-30, np.abs(b).max())) for a, b in pairs)
    row = {"model": Path(path).stem, "batch": n, "error": error, "ratio": None, "ours": None, "onnxruntime": None}
    if options.seconds and error <= TOLERANCE:
        calls = {"ours": partial(frozen.predict, x), "onnxruntime": theirs}
        times = alternate(calls, options.seconds, at_least=3, block=0.05, least=2)
        ratio = median(theirs / ours for ours, theirs in zip(times["ours"], times["onnxruntime"], strict=False))
        row |= {"ratio": ratio, **{name: 1e3 * median(values) for name, values in times.items()}}
    return row


def measure(options):
    rows = []
    print(f"{'model':30s} {'batch':>5s} {'error':>8s} {'ours ms':>9s} {'onnxruntime':>11s} {'ratio':>6s}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for path, shape, name in cases(options, folder):
            for n in map(int, options.batch.split(",")):
                try:
                    if isinstance(path, Exception):
                        raise path
                    rows.append(compare(path, shape, n, options))
                except Exception as why:
                    print(f"{name:30s} {n:5d} {type(why).__name__}: {shortly(why)}", flush=True)
                    continue
                print(text(rows[-1]), flush=True)
    return rows


def shortly(error):
    return " ".join(str(error).split())[:200]


def cases(options, folder):
    """(path or error, shape, name)"""
    shape = tuple(map(int, options.shape.split(","))) if options.shape else None
    if options.files:
        yield from ((path, shape, Path(path).stem) for path in options.files)
        return
    for name, make in files_made(options):
        try:
            yield make(options.exports or folder), None, name
        except Exception as why:
            yield why, None, name


def files_made(options):
    """(name, function folder -> path) of each file that is exported, or filled with weights."""
    if options.light:
        names = exchange_files.LIGHT if options.light == "all" else options.light.split(",")
        return [(f"light_{name}", partial(exchange_files.light, name)) for name in names]
    pairs = [(model, exporter) for exporter in options.exporter.split(",") for model in options.models.split(",")]
    return [(f"{model}-{exporter}", partial(exchange_files.exported, model, exporter)) for model, exporter in pairs]


def text(r):
    times = "" if r["ratio"] is None else f" {r['ours']:9.2f} {r['onnxruntime']:11.2f} {r['ratio']:6.2f}"
    wrong = "" if r["error"] <= TOLERANCE else "  DISAGREES"
    return f"{r['model']:30s} {r['batch']:5d} {r['error']:8.1e}{times}{wrong}"


def mean(rows):
    logs = [math.log(r["ratio"]) for r in rows if r["ratio"]]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def markdown(rows):
    lines = ["| model | batch | largest difference | ours, ms | ONNX Runtime, ms | ratio |", "|" + "---|" * 6]
    for r in rows:
        times = f"{r['ours']:.2f} | {r['onnxruntime']:.2f} | {r['ratio']:.2f}" if r["ratio"] else " | | "
        lines.append(f"| {r['model']} | {r['batch']} | {r['error']:.1e} | {times} |")
    return "\n".join(lines) + f"\n\nGeometric mean: {mean(rows):.2f}\n"


def stored(file):
    """The rows in a file; none where there is no file."""
    return json.loads(Path(file).read_text(encoding="utf-8")) if file and Path(file).exists() else []


def with_stored(rows, file):
    """The rows after those of a file, without lines of the file that were measured again."""
    again = {(row["model"], row["batch"]) for row in rows}
    return [row for row in stored(file) if (row["model"], row["batch"]) not in again] + rows


def main():
    options = parser().parse_args()
    if options.exports:
        Path(options.exports).mkdir(parents=True, exist_ok=True)
    if networks.CHILD in os.environ:
        Path(os.environ[networks.CHILD]).write_text(json.dumps(measure(options)), encoding="utf-8")
        return 0
    if options.table:
        rows = stored(options.table)
        print(*map(text, rows), sep="\n")
    else:
        rows = networks.in_own_process(options)
    for n in sorted({r["batch"] for r in rows}):
        those = [r for r in rows if r["batch"] == n]
        print(f"geometric mean of ONNX Runtime's time / ours, batch {n}, {len(those)} files: {mean(those):.2f}")
    if options.markdown:
        Path(options.markdown).write_text(markdown(rows), encoding="utf-8")
    if options.json:
        Path(options.json).write_text(json.dumps(with_stored(rows, options.json), indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
