"""`accelerate`: fastconv in place of those layers of a module that it computes quicker."""

from collections.abc import Callable
from typing import Any

from ..ops import check
from ..system.extras import needed

torch = needed("torch", "fastconv.torch", "torch")

from .kinds import check_module, is_ours  # noqa: E402
from .modules import candidates, followers, use, use_sequences  # noqa: E402
from .report import Acceleration, Choice  # noqa: E402
from .table import Table  # noqa: E402
from .timing import Seen, described, layer_cost, shapes, step_cost  # noqa: E402

__all__ = ["accelerate", "restore"]

MEASURED = Table()  # by this process
RULE = (torch.nn.Conv2d, torch.nn.ConvTranspose2d, torch.nn.BatchNorm2d)  # quicker as a rule, sizes unknown


def accelerate(module: Any, example: Any = None, table: Any = None) -> Acceleration:
    """Let fastconv compute the layers of a PyTorch module, forward and backward; the rest of the program stays.

    Convolutions, transposed convolutions, batch norm, ReLU and pooling of images on the CPU, float32 and float64: each
    such layer calls fastconv on the memory of its tensors. Names, parameters, state dicts, hooks, optimizers and the
    training loop are as before. Activations lie in channels-last memory between these layers; shapes do not change.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.
    example : tensor or tuple of tensors, optional
        An input of the module, of the size that it will get. With it each layer is measured with PyTorch and with
        fastconv, and the quicker one is taken; without it fastconv takes what it computes quicker as a rule:
        convolutions, batch norm, and the ReLU after one of these in a Sequential.
    table : path of a JSON file, or dict, optional
        Costs measured before, so that they are not measured again; the file is made if it does not exist. It holds for
        one machine.

    Returns
    -------
    Acceleration
        ``print`` it to see the choice for each layer, and why.

    Raises
    ------
    TypeError
        For what is no module, for an example of other things than tensors, and for another table.
    fastconv.system.extras.MissingPackage
        Where PyTorch is not installed.

    Notes
    -----
    Some calls stay with PyTorch, each time they come: tensors on other devices, of other dtypes, of no elements or of
    subclasses; other borders than zeros; autocast, ``torch.compile``, ``torch.jit.trace``, ``torch.func`` and
    forward-mode gradients. Gradients of gradients are computed by PyTorch. Classes derived from PyTorch's layers are
    left alone. `restore` undoes everything; do so before ``torch.jit.script``.

    A module that is copied or pickled stays accelerated. Results are PyTorch's up to rounding.

    Examples
    --------
    >>> import torch
    >>> from fastconv.torch import accelerate
    >>> module = torch.nn.Sequential(torch.nn.Conv2d(3, 32, 3), torch.nn.ReLU())
    >>> print(accelerate(module))
    name  layer   computed by       images  PyTorch, ms  fastconv, ms
    -----------------------------------------------------------------
    0     Conv2d  fastconv
    1     ReLU    fastconv: with 0
    fastconv computes 2 of 2 layers that it knows.
    >>> module(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 32, 6, 6])
    """
    check_module(module)
    tensors = example if isinstance(example, tuple) else (example,)
    if example is not None and not all(isinstance(each, torch.Tensor) for each in tensors):
        raise TypeError(f"example must be a tensor or a tuple of tensors, got {check.described(example)}")
    costs = MEASURED if table is None else Table(table)
    restore(module)
    if example is None:
        choices = chosen(module, by_rule)
        switch(module, choices, True)
        return Acceleration(choices)
    with torch.random.fork_rng(devices=[]):
        return by_example(module, tensors, costs)


def by_example(module: Any, example: tuple[Any, ...], costs: Table) -> Acceleration:
    """Measure what is not in the table, choose, and keep the choice if the whole is quicker."""
    seen = shapes(module, example)
    choices = chosen(module, lambda name, part, after: by_cost(name, part, after, seen.get(name), costs))
    costs.save()
    report = Acceleration(choices)
    if report.accelerated:
        report = Acceleration(choices, step_cost(module, example, lambda ours: switch(module, choices, ours)))
    switch(module, choices, report.accelerated)
    return report


def restore(module: Any) -> None:
    """Let PyTorch compute everything again, as before `accelerate`.

    Parameters
    ----------
    module : torch.nn.Module

    Raises
    ------
    TypeError
        For what is no module.

    Examples
    --------
    >>> from torch import nn
    >>> from fastconv.torch import accelerate, restore
    >>> module = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU())
    >>> report = accelerate(module)
    >>> type(module[0]) is nn.Conv2d
    False
    >>> restore(module)
    >>> type(module[0]) is nn.Conv2d
    True
    """
    check_module(module)
    for part in module.modules():
        if is_ours(part):
            use(part, False)


def chosen(module: Any, choose: Callable[[str, Any, Any], Choice]) -> list[Choice]:
    """The choice for each layer; an activation that is computed together with the layer before it goes with that."""
    taken: dict[int, str] = {}
    after, choices = followers(module), []
    for name, part in candidates(module):
        if id(part) in taken:
            choices.append(Choice(name, type(part).__name__, True, why=f"with {taken[id(part)]}"))
            continue
        choices.append(choose(name, part, after.get(name)))
        if choices[-1].ours and name in after:
            taken[id(after[name])] = name
    return choices


def by_rule(name: str, part: Any, after: Any) -> Choice:
    """Who computes a layer of which no sizes are known."""
    ours = type(part) in RULE
    return Choice(name, type(part).__name__, ours, why="" if ours else "not measured")


def by_cost(name: str, part: Any, after: Any, seen: Seen | None, costs: Table) -> Choice:
    """Who computes a layer, from the table or by measuring it with the activation after it."""
    kind = type(part).__name__
    if seen is None:
        return Choice(name, kind, False, why="the example does not reach it")
    shape = " x ".join(map(str, seen.shape))
    if seen.dtype not in (torch.float32, torch.float64):
        return Choice(name, kind, False, shape, why=str(seen.dtype).removeprefix("torch."))
    what = described(part, after, seen)
    if what not in costs:
        measured = layer_cost(part, after, seen)
        if measured is None:
            return Choice(name, kind, False, shape, why="the results differ")
        costs[what] = measured
    cost = costs[what]
    return Choice(name, kind, cost.pays, shape, cost, "" if cost.pays else "quicker")


def switch(module: Any, choices: list[Choice], ours: bool) -> None:
    """Let fastconv, or PyTorch, compute what was chosen for fastconv."""
    wanted = {choice.name for choice in choices if choice.ours} if ours else set()
    for name, part in list(candidates(module)):
        use(part, name in wanted)
    use_sequences(module)
