"""Pooling over windows: max, mean and L_p, adaptive and global, and unpooling, each with its backward.

Every function has two halves: the public one checks, takes or makes the result, and runs a prepared call of
`prepared`, which networks use alone.
"""

from .adaptive import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
)
from .arguments import no_window_in_padding
from .avg import avg_pool2d, avg_pool2d_backward, divisor_of
from .global_pool import global_avg_pool2d, global_avg_pool2d_backward, global_max_pool2d, global_max_pool2d_backward
from .lp import lp_pool2d, lp_pool2d_backward
from .max import max_pool2d, max_pool2d_backward
from .prepared import (
    adaptive_avg_pool2d_backward_call,
    adaptive_avg_pool2d_call,
    adaptive_max_pool2d_backward_call,
    adaptive_max_pool2d_call,
    avg_pool2d_backward_call,
    avg_pool2d_call,
    lp_pool2d_backward_call,
    lp_pool2d_call,
    max_pool2d_backward_call,
    max_pool2d_call,
    max_tables,
    max_unpool2d_backward_call,
    max_unpool2d_call,
)
from .unpool import max_unpool2d, max_unpool2d_backward

__all__ = [
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool2d_backward_call",
    "adaptive_avg_pool2d_call",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool2d_backward_call",
    "adaptive_max_pool2d_call",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool2d_backward_call",
    "avg_pool2d_call",
    "divisor_of",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "global_max_pool2d",
    "global_max_pool2d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool2d_backward_call",
    "lp_pool2d_call",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool2d_backward_call",
    "max_pool2d_call",
    "max_tables",
    "max_unpool2d",
    "max_unpool2d_backward",
    "max_unpool2d_backward_call",
    "max_unpool2d_call",
    "no_window_in_padding",
]
