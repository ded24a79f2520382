"""Agreement with PyTorch on the same weights: outputs, gradients, and the losses of training.

    python benchmarks/agree.py                                    all models, as a Markdown table
    python benchmarks/agree.py --models resnet50 --size 224 --batch 4
    python benchmarks/agree.py --train cifar10                    twenty training steps on pictures of that folder

The weights are those that fastconv makes from --seed; dropout is off. Everything is held against PyTorch's float64
results: outputs and gradients by the largest difference relative to the largest entry, float32 gradients by the norm of
the difference, which is compared with that of PyTorch's own float32 gradient (the worse of contiguous and channels-last
memory).

float32 gradients are those of the network without kinks: SiLU in place of ReLU, means in place of maxima. A value
beside the kink of a ReLU, or two beside each other in a max pool, fall on either side in float32, which changes one
library's gradients a hundredfold, or the other's. In shufflenet_v2_x0_5 with the images of seed 0 one ReLU's input lies
1.3e-7 standard deviations from 0: PyTorch's float64 gradient with that one value on the other side explains all of what
made our error 650 times PyTorch's. In large networks some value lies so near for all images. Without kinks what is left
is the rounding of the kernels; each gradient's ratio is the median over --draws of images.

Where a gradient or a running mean is 0 in theory, as that of a bias before batch normalisation, nothing but rounding is
left; it is held against 1e-6 of the largest of all gradients, or of 1. The exit status is 1 where a limit is missed.

Without batch normalisation, and on planes of a few pixels, the rounding of Winograd's transforms shows: with --size 64
squeezenet1_1 and googlenet_original reach 2.1 and 2.5 times PyTorch's error; with FASTCONV_PATHS_OFF=winograd it is 1.2
and 1.6.

A training path in float32 is chaotic: within three or four steps a difference of one rounding grows ten-thousandfold,
until it is as large as the loss's own changes. How far apart two right programs come is luck, so --train takes the
median over --draws of weights too, of the distance from float64 by the spread of PyTorch's two layouts. How often
single steps lie outside twice the spread is printed, for ours and for PyTorch itself when it runs on one thread.

FOLDER of --train holds train/<class>/*.jpg, or a .tar of that.
"""

import argparse
import sys
from typing import NamedTuple

import numpy as np
import torch
import torch_models
from agree_task import CASES, LAYOUTS, TINY, Task, put, tensor, verdict
from agree_training import training
from smooth import smooth

import fastconv

FLOAT64, OUTPUT32, GRADIENT32 = 1e-9, 1e-4, 2.0  # the limits
SMALL = 1e-6  # of the largest of all gradients: below it none is held to its own size


def gradients_of(module):
    """Copies; heads that the loss does not read have none."""
    return {name: p.grad.numpy().copy() for name, p in module.named_parameters() if p.grad is not None}


def largest(a, b, least=0.0):
    """The largest difference, relative to the largest entry of b."""
    return float(np.abs(a - b).max() / max(np.abs(b).max(), least, np.finfo("float64").tiny))


def norms(gradients, exact):
    """The norm of each gradient's error."""
    return {name: float(np.linalg.norm((gradients[name] - g).ravel())) for name, g in exact.items()}


class Result(NamedTuple):
    """The numbers of one model's row; those of float32 are None with --float64."""

    output64: float
    gradient64: float
    output32: float | None = None
    ratio: float | None = None  # the largest of all gradients
    worst: str = ""  # of which parameter
    median: float | None = None

    @property
    def passed(self):
        limits = ((self.output64, FLOAT64), (self.gradient64, FLOAT64), (self.output32, OUTPUT32))
        return all(e is None or e <= limit for e, limit in (*limits, (self.ratio, GRADIENT32)))

    def cells(self):
        """The columns of the table."""
        numbers = [f"{e:.1e}" for e in self[:3] if e is not None]
        return (
            numbers if self.ratio is None else [*numbers, f"{self.ratio:.2f} ({self.worst}), median {self.median:.2f}"]
        )


def compare(task, options):
    """Every number of one model's row."""
    networks = {dtype: task.network(dtype) for dtype in TINY}
    with smooth():
        without_kinks = {dtype: task.network(dtype) for dtype in TINY}
    found64, output32, ratios = [], [], []
    for seed in range(options.seed, options.seed + options.draws):
        x, targets = task.draw(seed)
        exact = in_float64(task, x, targets)
        found64.append(errors_of_float64(task, networks["float64"], x, targets, exact))
        if options.float64:
            continue
        put(networks["float32"], task.weights | exact.buffers)
        y = networks["float32"].predict(x.astype("float32"))
        output32.append(largest(y[:, : task.classes], exact.predicted))
        with smooth():
            exact = in_float64(task, x, targets)
            found64.append(errors_of_float64(task, without_kinks["float64"], x, targets, exact))
            ratios.append(ratios_of_float32(task, without_kinks["float32"], x, targets, exact))
    errors64 = [max(each) for each in zip(*found64, strict=True)]
    if options.float64:
        return Result(*errors64)
    middle = {name: float(np.median([draw[name] for draw in ratios])) for name in ratios[0]}
    worst = max(middle, key=middle.get)
    return Result(*errors64, max(output32), middle[worst], worst, float(np.median(list(middle.values()))))


