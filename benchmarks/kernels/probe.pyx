"""What this processor can do, for benchmarks: multiply-adds from registers, copies through memory, and the two passes
of a norm without its arithmetic."""

import time

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc

from fastconv.kernels.conv.tile cimport MR, NR, Runs, Terms, tile, tile_tn
from fastconv.kernels.runtime.caches cimport STREAM_NORM_BYTES
from fastconv.kernels.simd.vector cimport REAL_BYTES, VL, real, vf, vfence, vload, vsplat, vstore, vstream, vzero

cdef enum:
    CHAINS = 12             # independent sums: more than latency times units, and few enough for 16 registers
    BLOCK = 16384           # elements of a copy that one job moves
    DEPTH = 64              # reduction steps of a tile whose operands stay in the first cache


def fma_gflops(double seconds=0.1, int threads=1):
    """10^9 floating-point operations per second, two for each multiply-add, on `threads` threads together."""
    cdef Py_ssize_t steps = 300000, rounds = 0
    cdef double spent = 0, best = 0, begun, taken
    cdef real *sums = <real *>malloc(threads * sizeof(real))
    if sums == NULL:
        raise MemoryError
    try:
        while spent < seconds or rounds < 5:
            begun = time.perf_counter()
            burn_all(sums, steps, threads)
            taken = time.perf_counter() - begun
            spent += taken
            best = max(best, 2e-9 * threads * steps * CHAINS * VL / taken)
            rounds += 1
    finally:
        free(sums)
    return best


cdef void burn_all(real *sums, Py_ssize_t steps, int threads) noexcept nogil:
    cdef int i
    for i in prange(threads, num_threads=threads, schedule="static"):
        burn(&sums[i], steps)


cdef void burn(real *result, Py_ssize_t steps) noexcept nogil:
    """acc <- acc a + b, which stays near b / (1 - a)."""
    cdef vf acc[CHAINS]
    cdef vf a = vsplat(<real>0.75), b = vsplat(<real>0.25)
    cdef real lanes[VL]
    cdef Py_ssize_t _step
    cdef int i
    for i in range(CHAINS):
        acc[i] = vsplat(<real>(i + 2))  # the compiler would leave out a sum that stays 1
    for _step in range(steps):
        for i in range(CHAINS):
            acc[i] = acc[i] * a + b
    for i in range(1, CHAINS):
        acc[0] = acc[0] + acc[i]
    vstore(lanes, acc[0])
    result[0] = lanes[0]


