"""What is given as a loss, an optimizer or a callback; errors say what to write instead."""

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import FunctionType
from typing import Any

from ..ops import check

LOSSES = {  # letters and digits of a name -> what to write
    "crossentropy": "fastconv.CrossEntropy()",
    "crossentropyloss": "fastconv.CrossEntropy()",
    "categoricalcrossentropy": "fastconv.CrossEntropy()",
    "sparsecategoricalcrossentropy": "fastconv.CrossEntropy()",
    **dict.fromkeys(("nll", "nllloss"), "fastconv.losses.NLL()"),
    **dict.fromkeys(
        ("bce", "binarycrossentropy", "bceloss", "bcewithlogits", "bcewithlogitsloss"),
        "fastconv.losses.BCEWithLogits()",
    ),
    **dict.fromkeys(("mae", "meanabsoluteerror", "l1", "l1loss"), "fastconv.losses.L1()"),
    **dict.fromkeys(("huber", "huberloss", "smoothl1", "smoothl1loss"), "fastconv.losses.Huber()"),
    "mse": "fastconv.MSE('mean')",
    "mseloss": "fastconv.MSE('mean')",
    "meansquarederror": "fastconv.MSE('mean')",
}
OPTIMIZERS = {
    "sgd": "fastconv.SGD(lr=0.1)",
    "adam": "fastconv.Adam()",
    "adamw": "fastconv.AdamW()",
    "rmsprop": "fastconv.RMSprop()",
}
OWN_LOSS = "a loss of your own has the methods prepare, target_array and bind: help(fastconv.losses) describes them"
FIT = {  # an argument of other libraries -> the name here, or what to write
    "x": "images",
    "X": "images",
    "inputs": "images",
    "data": "images",
    "dataset": "images",
    "train": "images",
    "y": "labels",
    "Y": "labels",
    "targets": "labels",
    "target": "labels",
    "model": "network",
    "net": "network",
    "criterion": "loss",
    "loss_fn": "loss",
    "opt": "optimizer",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "nb_epoch": "epochs",
    "max_epochs": "epochs",
    "max_iter": "epochs",
    "batch": "batch_size",
    "bs": "batch_size",
    "random_state": "seed",
    "validation_data": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "validation",
    "lr": "write optimizer=fastconv.SGD(lr=VALUE)",
    "learning_rate": "write optimizer=fastconv.SGD(lr=VALUE)",
    "momentum": "write optimizer=fastconv.SGD(lr=0.1, momentum=VALUE)",
    "weight_decay": "write optimizer=fastconv.SGD(lr=0.1, weight_decay=VALUE)",
    **dict.fromkeys(
        ("param_groups", "groups"), "write optimizer=fastconv.SGD(0.1, groups={'layer4.*': {'lr': 0.01}}), for example"
    ),
    "callback": "callbacks",
    **dict.fromkeys(
        ("patience", "early_stopping"), "write callbacks=[fastconv.callbacks.EarlyStopping(patience=VALUE)]"
    ),
    **dict.fromkeys(("checkpoint", "save_path"), "write callbacks=[fastconv.callbacks.Checkpoint(VALUE)]"),
    **dict.fromkeys(("resume_from", "ckpt_path", "checkpoint_path"), "resume"),
    **dict.fromkeys(("accumulate_grad_batches", "gradient_accumulation_steps", "accumulation"), "accumulate"),
    "verbose": "write progress=True or progress=False",
    **dict.fromkeys(("validation_split", "validation_share"), "validation"),
    "shuffle": "fit shuffles the images in each epoch; for another order write a loop with train_step",
    "device": "networks run on the processor, so leave it out",
    **dict.fromkeys(
        ("workers", "num_workers", "transforms", "transform", "augment"),
        "they belong to a loader: write fit(network, fastconv.data.Loader(data, ...))",
    ),
    "n_jobs": "write fastconv.set_num_threads(VALUE) before it",
    "class_weight": "write loss=fastconv.CrossEntropy(weight=VALUE)",
    "label_smoothing": "write loss=fastconv.CrossEntropy(label_smoothing=VALUE)",
    **dict.fromkeys(("sample_weights", "weights", "w"), "sample_weight"),
    "initial_epoch": "write resume=path, with a file of fastconv.callbacks.Checkpoint, or call fit again with the "
    "epochs that remain",
    "steps_per_epoch": "an epoch is all images; write batch_size, or a loop with train_step",
    **dict.fromkeys(("scheduler", "lr_scheduler", "lr_schedule"), "schedule"),
    **dict.fromkeys(
        ("freeze", "frozen", "trainable"),
        'write network.set_trainable("layer1.*", False) before it, with a pattern of names of parameters',
    ),
    **dict.fromkeys(("clip_norm", "grad_clip", "gradient_clip_val", "max_grad_norm", "clipnorm"), "max_norm"),
    "ema": "write callbacks=[fastconv.callbacks.WeightAverage()]",
    **dict.fromkeys(("communicator", "world", "ranks"), "comm"),
    **dict.fromkeys(
        ("strategy", "distributed", "num_nodes", "ddp"), "write comm=mpi4py.MPI.COMM_WORLD, and start it with mpiexec"
    ),
    **dict.fromkeys(("sync_batchnorm", "sync_bn"), "write comm=fastconv.mpi.Ranks(synchronise=True)"),
}
GRADIENTS = "loss, gradients = network.gradients(x, labels, fastconv.CrossEntropy())"
OF_GRADIENTS = {
    **dict.fromkeys(("images", "image", "data", "X"), "x"),
    **dict.fromkeys(("labels", "label", "target", "y", "Y"), "targets"),
    **dict.fromkeys(("criterion", "loss_fn"), "loss"),
    **dict.fromkeys(("train", "training_mode"), "training"),
    **dict.fromkeys(
        ("wrt", "dx", "input_gradients"),
        "the gradients of all parameters are returned, and with inputs=True that of the images as well",
    ),
    **dict.fromkeys(("retain_graph", "create_graph", "device"), "leave it out"),
    "batch_size": "the batch is the images that are given: write x[:VALUE], labels[:VALUE]",
}
EVALUATE = {
    **FIT,
    "sample_weight": "evaluate counts each image once: leave it out",
    "batch_size": "evaluate makes batches of its own: leave it out",
    "verbose": "evaluate shows nothing: leave it out",
    "progress": "evaluate shows nothing: leave it out",
    "validation": "write evaluate(network, validation)",
    "metrics": "evaluate returns loss and accuracy; others are computed from network.predict(images)",
    "optimizer": "evaluate changes nothing: leave it out",
}
STEP_WORDS = {
    **FIT,
    "epochs": "train_step is one step; write a loop, or fit(network, images, labels, epochs=VALUE)",
    "batch_size": "the batch is the images that are given: write images[:VALUE], labels[:VALUE]",
    "progress": "train_step shows nothing: leave it out",
    "verbose": "train_step shows nothing: leave it out",
}
SETTINGS = {  # of optimizers
    "learning_rate": "lr",
    "rate": "lr",
    "decay": "weight_decay",
    "l2": "weight_decay",
    "epsilon": "eps",
    "beta": "betas",
    "rho": "alpha",
    "beta1": "write betas=(VALUE, 0.999)",
    "beta_1": "write betas=(VALUE, 0.999)",
    "beta2": "write betas=(0.9, VALUE)",
    "beta_2": "write betas=(0.9, VALUE)",
    "clipnorm": "to clip write fastconv.clip_gradients(gradients, VALUE) before optimizer.step",
    "clipvalue": "to clip write fastconv.clip_gradients(gradients, VALUE) before optimizer.step",
    "dampening": "there is no dampening: leave it out",
    "amsgrad": "there is no AMSGrad: leave it out",
    "maximize": "give step the negative gradients to maximize",
    "param_groups": "names choose parameters that have settings of their own: write groups={'layer4.*': {'lr': 0.01}}",
    **dict.fromkeys(
        ("exclude_from_weight_decay", "no_decay", "bias_decay", "decay_bias", "norm_decay"),
        "for no decay of biases and norms write decay_biases_and_norms=False",
    ),
}


