"""fastconv: convolutional networks for NumPy, forward and backward, on plain arrays."""

from .kernels.threads import get_num_threads, set_num_threads
from .ops import *

__version__ = "0.1.0"
