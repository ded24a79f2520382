"""A training step of PyTorch's modules, as they are and accelerated by fastconv: the ratio, and how far results differ.

    python benchmarks/torch_accelerate.py                                   four networks of torchvision, batch 8
    python benchmarks/torch_accelerate.py --models resnet18 --batch 2 --size 96
    python benchmarks/torch_accelerate.py --cpu                             on a busy machine: seconds of one thread

A step is forward, backward and SGD with momentum. Both modules have the same weights and take turns; the ratio is the
least seconds of the untouched module / the least seconds of the accelerated one. Before that, outputs and gradients of
one float64 step are compared, relative to the largest entry. The exit status is 1 where they differ.
"""

import argparse
import copy
import sys
import time

import torch
import torch_models
from torch.nn import functional as F

import fastconv
from fastconv.torch import accelerate

GOALS = {"vgg16": 1.8, "resnet18": 1.3, "resnet50": 1.2, "mobilenet_v2": 1.0}
WITHOUT_DROPOUT = {"vgg16": {"dropout": 0.0}, "mobilenet_v2": {"dropout": 0.0}}
LIMIT = 1e-9  # of float64 outputs and gradients
SMALL = 1e-6  # of the largest of all gradients: below it none is held to its own size


def modules(name, dtype=torch.float32):
    """The module as it is, and accelerated."""
    torch.manual_seed(0)
    theirs = torch_models.build(name, **WITHOUT_DROPOUT.get(name, {})).to(dtype)
    ours = copy.deepcopy(theirs)
    accelerate(ours)
    return theirs, ours


def differences(name, size=64):
    """The largest difference of outputs, and of gradients, of one step in float64."""
    x = torch.randn(2, 3, size, size, dtype=torch.float64)
    found = []
    for module in modules(name, torch.float64):
        y = module(x)
        F.cross_entropy(y, torch.tensor([1, 2])).backward()
        found.append((y.detach(), [p.grad for p in module.parameters()]))
    (y, gradients), (our_y, our_gradients) = found
    least = SMALL * max(float(g.abs().max()) for g in gradients)
    worst = max(relative(b, a, least) for a, b in zip(gradients, our_gradients, strict=True))
    return relative(our_y, y, 0.0), worst


def relative(value, exact, least):
    return float((value - exact).abs().max()) / max(float(exact.abs().max()), least)


def stepper(module, x, labels):
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-4, momentum=0.9)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(module(x), labels).backward()
        optimizer.step()

    return step


def seconds(name, options):
    """The least seconds of a step, for each module."""
    clock = time.process_time if options.cpu else time.perf_counter
    x = torch.randn(options.batch, 3, options.size, options.size)
    labels = torch.randint(0, 1000, (options.batch,))
    steps = [stepper(module, x, labels) for module in modules(name)]
    least = [float("inf")] * 2
    for _ in range(options.rounds):
        for n, step in enumerate(steps):
            step()  # wakes its threads
            begun = clock()
            step()
            least[n] = min(least[n], clock() - begun)
    return least


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", default=",".join(GOALS), metavar="A,B")
    add("--batch", type=int, default=8)
    add("--size", type=int, default=224)
    add("--threads", type=int, default=2)
    add("--rounds", type=int, default=5)
    add("--cpu", action="store_true", help="time of the processor on one thread, which other programs do not change")
    options = parser.parse_args(given)
    threads = 1 if options.cpu else options.threads
    torch.set_num_threads(threads)
    fastconv.set_num_threads(threads)
    print("| model | PyTorch, ms | accelerated, ms | ratio | goal | float64 outputs | float64 gradients |")
    print("|---|---|---|---|---|---|---|")
    right = True
    for name in options.models.split(","):
        outputs, gradients = differences(name)
        right &= max(outputs, gradients) <= LIMIT
        theirs, ours = seconds(name, options)
        times = f"{1e3 * theirs:.0f} | {1e3 * ours:.0f} | {theirs / ours:.2f} | {GOALS.get(name, '')}"
        print(f"| {name} | {times} | {outputs:.1e} | {gradients:.1e} |", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
