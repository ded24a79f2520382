"""A training step of PyTorch's modules, as they are and accelerated by fastconv: the ratio, and how far results differ.

    python benchmarks/torch_accelerate.py                                   four networks of torchvision, batch 8
    python benchmarks/torch_accelerate.py --models resnet18 --batch 2 --size 96
    python benchmarks/torch_accelerate.py --cpu                             on a busy machine: seconds of one thread
    python benchmarks/torch_accelerate.py --agree                           float32 by the rule of benchmarks/agree.py

A step is forward, backward and SGD with momentum. Both modules have the same weights and take turns; the ratio is the
least seconds of the untouched module / the least seconds of the accelerated one. Before that, outputs and gradients of
one float64 step are compared, relative to the largest entry. The exit status is 1 where they differ.

--agree holds one float32 step of the accelerated module against PyTorch's float64: outputs within 1e-4 of the largest,
the norm of each gradient's error at most twice that of PyTorch's own float32 step (the worse of contiguous and
channels-last memory), as the median over --draws of images. Gradients are those of the module without kinks, as in
benchmarks/agree.py; the outputs are those of the module as it is.

In vgg16 on 64 x 64 pixels the error of features.26.bias is 1.9 times PyTorch's (2.2 with kinks). The gradient of its
4 x 4 maps comes from Winograd's path. The error of each of its values is that of PyTorch's channels-last convolution
(1.0e-6 of the norm for both), but what comes from the filters is the same for all pixels of a map, and their sum, the
gradient of the bias, does not average it: 1.5e-6 by 1.0e-6. With FASTCONV_PATHS_OFF=winograd the ratio is 1.0.
"""

import argparse
import copy
import sys
import time

import numpy as np
import torch
import torch_models
from agree import GRADIENT32, OUTPUT32, SMALL, gradients_of, largest, norms
from agree_task import LAYOUTS, TINY, Task, tensor, verdict
from smooth import smooth, without_kinks
from torch.nn import functional as F

import fastconv
from fastconv.torch import accelerate

SIZE = 224
GOALS = {"vgg16": 1.8, "resnet18": 1.3, "resnet50": 1.2, "mobilenet_v2": 1.0}
WITHOUT_DROPOUT = {"vgg16": {"dropout": 0.0}, "mobilenet_v2": {"dropout": 0.0}}
LIMIT = 1e-9  # of float64 outputs and gradients


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


def agreement(name, options):
    """(largest difference of outputs, largest median ratio of gradients' errors, of which parameter, median ratio)"""
    task = Task(name, options.size if options.size != SIZE else None, options.agree_batch, 100, seed=0)
    outputs, ratios = [], []
    for seed in range(options.draws):
        x, targets = task.draw(seed)
        outputs.append(largest(predicted(task, x, "float32", accelerate), predicted(task, x, "float64")))
        with smooth():
            exact = gradients(task, x, targets, "float64")
            theirs = [norms(gradients(task, x, targets, "float32", layout), exact) for layout in LAYOUTS]
            ours = norms(gradients(task, x, targets, "float32", change=accelerate), exact)
        floor = TINY["float32"] * SMALL * max(np.abs(g).max() for g in exact.values())
        ratios.append({name: e / max(*(own[name] for own in theirs), floor) for name, e in ours.items()})
    medians = {name: float(np.median([each[name] for each in ratios])) for name in ratios[0]}
    worst = max(medians, key=medians.get)
    return max(outputs), medians[worst], worst, float(np.median(list(medians.values())))


def predicted(task, x, dtype, change=None):
    """The outputs of a module with the weights of the task."""
    module = task.module(dtype).eval()
    if change is not None:
        change(module)
    with torch.no_grad():
        return torch_models.logits(module(tensor(x, dtype))).numpy()


def gradients(task, x, targets, dtype, layout="contiguous", change=None):
    """The gradients of a step of the module without kinks."""
    module = without_kinks(task.module(dtype, layout))
    if change is not None:
        change(module)
    task.torch_step(module, tensor(x, dtype, layout), torch.from_numpy(targets))
    return gradients_of(module)


def agreements(options):
    """Print a row a model; whether all passed."""
    print("| model | float32 outputs | largest ratio of gradients | of | median ratio | |")
    print("|---|---|---|---|---|---|")
    right = True
    for name in options.models.split(","):
        output, ratio, worst, median = agreement(name, options)
        good = output <= OUTPUT32 and ratio <= GRADIENT32
        right &= good
        print(f"| {name} | {output:.1e} | {ratio:.2f} | {worst} | {median:.2f} | {verdict(good)} |", flush=True)
    return right


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--models", default=",".join(GOALS), metavar="A,B")
    add("--batch", type=int, default=8)
    add("--size", type=int, default=SIZE)
    add("--threads", type=int, default=2)
    add("--rounds", type=int, default=5)
    add("--cpu", action="store_true", help="time of the processor on one thread, which other programs do not change")
    add("--agree", action="store_true", help="hold float32 against float64 instead of timing")
    add("--draws", type=int, default=5, help="of images, for --agree")
    add("--agree-batch", type=int, default=4, help="images of a draw")
    options = parser.parse_args(given)
    threads = 1 if options.cpu else options.threads
    torch.set_num_threads(threads)
    fastconv.set_num_threads(threads)
    if options.agree:
        return 0 if agreements(options) else 1
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