def tile_gflops(double seconds=0.1, bint transposed=False):
    """What the micro-kernel reaches from cached operands on one thread, in its forward or weight-gradient use."""
    cdef Py_ssize_t steps = 20000, rounds = 0, _step, i
    cdef double spent = 0, best = 0, begun, taken
    cdef real *memory = <real *>malloc((DEPTH * (NR * VL + MR) + MR * NR * VL + 16) * sizeof(real))
    cdef real *w = memory + 16 - (<size_t>memory // sizeof(real)) % 16
    cdef real *x = w + DEPTH * NR * VL
    cdef real *y = x + DEPTH * MR
    cdef const real *rows[MR]
    cdef real *out[MR]
    cdef Py_ssize_t count = DEPTH
    cdef Runs runs = Runs(1, &rows[0], <const real **>&w, &count, MR, NR * VL)
    cdef Terms terms = Terms(1, 0, DEPTH, w, False, NULL, 0, 0, 0, False)
    if memory == NULL:
        raise MemoryError
    for i in range(DEPTH * (NR * VL + MR) + MR * NR * VL):
        w[i] = 0
    for i in range(MR):
        rows[i], out[i] = x + i * DEPTH, y + i * NR * VL
    try:
        while spent < seconds or rounds < 5:
            begun = time.perf_counter()
            for _step in range(steps):
                if transposed:
                    tile_tn(&runs, 0, y, NR * VL, 0, MR, NR)
                else:
                    tile(rows, out, NULL, NULL, &terms, MR, NR)
            taken = time.perf_counter() - begun
            spent += taken
            best = max(best, 2e-9 * steps * DEPTH * MR * NR * VL / taken)
            rounds += 1
    finally:
        free(memory)
    return best


def stream(const real[:] x, real[:] y, int threads=1):
    """y = x for two vectors of one length, by ordinary loads and stores: 2 x.size elements pass through memory."""
    cdef Py_ssize_t n = x.shape[0], job
    for job in prange((n + BLOCK - 1) // BLOCK, nogil=True, num_threads=threads, schedule="static"):
        move(&x[job * BLOCK], &y[job * BLOCK], min(<Py_ssize_t>BLOCK, n - job * BLOCK))


cdef void move(const real *x, real *y, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, vectors = n // VL
    for i in range(vectors):
        vstore(y + i * VL, vload(x + i * VL))
    for i in range(vectors * VL, n):
        y[i] = x[i]


cdef struct Passes:  # arrays of jobs, runs of a job, and values of a run, by steps in values
    const real *a
    const real *b    # NULL: absent
    real *y
    Py_ssize_t job, run
    Py_ssize_t runs, length
    bint stream


def two_passes(const real[:, :, :] a, const real[:, :, :] b, real[:, :, :] y, bint together, int threads=1):
    """What a norm reads and writes: a and, unless it is None, b are read; then they are read again, and y = a + b.

    a, b, y : arrays [jobs, runs, values of a run] of the same strides, a run being whole vectors side by side
    together : the passes of a job follow one another; else the first pass of all jobs comes before the second
    Large results are stored around the caches, as those of the norms are. The second pass goes from the last job and run
    to the first.
    """
    cdef Py_ssize_t jobs = a.shape[0]
    cdef int thread
    cdef real *found
    cdef const real *second = NULL
    cdef Passes p
    if b is not None:
        second = &b[0, 0, 0]
    p = Passes(&a[0, 0, 0], second, &y[0, 0, 0], a.strides[0] // REAL_BYTES, a.strides[1] // REAL_BYTES, a.shape[1],
               a.shape[2], False)
    assert p.length % VL == 0 and y.strides[0] == a.strides[0] and y.strides[1] == a.strides[1]
    p.stream = (y.nbytes >= STREAM_NORM_BYTES and <Py_ssize_t>p.y % (VL * REAL_BYTES) == 0
                and p.job % VL == 0 and p.run % VL == 0)
    found = <real *>malloc(threads * sizeof(real))
    if found == NULL:
        raise MemoryError
    if together:
        for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
            both_passes(&p, jobs * thread // threads, jobs * (thread + 1) // threads, found + thread)
    else:
        for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
            first_pass(&p, jobs * thread // threads, jobs * (thread + 1) // threads, found + thread)
        for thread in prange(threads, nogil=True, num_threads=threads, schedule="static"):
            second_pass(&p, jobs * thread // threads, jobs * (thread + 1) // threads)
    free(found)


cdef void both_passes(const Passes *p, Py_ssize_t first, Py_ssize_t stop, real *found) noexcept nogil:
    """Job by job."""
    cdef Py_ssize_t job
    for job in range(first, stop):
        first_pass(p, job, job + 1, found)
        second_pass(p, job, job + 1)


cdef void first_pass(const Passes *p, Py_ssize_t first, Py_ssize_t stop, real *found) noexcept nogil:
    """Read some jobs; a value of their sum is stored, so that the reads are not left out."""
    cdef vf sums[4]
    cdef real lanes[VL]
    cdef Py_ssize_t job, run, at
    sums[0] = sums[1] = sums[2] = sums[3] = vzero
    for job in range(first, stop):
        for run in range(p.runs):
            at = job * p.job + run * p.run
            if p.b == NULL:
                read_run(p.a + at, p.a + at, p.length, sums, False)
            else:
                read_run(p.a + at, p.b + at, p.length, sums, True)
    vstore(lanes, (sums[0] + sums[1]) + (sums[2] + sums[3]))
    found[0] = lanes[0]


cdef inline void read_run(const real *a, const real *b, Py_ssize_t length, vf *sums, const bint two) noexcept nogil:
    """Add a run to four sums."""
    cdef vf s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3]
    cdef Py_ssize_t i, fours = length // (4 * VL), vectors = length // VL
    for i in range(fours):
        s0 = s0 + both(a, b, 4 * i * VL, two)
        s1 = s1 + both(a, b, (4 * i + 1) * VL, two)
        s2 = s2 + both(a, b, (4 * i + 2) * VL, two)
        s3 = s3 + both(a, b, (4 * i + 3) * VL, two)
    for i in range(4 * fours, vectors):
        s0 = s0 + both(a, b, i * VL, two)
    sums[0], sums[1], sums[2], sums[3] = s0, s1, s2, s3


cdef void second_pass(const Passes *p, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
    """Read them again, and write."""
    cdef Py_ssize_t job, run, at
    for job in range(stop - 1, first - 1, -1):
        for run in range(p.runs - 1, -1, -1):
            at = job * p.job + run * p.run
            if p.b == NULL and p.stream:
                write_run(p.a + at, p.a + at, p.y + at, p.length, False, True)
            elif p.b == NULL:
                write_run(p.a + at, p.a + at, p.y + at, p.length, False, False)
            elif p.stream:
                write_run(p.a + at, p.b + at, p.y + at, p.length, True, True)
            else:
                write_run(p.a + at, p.b + at, p.y + at, p.length, True, False)
        if p.stream:
            vfence()


cdef inline void write_run(const real *a, const real *b, real *y, Py_ssize_t length, const bint two,
                           const bint stream) noexcept nogil:
    """A run of y, into the caches or past them."""
    cdef Py_ssize_t i
    for i in range(length // VL):
        if stream:
            vstream(y + i * VL, both(a, b, i * VL, two))
        else:
            vstore(y + i * VL, both(a, b, i * VL, two))


cdef inline vf both(const real *a, const real *b, Py_ssize_t at, const bint two) noexcept nogil:
    """a + b, or a alone"""
    if two:
        return vload(a + at) + vload(b + at)
    return vload(a + at)