def settings(line: str) -> dict[str, str]:
    """The words for the settings of the optimizer that `line` makes."""
    replacement = (
        f"they are given to step, not here: write optimizer = {line}, then optimizer.step(parameters, gradients)"
    )
    return {**SETTINGS, **dict.fromkeys(("params", "parameters"), replacement)}


STEP = "loss, gradients = network.gradients(images, labels, loss) and optimizer.step(network.parameters, gradients)"
OF_OPTIMIZERS = {  # attributes
    "zero_grad": "gradients are new in each step, so leave it out",
    **dict.fromkeys(
        ("param_groups", "add_param_group"),
        "names choose parameters that have settings of their own: write optimizer.groups['layer4.*'] = {'lr': 0.01}; "
        "those of all others are attributes, such as optimizer.lr",
    ),
    **dict.fromkeys(("state_dict", "get_state"), "write optimizer.state()"),
    **dict.fromkeys(("load_state_dict", "set_state"), "write optimizer.load_state(state)"),
    "get_config": "repr(optimizer) shows its settings",
    "learning_rate": "write optimizer.lr",
    "minimize": "write fastconv.train_step(network, images, labels, optimizer)",
    "apply_gradients": "write optimizer.step(network.parameters, gradients)",
    "update": "write optimizer.step(network.parameters, gradients)",
}
LOSS_SETTINGS = {
    "from_logits": "it always takes logits: leave it out",
    **dict.fromkeys(
        ("weight", "weights", "class_weight", "class_weights"),
        "classes have weights in fastconv.CrossEntropy(weight=VALUE)",
    ),
    "label_smoothing": "write fastconv.CrossEntropy(label_smoothing=VALUE)",
    "ignore_index": "leave out the samples without a class: write images[labels != VALUE], labels[labels != VALUE]",
    "reduction": "it is the mean over the images: leave it out",
    "beta": "write fastconv.losses.Huber(delta=VALUE)",
    "pos_weight": "write fastconv.losses.BCEWithLogits(pos_weight=VALUE)",
    "size_average": "leave it out",
    "axis": "classes are axis 1: leave it out",
    "dim": "classes are axis 1: leave it out",
}
OF_LOSSES = {  # attributes
    "backward": "write loss, gradients = network.gradients(images, labels, loss_object), "
    "or fastconv.train_step, which also updates",
    "item": "train_step and network.gradients return losses as floats",
    "forward": "the functions fastconv.cross_entropy and fastconv.mse_loss compute losses of arrays",
}


