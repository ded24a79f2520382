"""Losses: value and gradient in one pass over the data.

The value is summed in double over fixed jobs, and the jobs in their order: the same bits for any number of threads.
The pieces: terms.pxd (formulas of single elements), elements.pxi (losses of elements), classes.pxi (losses of rows of
class scores), class_rows.pxi (one such row).
"""
from cython.parallel cimport prange, threadid
from libc.math cimport fabs, log
from libc.stdlib cimport free, malloc
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.costs cimport DIFFERENCE_LOSS_NS, EXP_LOSS_NS
from ..simd.elementwise cimport ELEMENTS_PER_JOB, Elementwise, formula, plan_jobs, run_job, set_array
from ..simd.row_views cimport Rows, below, first_row, row_exp, row_largest, rows_close, rows_open, rows_plan
from ..simd.vector cimport REAL_BYTES, REAL_MAX, real
from .terms cimport (
    bce_positive_run, bce_run, bce_sides_run, bce_weighted_run, huber_run, l1_run, mse_run,
)

JOB = ELEMENTS_PER_JOB  # whose losses are added up before they join the sum

include "elements.pxi"
include "class_rows.pxi"
include "classes.pxi"
