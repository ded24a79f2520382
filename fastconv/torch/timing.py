"""How long layers and whole modules take with PyTorch and with fastconv, in turns, on tensors of the same shape."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import torch

from .arrays import PLANES
from .modules import candidates, use, use_sequences
from .table import Cost

TURNS, TURN, MOST = 3, 5e-3, 20  # turns of each; seconds of a turn, at least one call, and at most so many
TOLERANCE = {torch.float32: 1e-3, torch.float64: 1e-9}  # of the largest value


class Seen(NamedTuple):
    """What a layer got: the shape, dtype and memory order of its images, and whether their gradient is needed."""

    shape: tuple[int, ...]
    dtype: Any
    channels_last: bool
    gradient: bool


def shapes(module: Any, example: tuple[Any, ...]) -> dict[str, Seen]:
    """What each layer gets first when the module is called; its buffers and random numbers stay as they are."""
    seen: dict[str, Seen] = {}
    handles = []
    for name, part in candidates(module):

        def look(part: Any, inputs: Any, name: str = name) -> None:
            x = inputs[0] if inputs else None
            if isinstance(x, torch.Tensor) and name not in seen:
                last = x.dim() == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
                seen[name] = Seen(tuple(x.shape), x.dtype, last, x.requires_grad)

        handles.append(part.register_forward_pre_hook(look))
    try:
        with unchanged(module), torch.enable_grad():
            module(*example)
    finally:
        for handle in handles:
            handle.remove()
    return seen


@contextmanager
def unchanged(module: Any) -> Iterator[None]:
    """Buffers and random numbers are afterwards as they were."""
    kept = {name: (buffer, buffer.clone()) for name, buffer in module.named_buffers()}
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, value in kept.values():
                    buffer.copy_(value)


def described(part: Any, after: Any, seen: Seen) -> str:
    """What is measured, as the table names it."""
    what = f"{type(part).__name__}({part.extra_repr()})"
    if after is not None:
        what = f"{what} and {type(after).__name__}({after.extra_repr()})"
    mode = "training" if part.training else "prediction"
    order = "channels-last" if seen.channels_last else "contiguous"
    images = f"{seen.shape} {str(seen.dtype).removeprefix('torch.')} {order}"
    given = "with" if seen.gradient else "without"
    return f"{what} of {images}, {mode}, {given} input gradient, {torch.get_num_threads()} threads"


def layer_cost(part: Any, after: Any, seen: Seen) -> Cost | None:
    """The seconds of a layer, with the activation after it; PyTorch's in the quicker memory order.

    None where the results differ.
    """
    theirs = copy.deepcopy(torch.nn.Sequential(*filter(None, (part, after))))
    ours = copy.deepcopy(theirs)
    use(ours[0], True)
    use_sequences(ours)
    x = torch.randn(seen.shape, dtype=seen.dtype)
    last = x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
    given = last if seen.channels_last else x
    calls = {"given": call(theirs, given, seen.gradient), "last": call(theirs, last, seen.gradient)}
    calls["ours"] = call(ours, last if x.dim() == 4 and x.shape[1] > PLANES else given, seen.gradient)
    if not agree(calls["given"](), calls["ours"](), seen.dtype):
        return None
    times = in_turns(calls)
    return Cost(min(times["given"], times["last"]), times["ours"])


def call(part: Any, x: Any, gradient: bool) -> Callable[[], Any]:
    """Forward, and backward where something has a gradient."""
    parameters = [p for p in part.parameters() if p.requires_grad]
    dy: list[Any] = []

    def run() -> Any:
        source = x.detach().requires_grad_(gradient)
        y = part(source.clone() if getattr(part[0], "inplace", False) else source)
        wanted = [source, *parameters] if gradient else parameters
        if not y.requires_grad:
            return [y]
        if not dy:
            dy.append(y.detach().sin())  # in y's order in memory
        return [y, *torch.autograd.grad(y, wanted, dy[0])]

    return run


def agree(theirs: list[Any], ours: list[Any], dtype: Any) -> bool:
    """Whether results are the same up to rounding."""
    for a, b in zip(theirs, ours, strict=True):
        if float((a - b).detach().abs().max()) > TOLERANCE[dtype] * max(1.0, float(a.detach().abs().max())):
            return False
    return True


def in_turns(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The least seconds of each call over some turns: whatever else runs can only make a call longer."""
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(TURNS):
        for name, run in calls.items():
            run()  # wakes its threads
            end = perf_counter() + TURN
            for _ in range(MOST):
                begun = perf_counter()
                run()
                now = perf_counter()
                least[name] = min(least[name], now - begun)
                if now > end:
                    break
    return least


def step_cost(module: Any, example: tuple[Any, ...], switch: Callable[[bool], None]) -> Cost:
    """The seconds of a forward and backward pass of the whole module; `switch` turns fastconv on and off."""
    parameters = [p for p in module.parameters() if p.requires_grad]

    def run(ours: bool) -> None:
        switch(ours)
        with torch.enable_grad():
            total = sum(y.sum() for y in tensors(module(*example)) if y.is_floating_point())
            if parameters and isinstance(total, torch.Tensor) and total.requires_grad:
                torch.autograd.grad(total, parameters, allow_unused=True)

    with unchanged(module):
        times = in_turns({"torch": lambda: run(False), "fastconv": lambda: run(True)})
    return Cost(times["torch"], times["fastconv"])


def tensors(outputs: Any) -> Iterator[Any]:
    """The tensors in tuples, lists and dicts."""
    if isinstance(outputs, torch.Tensor):
        yield outputs
    elif isinstance(outputs, dict):
        for value in outputs.values():
            yield from tensors(value)
    elif isinstance(outputs, list | tuple):
        for value in outputs:
            yield from tensors(value)