class Exact(NamedTuple):
    """What PyTorch computes in float64."""

    loss: float  # of a training step
    gradients: dict
    buffers: dict  # after the step
    predicted: np.ndarray  # with these buffers, as all that follows
    frozen: dict  # the gradients of a step that takes batch norm's running means

    @property
    def least(self):
        return SMALL * max(np.abs(g).max() for g in self.gradients.values())


def in_float64(task, x, targets):
    module = task.module("float64")
    given = tensor(x, "float64"), torch.from_numpy(targets)
    loss = task.torch_step(module, *given)
    gradients = gradients_of(module)
    buffers = {name: b.numpy() for name, b in module.named_buffers()}
    module.eval()
    task.torch_step(module, *given)
    with torch.no_grad():
        predicted = torch_models.logits(module(given[0])).numpy()
    return Exact(loss, gradients, buffers, predicted, gradients_of(module))


def errors_of_float64(task, network, x, targets, exact):
    """(of the prediction, the largest of loss, buffers and gradients in both modes)."""
    loss, ours = gradients(task, network, x, targets)
    found = [abs(loss - exact.loss) / abs(exact.loss)]
    found += [largest(ours[name], g, exact.least) for name, g in exact.gradients.items()]
    found += [largest(network.buffers[name], b, SMALL) for name, b in exact.buffers.items()]
    put(network, exact.buffers)
    _, ours = network.gradients(x, targets, task.prediction_loss, training=False)
    least = SMALL * max(np.abs(g).max() for g in exact.frozen.values())
    found += [largest(ours[name], g, least) for name, g in exact.frozen.items()]
    return largest(network.predict(x)[:, : task.classes], exact.predicted), max(found)


def ratios_of_float32(task, network, x, targets, exact):
    """The error of each gradient by PyTorch's."""
    _, ours = gradients(task, network, *single(x, targets))
    errors = norms(ours, exact.gradients)
    theirs = [norms(of_layout(task, x, targets, layout), exact.gradients) for layout in LAYOUTS]
    floor = TINY["float32"] * exact.least
    return {name: e / max(*(own[name] for own in theirs), floor) for name, e in errors.items()}


def single(x, targets):
    """Images, and targets that are images, in float32."""
    return x.astype("float32"), targets.astype("float32") if targets.dtype.kind == "f" else targets


def gradients(task, network, x, targets):
    put(network, task.weights)
    return network.gradients(x, targets, task.loss)


def of_layout(task, x, targets, layout):
    module = task.module("float32", layout)
    task.torch_step(module, tensor(x, "float32", layout), torch.from_numpy(targets))
    return gradients_of(module)


def table(options):
    """Print a row a model; whether all passed."""
    print(f"float64 to {FLOAT64:g}", end="\n\n" if options.float64 else ", ")
    columns = ["model", "input", "float64 output", "float64 gradients"]
    if not options.float64:
        print(f"float32 outputs to {OUTPUT32:g}, float32 gradients to {GRADIENT32:g} times PyTorch's\n")
        columns += ["float32 output", "gradient error by PyTorch's"]
    print("|", " | ".join([*columns, ""]), "|")
    print("|" + "---|" * (len(columns) + 1))
    passed = True
    for name in options.models:
        task = Task(name, options.size, options.batch, options.classes, options.seed)
        r = compare(task, options)
        passed &= r.passed
        shape = " x ".join(map(str, (options.batch, *task.input_shape)))
        print("|", " | ".join([name, shape, *r.cells(), verdict(r.passed)]), "|", flush=True)
    return passed


def arguments(given=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--models", type=names, metavar="A,B", help=f"some of {', '.join(CASES)} (default: all; in training two)")
    add("--size", type=int, help="height and width of the images (default: small, by model)")
    add("--batch", type=int, help="images in a batch (default: 2; in training 32)")
    add("--draws", type=int, default=5, help="of images, or in training of weights (default: %(default)s)")
    add("--classes", type=int, default=100, help="(default: %(default)s)")
    add("--seed", type=int, default=0, help="of weights and images (default: %(default)s)")
    add("--threads", type=int, default=2, help="of both libraries (default: %(default)s)")
    add("--float64", action="store_true", help="compare float64 alone")
    add("--train", metavar="FOLDER", help="train on the pictures of this folder instead")
    add("--steps", type=int, default=20, help="of training (default: %(default)s)")
    add("--lr", type=float, default=0.01, help="learning rate (default: %(default)s)")
    options = parser.parse_args(given)
    options.models = options.models or (["resnet18", "densenet121"] if options.train else list(CASES))
    options.batch = options.batch or (32 if options.train else 2)
    return options


def names(text):
    for name in (found := text.split(",")):
        if name not in CASES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(CASES)}")
    return found


def main(given=None):
    options = arguments(given)
    torch.set_num_threads(options.threads)
    fastconv.set_num_threads(options.threads)
    return 0 if (training if options.train else table)(options) else 1


if __name__ == "__main__":
    sys.exit(main())
