"""Copies between any two layouts of one shape, at the speed of memory.

The axes are put into the order of y's memory, and neighbouring axes are merged where both arrays allow it. The copy is
then one of these: runs (x and y have unit stride along the same axis), gathers and scatters (one of them has steps
along that axis), transposes (x is nearest along another axis than y, with or without steps), or single values (any
other strides). The pieces: plan.pxi and steps.pxi (what is copied how, and by which job), moves.pxi (the copying),
borders.pxi (planes with a border of their own pixels).
"""
from cython.parallel cimport prange
from libc.string cimport memcpy
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.work_stealing cimport Ranges, next_job, share_out
from ..runtime.caches cimport FETCH_COPY_BYTES, STREAM_BYTES
from ..runtime.costs cimport COPY_NS, COPY_SINGLE_NS
from ..runtime.sizes cimport ceil_div, round_up
from ..simd.partial cimport vread, vwrite
from ..simd.transpose cimport PANEL, panel, square, square_part
from ..simd.weave cimport unweave, weave
from ..simd.vector cimport LINE, MAX_LANES, REAL_BYTES, VL, real, vfence, vload, vstore, vstream

cdef enum:
    VALUES_PER_JOB = 16384  # of runs and of single values
    LONG_RUN = 4096         # values from which a run is left to memcpy; and those of a job that weaves a few channels
    BLOCK_SIDE = 256        # rows and columns of a transpose in a job that reads long runs
    BLOCK_LONG = 256        # columns in a job that writes long runs,
    BLOCK_SHORT = 16        # and its rows

cdef enum:                  # how the values of a copy move
    RUNS
    TRANSPOSES
    SINGLES
    GATHERS
    SCATTERS
    STEP_TRANSPOSES

cdef extern from *:
    ctypedef struct Picks:  # of steps.pxi
        int size

cdef struct Copy:           # strides in bytes; axis 3 has the smallest stride of y
    const char *x
    char *y
    Py_ssize_t shape[4]
    Py_ssize_t xs[4]
    Py_ssize_t ys[4]
    int how
    bint stream, fetch      # stored around the caches; what is picked from steps is fetched ahead
    # of a transpose: extent and strides of x's unit axis, taken from the outer axes, where the extent becomes 1
    Py_ssize_t across_count, across_x, across_y
    Picks picks             # of gathers, and of transposes with steps
    # the extents of a job along axis 2, x's unit axis and axis 3, and the number of jobs that share each axis
    Py_ssize_t rows, across, along
    Py_ssize_t jobs_rows, jobs_across, jobs_along


def copy(const real[:, :, :, :] x, real[:, :, :, :] y, Py_ssize_t whole=0):
    """y[n,c,h,w] = x[n,c,h,w], for any strides; whole: the values of an array of which x is a part."""
    cdef int thread
    cdef Ranges ranges
    cdef Copy c
    cdef Py_ssize_t job, jobs, total = y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3]
    cdef double cost
    cdef int axis, threads
    if total == 0:
        return
    c.x, c.y = <const char *>&x[0, 0, 0, 0], <char *>&y[0, 0, 0, 0]
    for axis in range(4):
        c.shape[axis], c.xs[axis], c.ys[axis] = y.shape[axis], x.strides[axis], y.strides[axis]
    with nogil:
        forwards_in_y(&c)
        in_memory_order(&c)
        merge(&c)
        plan_moves(&c)
        if c.how == SINGLES:
            plan_steps(&c)
        plan_jobs(&c)
        plan_stream(&c, total, max(whole, total))
        cost = COPY_SINGLE_NS if c.how == SINGLES else COPY_NS
        jobs = c.shape[0] * c.shape[1] * c.jobs_rows * c.jobs_across * c.jobs_along
        threads = threads_for(cost * total)
        share_out(&ranges, jobs, threads)
        for thread in prange(threads, num_threads=threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                run_job(&c, job)
                job = next_job(&ranges, thread)


include "plan.pxi"
include "steps.pxi"
include "moves.pxi"
include "borders.pxi"
