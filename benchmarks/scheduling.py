"""How evenly parallel sections share their work, counted, for any number of threads: no time is measured.

    python benchmarks/scheduling.py
    python benchmarks/scheduling.py --threads 2,16,64 --networks resnet50

A layer runs in parallel sections, each of so many jobs. Jobs of a section are about equal, so of J jobs on T threads a
thread has at most ceil(J / T): its share over the mean is ceil(J / T) T / J. The share of a call adds those of its
sections, weighted by the work that the call stated before them: a small section after a large one may count as much as
that one, so the share is rather too large. Work for all: J >= T. A section ends with one barrier. KB each: the operands
and results of a call, over the most threads.
"""

import argparse
from math import ceil

import cases
import numpy as np
import shapes

import fastconv
from fastconv.kernels.runtime import threads

NETWORKS = {"zhang2016": (1, 28, 28), "resnet18": (3, 224, 224), "resnet50": (3, 224, 224), "vgg16": (3, 224, 224),
            "mobilenet_v1": (3, 224, 224), "densenet121": (3, 224, 224), "squeezenet1_1": (3, 224, 224)}  # fmt: skip


def parser():
    p = argparse.ArgumentParser(
        prog="scheduling.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    p.add_argument("--threads", default="1,2,4,8,16,32,64", metavar="N,...")
    p.add_argument("--networks", default=",".join(NETWORKS), metavar="NAME,...")
    p.add_argument("--batch", type=int, default=8, help="of the networks (default %(default)s)")
    p.add_argument("--shapes", default="", metavar="TEXT", help="only shapes whose name holds this")
    return p


def share(sections):
    """The largest share of a thread over the mean; and the part of the work that lies in sections with work for all."""
    several = [(work, jobs, number) for work, jobs, number in sections if number > 1 and jobs]
    total = sum(work for work, _, _ in several)
    if not total:
        return None, 1.0
    largest = sum(work * ceil(jobs / number) * number / jobs for work, jobs, number in several) / total
    return largest, sum(work for work, jobs, number in several if jobs >= number) / total


def counted(call, number):
    """(share, part with work for all, barriers) of a call on so many threads."""
    fastconv.set_num_threads(number)
    sections = threads.record(call)
    largest, enough = share(sections)
    return largest, enough, sum(several > 1 for _, _, several in sections)


def network_call(name, batch):
    """A prediction of a network, and the number of its layers with weights."""
    network = fastconv.Network(getattr(fastconv.models, name)(), NETWORKS[name], seed=0).freeze()
    x = np.zeros((batch, *NETWORKS[name]), "float32")
    return lambda: network.predict(x)


def calls(options):
    """(name, bytes of operands and results, call) of every convolution, pooling and norm, then of the networks."""
    for shape in shapes.SHAPES:
        if shape.family in ("conv", "pool", "norm", "dense", "activation") and options.shapes in shape.name:
            for direction in shape.targets:
                call = cases.ours(cases.Case(shape, direction))
                yield f"{shape.name} {direction}", shape.touched(direction, 4), call
    for name in filter(None, options.networks.split(",")):
        yield f"{name} b{options.batch} inference", None, network_call(name, options.batch)


def line(name, size, call, numbers):
    """One line of the table."""
    cells = []
    for number in numbers:
        largest, enough, barriers = counted(call, number)
        cells.append(f"{largest:5.2f}{' ' if enough > 0.99 else '*'}{barriers:4d}" if largest else f"{'-':>6s}{0:4d}")
    moved = f"{size / numbers[-1] / 1e3:9.0f}" if size else " " * 9
    return f"{name:42s}{moved}  " + "  ".join(cells)


def main():
    options = parser().parse_args()
    numbers = [int(text) for text in options.threads.split(",")]
    threads.set_choosing(False)
    print("largest share / mean, and barriers of a call, by the number of threads")
    print("-: one thread; *: not all sections have work for all")
    print(f"{'':42s}{'KB each':>9s}  " + "  ".join(f"{number:10d}" for number in numbers))
    for name, size, call in calls(options):
        print(line(name, size, call, numbers), flush=True)


if __name__ == "__main__":
    main()
