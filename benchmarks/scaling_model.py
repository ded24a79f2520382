"""How a step of training scales over machines: a model of computing and sending, its check, and what it predicts.

    mpiexec -n 2 python -m mpi4py benchmarks/scaling_model.py --measure   latency and bandwidth of sums on this machine
    python benchmarks/scaling_model.py --latency 20e-6 --bandwidth 1.1e9  steps for 2 to 1,024 machines

A sum of M bytes over R machines takes

    ring    2 (R - 1) a + 2 (R - 1) / R M / B
    tree    2 log2(R) a + 2 (R - 1) / R M / B        halving and doubling; Thakur et al. 2005 [81]

with the latency a of a message and the bandwidth B. A bucket is sent once its gradients are known and the one before it
is done. The backward pass takes twice the forward pass, shared among the layers by their multiply-adds.
"""

import argparse
import statistics
import time
from math import ceil, log2

import numpy as np

from fastconv import Network, models
from fastconv.executor.ready import ranges
from fastconv.executor.steps import Backward

NETWORKS = {  # name -> (model, shape of an image, images of a step, seconds of this step on one machine)
    "zhang2016": (models.zhang2016, (1, 28, 28), 50, 0.00094),
    "resnet50": (models.resnet50, (3, 224, 224), 32, 3.5),
    "vgg16": (models.vgg16, (3, 224, 224), 32, 10.0),
}
LINKS = {"1 Gbit/s": (50e-6, 0.117e9), "10 Gbit/s": (20e-6, 1.17e9), "100 Gbit/s": (3e-6, 11.7e9)}  # (a, B)
MACHINES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def seconds_of_sum(nbytes, machines, latency, bandwidth, way="tree"):
    """The time of one sum."""
    if machines == 1:
        return 0.0
    messages = 2 * (machines - 1) if way == "ring" else 2 * ceil(log2(machines))
    return messages * latency + 2 * (machines - 1) / machines * nbytes / bandwidth


def known(network, bucket):
    """[(bytes of a bucket, the share of the step after which its gradients are known)] in their order."""
    steps = network.executor.make_plan(1, training=True).steps
    found = ranges(steps, network.parameters.like(), network.trainable, bucket)
    work = [multiply_adds(step.node) if isinstance(step, Backward) else 0 for step in steps]
    done = np.cumsum(work) / max(1, sum(work))
    itemsize = network.dtype.itemsize
    return [((each.stop - each.start) * itemsize, (1 + 2 * done[each.step]) / 3) for each in found]


def multiply_adds(node):
    """Of the layer for one image."""
    return node.layer.multiply_adds(node.inputs[0].shape, node.shape)


def step(buckets, compute, machines, latency, bandwidth, way="tree"):
    """Seconds of a step: buckets are sent one after another while the backward pass goes on."""
    free = 0.0
    for nbytes, share in buckets:
        free = max(free, share * compute) + seconds_of_sum(nbytes, machines, latency, bandwidth, way)
    return max(free, compute)


def measure():
    """Seconds of sums of 1 KiB to 64 MiB over the ranks of mpiexec, and the a and B that fit them best."""
    from fastconv.mpi import Ranks

    ranks, rows = Ranks(bucket=1024), []
    for power in range(10, 27, 2):
        vector, seconds = np.ones(1 << (power - 2), "float32"), []
        for _ in range(9):
            ranks.comm.Barrier()
            began = time.perf_counter()
            ranks.begin_sum(vector)
            ranks.finish_sums()
            seconds.append(time.perf_counter() - began)
        rows.append((1 << power, max(ranks.objects(statistics.median(seconds)))))
    latency, bandwidth = fitted(rows, ranks.size)
    if ranks.rank == 0:
        for nbytes, seconds in rows:
            model = seconds_of_sum(nbytes, ranks.size, latency, bandwidth)
            print(f"{nbytes:>10,} bytes  {1e6 * seconds:>10.1f} us  model {1e6 * model:>10.1f} us")
        print(f"{ranks.size} ranks: latency {1e6 * latency:.1f} us, bandwidth {bandwidth / 1e9:.2f} GB/s")


def fitted(rows, machines):
    """(a, B) by least squares of relative errors."""
    sizes, seconds = np.array(rows).T
    messages, share = 2 * ceil(log2(machines)), 2 * (machines - 1) / machines
    table = np.stack([np.full(len(sizes), messages), share * sizes], axis=1) / seconds[:, None]
    latency, inverse = np.linalg.lstsq(table, np.ones(len(sizes)), rcond=None)[0]
    return max(latency, 0.0), 1 / inverse


def predict(bucket, links, faster):
    """A table for each network: how efficient machines are, ring and tree, one batch on each machine."""
    for name, (model, shape, images, compute) in NETWORKS.items():
        network, compute = Network(model(), shape, seed=0), compute / faster
        buckets = known(network, bucket)
        total = sum(nbytes for nbytes, _ in buckets)
        print(f"\n{name}: {total / 1e6:.2f} MB in {len(buckets)} buckets, {images} images in {compute:.3g} s a machine")
        print("machines  " + "".join(f"{link + ', ' + way:>18}" for link in links for way in ("ring", "tree")))
        for machines in MACHINES:
            times = [step(buckets, compute, machines, *links[link], way) for link in links for way in ("ring", "tree")]
            print(f"{machines:>8}  " + "".join(f"{100 * compute / seconds:>16.1f} %" for seconds in times))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--latency", type=float, help="seconds of a message; without it three usual networks")
    parser.add_argument("--bandwidth", type=float, help="bytes a second")
    parser.add_argument("--bucket", type=float, default=8, help="MiB")
    parser.add_argument("--faster", type=float, default=1, help="how many times as fast as measured a machine computes")
    given = parser.parse_args()
    if given.measure:
        return measure()
    links = LINKS if given.latency is None else {"given": (given.latency, given.bandwidth)}
    return predict(given.bucket * (1 << 20), links, given.faster)


if __name__ == "__main__":
    main()
