"""The commands ``fastconv train``, ``predict`` and ``info``, given a parsed command line."""

import logging
import math
import os
import platform
import secrets
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, TypeGuard

import numpy as np

from .. import __version__, checkpoint, data, graph, kernels, losses, models
from ..data.images import pictures
from ..kernels import cpu
from ..kernels.runtime.threads import default_num_threads, get_num_threads, set_num_threads
from ..network import Network
from ..ops.activation import softmax
from ..optim import SGD
from ..training import fit
from ..training.epoch import Epoch
from ..typing import Array, Shape
from .streams import Stream, complain, escaped, field

IMAGES_SHOWN = 100_000  # the default number of epochs shows at least this many training images, ...
FEWEST_EPOCHS = 5  # ... and each of them this often
SMALL_STEP = 5_000_000  # multiply-adds of a batch that one thread computes as fast as several threads
SILENT = logging.NullHandler()  # for the log of Pillow, whose exceptions are reported in one line
MOST_PIXELS = 1 << 20  # of the input that a saved network may declare


def train(options: Namespace, output: Stream) -> int:
    """Train a network, save it, and print its accuracy on the test images; returns the exit code."""
    known = models.known[options.model]
    out = options.out or f"{options.model}.npz"
    check_writable(out)
    use_threads(options.threads)
    images, test, folder = data.load(options.data)
    network = Network(known.build(), test.images.shape[1:], seed=options.seed)
    summary = network.summary()
    if options.threads is None and summary.multiply_adds * options.batch_size < SMALL_STEP:
        set_num_threads(1)
    epochs = options.epochs or max(FEWEST_EPOCHS, math.ceil(IMAGES_SHOWN / len(images.labels)))
    rate = options.lr or (1.0 if known.loss == losses.MSE() else 0.1)
    print(f"data      {escaped(folder)}: {len(images.labels):,} training and {len(test.labels):,} test images")
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
        on_epoch=partial(end_of_epoch, network, not bar),
    )
    if not is_finite(network, history[-1]):
        raise ValueError(
            f"training failed in epoch {len(history)}: the loss or the weights became NaN or infinite. "
            f"Nothing was saved; try a smaller --lr than {rate:g}"
        )
    save(network, out, describe(options.model, network, folder))
    print(f"saved     {escaped(out)}")
    accuracy = history[-1].validation_accuracy
    assert accuracy is not None  # the models of the command are classifiers, and fit was given the test images
    print(f"test accuracy {100 * accuracy:.2f} %")
    return 0


def end_of_epoch(network: Network, shown: bool, epoch: Epoch) -> bool:
    """Whether to stop early: a loss or a weight that is NaN stays NaN."""
    if shown:
        print(epoch, flush=True)
    return not is_finite(network, epoch)


def is_finite(network: Network, epoch: Epoch) -> bool:
    """Whether weights, buffers and losses are finite."""
    arrays = [*network.parameters.values(), *network.buffers.values(), epoch.loss, epoch.validation_loss]
    return all(array is None or np.isfinite(array).all() for array in arrays)


def use_threads(number: int | None) -> None:
    """Set the number of threads; None for the default."""
    try:
        set_num_threads(number)
    except ValueError:
        raise ValueError(f"--threads must be between 1 and 1024, got {number}") from None


def check_writable(path: str) -> None:
    """ValueError if the path cannot be written, before training; tries it with a file beside it."""
    named = Path(checkpoint.check_path(path))
    real = Path(os.path.realpath(named))
    try:
        trial = real.parent / f".{secrets.token_hex(8)}{named.suffix}"
        checkpoint.save(trial, {})
        trial.unlink()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"{named}: a file cannot be written there: {why}") from None


def save(network: Network, path: str, metadata: Mapping[str, object]) -> None:
    """Save the network; ValueError if that fails."""
    try:
        network.save(path, metadata)
    except MemoryError:
        raise
    except Exception as error:  # for a full disk safetensors raises its own exceptions
        why = getattr(error, "strerror", None) or error
        raise ValueError(f"{path}: the network cannot be saved: {why}") from error


def describe(model: str, network: Network, folder: Path) -> dict[str, object]:
    """The metadata from which `fastconv predict` builds the network again."""
    classes = data.class_names(folder)
    return {"model": model, "input_shape": list(network.input_shape), "classes": classes and list(classes)}


