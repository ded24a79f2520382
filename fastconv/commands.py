"""What ``fastconv train``, ``predict`` and ``info`` do, once the command line is understood."""

import math
import os
import platform
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from . import __version__, checkpoint, data, kernels, losses, models
from .data.images import pictures
from .kernels import cpu
from .kernels.threads import default_num_threads, get_num_threads, set_num_threads
from .network import Network
from .ops.activation import softmax
from .optim import SGD
from .train import fit

IMAGES_SHOWN = 100_000  # the default number of epochs shows at least this many training images, ...
FEWEST_EPOCHS = 5  # ... and each of them this often
SMALL_STEP = 5_000_000  # multiply-adds of a batch that one thread does as fast as several, and without waiting for them
MOST_PIXELS = 1 << 20  # of the input that a saved network may declare


def complain(why):
    print(f"fastconv: {why}", file=sys.stderr)


def train(options):
    known = models.known[options.model]
    out = options.out or Path(f"{options.model}.npz")
    check_writable(out)
    set_num_threads(options.threads)
    images, test, folder = data.load(options.data)
    network = Network(known.build(), test.images.shape[1:], seed=options.seed)
    summary = network.summary()
    if options.threads is None and summary.multiply_adds * options.batch_size < SMALL_STEP:
        set_num_threads(1)
    epochs = options.epochs or max(FEWEST_EPOCHS, math.ceil(IMAGES_SHOWN / len(images.labels)))
    rate = options.lr or (1.0 if known.loss == losses.MSE() else 0.1)
    print(f"data      {folder}: {len(images.labels):,} training and {len(test.labels):,} test images")
    print(f"network   {options.model}, {summary.parameters:,} parameters, {get_num_threads()} threads")
    print(f"training  {epochs} epochs, batches of {options.batch_size}, learning rate {rate:g}", flush=True)
    bar = sys.stderr.isatty() and find_spec("tqdm") is not None
    history = fit(
        network,
        *images,
        epochs=epochs,
        batch_size=options.batch_size,
        optimizer=SGD(rate),
        loss=known.loss,
        seed=options.seed,
        validation=test,
        progress=bar,
        on_epoch=None if bar else show,
    )
    network.save(out, describe(options.model, network, folder))
    print(f"saved     {out}")
    print(f"test accuracy {100 * history[-1].validation_accuracy:.2f} %")
    return 0


def show(epoch):
    print(epoch, flush=True)


def check_writable(path):
    """Refuse before minutes of training, not after."""
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path}: a file cannot be written there")


def describe(model, network, folder):
    """What `fastconv predict` must know to build the network again."""
    return {"model": model, "input_shape": network.input_shape, "classes": data.class_names(folder)}


def load_network(path):
    """(network, its name among the models, the names of the classes) from a file that `fastconv train` saved."""
    saved = checkpoint.metadata(path)
    model, shape, classes = (saved.get(name) for name in ("model", "input_shape", "classes"))
    if not (isinstance(model, str) and model in models.known and is_shape(shape)):
        raise checkpoint.CheckpointError(f"{path}: does not say which network it holds, as 'fastconv train' does")
    network = Network(models.known[model].build(), tuple(shape))
    network.load(path)
    if not (isinstance(classes, list) and len(classes) == network.output_shape[0]):
        classes = range(network.output_shape[0])
    return network, model, classes


def is_shape(value):
    extents = (
        isinstance(value, list) and len(value) == 3 and all(type(extent) is int and extent > 0 for extent in value)
    )
    return extents and math.prod(value) <= MOST_PIXELS


def predict(options):
    set_num_threads(options.threads)
    network, model, classes = load_network(options.model)
    failures = 0
    for file in options.files:
        try:
            for path in pictures(file) if os.path.isdir(file) else [file]:
                print_classes(path, network, models.known[model].loss, classes)
        except data.DataError as error:
            failures += 1
            complain(error)
    return 1 if failures else 0


def print_classes(path, network, loss, classes):
    """A line for each image of a file: its name, the class, and the network's output for it (or its probability)."""
    images = data.read_images(path, network.input_shape)
    outputs = network.predict(images)
    if loss == losses.CrossEntropy():
        outputs = softmax(outputs)
    for number, output in enumerate(outputs):
        name = path if len(images) == 1 else f"{path}[{number}]"
        best = int(output.argmax())
        print(f"{name}\t{classes[best]}\t{output[best]:.3f}")


def info(options):
    openmp, debug = cpu.openmp_version(), cpu.is_debug_build()
    wanted = os.environ.get("FASTCONV_ISA")
    rows = {
        "fastconv": f"{__version__} in {Path(__file__).parent}",
        "build": kernels.build + (" (FASTCONV_ISA)" if wanted else "") + (", checks every index" if debug else ""),
        "builds": " ".join(kernels.builds),
        "processor": f"{platform.machine()} {' '.join(cpu.features())}",
        "threads": f"{get_num_threads()} of {default_num_threads()}",
        "OpenMP": str(openmp) if openmp else "none: everything runs on one thread",
        "NumPy": np.__version__,
        "Python": platform.python_version(),
    }
    for name, value in rows.items():
        print(f"{name:<10} {value}")
    return 0
