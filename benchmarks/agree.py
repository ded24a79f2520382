"""Agreement with PyTorch on the same weights: outputs, gradients, and the losses of training.

    python benchmarks/agree.py                                    all models, as a Markdown table
    python benchmarks/agree.py --models resnet50 --size 224 --batch 4
    python benchmarks/agree.py --train cifar10                    twenty training steps on pictures of that folder

The weights are those that fastconv makes from --seed; dropout is off. Everything is held against PyTorch's float64
results: outputs and gradients by the largest difference relative to the largest entry, float32 gradients by the norm of
the difference, which is compared with that of PyTorch's own float32 gradient (the worse of contiguous and channels-last
memory). A value beside the kink of a ReLU or two beside each other in a max pool fall on either side in float32, which
changes one library's gradients a hundredfold, or the other's; so each gradient's ratio is the median over --draws of
images. Where a gradient or a running mean is 0 in theory, as that of a bias before batch normalisation, nothing but
rounding is left; it is held against 1e-6 of the largest of all gradients, or of 1. The exit status is 1 where a limit
is missed.

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

import fastconv

FLOAT64, OUTPUT32, GRADIENT32 = 1e-9, 1e-4, 2.0  # the limits
SMALL = 1e-6  # of the largest of all gradients: below it none is held to its own size


def gradients_of(module):
    return {name: p.grad.numpy() for name, p in module.named_parameters()}


def largest(a, b, least=0.0):
    """The largest difference, relative to the largest entry of b."""
    return float(np.abs(a - b).max() / max(np.abs(b).max(), least, np.finfo("float64").tiny))


def norms(gradients, exact):
    """The norm of each gradient's error."""
    return {name: float(np.linalg.norm((gradients[name] - g).ravel())) for name, g in exact.items()}


class Draw(NamedTuple):
    """What one draw of images gives."""

    output64: float
    gradient64: float
    output32: float
    ratios: dict  # of each gradient's float32 error by PyTorch's


class Result(NamedTuple):
    output64: float
    gradient64: float
    output32: float
    ratio: float  # the largest
    worst: str  # of which parameter
    median: float

    @property
    def passed(self):
        return max(self.output64, self.gradient64) <= FLOAT64 and self.output32 <= OUTPUT32 and self.ratio <= GRADIENT32


def compare(task, draws, seed):
    """Every number of one model's row."""
    nets = {dtype: task.network(dtype) for dtype in TINY}
    found = [one_draw(task, nets, *task.draw(seed + n)) for n in range(draws)]
    ratios = {name: float(np.median([draw.ratios[name] for draw in found])) for name in found[0].ratios}
    worst = max(ratios, key=ratios.get)
    errors = (max(draw[n] for draw in found) for n in range(3))
    return Result(*errors, ratios[worst], worst, float(np.median(list(ratios.values()))))


def one_draw(task, nets, x, targets):
    exact, buffers, predicted, loss = in_float64(task, x, targets)
    least = SMALL * max(np.abs(g).max() for g in exact.values())

    our_loss, ours = gradients(task, nets["float64"], x, targets)
    gradient64 = max(
        abs(our_loss - loss) / abs(loss),
        *(largest(ours[name], g, least) for name, g in exact.items()),
        *(largest(nets["float64"].buffers[name], b, SMALL) for name, b in buffers.items()),
    )
    _, ours = gradients(task, nets["float32"], x, targets)
    errors = norms(ours, exact)
    theirs = [norms(of_layout(task, x, targets, layout), exact) for layout in LAYOUTS]
    floor = TINY["float32"] * least
    ratios = {name: e / max(*(own[name] for own in theirs), floor) for name, e in errors.items()}

    outputs = []
    for dtype, network in nets.items():
        put(network, buffers)
        outputs.append(largest(network.predict(x.astype(dtype))[:, : task.classes], predicted))
    return Draw(outputs[1], gradient64, outputs[0], ratios)


def gradients(task, network, x, targets):
    put(network, task.weights)
    return network.gradients(x.astype(network.dtype), targets, task.loss)


def in_float64(task, x, targets):
    """PyTorch's gradients and buffers after a step, then its prediction, and the loss."""
    module = task.module("float64")
    loss = task.torch_step(module, tensor(x, "float64"), torch.from_numpy(targets))
    module.eval()
    with torch.no_grad():
        predicted = torch_models.logits(module(tensor(x, "float64"))).numpy()
    return gradients_of(module), {name: b.numpy() for name, b in module.named_buffers()}, predicted, loss


def of_layout(task, x, targets, layout):
    module = task.module("float32", layout)
    task.torch_step(module, tensor(x, "float32", layout), torch.from_numpy(targets))
    return gradients_of(module)


def table(options):
    """Print a row a model; whether all passed."""
    print(
        f"float64 to {FLOAT64:g}, float32 outputs to {OUTPUT32:g}, "
        f"float32 gradients to {GRADIENT32:g} times PyTorch's\n"
    )
    print("| model | input | float64 output | float64 gradients | float32 output | gradient error by PyTorch's | |")
    print("|---|---|---|---|---|---|---|")
    passed = True
    for name in options.models:
        task = Task(name, options.size, options.batch, options.classes, options.seed)
        r = compare(task, options.draws, options.seed)
        passed &= r.passed
        shape = " x ".join(map(str, (options.batch, *task.input_shape)))
        numbers = " | ".join(f"{e:.1e}" for e in (r.output64, r.gradient64, r.output32))
        worst = f"{r.ratio:.2f} ({r.worst}), median {r.median:.2f}"
        print(f"| {name} | {shape} | {numbers} | {worst} | {verdict(r.passed)} |", flush=True)
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
