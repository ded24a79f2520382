"""The commands with their options, and the help that people read."""

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from .. import __version__, models
from . import info, predict, train, values
from .streams import escaped
from .train import FEWEST_EPOCHS, IMAGES_SHOWN

__all__ = ["Parser", "parser"]

EXAMPLES = {
    "fastconv": """
  fastconv train                            train the network of Zhang 2016
  fastconv predict zhang2016.npz boot.png   what is on the picture?
  fastconv info                             which build, how many threads?

'fastconv help COMMAND' or 'fastconv COMMAND --help' shows the options of a
command.

exit status: 0 if all went well, 1 if something failed, 2 if the command was
not understood, 130 after Ctrl-C, 128 + N after another signal N
""",
    "train": """
  fastconv train                 the embedded sample, or the data that it finds
  fastconv train --model nielsen --out mine.npz --seed 3
  fastconv train --data ~/mnist --batch-size 50 --epochs 1    as in the paper

Ctrl-C saves the network as it was at the end of the last finished epoch; so
do SIGTERM and SIGHUP.
""",
    "predict": """
  fastconv predict zhang2016.npz boot.png shirt.jpg
  fastconv predict zhang2016.npz pictures/ t10k-images-idx3-ubyte.gz
  fastconv predict zhang2016.npz --invert - < scanned.png

A line for each image: its name, its class, and the probability of the class
(or, for networks trained with MSE, the network's output), with tabs between.
""",
}
PICTURES = """\
Say which class each image belongs to.

Give pictures that look like the images that the network was trained on. For
MNIST and Fashion-MNIST, and so for the sample, this means:
  - one thing, upright, as large as the picture, on an empty background;
  - bright on dark: the background is black. For dark on bright, as on paper
    or in a shop, add --invert; of a photograph, raise the contrast until the
    paper is white;
  - any size and colour: a picture is turned to grey and resized to the input
    of the network, 28 x 28; 0 is black and 1 is white.
Arrays (.npy, IDX) have shape (28, 28), (N, 28, 28) or (N, 1, 28, 28). Bytes
are divided by 255; floating-point numbers must lie between 0 and 1 already.
Pictures need Pillow: pip install pillow
"""
EXPLAINED = (  # what argparse says of an option -> what is said here
    (r"argument (?:-\w/)?(--[\w-]+): expected one argument", "{} needs a value"),
    (r"argument (?:-\w/)?(--[\w-]+): ignored explicit argument .*", "{} takes no value"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line below the usage, whatever characters were typed."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with 2."""
        for pattern, words in EXPLAINED:
            if found := re.fullmatch(pattern, message):
                message = words.format(found[1])
        super().error(escaped(message))


def parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of the program, and those of its commands."""
    top = described(Parser, "fastconv", "Convolutional networks on NumPy arrays.")
    top.add_argument("--version", action="version", version=f"fastconv {__version__}")
    add = top.add_subparsers(metavar="COMMAND", required=True).add_parser
    commands = {
        "train": described(add, "train", "Train a network and say how well it reads test images."),
        "predict": described(add, "predict", PICTURES),
        "info": described(add, "info", "Show versions, build, processor and threads, for a report of a fault."),
    }
    train_options(commands["train"])
    predict_options(commands["predict"])
    commands["info"].set_defaults(run=info.info)
    return top, commands


def described(make: Callable[..., Parser], name: str, text: str) -> Parser:
    """A parser of a command, or of the program, with examples below its help."""
    return make(
        name,
        description=text,
        **({} if make is Parser else {"help": text.splitlines()[0]}),
        epilog=f"examples:{EXAMPLES[name]}" if name in EXAMPLES else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def train_options(command: Parser) -> None:
    """Add the options of `fastconv train`."""
    command.set_defaults(run=train.train)
    add = option(command)
    add("--model", "NAME", values.model, f"the network: {', '.join(models.known)} (default: %(default)s)", "zhang2016")
    add(
        "--data",
        "FOLDER",
        values.path,
        "a folder with the four IDX files of MNIST or Fashion-MNIST, or 'sample' for the embedded sample "
        "(default: $FASTCONV_DATA, else /usr/share/datasets/fashion-mnist, else the sample)",
    )
    add(
        "--epochs",
        "N",
        values.positive,
        f"passes over the training images (default: as many as show {IMAGES_SHOWN:,}, at least {FEWEST_EPOCHS})",
    )
    add("--batch-size", "N", values.positive, "images in a step (default: %(default)s)", 10)
    add("--lr", "X", values.rate, "learning rate (default: 1 for zhang2016, 0.1 for the others)")
    add("--seed", "N", values.seed, "of weights and order (default: %(default)s)", 0)
    add_threads(command, "all processors, or one where a batch is too small to share")
    add(
        "--out",
        "FILE",
        values.path,
        "where the trained network is saved, as .npz or .safetensors; a file that exists is refused "
        "(default: MODEL.npz, or MODEL-2.npz and so on where that exists)",
    )
    command.add_argument("--overwrite", action="store_true", help="replace the file if it exists")


def predict_options(command: Parser) -> None:
    """Add the arguments of `fastconv predict`."""
    command.set_defaults(run=predict.predict)
    command.add_argument("model", metavar="MODEL", help="a network saved by 'fastconv train'")
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="pictures, folders of pictures, IDX or .npy files; - is standard input; "
        "write -- before names that begin with -",
    )
    command.add_argument(
        "--invert", action="store_true", help="for dark on bright: 1 - x in place of each value x, after scaling"
    )
    add_threads(command, "all processors")


def option(command: Parser) -> Callable[..., None]:
    """A function that adds an option with a value to the command."""

    def add(flag: str, metavar: str, kind: Callable[[str], Any], words: str, default: Any = None) -> None:
        command.add_argument(flag, type=kind, metavar=metavar, help=words, default=default)

    return add


def add_threads(command: Parser, default: str) -> None:
    """Add `--threads`; the help shows `default`."""
    option(command)("--threads", "N", values.positive, f"at most (default: {default})")
