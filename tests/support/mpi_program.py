"""What tests/mpi runs on each rank: a training, of which rank 0 writes the results; or one that ends early.

python -m mpi4py mpi_program.py FOLDER NAME=VALUE ...
"""

import json
import os
import resource
import signal
import sys

import numpy as np

from fastconv import SGD, Network, fit, layers, models, sequential
from fastconv.callbacks import Callback, Checkpoint


def settings(words):
    """The settings of the command line over the usual ones."""
    known = {"model": "lenet5", "deterministic": False, "how": "", "who": 0, "step": 7, "resume": False}
    known |= {"synchronise": False, "wire": None, "bucket": 8, "epochs": 4, "alone": False, "checkpoint": False}
    return known | {name: json.loads(value) for name, value in (word.split("=") for word in words)}


def network(name, seed):
    """LeNet, or a network with batch norm and dropout."""
    if name == "lenet5":
        return Network(models.lenet5(), (1, 28, 28), seed=seed)
    parts = [layers.Conv2D(8, 3), layers.BatchNorm(), layers.ReLU(), layers.MaxPool2D(2), layers.Dropout(0.2)]
    parts += [layers.Conv2D(24, 3), layers.BatchNorm(), layers.ReLU(), layers.Flatten(), layers.Linear(10)]
    return Network(sequential(*parts), (1, 28, 28), seed=seed)


class Ends(Callback):
    """Ends one rank at a step."""

    def __init__(self, how, who, step):
        self.how, self.who, self.step = how, who, step

    def on_step(self, run):
        if run.step == self.step and run.rank == self.who:
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.how == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
            if self.how == "disk":  # no file may be longer from now on: what is written fails, as on a full disk
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            if self.how == "callback":
                raise RuntimeError("a callback failed")


class Reads:
    """A data set whose reading fails on one rank in the second epoch."""

    def __init__(self, images, labels, fails):
        self.images, self.labels, self.fails, self.read, self.classes = images, labels, fails, 0, None

    def __len__(self):
        return len(self.images)

    def batch(self, indices):
        self.read += len(indices)
        if self.fails and self.read > len(self.images):
            raise OSError("the disk is gone")
        return self.images[indices], self.labels[indices]


class Loss:
    """Cross entropy, which fails on one rank once."""

    def __init__(self, fails):
        from fastconv import CrossEntropy

        self.loss, self.fails, self.calls = CrossEntropy(), fails, 0

    def __getattr__(self, name):
        return getattr(vars(self)["loss"], name) if "loss" in vars(self) else object.__getattribute__(self, name)

    def bind(self, y, targets, value, dy):
        run = self.loss.bind(y, targets, value, dy)

        def call():
            self.calls += 1
            if self.fails and self.calls > 7:
                raise ArithmeticError("the loss failed")
            run()

        return call


def main(folder, given):
    """Train, and write weights and losses."""
    rng, rank, comm = np.random.default_rng(3), 0, None  # data without ties: with seed 0 a rounding moves a maximum
    if not given["alone"]:
        from fastconv.mpi import Ranks

        comm = Ranks(synchronise=given["synchronise"], wire=given["wire"], bucket=given["bucket"])
        rank = comm.rank
    images, labels = rng.random((103, 1, 28, 28), dtype="float32"), rng.integers(0, 10, 103)
    here = rank == given["who"]
    source = (images, labels)
    if given["how"] == "data":
        source = (Reads(images, labels, here),)
    loss = Loss(here) if given["how"] == "loss" else None
    path = os.path.join(folder, "run.npz")
    callbacks = [Ends(given["how"], given["who"], given["step"])]
    callbacks += [Checkpoint(path, steps=3)] if given["checkpoint"] else []
    net = network(given["model"], seed=rank)
    options = {"optimizer": SGD(0.05, momentum=0.9), "loss": loss, "batch_size": 20, "seed": 0, "callbacks": callbacks}
    options |= {"deterministic": given["deterministic"], "resume": path if given["resume"] else None}
    options |= {"validation": (images[:31], labels[:31]), "progress": False, "comm": comm}
    history = fit(net, *source, epochs=given["epochs"], **options)
    losses = [epoch[:5] for epoch in history]
    np.savez(os.path.join(folder, f"rank{rank}.npz"), losses=np.array(losses), **net.arrays())


if __name__ == "__main__":
    main(sys.argv[1], settings(sys.argv[2:]))
