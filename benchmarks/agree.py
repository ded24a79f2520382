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

Without batch normalisation, and on maps of a few pixels, the rounding of Winograd's transforms shows: with --size 64
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
import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch_models
from torch.nn import functional as F

import fastconv
from fastconv import losses, models
from fastconv.data import read_images

FLOAT64, OUTPUT32, GRADIENT32 = 1e-9, 1e-4, 2.0  # the limits
LOSS64, SPREAD = 1e-6, 2.0
LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}
SMALL = 1e-6  # of the largest of all gradients: below it none is held to its own size
TINY = {"float32": 2.0**-24, "float64": 2.0**-53}  # rounding of a number of size 1


class Case(NamedTuple):
    build: object  # num_classes -> model of fastconv
    options: dict = {}  # noqa: RUF012  of the PyTorch model
    size: int = 64
    channels: int = 3
    heads: int = 1


off, all_off = {"dropout": 0.0}, {"dropout": 0.0, "dropout_aux": 0.0}
CASES = {
    "lenet5": Case(models.lenet5, size=28, channels=1),
    "alexnet": Case(partial(models.alexnet, **off), off, 96),
    "alexnet_original": Case(partial(models.alexnet, original=True, **off), off, 96),
    **{name: Case(partial(getattr(models, name), **off), off) for name in ("vgg11", "vgg16")},
    "googlenet": Case(partial(models.googlenet, aux_logits=True, **all_off), all_off, heads=3),
    "googlenet_original": Case(
        partial(models.googlenet, aux_logits=True, original=True, **all_off), all_off, 128, heads=3
    ),
    **{name: Case(getattr(models, name)) for name in ("resnet18", "resnet50")},
    "resnet20": Case(models.resnet20, size=32),
    "densenet121": Case(models.densenet121),
    "mobilenet_v1": Case(models.mobilenet_v1),
    "mobilenet_v2": Case(partial(models.mobilenet_v2, **off), off),
    "squeezenet1_1": Case(partial(models.squeezenet1_1, **off), off, 128),
}
AUXILIARY = losses.AuxiliaryCrossEntropy()


class Task:
    """One model with weights, images and classes."""

    def __init__(self, name, size, batch, classes, seed):
        self.name, self.case, self.classes = name, CASES[name], classes
        self.size, self.batch = size or self.case.size, batch
        network = self.network("float32", seed)
        self.weights = {name: a.copy() for name, a in network.arrays().items() if not name.endswith(".counter")}

    def draw(self, seed):
        """Images and classes."""
        rng = np.random.default_rng(seed)
        return rng.standard_normal((self.batch, *self.input_shape)), rng.integers(self.classes, size=self.batch)

    @property
    def input_shape(self):
        return (self.case.channels, self.size, self.size)

    @property
    def loss(self):
        return losses.CrossEntropy() if self.case.heads == 1 else AUXILIARY

    def network(self, dtype, seed=0):
        """fastconv's network."""
        return fastconv.Network(self.case.build(num_classes=self.classes), self.input_shape, dtype, seed)

    def filled(self, dtype):
        """fastconv's network with the weights."""
        network = self.network(dtype)
        put(network, self.weights)
        return network

    def module(self, dtype, layout="contiguous"):
        """PyTorch's module with the weights."""
        dtype = getattr(torch, dtype)
        with torch.device("meta"):  # no first weights are drawn
            module = torch_models.build(self.name, num_classes=self.classes, **self.case.options).to(dtype)
            if any(torch.nn.parameter.is_lazy(p) for p in module.parameters()):
                module(torch.zeros(1, *self.input_shape, dtype=dtype))
        module.to_empty(device="cpu")
        module.load_state_dict({name: torch.from_numpy(a) for name, a in self.weights.items()})
        return module.to(memory_format=LAYOUTS[layout])

    def torch_loss(self, y, targets):
        if self.case.heads == 1:
            return F.cross_entropy(y, targets)
        parts = zip(AUXILIARY.weights, y.split(self.classes, 1), strict=True)
        return sum(weight * F.cross_entropy(part, targets) for weight, part in parts)

    def torch_step(self, module, x, targets):
        """The loss of a batch, as a number; gradients lie in the module."""
        module.train()
        module.zero_grad()
        loss = self.torch_loss(torch_models.logits(module(x)), targets)
        loss.backward()
        return float(loss.detach())


def put(network, arrays):
    known = network.arrays()
    for name, value in arrays.items():
        known[name][...] = value


def tensor(x, dtype, layout="contiguous"):
    return torch.from_numpy(x.astype(dtype)).to(memory_format=LAYOUTS[layout])


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
        predicted = module(tensor(x, "float64")).numpy()
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


# Training.


