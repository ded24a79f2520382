# The filters: how they are cut into banks of outputs and chunks of inputs, transformed, and packed.

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.costs cimport WINOGRAD_FILTER_NS
from ..runtime.sizes cimport ceil_div, round_up
from .tile cimport NR
from .view cimport View, view_of
from ..simd.vector cimport VL, real
from .winograd_1d cimport filter_2, filter_3, filter_5, small_filter_3
from .winograd_2d cimport transform


cdef struct Weight:
    # w[k, c, tap] at start_of(k, c) + offsets[tap]
    real *data
    Py_ssize_t taps
    Py_ssize_t sk, sc               # from one output to the next, from one input to the next
    Py_ssize_t s, channels, sh, sw  # side of a cell, channels of one phase, its row and column in w
    bint rotated                    # turned by 180 degrees, outputs and inputs swapped; cells are then outputs
    Py_ssize_t offsets[25]

cdef struct Filters:
    # u[bank][chunk][frequency][panel of NR vectors][channel][lane]
    Py_ssize_t C, K
    Py_ssize_t chunk, chunks        # channels of a chunk, and how many chunks there are
    Py_ssize_t width, banks         # lanes of a bank, and how many banks there are
    Py_ssize_t frequencies
    Weight w


# ---------------------------------------------------------------- the layout of u

