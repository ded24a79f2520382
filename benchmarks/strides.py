"""What arrays of odd strides cost an op on top, in units of a contiguous copy of the same bytes (``numpy.copyto``).

    python benchmarks/strides.py [--bytes 1048576] [--dtype float32] [NAME ...]

Each column is a view whose values do not lie in a row: an image that is transposed, one that is read backwards, every
second column, and every second channel of channels-last memory. The number is (time of the op on the view - its time
on a contiguous copy) / time of the copy: what the view costs more than if its owner had copied it first. The results
are compared before anything is timed. Each number is the median of the rounds, in which all take turns.
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np

import fastconv

ROUNDS, TURNS = 25, 4
GOAL = 1.3
VIEWS: dict[str, tuple[Callable[[Any], Any], Callable[[tuple[int, ...]], tuple[int, ...]]]] = {
    "transposed": (lambda a: a.transpose(0, 1, 3, 2), lambda s: (s[0], s[1], s[3], s[2])),
    "rows back": (lambda a: a[:, :, ::-1], lambda s: s),
    "columns back": (lambda a: a[..., ::-1], lambda s: s),
    "all back": (lambda a: a[::-1, ::-1, ::-1, ::-1], lambda s: s),
    "2nd column": (lambda a: a[..., ::2], lambda s: (*s[:3], 2 * s[3])),
    "2nd channel": (lambda a: a[..., ::2].transpose(0, 3, 1, 2), lambda s: (s[0], s[2], s[3], 2 * s[1])),
}
CHANNELS = np.linspace(0.5, 1.5, 16)
OPS: dict[str, Callable[[Any], Any]] = {
    "relu": fastconv.relu,
    "sigmoid": fastconv.sigmoid,
    "relu, in C order": lambda x: fastconv.relu(x, out=OUT[x.shape]),
    "add": lambda x: fastconv.add(x, OUT[x.shape]),
    "max_pool2d": lambda x: fastconv.max_pool2d(x, 2),
    "avg_pool2d": lambda x: fastconv.avg_pool2d(x, 2),
    "batch_norm": lambda x: fastconv.batch_norm(x, *vectors(x), *vectors(x)),
    "batch_norm, training": lambda x: fastconv.batch_norm(x, *vectors(x), *vectors(x), True),
    "group_norm": lambda x: fastconv.group_norm(x, 4),
    "layer_norm": lambda x: fastconv.layer_norm(x, x.shape[3]),
    "softmax": fastconv.softmax,
    "cross_entropy": lambda x: fastconv.cross_entropy(x, CLASSES[x.shape]),
    "mse_loss": lambda x: fastconv.mse_loss(x, OUT[x.shape]),
    "conv2d 3x3": lambda x: fastconv.conv2d(x, WEIGHT[x.dtype.name], padding=1),
}
OUT: dict[tuple[int, ...], Any] = {}
CLASSES: dict[tuple[int, ...], Any] = {}
WEIGHT: dict[str, Any] = {}


def vectors(x: Any) -> tuple[Any, Any]:
    """Two vectors of one number for each channel."""
    return CHANNELS.astype(x.dtype), CHANNELS.astype(x.dtype)


def time_of(call: Callable[[], Any]) -> float:
    """Nanoseconds of a call."""
    start = perf_counter_ns()
    for _ in range(TURNS):
        call()
    return (perf_counter_ns() - start) / TURNS


def measure(op: Callable[[Any], Any], x: Any) -> tuple[float, float, float]:
    """(what the view costs on top, the op on a contiguous copy) in copies, and the microseconds of a copy."""
    dense, into = np.ascontiguousarray(x), np.empty_like(x, order="C", subok=False)
    calls = (lambda: op(x), lambda: op(dense), lambda: np.copyto(into, dense))
    wanted, got = op(dense), op(x)
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    for call in calls:
        for _ in range(3):
            call()
    rounds = [[time_of(call) for call in calls] for _ in range(ROUNDS)]
    copy = median(third for _, _, third in rounds)
    extra = median(first - second for first, second, _ in rounds)
    return extra / copy, median(second for _, second, _ in rounds) / copy, copy / 1e3


def prepared(nbytes: int, dtype: str) -> dict[str, Any]:
    """The views, each of so many bytes, and what the ops take besides."""
    H = 32
    while 2 * 16 * 16 * H * H * np.dtype(dtype).itemsize <= nbytes and H < 128:
        H *= 2
    N = max(1, nbytes // (16 * H * H * np.dtype(dtype).itemsize))
    shape, rng = (N, 16, H, H), np.random.default_rng(0)
    OUT[shape] = np.zeros(shape, dtype)
    CLASSES[shape] = rng.integers(0, 16, (N, H, H))
    WEIGHT[dtype] = rng.standard_normal((16, 16, 3, 3)).astype(dtype)
    return {name: view(rng.standard_normal(memory(shape)).astype(dtype)) for name, (view, memory) in VIEWS.items()}


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=int, default=1 << 20)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(OPS)}")
    given = parser.parse_args()
    views = prepared(given.bytes, given.dtype)
    print(f"{given.dtype} {next(iter(views.values())).shape}, at most {GOAL}")
    print(f"{'':22}{'contiguous':>12}" + "".join(f"{name:>14}" for name in views))
    for name in given.names or OPS:
        found = [measure(OPS[name], x) for x in views.values()]
        marks = "".join(f"{extra:12.2f} {'!' if extra > GOAL else ' '}" for extra, _, _ in found)
        print(f"{name:22}{median(alone for _, alone, _ in found):12.2f}{marks}   copy {found[0][2]:.0f} us", flush=True)


if __name__ == "__main__":
    main()