def load_network(path: str) -> tuple[Network, str, Sequence[object]]:
    """(network, its name among the models, the names of the classes) from a file that `fastconv train` saved."""
    saved = checkpoint.metadata(path)
    if not (saved and isinstance(saved, dict)):
        raise unknown_network(path, "it has no metadata")
    model, shape, classes = (saved.get(name) for name in ("model", "input_shape", "classes"))
    if not (isinstance(model, str) and model in models.known):
        raise unknown_network(
            path, f"its metadata has the model {shortened(model)}, not one of {', '.join(models.known)}"
        )
    if not is_shape(shape):
        raise unknown_network(
            path, f"its metadata has the input_shape {shortened(shape)}, not three integers such as [1, 28, 28]"
        )
    network = built(path, models.known[model].build, f"{model} for images of shape {tuple(shape)}", tuple(shape))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        network.load(path)
    for warning in said:  # about rounded weights
        complain(warning.message)
    return network, model, names_of_classes(path, classes, network.output_shape[0])


def built(path: str, build: Callable[[], Any], what: str, shape: Shape) -> Network:
    """The network that a file's metadata name; refused before it is allocated if the file is too small for it."""
    try:
        params, _ = graph.declared(graph.ancestors(graph.build(build(), shape, "float32")))
        if sum(math.prod(p.shape) for p in params.values()) > os.path.getsize(
            path
        ):  # a file has at least a byte per element
            raise ValueError("the file is too small")
        return Network(build(), shape)
    except ValueError as error:
        raise checkpoint.CheckpointError(f"{path} does not fit {what}, as its metadata says: {error}") from error


def unknown_network(path: str, why: str) -> checkpoint.CheckpointError:
    """The error for a file whose metadata do not say which network it holds."""
    return checkpoint.CheckpointError(
        f"{path}: does not say which network it holds: {why}; save it with 'fastconv train', or with "
        'network.save(path, metadata={"model": ..., "input_shape": network.input_shape})'
    )


def names_of_classes(path: str, classes: Any, count: int) -> Sequence[object]:
    """The names of `count` classes; their numbers if the file has no names."""
    if classes is None:
        return range(count)
    if not (
        isinstance(classes, list | tuple) and len(classes) == count and all(isinstance(name, str) for name in classes)
    ):
        raise checkpoint.CheckpointError(
            f"{path}: its metadata has classes that are not {count} strings, as many as the network has outputs"
        )
    return classes


def is_shape(value: object) -> TypeGuard[Sequence[int]]:
    """Whether this is (C, H, W), of a size that a command line should allocate."""
    if not isinstance(value, list | tuple) or len(value) != 3:
        return False
    return all(type(extent) is int and extent > 0 for extent in value) and math.prod(value) <= MOST_PIXELS


def predict(options: Namespace, output: Stream) -> int:
    """Print the class of each image in the files; returns the exit code."""
    use_threads(options.threads)
    network, model, classes = load_network(options.model)
    logging.getLogger("PIL").addHandler(SILENT)
    classify = partial(print_classes, network, models.known[model].loss, classes, output)
    done = [attempt(predict_all, file, classify) for file in options.files]
    return 0 if all(done) else 1


def predict_all(file: str, classify: Callable[[str | Path], bool]) -> bool:
    """Classify a file, or each picture in a folder; returns whether all images got a class."""
    if not os.path.isdir(file):
        return classify(file)
    done = [attempt(classify, path) for path in pictures(file)]
    return all(done)


def attempt(work: Callable[..., bool], path: str | Path, *more: object) -> bool:
    """The result of the work on one file; if it fails, a message and False, so that other files are still read."""
    try:
        return work(path, *more)
    except data.DataError as error:  # its message names the file
        complain(error)
    except MemoryError:
        complain(f"{path}: not enough memory")
    except (OSError, ValueError) as error:
        complain(f"{path}: {error}")
    return False


def print_classes(network: Network, loss: object, classes: Sequence[object], output: Stream, path: str | Path) -> bool:
    """A line for each image of a file: its name, the class, and the network's output for it (or its probability)."""
    if output.error is not None:  # nobody reads the results
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about files that it reads anyway
        images = data.read_images(path, network.input_shape)
    outputs = network.predict(images)
    finite = np.atleast_1d(np.isfinite(outputs).all(axis=1))
    if loss == losses.CrossEntropy():
        outputs = softmax(outputs)
    for number in np.flatnonzero(finite):
        name = path if len(images) == 1 else f"{path}[{number}]"
        best = int(outputs[number].argmax())
        print(f"{field(name)}\t{field(classes[best])}\t{outputs[number, best]:.3f}", file=output)
    output.flush()
    if not finite.all():
        complain(f"{path}: no class for {without_class(images, finite)}")
    return bool(finite.all())


def without_class(images: Array, finite: Array) -> str:
    """Which images have no class, and whether the network or the image is the cause."""
    bad = np.flatnonzero(~finite)
    which = "it" if len(finite) == 1 else f"{len(bad)} of {len(finite)} images, the first being [{bad[0]}]"
    whose = "the network gives" if np.isfinite(images[bad[0]]).all() else "the image holds"
    return f"{which}: {whose} NaN or infinity"


def info(options: Namespace, output: Stream) -> int:
    """Print version, build, processor and threads; returns the exit code."""
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