def check_loss(loss: Any) -> Any:
    """The loss; TypeError if it is not one."""
    rule = "loss must be a loss object"
    if not hasattr(loss, "bind") and hasattr(loss, "step"):
        raise TypeError(f"{rule}, got the optimizer {loss!r}; write loss=fastconv.CrossEntropy(), optimizer={loss!r}")
    if isinstance(loss, type) and hasattr(loss, "bind"):
        ours = in_table(loss, LOSSES) if loss.__module__.startswith("fastconv.") else ""
        raise TypeError(f"{rule}, got the class {loss.__name__}; write loss={ours or f'{loss.__name__}()'}")
    if isinstance(loss, str) or (callable(loss) and not hasattr(loss, "prepare")):
        own = "" if isinstance(loss, str) or in_table(loss, LOSSES) else f"; {OWN_LOSS}"
        line = in_table(loss, LOSSES) or "fastconv.CrossEntropy() or fastconv.MSE('mean')"
        raise TypeError(f"{rule}, got {check.described(loss)}; write loss={line}{own}")
    for method in ("prepare", "target_array", "bind"):
        if not callable(getattr(loss, method, None)):
            raise TypeError(f"{rule}, such as fastconv.CrossEntropy(), got {loss!r}, which has no {method}; {OWN_LOSS}")
    try:
        hash(loss)
    except TypeError:
        raise TypeError(f"loss must be hashable, as a frozen dataclass is, got {loss!r}") from None
    return loss


def check_optimizer(optimizer: Any) -> Any:
    """The optimizer; TypeError if it is not one."""
    rule = "optimizer must be an object with step(parameters, gradients)"
    if isinstance(optimizer, str | type):
        raise TypeError(f"{rule}, got {check.described(optimizer)}; write optimizer={known_as(optimizer, OPTIMIZERS)}")
    if hasattr(optimizer, "prepare") and not hasattr(optimizer, "step"):
        raise TypeError(f"{rule}, got the loss {optimizer!r}; write optimizer=fastconv.SGD(lr=0.1), loss={optimizer!r}")
    if not callable(getattr(optimizer, "step", None)):
        rate = isinstance(optimizer, int | float) and not isinstance(optimizer, bool)
        cure = f"; write optimizer=fastconv.SGD(lr={optimizer!r})" if rate else ""
        raise TypeError(f"{rule}, such as fastconv.SGD(lr=0.1), got {check.shown(optimizer)}{cure}")
    step = getattr(type(optimizer), "step", None)
    if isinstance(step, FunctionType) and (wrong := mismatch_of_step(step)):
        cure = f"write optimizer={known_as(optimizer, OPTIMIZERS)}"
        raise TypeError(f"{rule}, got {type(optimizer).__name__}, whose step does not take these ({wrong}); {cure}")
    return optimizer


def known_as(value: object, table: Mapping[str, str]) -> str:
    """What to write for a name, a function, a class or an object of another library; all choices if it is unknown."""
    return in_table(value, table) or " or ".join(dict.fromkeys(table.values()))


def in_table(value: object, table: Mapping[str, str]) -> str:
    """The entry of a table for a name, a function, a class or an object; '' if there is none."""
    name = value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)
    return table.get("".join(filter(str.isalnum, name.lower())), "")


def check_callback(function: object, name: str, takes: str) -> None:
    """TypeError for what cannot be called with one argument; None is no callback."""
    if function is None:
        return
    rule = f"{name} must be a function that takes {takes}"
    if isinstance(function, type):
        raise TypeError(f"{rule}, got the class {function.__name__}; write {name}={function.__name__}()")
    if not callable(function):
        raise TypeError(f"{rule}, got {function!r}")
    if wrong := mismatch(function, 1):
        raise TypeError(f"{rule} alone, got {function!r}: {wrong}")


def mismatch(function: Callable[..., object], count: int) -> str:
    """Why a function cannot be called with `count` arguments; '' if it can, or if a builtin does not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        return str(error)
    return ""


@lru_cache
def mismatch_of_step(step: FunctionType) -> str:
    """Why a function cannot be called as `step(self, parameters, gradients)`; asked in each training step."""
    return mismatch(step, 3)
