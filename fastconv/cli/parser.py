"""The command line: ``fastconv train``, ``fastconv predict``, ``fastconv info``.

Results go to standard output, everything else to standard error. The exit code is 0 when all went well, 1 when
something failed (a file, the data, memory, a loss that is NaN, standard output), 2 when the command was not
understood, 130 after Ctrl-C.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from .. import __version__, models
from . import commands
from .commands import FEWEST_EPOCHS, IMAGES_SHOWN
from .streams import Stream, complain

FILES = "pictures, folders of pictures, IDX or .npy files; write -- before names that begin with -"
EXAMPLES = {
    "fastconv": """
  fastconv train                                     train the network of Zhang 2016 and save it
  fastconv predict zhang2016.npz boot.png            what is on the picture?
  fastconv info                                      which build and how many threads are used
""",
    "train": """
  fastconv train                                     about a minute: the embedded sample, or the data it finds
  fastconv train --data ~/mnist --batch-size 50 --epochs 1        the setting of the paper
  fastconv train --model nielsen --out nielsen.npz --seed 3
""",
    "predict": """
  fastconv predict zhang2016.npz boot.png shirt.jpg  pictures, turned to grey and resized (needs pillow)
  fastconv predict zhang2016.npz pictures/           all pictures of a folder
  fastconv predict zhang2016.npz t10k-images-idx3-ubyte.gz        arrays: IDX (plain, gzip or xz) and .npy
""",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    output = Stream(sys.stdout)
    with redirect_stdout(output), redirect_stderr(Stream(sys.stderr)):
        try:
            code: int = run(parser().parse_args(arguments), output)
        except SystemExit as end:  # help, the version, or a command that was not understood
            raise SystemExit(finished(output, end.code)) from None
        code = finished(output, code)
        return code


def run(options: argparse.Namespace, output: Stream) -> int:
    """Run the command of the options; what fails becomes one line on standard error, and an exit code."""
    try:
        code: int = options.run(options, output)
        return code
    except KeyboardInterrupt:
        return failed("interrupted", 130)
    except MemoryError:
        return failed("not enough memory")
    except OSError as error:
        name = error.filename
        return failed(error if name is None else f"{name or repr(name)}: {error.strerror}")
    except (ValueError, OverflowError) as error:
        return failed(error)


def failed(why: object, code: int = 1) -> int:
    """Say why a command failed; returns the exit code."""
    complain(why)
    return code


def finished(output: Stream, code: Any) -> Any:
    """The exit code, at least 1 if results could not be written; a closed pipe needs no message."""
    output.flush()
    if output.error is None:
        return code
    if not isinstance(output.error, BrokenPipeError):
        complain(f"standard output cannot be written: {output.error.strerror or output.error}")
    return code or 1


def parser() -> argparse.ArgumentParser:
    """The parser of the program, with its commands."""
    top = described(argparse.ArgumentParser, "fastconv", "Convolutional networks on NumPy arrays.")
    top.add_argument("--version", action="version", version=f"fastconv {__version__}")
    add = top.add_subparsers(metavar="COMMAND", required=True).add_parser
    train_options(described(add, "train", "Train a network and say how well it reads test images."))
    predict_options(described(add, "predict", "Say which class each image belongs to."))
    info = described(add, "info", "Show the version, the build in use, the processor and the threads.")
    info.set_defaults(run=commands.info)
    return top


def described(make: Callable[..., argparse.ArgumentParser], name: str, text: str) -> argparse.ArgumentParser:
    """A parser of a command, or of the program, with examples below its help."""
    return make(
        name,
        description=text,
        **({} if make is argparse.ArgumentParser else {"help": text}),
        epilog=f"examples:{EXAMPLES[name]}" if name in EXAMPLES else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def train_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `fastconv train`."""
    command.set_defaults(run=commands.train)
    add = command.add_argument
    add("--model", choices=models.known, default="zhang2016", help="the network (default: %(default)s)")
    add(
        "--data",
        type=name,
        metavar="FOLDER",
        help="a folder with the four IDX files of MNIST or Fashion-MNIST, or 'sample' for the embedded sample "
        "(default: $FASTCONV_DATA, else /usr/share/datasets/fashion-mnist, else the sample)",
    )
    add(
        "--epochs",
        type=positive,
        metavar="N",
        help=f"passes over the training images (default: as many as show {IMAGES_SHOWN:,}, at least {FEWEST_EPOCHS})",
    )
    add("--batch-size", type=positive, default=10, metavar="N", help="images in a step (default: %(default)s)")
    add("--lr", type=rate, metavar="X", help="learning rate (default: 1 for zhang2016, 0.1 for the others)")
    add("--seed", type=seed, default=0, metavar="N", help="of weights and order (default: %(default)s)")
    add_threads(command, "all processors, or one where a batch is too small to share")
    add("--out", type=name, metavar="FILE", help="where the trained network is saved (default: MODEL.npz)")


def predict_options(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `fastconv predict`."""
    command.set_defaults(run=commands.predict)
    command.add_argument("model", metavar="MODEL", help="a network saved by 'fastconv train'")
    command.add_argument("files", nargs="+", metavar="FILE", help=FILES)
    add_threads(command, "all processors")


def add_threads(command: argparse.ArgumentParser, default: str) -> None:
    """Add `--threads`; the help shows `default`."""
    command.add_argument("--threads", type=positive, metavar="N", help=f"at most (default: {default})")


def name(text: str) -> str:
    """A name that is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def positive(text: str) -> int:
    """A whole number >= 1."""
    return whole_number(text, 1)


def seed(text: str) -> int:
    """A whole number >= 0."""
    return whole_number(text, 0)


def whole_number(text: str, minimum: int) -> int:
    """A whole number >= `minimum`, from text."""
    try:
        value = int(text)
    except ValueError:
        value = minimum - 1
    if value < minimum:
        raise argparse.ArgumentTypeError(f"must be a whole number >= {minimum}, got {text!r}")
    return value


def rate(text: str) -> float:
    """A learning rate > 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number > 0, got {text!r}")
    return value
