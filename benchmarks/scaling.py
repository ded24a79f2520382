"""Steps of training on several ranks: how long they take, and how much of the communication is hidden.

    mpiexec -n 2 python -m mpi4py benchmarks/scaling.py resnet18 --batch 16 --steps 6

prints a line of JSON: seconds of a step, of the sums of gradients by themselves, and of those that a step waited for;
with --trace also when each sum began and what was waited for in the last step, in milliseconds from its begin.
"""

import argparse
import json
import statistics
import time

import numpy as np
from mpi4py import MPI

import fastconv
from fastconv import CrossEntropy, Network, models
from fastconv.mpi import Ranks
from fastconv.training.feeds import Batch
from fastconv.training.score import Count
from fastconv.training.together import Together

NETWORKS = {
    "zhang2016": (models.zhang2016, (1, 28, 28), 10),
    "lenet5": (models.lenet5, (1, 28, 28), 10),
    "resnet18": (models.resnet18, (3, 112, 112), 1000),
    "resnet50": (models.resnet50, (3, 112, 112), 1000),
    "vgg16": (models.vgg16, (3, 112, 112), 1000),
}


class Traced(Ranks):
    """Ranks that note when sums begin, and how long they are waited for."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.waited, self.helped, self.events, self.hidden = 0.0, 0.0, [], True

    def begin_sum(self, vector):
        began = time.perf_counter()
        super().begin_sum(vector)
        if not self.hidden:
            self.finish_sums()
        self.events.append(("begin", began, vector.nbytes))
        self.helped += time.perf_counter() - began

    def progress(self):
        began = time.perf_counter()
        super().progress()
        self.helped += time.perf_counter() - began

    def finish_sums(self):
        began = time.perf_counter()
        super().finish_sums()
        self.events += [("wait", began, 0), ("done", time.perf_counter(), 0)]
        self.waited += time.perf_counter() - began


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--batch", type=int, default=16, help="images of all ranks together")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--bucket", type=float, default=8)
    parser.add_argument("--threads", type=int, help="of each rank; its part of the processors unless given")
    parser.add_argument("--wire")
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--synchronise", action="store_true")
    parser.add_argument("--trace", action="store_true")
    return parser.parse_args()


def sums_alone(ranks, size, repeats=5):
    """Seconds of the sum of so many numbers of float32, with nothing else to do: the median, of the slowest rank."""
    vector, seconds = np.ones(size, "float32"), []
    for _ in range(repeats):
        ranks.comm.Barrier()
        began = time.perf_counter()
        for start in range(0, size, ranks.bucket_bytes // 4):
            Ranks.begin_sum(ranks, vector[start : start + ranks.bucket_bytes // 4])
        Ranks.finish_sums(ranks)
        seconds.append(time.perf_counter() - began)
    return max(ranks.objects(statistics.median(seconds)))


def steps(ranks, given, network, batch):
    """(seconds of each step, seconds waited in each) of this rank."""
    together = Together(ranks, 8 if given.deterministic else None)
    loss, optimizer = CrossEntropy(), fastconv.SGD(0.001)
    part, found = together.share(given.batch), []
    mine = Batch(batch.images[part], batch.targets[part], batch.classes[part], None, given.batch)
    for _ in range(given.steps):
        ranks.comm.Barrier()
        ranks.waited, ranks.helped, ranks.events, began = 0.0, 0.0, [], time.perf_counter()
        together.step(network, mine, loss, optimizer, Count(loss), None)
        found.append((time.perf_counter() - began, ranks.waited, ranks.helped))
        ranks.began = began
    return found[1:] if len(found) > 2 else found


def main():
    given = options()
    ranks = Traced(bucket=given.bucket, wire=given.wire, synchronise=given.synchronise)
    fastconv.set_num_threads(given.threads or ranks.threads())
    model, shape, classes = NETWORKS[given.network]
    network = Network(model(), shape, seed=0)
    rng = np.random.default_rng(0)
    images, labels = rng.random((given.batch, *shape), dtype="float32"), rng.integers(0, classes, given.batch)
    batch = Batch(images, labels, labels, None, given.batch)
    alone = sums_alone(ranks, network.parameters.vector.size)
    step, waited, helped = np.median(steps(ranks, given, network, batch), axis=0)
    events = [(kind, round(1000 * (when - ranks.began), 2), size) for kind, when, size in ranks.events]
    ranks.hidden = False
    apart = np.median(steps(ranks, given, network, batch), axis=0)[0] if not given.deterministic else step
    slowest = np.max(ranks.objects((step, apart, waited, helped)), axis=0)
    if ranks.rank:
        return
    names = ("step", "step_not_hidden", "waited", "in_mpi")
    result = {
        "network": given.network,
        "ranks": ranks.size,
        "threads": fastconv.get_num_threads(),
        "batch": given.batch,
    }
    result |= {"megabytes": round(4e-6 * network.parameters.vector.size, 1), "sums_alone": round(alone, 4)}
    result |= {name: round(float(value), 4) for name, value in zip(names, slowest, strict=True)}
    print(json.dumps(result | ({"trace_ms": events} if given.trace else {}) | {"mpi": MPI.Get_library_version()[:14]}))


if __name__ == "__main__":
    main()
