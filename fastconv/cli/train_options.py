"""The options of ``fastconv train``, in groups."""

from argparse import ArgumentParser
from typing import Any

from . import values
from .flags import add_arguments, add_assignments, add_json, add_threads, option
from .train import FEWEST_EPOCHS, IMAGES_SHOWN, train

__all__ = ["add_options"]


def add_options(command: ArgumentParser) -> None:
    """Add the options of `fastconv train`."""
    command.set_defaults(run=train)
    add_main(command)
    add_data(command.add_argument_group("data"))
    add_changes(command.add_argument_group("images"))
    add_training(command.add_argument_group("training"))
    add_weights(command.add_argument_group("weights"))
    add_files(command.add_argument_group("files"))


def add_main(command: ArgumentParser) -> None:
    """The options of everyday use."""
    add = option(command)
    add("--model", "NAME", values.model, "the network: a model of fastconv.models (default: %(default)s)", "zhang2016")
    add(
        "--data",
        "PATH",
        values.path,
        "a folder of class folders with pictures, a CSV file of files and labels, a folder with the files of MNIST or "
        "of CIFAR, an .npz archive, or 'sample' for the embedded sample; train, test and val below a folder are found "
        "(default: $FASTCONV_DATA, else /usr/share/datasets/fashion-mnist, else the sample)",
    )
    add(
        "--epochs",
        "N",
        values.positive,
        f"passes over the training images (default: as many as show {IMAGES_SHOWN:,}, at least {FEWEST_EPOCHS})",
    )
    add("--batch-size", "N", values.positive, "images in a step (default: %(default)s)", 10)
    add("--lr", "X", values.rate, "learning rate (default: 1 for mse, 0.1 for cross-entropy; 0.001 but for sgd)")
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
    add("--config", "FILE", values.path, "a TOML file with options as keys, such as batch-size = 50; flags win")
    add_json(command, "a JSON object for each epoch and one at the end, one in a line")


def add_data(group: Any) -> None:
    """Which images there are."""
    add = option(group)
    add("--validation", "X", values.share, "keep this share of the training images for it, such as 0.1")
    add("--channels", "N", values.channels, "of pictures: 1 for grey, 3 for colour (default: the model's usual ones)")
    group.add_argument("--balanced", action="store_true", help="show each class as often as any other")
    group.add_argument("--skip-unreadable", action="store_true", help="leave out pictures that cannot be read")
    add("--workers", "N", values.seed, "threads that read and change images ahead (default: 1)")
    group.add_argument("--processes", action="store_true", help="processes in their place")


def add_changes(group: Any) -> None:
    """What happens to images."""
    add = option(group)
    add("--size", "N", values.size, "the middle square of each image, resized to N x N; or HxW")
    add("--augment", "NAME,...", values.augmentations, f"random changes: {', '.join(values.AUGMENTATIONS)}", [])
    add("--normalize", "WHOSE", values.normalization, "by mean and deviation: imagenet, or data for these images")


def add_training(group: Any) -> None:
    """How weights change."""
    add = option(group)
    add("--optimizer", "NAME", values.optimizer, "sgd, adam, adamw or rmsprop (default: %(default)s)", "sgd")
    add("--momentum", "X", values.from_0_to_1, "of sgd and rmsprop (default: 0)")
    add("--weight-decay", "X", values.not_negative, "(default: 0; 0.01 for adamw)")
    add("--schedule", "NAME", values.schedule, f"of the learning rate: {', '.join(values.SCHEDULES)}")
    add_assignments(group, "--schedule-args", "arguments of the schedule, such as every=30 factor=0.1")
    add("--warm-up", "N", values.not_negative, "epochs in which the learning rate rises from 0")
    add("--loss", "NAME", values.loss, "cross-entropy or mse (default: mse for zhang2016)")
    add("--label-smoothing", "X", values.from_0_to_1, "share of each target spread over all classes", 0.0)
    add("--clip", "X", values.rate, "the largest norm of all gradients together")
    add("--accumulate", "N", values.positive, "batches of which gradients are added (default: %(default)s)", 1)
    group.add_argument(
        "--deterministic",
        nargs="?",
        const=True,
        default=False,
        type=values.positive,
        metavar="N",
        help="the same bits for any number of processes under mpiexec, up to N (default: 8)",
    )
    group.add_argument(
        "--sync-batch-norm", action="store_true", help="batch norm over the images of all processes under mpiexec"
    )
    add("--ema", "X", values.from_0_to_1, "save the running average of the weights, such as 0.999")
    add("--patience", "N", values.positive, "stop after N epochs without a better validation, keep the best weights")


def add_weights(group: Any) -> None:
    """Where weights begin, and which change."""
    add_arguments(group)
    option(group)("--pretrained", "FILE", values.path, "begin with the arrays of this file that fit")
    group.add_argument(
        "--freeze",
        nargs="+",
        action="extend",
        metavar="PATTERN",
        default=[],
        help="weights that stay, such as 'layer1.*'",
    )


def add_files(group: Any) -> None:
    """What is written while it runs."""
    add = option(group)
    add("--checkpoint", "FILE", values.path, "write the training there, to go on after a crash or Ctrl-C")
    add("--every", "N", values.positive, "epochs between two of them (default: %(default)s)", 1)
    add("--resume", "FILE", values.path, "go on with the training in this file, with the same options")
    add("--log", "FILE", values.log_file, "results of each epoch, as .csv or .jsonl")
    add("--tensorboard", "FOLDER", values.path, "events for TensorBoard")