cdef void cut_filters(Filters *f, Py_ssize_t K, Py_ssize_t C, Py_ssize_t s, Py_ssize_t side) noexcept nogil:
    """Chunks of C and banks of K, as even as they can be; for cells (s > 1), chunks of whole strips."""
    cdef Py_ssize_t vectors = ceil_div(K, VL), chunks = max(<Py_ssize_t>1, (C + CHUNK // 2) // CHUNK)
    f.C, f.K, f.frequencies = C, K, side * side
    f.chunk = ceil_div(C, chunks)
    if s > 1:
        f.chunk = round_up(f.chunk, STRIP)
    f.chunks = ceil_div(C, f.chunk)
    f.banks = ceil_div(vectors * VL, LANES)
    f.width = ceil_div(vectors, f.banks) * VL
    f.banks = ceil_div(vectors * VL, f.width)


cdef Py_ssize_t bank_width(Filters *f, Py_ssize_t bank) noexcept nogil:
    """Output channels of a bank, in whole vectors."""
    return min(f.width, round_up(f.K, VL) - bank * f.width)


cdef Py_ssize_t length_of(Filters *f, Py_ssize_t chunk) noexcept nogil:
    """Input channels of a chunk."""
    return min(f.chunk, f.C - chunk * f.chunk)


cdef Py_ssize_t offset_of(Filters *f, Py_ssize_t bank, Py_ssize_t chunk) noexcept nogil:
    """Where in u the filters of a bank and chunk begin."""
    return f.frequencies * (bank * f.chunks * odd_lines(f.chunk * f.width)
                            + chunk * odd_lines(f.chunk * bank_width(f, bank)))


cdef Py_ssize_t size_of(Filters *f) noexcept nogil:
    """Reals in u."""
    return offset_of(f, f.banks - 1, f.chunks)


cdef Py_ssize_t panel_width(Py_ssize_t lanes, Py_ssize_t panel) noexcept nogil:
    """Lanes of a panel, of a bank of so many lanes."""
    return min(<Py_ssize_t>(NR * VL), lanes - panel * NR * VL)


# ---------------------------------------------------------------- where the taps lie

cdef void point_filters(Filters *f, const real[:, :, :, :] w, Py_ssize_t s, bint rotated,
                        Py_ssize_t side=SIDE) noexcept nogil:
    """Cut w (K, C, kernel * s, kernel * s) into banks and chunks, and note where its taps lie.

    rotated: turned by 180 degrees, outputs and inputs swapped.
    """
    cdef View v = view_of(w)
    cdef Py_ssize_t kernel = v.H // s, t, i, j
    f.w.taps = kernel * kernel
    f.w.s, f.w.channels, f.w.rotated = s, v.C, rotated
    f.w.data, f.w.sh, f.w.sw = v.data, v.h_step, v.w_step
    for t in range(f.w.taps):
        i, j = t // kernel, t % kernel
        if rotated:
            i, j = kernel - 1 - i, kernel - 1 - j
        f.w.offsets[t] = s * (i * v.h_step + j * v.w_step)
    if rotated:
        f.w.sk, f.w.sc = v.c_step, v.n_step
        cut_filters(f, s * s * v.C, v.N, s, side)
    else:
        f.w.sk, f.w.sc = v.n_step, v.c_step
        cut_filters(f, v.N, s * s * v.C, s, side)


cdef real *start_of(Weight *w, Py_ssize_t k, Py_ssize_t c) noexcept nogil:
    """Where the filter of output k and input c begins; one of the two is a pair (phase, channel)."""
    cdef Py_ssize_t phase = (k if w.rotated else c) // w.channels
    if w.rotated:
        k -= phase * w.channels
    else:
        c -= phase * w.channels
    return w.data + k * w.sk + c * w.sc + phase // w.s * w.sh + phase % w.s * w.sw


# ---------------------------------------------------------------- transforming and packing

cdef void transform_filters(Filters *f, Py_ssize_t bank, Py_ssize_t chunk, Py_ssize_t c0, Py_ssize_t count,
                            real *u, real *taps) noexcept nogil:
    """u = G w Gt for a bank and `count` channels of a chunk, from its channel c0 on."""
    cdef Py_ssize_t lanes = bank_width(f, bank), length = length_of(f, chunk), step = odd_lines(length * lanes)
    cdef Py_ssize_t vector, panel, width, c
    cdef real *to
    for vector in range(lanes // VL):
        panel = vector // NR
        width = panel_width(lanes, panel)
        gather_taps(f, bank * f.width + vector * VL, chunk * f.chunk + c0, count, taps)
        to = u + panel * NR * VL * length + c0 * width + vector % NR * VL
        for c in range(count):
            if f.w.taps == 4:
                transform(filter_2, 2, 6, taps + c * 4 * VL, 2 * VL, VL, to + c * width, 6 * step, step)
            elif f.frequencies < FREQUENCIES:
                transform(small_filter_3, 3, 4, taps + c * 9 * VL, 3 * VL, VL, to + c * width, 4 * step, step)
            elif f.w.taps == 9:
                transform(filter_3, 3, 6, taps + c * 9 * VL, 3 * VL, VL, to + c * width, 6 * step, step)
            else:
                transform(filter_5, 5, 6, taps + c * 25 * VL, 5 * VL, VL, to + c * width, 6 * step, step)


cdef int pack_filters(Filters *f, real *u) noexcept nogil:
    """All filters, transformed; jobs are strips. 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t strips = ceil_div(f.chunk, STRIP), job
    cdef int threads = threads_for(<double>f.K * f.C * f.w.taps * WINOGRAD_FILTER_NS), failed = 0
    cdef void *memory = NULL
    share_out(&ranges, f.banks * f.chunks * strips, threads)
    with parallel(num_threads=threads):
        memory = allocate(STRIP * f.w.taps * VL)
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= pack_strip(f, job // strips // f.chunks, job // strips % f.chunks, job % strips * STRIP, u,
                                     memory)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int pack_strip(Filters *f, Py_ssize_t bank, Py_ssize_t chunk, Py_ssize_t c0, real *u, void *memory) noexcept nogil:
    """The filters of one strip, which begins at channel c0 of its chunk; 1 if memory ran out."""
    if memory == NULL:
        return 1
    if c0 < length_of(f, chunk):
        transform_filters(f, bank, chunk, c0, min(<Py_ssize_t>STRIP, length_of(f, chunk) - c0),
                          u + offset_of(f, bank, chunk), <real *>memory)
    return 0
