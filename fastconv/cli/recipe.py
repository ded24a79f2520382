"""How `fastconv train` trains, from its options: loss, optimizer, schedule, changes of images, callbacks."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import losses, optim, schedules
from ..data import transforms
from ..typing import Shape
from .architectures import loss_of
from .call import called
from .values import AUGMENTATIONS

__all__ = ["augmentation", "callbacks", "loss", "optimizer", "preprocessing", "rate", "schedule"]

OPTIMIZERS: dict[str, Any] = {
    "sgd": optim.SGD,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "rmsprop": optim.RMSprop,
}
RATES = {"sgd": 0.1, "adam": 0.001, "adamw": 0.001, "rmsprop": 0.001}  # usual ones
RATE_OF_SQUARES = 1.0  # of sgd with the half sum of squares


def loss(options: Namespace) -> losses.Loss:
    """The loss of --loss, or the model's own."""
    usual = loss_of(options.model)
    chosen = options.loss or ("mse" if usual == losses.MSE() else "cross-entropy")
    if chosen == "mse":
        if options.label_smoothing:
            raise ValueError("--label-smoothing belongs to the loss cross-entropy; add --loss cross-entropy")
        return losses.MSE()
    return losses.CrossEntropy(label_smoothing=options.label_smoothing)


def rate(options: Namespace, goal: losses.Loss) -> float:
    """The usual learning rate."""
    return RATE_OF_SQUARES if options.optimizer == "sgd" and goal == losses.MSE() else RATES[options.optimizer]


def optimizer(options: Namespace, lr: float) -> Any:
    """The optimizer, with the settings that were given; ValueError for one that it does not have."""
    settings = {"momentum": options.momentum, "weight_decay": options.weight_decay}
    wanted = {name: value for name, value in settings.items() if value is not None}
    if "momentum" in wanted and options.optimizer.startswith("adam"):
        raise ValueError(f"--momentum belongs to sgd and rmsprop; {options.optimizer} has its own; leave it out")
    return OPTIMIZERS[options.optimizer](lr, **wanted)


def schedule(options: Namespace) -> Any:
    """The schedule, after a warm-up if one is wanted; None for a constant rate."""
    made = None
    if options.schedule is not None:
        function: Callable[..., Any] = getattr(schedules, options.schedule.replace("-", "_"))
        made = called(function, options.schedule_args, f"--schedule {options.schedule}", "--schedule-args")
    elif options.schedule_args:
        raise ValueError("--schedule-args are those of a schedule: add --schedule NAME")
    return schedules.warm_up(options.warm_up, made) if options.warm_up else made


def augmentation(options: Namespace, shape: Shape) -> list[Any]:
    """The random changes of images of this shape, in the order in which they were named."""
    size = shape[1:]
    made: dict[str, Callable[[], Any]] = {
        "flip": transforms.random_flip,
        "crop": lambda: transforms.random_crop(size, padding=4),
        "resized-crop": lambda: transforms.random_resized_crop(size),
        "rotate": lambda: transforms.random_rotation(15),
        "colour": lambda: transforms.color_jitter(0.4, 0.4, 0.4),
        "erase": transforms.random_erasing,
    }
    assert set(made) == set(AUGMENTATIONS)
    return [made[name]() for name in options.augment]


def preprocessing(options: Namespace, numbers: tuple[Sequence[float], Sequence[float]] | None) -> list[Any]:
    """What every image passes through: its size, and floats from 0 to 1, or normalised by (mean, std)."""
    sizes = [] if options.size is None else [transforms.resize(options.size), transforms.center_crop(options.size)]
    return [*sizes, transforms.to_float() if numbers is None else transforms.normalize(*numbers)]


def callbacks(
    options: Namespace, classes: Sequence[str] | None, always: Sequence[Any] | None, told: Mapping[str, Any]
) -> list[Any]:
    """The callbacks that the options ask for; `told`: what a file says of the training."""
    from .. import callbacks as known

    made: list[Any] = []
    if options.ema is not None:
        made.append(known.WeightAverage(options.ema))
    if options.patience is not None:
        made.append(known.EarlyStopping(options.patience))
    if options.log is not None:
        made.append((known.CSVLog if options.log.lower().endswith(".csv") else known.JSONLog)(options.log))
    if options.tensorboard is not None:
        try:
            made.append(known.TensorBoard(options.tensorboard))
        except ImportError as error:
            raise ValueError(f"--tensorboard: {error}") from None
    if options.every != 1 and options.checkpoint is None:
        raise ValueError("--every is how often the file of --checkpoint is written: add --checkpoint FILE")
    if options.checkpoint is not None:
        file = known.Checkpoint(options.checkpoint, options.every, classes=classes, preprocessing=always, metadata=told)
        made.append(file)
    return made
