"""fastconv: convolutional networks for NumPy, forward and backward, on plain arrays."""

from .kernels.threads import get_num_threads, set_num_threads
from .ops.conv import conv2d, conv2d_backward_bias, conv2d_backward_input, conv2d_backward_weight
from .ops.conv_transpose import (
    conv_transpose2d,
    conv_transpose2d_backward_bias,
    conv_transpose2d_backward_input,
    conv_transpose2d_backward_weight,
)
from .ops.convolve import convolve2d, convolve2d_backward_input, convolve2d_backward_weight, rot180
from .ops.dense import (
    linear,
    linear_backward,
    linear_backward_bias,
    linear_backward_input,
    linear_backward_weight,
)
from .ops.path import use_path

__version__ = "0.1.0"
