"""Training curves of fastconv and PyTorch on the same weights and pictures, for `agree.py --train`."""

import tarfile
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from agree_task import LAYOUTS, TINY, Task, tensor, verdict

import fastconv
from fastconv.data import read_images

LOSS64, SPREAD = 1e-6, 2.0  # the limits


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