def pictures(folder, count):
    """(images (count, 3, 32, 32), classes) of train/<class>/*.jpg, one class after the other."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory() as temporary:
        if not (folder / "train").is_dir():
            unpack(folder, temporary, count)
            folder = Path(temporary)
        kinds = sorted(kind for kind in (folder / "train").iterdir() if kind.is_dir())
        files = [sorted(kind.glob("*.jpg")) for kind in kinds]
        chosen = [
            (names[n // len(kinds)], n % len(kinds)) for n, names in ((n, files[n % len(kinds)]) for n in range(count))
        ]
        images = [read_images(path, (3, 32, 32)) for path, _ in chosen]
    return np.concatenate(images), np.array([label for _, label in chosen])


def unpack(folder, target, count):
    """The first pictures of each class, of the archive in this folder."""
    archives = sorted(folder.glob("*.tar"))
    if not archives:
        raise SystemExit(f"{folder}: neither train/<class>/*.jpg nor a .tar of that")
    taken = {}
    with tarfile.open(archives[0]) as archive:
        for member in archive:
            kind = Path(member.name).parent
            if member.isfile() and kind.parent.name == "train" and taken.setdefault(kind, 0) < count:
                taken[kind] += 1
                archive.extract(member, target, filter="data")


def curve_of_torch(task, options, batches, dtype, layout="contiguous"):
    module = task.module(dtype, layout)
    rule = torch.optim.SGD(module.parameters(), lr=options.lr, momentum=0.9)
    curve = []
    for x, targets in batches:
        curve.append(task.torch_step(module, tensor(x, dtype, layout), torch.from_numpy(targets)))
        rule.step()
    return np.array(curve)


def our_curve(task, options, batches, dtype):
    network, curve = task.filled(dtype), []
    rule = fastconv.SGD(options.lr, momentum=0.9)
    for x, targets in batches:
        loss, gradients = network.gradients(x.astype(dtype), targets, task.loss)
        rule.step(network.parameters, gradients)
        curve.append(loss)
    return np.array(curve)


class Curves(NamedTuple):
    """Losses of one draw of weights, step by step."""

    exact: np.ndarray  # PyTorch's in float64
    layouts: list  # PyTorch's in float32
    again: list  # the same on one thread: how far its own runs are from each other
    ours: np.ndarray
    ours32: np.ndarray

    @property
    def spread(self):
        """The largest distance so far of PyTorch's float32 losses, of both layouts, from each other and from the
        float64 loss, never below the rounding of a loss."""
        (a, b), exact = self.layouts, self.exact
        apart = [np.abs(a - b), np.abs(a - exact), np.abs(b - exact), 4 * TINY["float32"] * np.abs(exact)]
        return np.maximum.accumulate(np.max(apart, 0))

    def by_spread(self, curve):
        """A float32 curve's distance from float64, in spreads."""
        return np.abs(curve - self.exact) / self.spread


def training(options):
    """Print the losses of a few steps on pictures; whether they agree."""
    batch = options.batch
    images, labels = pictures(options.train, options.steps * batch)
    images = (images.astype("float64") - 0.5) / 0.25
    batches = [(images[i : i + batch], labels[i : i + batch]) for i in range(0, len(images), batch)]
    passed = True
    for name in options.models:
        tasks = [Task(name, 32, batch, 10, options.seed + n) for n in range(options.draws)]
        passed &= report(name, [curves(task, options, batches) for task in tasks])
    return passed


def curves(task, options, batches):
    in_float32 = [partial(curve_of_torch, task, options, batches, "float32", layout) for layout in LAYOUTS]
    exact, layouts = curve_of_torch(task, options, batches, "float64"), [curve() for curve in in_float32]
    torch.set_num_threads(1)
    again = [curve() for curve in in_float32]
    torch.set_num_threads(options.threads)
    ours = (our_curve(task, options, batches, dtype) for dtype in ("float64", "float32"))
    return Curves(exact, layouts, again, *ours)


def report(name, found):
    """The table of one model's training, over all draws of its weights."""
    error64 = np.max([np.abs(c.ours - c.exact) for c in found], 0)
    ratios = np.array([c.by_spread(c.ours32) for c in found])
    again = np.array([[c.by_spread(curve) for curve in c.again] for c in found])
    middle, of_torch = np.median(ratios, 0), np.median(again, (0, 1))
    good = (error64 <= LOSS64) & (middle <= SPREAD)
    print(f"\n### {name}, {len(found)} draws: float64 losses to {LOSS64:g}, float32 to {SPREAD:g} x the spread\n")
    print("| step | PyTorch float64, first draw | ours - it, largest | spread, median | ours by it, median, largest "
          "| PyTorch on one thread by it | |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    spread = np.median([c.spread for c in found], 0)
    for t in range(len(middle)):
        numbers = (
            f"{found[0].exact[t]:.9f} | {error64[t]:.1e} | {spread[t]:.1e} | {middle[t]:.2f}, {ratios[:, t].max():.2f}"
        )
        print(f"| {t + 1} | {numbers} | {of_torch[t]:.2f}, {again[..., t].max():.2f} | {verdict(good[t])} |")
    print(f"\nSingle steps outside: ours {outside(ratios)}, PyTorch on one thread {outside(again)}.", flush=True)
    return bool(good.all())


def outside(ratios):
    return f"{np.count_nonzero(ratios > SPREAD)} of {ratios.size}"


def verdict(good):
    return "ok" if good else "**missed**"


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
