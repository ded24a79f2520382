"""What this processor can do, for benchmarks: multiply-adds from registers, and copies through memory."""

import time

from cython.parallel cimport prange
from libc.stdlib cimport free, malloc

from fastconv.kernels.conv.tile cimport MR, NR, Runs, Terms, tile, tile_tn
from fastconv.kernels.simd.vector cimport VL, real, vf, vload, vsplat, vstore

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
        acc[i] = vsplat(<real>i)
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
    cdef Terms terms = Terms(1, 0, DEPTH, w, NULL, 0, False)
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
