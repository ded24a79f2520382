# The forward pass, and the input gradient, which is the forward pass of dy with the rotated filters. The work is shared
# out to the threads by patches, or by banks of outputs where patches are few.

from cython.parallel cimport parallel, prange
from libc.stdlib cimport free
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.costs cimport WINOGRAD_PRODUCT_NS, WINOGRAD_TRANSFORM_NS
from ..runtime.sizes cimport ceil_div, round_up
from ..simd.vector cimport VL, real
from .bias_row cimport bias_row
from .tile cimport MR


cdef struct Plan:
    Filters f
    Patches p
    Epilogue e
    const real *packed          # u; NULL: each bank transforms its own filters


cdef int run_plan(Plan *g, const real[:] b) noexcept nogil:
    """The whole convolution; 1 if memory ran out."""
    cdef Py_ssize_t phases = g.p.ys * g.p.ys
    cdef real *bias = bias_row(b, g.f.K // phases, 1, phases)
    cdef void *u = NULL
    cdef int failed = bias == NULL
    cdef bint by_banks = banks_suffice(g, threads_for(work_of(&g.f, &g.p)))
    g.e.bias = bias
    if not failed and g.packed == NULL and not by_banks:
        u = allocate(size_of(&g.f))
        failed = u == NULL or pack_filters(&g.f, <real *>u)
        g.packed = <real *>u
    if not failed:
        failed = split_by_banks(g) if by_banks else split_by_patches(g)
    free(u)
    free(bias)
    return failed


cdef double work_of(Filters *f, Patches *p) noexcept nogil:
    """Nanoseconds of the products and of the transforms of inputs and outputs, on one thread."""
    return <double>p.count * f.frequencies * (WINOGRAD_PRODUCT_NS * f.C * f.K + WINOGRAD_TRANSFORM_NS * (f.C + f.K))


cdef bint banks_suffice(Plan *g, int threads) noexcept nogil:
    """Whether patches are few, and banks as jobs keep all threads about as busy as rows of tiles would."""
    return (g.p.count <= SHARED_PATCHES
            and balance(g.f.banks, threads) >= 0.9 * balance(ceil_div(g.p.count, MR), threads))


cdef double balance(Py_ssize_t jobs, int threads) noexcept nogil:
    """The share of the threads' time that equal jobs fill."""
    return <double>jobs / round_up(jobs, threads)


# ---------------------------------------------------------------- many patches: a job is a few of them

cdef int split_by_patches(Plan *g) noexcept nogil:
    """Each job takes a few patches through all banks; 1 if memory ran out."""
    cdef int threads = threads_for(work_of(&g.f, &g.p)), failed = 0, thread
    cdef Py_ssize_t patches = patches_of_a_job(g.p.count, threads)
    cdef Ranges ranges
    cdef void *memory = NULL
    share_out(&ranges, ceil_div(g.p.count, patches), threads)
    with parallel(num_threads=threads):
        memory = allocate(g.f.frequencies * (odd_lines(patches * g.p.stride) + odd_lines(patches * g.f.width)
                                             + round_up(g.p.x.C, VL)) + OUTPUTS * g.f.width)
        for thread in prange(threads, schedule="static"):
            failed |= take_jobs(g, &ranges, thread, patches, memory)
        free(memory)
    return failed


cdef Py_ssize_t patches_of_a_job(Py_ssize_t count, int threads) noexcept nogil:
    """At most about JOB_PATCHES, whole tiles of MR where all threads stay about as busy."""
    cdef Py_ssize_t jobs = round_up(ceil_div(count, JOB_PATCHES), threads)
    cdef Py_ssize_t even = ceil_div(count, jobs), tiled = round_up(even, MR)
    return tiled if balance(ceil_div(count, tiled), threads) >= 0.87 * balance(ceil_div(count, even), threads) else even


cdef int take_jobs(Plan *g, Ranges *ranges, int thread, Py_ssize_t patches,
                   void *memory) noexcept nogil:
    """What one thread does: jobs of so many patches until none is left; 1 if it had no memory."""
    cdef Py_ssize_t job = next_job(ranges, thread)
    cdef int failed = 0
    while job >= 0:
        failed |= convolve_patches(g, job * patches, min(patches, g.p.count - job * patches), memory)
        job = next_job(ranges, thread)
    return failed


cdef int convolve_patches(Plan *g, Py_ssize_t first, Py_ssize_t patches, void *memory) noexcept nogil:
    """y of so many patches, all outputs; 1 without memory."""
    cdef Py_ssize_t vstep = odd_lines(patches * g.p.stride), mstep, bank, chunk
    cdef real *v = <real *>memory
    cdef real *m = v + g.f.frequencies * vstep
    cdef real *copied = m + g.f.frequencies * odd_lines(patches * g.f.width)
    cdef Py_ssize_t t
    if memory == NULL:
        return 1
    for t in range(patches):
        read_patch(&g.p, first + t, v + t * g.p.stride, vstep, copied)
    for bank in range(g.f.banks):
        mstep = odd_lines(patches * bank_width(&g.f, bank))
        for chunk in range(g.f.chunks):
            multiply(&g.f, bank, chunk, v, vstep, g.p.stride, patches, g.packed + offset_of(&g.f, bank, chunk), m,
                     mstep)
        write_bank(g, bank, first, patches, m, mstep, copied)
    return 0


cdef void write_bank(Plan *g, Py_ssize_t bank, Py_ssize_t first, Py_ssize_t patches, const real *m, Py_ssize_t mstep,
                     real *copied) noexcept nogil:
    """y of so many patches, the outputs of one bank."""
    cdef Py_ssize_t k = bank * g.f.width, end = min(k + g.f.width, g.f.K), t
    for t in range(patches):
        write_patch(&g.p, &g.e, first + t, k, end, m + t * bank_width(&g.f, bank), mstep, copied)


# ---------------------------------------------------------------- few patches: a job is a bank of outputs

cdef int split_by_banks(Plan *g) noexcept nogil:
    """All patches are transformed first, for all jobs. A job is a bank, and transforms its filters if need be.

    1 if memory ran out.
    """
    cdef int thread
    cdef Ranges ranges
    cdef int threads = threads_for(work_of(&g.f, &g.p)), failed = 0
    cdef Py_ssize_t vstep = odd_lines(g.p.count * g.p.stride), patches = g.p.count, job, reals
    cdef void *shared = allocate(g.f.frequencies * vstep)
    cdef void *memory = NULL
    if shared == NULL:
        return 1
    share_out(&ranges, patches, threads)
    with parallel(num_threads=threads):
        memory = allocate(g.f.frequencies * round_up(g.p.x.C, VL))
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= read_shared(&g.p, job, <real *>shared, vstep, memory)
                job = next_job(&ranges, thread)
        free(memory)
    reals = g.f.frequencies * odd_lines(patches * g.f.width) + OUTPUTS * g.f.width
    if g.packed == NULL:
        reals += g.f.frequencies * odd_lines(g.f.chunk * g.f.width) + STRIP * g.f.w.taps * VL
    share_out(&ranges, g.f.banks, threads)
    with parallel(num_threads=threads):
        memory = allocate(reals)
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= convolve_bank(g, job, <real *>shared, vstep, memory)
                job = next_job(&ranges, thread)
        free(memory)
    free(shared)
    return failed


cdef int read_shared(Patches *p, Py_ssize_t patch, real *v, Py_ssize_t vstep, void *memory) noexcept nogil:
    """One patch of the shared v; 1 without memory."""
    if memory == NULL:
        return 1
    read_patch(p, patch, v + patch * p.stride, vstep, <real *>memory)
    return 0


cdef int convolve_bank(Plan *g, Py_ssize_t bank, const real *v, Py_ssize_t vstep, void *memory) noexcept nogil:
    """y of all patches, the outputs of one bank; 1 without memory."""
    cdef Py_ssize_t patches = g.p.count, mstep = odd_lines(patches * bank_width(&g.f, bank)), chunk
    cdef real *m = <real *>memory
    cdef real *copied = m + g.f.frequencies * odd_lines(patches * g.f.width)
    cdef real *taps = copied + OUTPUTS * g.f.width
    cdef const real *u
    if memory == NULL:
        return 1
    for chunk in range(g.f.chunks):
        if g.packed != NULL:
            u = g.packed + offset_of(&g.f, bank, chunk)
        else:
            u = transform_chunk(&g.f, bank, chunk, taps)
        multiply(&g.f, bank, chunk, v, vstep, g.p.stride, patches, u, m, mstep)
    write_bank(g, bank, 0, patches, m, mstep, copied)
    return 0


cdef const real *transform_chunk(Filters *f, Py_ssize_t bank, Py_ssize_t chunk, real *taps) noexcept nogil:
    """The filters of a bank and chunk, strip by strip, behind the memory for the taps of a strip."""
    cdef real *u = taps + STRIP * f.w.taps * VL
    cdef Py_ssize_t length = length_of(f, chunk), strip
    for strip in range(ceil_div(length, STRIP)):
        transform_filters(f, bank, chunk, strip * STRIP, min(<Py_ssize_t>STRIP, length - strip * STRIP), u, taps)
    return u
