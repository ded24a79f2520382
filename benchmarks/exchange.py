"""Networks from files of ONNX beside ONNX Runtime, on the same file: the same outputs, and the time of a prediction.

    python benchmarks/exchange.py --models resnet18,mobilenet_v2 --batch 1,8 --exporter torchscript,dynamo
    python benchmarks/exchange.py --files classifier.onnx --shape 3,48,192

The first form exports torchvision's classifiers with new weights by torch.onnx. `fastconv.onnx.load` makes a network of
the file, which is frozen; its outputs are compared with those of ONNX Runtime, and then both take turns in one process.
The ratio is the median over the rounds of ONNX Runtime's time / ours; at the end stands the geometric mean.
"""

import argparse
import json
import math
import os
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

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
    p.add_argument("--exporter", default="torchscript", metavar="torchscript,dynamo")
    p.add_argument("--files", nargs="*", default=[], metavar="FILE")
    p.add_argument("--shape", default="", metavar="C,H,W", help="of one image, where a file leaves it open")
    p.add_argument("--batch", default="1,8", metavar="N,...")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=4.0, help="of timing per line (default %(default)s)")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--markdown", metavar="FILE")
    return p


def exported(name, exporter, folder):
    """The path of a torchvision classifier as a file of ONNX with a free batch size."""
    import torch
    from torch_models import build

    torch.manual_seed(0)
    module, size = build(name).eval(), 299 if name == "inception_v3" else 224
    settle(module, torch.randn(8, 3, size, size))
    path = Path(folder, f"{name}-{exporter}.onnx")
    options = {"input_names": ["x"], "output_names": ["y"], "verbose": False}
    if exporter == "dynamo":
        options |= {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("n")},)}
    else:
        options |= {"dynamo": False, "dynamic_axes": {"x": {0: "n"}, "y": {0: "n"}}}
    torch.onnx.export(module, (torch.randn(2, 3, size, size),), str(path), **options)
    return path, (3, size, size)


def settle(module, images):
    """Running statistics of some images, so that values neither grow nor vanish."""
    import torch

    with torch.no_grad():
        for layer in module.modules():
            layer.momentum = None if isinstance(layer, torch.nn.BatchNorm2d) else getattr(layer, "momentum", None)
        module.train()
        module(images)
        module.eval()


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
    for exporter in options.exporter.split(","):
        for model in options.models.split(","):
            name = f"{model}-{exporter}"
            try:
                yield *exported(model, exporter, folder), name
            except Exception as why:
                yield why, None, name


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


def main():
    options = parser().parse_args()
    if networks.CHILD in os.environ:
        Path(os.environ[networks.CHILD]).write_text(json.dumps(measure(options)), encoding="utf-8")
        return 0
    rows = networks.in_own_process(options)
    for n in sorted({r["batch"] for r in rows}):
        those = mean([r for r in rows if r["batch"] == n])
        print(f"geometric mean of ONNX Runtime's time / ours, batch {n}: {those:.2f}")
    if options.markdown:
        Path(options.markdown).write_text(markdown(rows), encoding="utf-8")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
