"""Dense layers: y = act(x W^T + b), dx = dy W, dW = dy^T x, db = sum_n dy[n]; x (N, I), w (O, I), y (N, O). And products
of matrices that are both computed.

No sum depends on N or on the number of threads: forward adds blocks of I, each a sum of vectors whose lanes are added
by a fixed tree; the input gradient adds blocks of O, each one term after the other, whether rows of w are read where
they lie (few samples) or from a panel. Short rows with few weights take the sums of the input gradient in forward too.
Arrays may have any strides; without unit stride along a row they are copied.

The pieces: matrix.pxi (operands), forward_pack.pxi and forward.pxi, panels.pxi (shared by the gradients),
backward_input.pxi, backward_weight.pxi, backward_bias.pxi, matmul.pxi. The micro-kernels: dot.pxd (forward), outer.pxd (gradients).
"""
from cython.parallel cimport prange, threadid
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.caches cimport STREAM_DENSE_BYTES
from ..runtime.costs cimport (
    DENSE_BIAS_NS, DENSE_PACK_DY_NS, DENSE_PACK_PANELS_NS, DENSE_PACK_X_NS, DENSE_PRODUCTS_PER_NS,
    DENSE_WRITE_PER_NS, WEIGHT_READ_PER_NS,
)
from ..runtime.sizes cimport ceil_div, round_up
from ..simd cimport dispatch  # no-cython-lint: its macros
from ..simd.partial cimport vread_tail
from ..simd.vector cimport LINE, REAL_BYTES, VL, activated_one, real, vf, vfence, vload, vprefetch, vsplat, vstore
from .dot cimport DOT_ROWS, DOTS, dot, dot_packed
from .outer cimport OUTER_ROWS, PANEL_VECTORS, PANEL_WIDTH, Product, outer

cdef enum:
    OUTER_BLOCK = 256      # terms of a sum of the gradients
    SAMPLES_PER_JOB = 384  # at most

include "matrix.pxi"
include "panels.pxi"
include "backward_input.pxi"
include "forward_pack.pxi"
include "forward.pxi"
include "backward_weight.pxi"
include "backward_bias.pxi"
include "matmul.pxi"
