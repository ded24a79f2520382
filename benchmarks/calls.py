"""What a call of each op costs beside its kernel, in units of one ``numpy.add`` of two arrays of 8 elements.

    python benchmarks/calls.py [NAME ...]

    again    a call with arrays of a shape seen twice before, minus the kernel
    first    the first call with arrays of a new shape, minus its kernel; the second costs 4 to 10 more, for the plan
    kernel   the compiled functions that the op runs `again`, called with prepared arguments

Arrays are as small as they may be, new shapes differ in one extent, and their kernels are timed with them. Each number
is the median of 15 rounds; the unit is measured in each.
"""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np

import fastconv
from fastconv.kernels.runtime.calls import forget
from fastconv.ops.call_cache import Planned

ROUNDS, TURNS, FRESH = 15, 200, 10
WARM = 20  # calls of the kernel of a new shape
IMAGES: dict[str, Callable[[Any, int], tuple[Any, ...]]] = {
    "conv2d": lambda a, w: (a(1, 1, 2, w), a(1, 1, 1, 1), a(1)),
    "conv2d_backward_input": lambda a, w: (a(1, 1, 2, w), a(1, 1, 1, 1), (1, 1, 2, w)),
    "conv2d_backward_weight": lambda a, w: (a(1, 1, 2, w), a(1, 1, 2, w), (1, 1, 1, 1)),
    "conv2d_backward_bias": lambda a, w: (a(1, 1, 2, w),),
    "conv_transpose2d": lambda a, w: (a(1, 1, 2, w), a(1, 1, 1, 1), a(1)),
    "conv_transpose2d_backward_input": lambda a, w: (a(1, 1, 2, w), a(1, 1, 1, 1), (1, 1, 2, w)),
    "conv_transpose2d_backward_weight": lambda a, w: (a(1, 1, 2, w), a(1, 1, 2, w), (1, 1, 1, 1)),
    "max_pool2d": lambda a, w: (a(1, 1, 2, 2 * w), 2),
    "max_pool2d_backward": lambda a, w: (a(1, 1, 1, w), a(1, 1, 2, 2 * w), 2),
    "avg_pool2d": lambda a, w: (a(1, 1, 2, 2 * w), 2),
    "avg_pool2d_backward": lambda a, w: (a(1, 1, 1, w), (1, 1, 2, 2 * w), 2),
    "lp_pool2d": lambda a, w: (a(1, 1, 2, 2 * w), 2, 2),
    "lp_pool2d_backward": lambda a, w: (a(1, 1, 1, w), a(1, 1, 2, 2 * w), 2, 2),
    "adaptive_avg_pool2d": lambda a, w: (a(1, 1, 2, 2 * w), 1),
    "adaptive_avg_pool2d_backward": lambda a, w: (a(1, 1, 1, 1), (1, 1, 2, w)),
    "adaptive_max_pool2d": lambda a, w: (a(1, 1, 2, 2 * w), 1),
    "adaptive_max_pool2d_backward": lambda a, w: (a(1, 1, 1, 1), a(1, 1, 2, w)),
    "global_avg_pool2d": lambda a, w: (a(1, 1, 2, w),),
    "global_avg_pool2d_backward": lambda a, w: (a(1, 1, 1, 1), (1, 1, 2, w)),
    "global_max_pool2d": lambda a, w: (a(1, 1, 2, w),),
    "global_max_pool2d_backward": lambda a, w: (a(1, 1, 1, 1), a(1, 1, 2, w)),
    "batch_norm": lambda a, w: (a(1, 2, 2, w), a(2), a(2), a(2), a(2)),
    "batch_norm, training": lambda a, w: (a(1, 2, 2, w), a(2), a(2), a(2), a(2), True),
    "batch_norm_backward": lambda a, w: (a(1, 2, 2, w), a(1, 2, 2, w), a(2), a(2), a(2)),
    "group_norm": lambda a, w: (a(1, 2, 2, w), 1, a(2), a(2)),
    "instance_norm": lambda a, w: (a(1, 2, 2, w), a(2), a(2)),
    "instance_norm_backward": lambda a, w: (a(1, 2, 2, w), a(1, 2, 2, w), a(1, 2), a(1, 2), a(2)),
    "group_norm_backward": lambda a, w: (a(1, 2, 2, w), a(1, 2, 2, w), a(1, 1), a(1, 1), a(2)),
    "local_response_norm": lambda a, w: (a(1, 2, 2, w), 2),
    "local_response_norm_backward": lambda a, w: (a(1, 2, 2, w), a(1, 2, 2, w), 2),
    "channel_shuffle": lambda a, w: (a(1, 2, 1, w), 2),
    "interpolate": lambda a, w: (a(1, 1, 1, w), (2, w + 1)),
    "interpolate_backward": lambda a, w: (a(1, 1, 2, w + 1), (1, 1, 1, w)),
    "pixel_shuffle": lambda a, w: (a(1, 4, 1, w), 2),
    "pixel_unshuffle": lambda a, w: (a(1, 1, 2, 2 * w), 2),
    "upsample_nearest2d": lambda a, w: (a(1, 1, 1, w), 2),
    "upsample_nearest2d_backward": lambda a, w: (a(1, 1, 2, 2 * w), 2),
}
ROWS: dict[str, Callable[[Any, int], tuple[Any, ...]]] = {
    "linear": lambda a, w: (a(1, w), a(2, w), a(2)),
    "linear_backward": lambda a, w: (a(1, 2), a(1, w), a(2, w)),
    "linear_backward_input": lambda a, w: (a(1, 2), a(2, w)),
    "linear_backward_weight": lambda a, w: (a(1, 2), a(1, w)),
    "linear_backward_bias": lambda a, w: (a(1, w),),
    "layer_norm": lambda a, w: (a(1, w), w, a(w), a(w)),
    "layer_norm_backward": lambda a, w: (a(1, w), a(1, w), a(1), a(1), a(w)),
    "softmax": lambda a, w: (a(1, w),),
    "softmax_backward": lambda a, w: (a(1, w), a(1, w)),
    "log_softmax": lambda a, w: (a(1, w),),
    "log_softmax_backward": lambda a, w: (a(1, w), a(1, w)),
    "prelu": lambda a, w: (a(1, w), a(1)),
    "prelu_backward": lambda a, w: (a(1, w), a(1, w), a(1)),
    "threshold": lambda a, w: (a(1, w), 0.5, 0.0),
    "threshold_backward": lambda a, w: (a(1, w), a(1, w), 0.5),
    "add": lambda a, w: (a(1, w), a(1, w)),
    "cross_entropy": lambda a, w: (a(1, w), np.zeros(1, np.int64)),
    "cross_entropy_backward": lambda a, w: (a(1, w), np.zeros(1, np.int64)),
    "nll_loss": lambda a, w: (a(1, w), np.zeros(1, np.int64)),
    "nll_loss_backward": lambda a, w: (a(1, w), np.zeros(1, np.int64)),
}
OF_ONE = ("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh")
OF_ONE += ("hardsigmoid", "hardswish", "hardtanh", "selu", "celu", "mish", "softsign", "logsigmoid")
OF_TWO = ("binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "huber_loss")
CASES = IMAGES | ROWS
CASES |= {name: lambda a, w: (a(1, w),) for name in OF_ONE}
CASES |= {f"{name}_backward": lambda a, w: (a(1, w), a(1, w)) for name in OF_ONE}
CASES |= {name + end: lambda a, w: (a(1, w), a(1, w)) for name in OF_TWO for end in ("", "_backward")}


def arrays(*shape: int) -> Any:
    """A float32 array of a half."""
    return np.full(shape, 0.5, np.float32)


def time_of(function: Callable[..., Any], args: Any, turns: int = TURNS) -> float:
    """Nanoseconds of a call."""
    start = perf_counter_ns()
    for _ in range(turns):
        function(*args)
    return (perf_counter_ns() - start) / turns


def kernels_of(function: Any, args: Any) -> list[tuple[Any, Any]]:
    """What the op runs: its compiled functions with prepared arguments."""
    found = function.__wrapped__(*args)
    return [(call.func, call.args) for call in found.calls] if isinstance(found, Planned) else []


def inside(kernels: list[tuple[Any, Any]], turns: int = TURNS) -> float:
    """Nanoseconds of these compiled functions."""
    return sum(time_of(run, given, turns) for run, given in kernels)


def measure(name: str) -> tuple[float, float, float]:
    """(again, first, kernel) in units."""
    function, make = getattr(fastconv, name.partition(",")[0]), CASES[name]
    args, unit = make(arrays, 3), (np.ones(8, np.float32), np.ones(8, np.float32))
    kernel, units, ran, again, first = kernels_of(function, args), [], [], [], []
    for _ in range(ROUNDS):
        forget()  # so that the shapes of the last round are new
        for _ in range(2):
            function(*args)
        units.append(time_of(np.add, unit))
        ran.append(inside(kernel))
        again.append(time_of(function, args))
        fresh = [make(arrays, 4 + i) for i in range(FRESH)]
        whole = time_of(lambda new=fresh: [function(*given) for given in new], (), 1)
        first.append((whole - sum(inside(kernels_of(function, given), WARM) for given in fresh)) / FRESH)
    one, known = median(units), median(ran)
    return (median(again) - known) / one, median(first) / one, known / one


def main() -> None:
    """The table."""
    print(f"{'':38}  again  first  kernel   (at most 5 and 30)")
    names, worst = sys.argv[1:] or [*CASES], [0.0, 0.0]
    measure(names[0])  # the first numbers of a process are larger
    for name in names:
        again, first, kernel = measure(name)
        worst = [max(worst[0], again), max(worst[1], first)]
        print(f"{name:38} {again:6.1f} {first:6.1f} {kernel:7.1f}  {'!' * (again > 5)}{'*' * (first > 30)}")
    print(f"{'largest':38} {worst[0]:6.1f} {worst[1]:6.1f}")


if __name__ == "__main__":
    main()
