# The weight gradient, dw = Gt [sum over patches of (Bt x B) * (A dy At)] G.
#
# The patches are taken in rounds. The patches of one round are transformed, and each frequency adds their products to
# du. After the last round du is transformed back to dw. The threads share this work in one of three ways:
#
#   by parts       where du is small and rounds are many: each thread sums some rounds into a du of its own, so that
#                  only these sums pass between processors
#   in turn        one du; all threads share the work of each round: jobs are patches, then frequencies
#   one round      where one round takes all patches and jobs (bank, chunk) are enough: each transforms its du back

from cython.parallel cimport parallel, prange
from libc.stdlib cimport free
from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.costs cimport WINOGRAD_BACK_NS
from ..runtime.sizes cimport ceil_div, round_up
from ..simd.vector cimport VL, real
from .tile cimport NR
from .winograd_1d cimport (
    filter_gradient_2, filter_gradient_3, filter_gradient_5, output_gradient_2, output_gradient_4, output_gradient_5,
)
from .winograd_2d cimport transform

cdef enum:
    ROUND_REALS = 70000     # reals of V[f] and Z[f] in a round, about
    ROUND_PATCHES = 128     # patches of a round, if there are several rounds
    PARTS = 8
    PARTS_REALS = 5 << 20   # reals of du in all parts, at most
    SUM_REALS = 8192        # reals of a job that adds the parts

cdef struct WeightGradient:
    Filters f                   # the layout of du, and dw in the place of w
    Patches p                   # dy in the place of y
    Py_ssize_t patches          # of a round


cdef int run_weight(WeightGradient *g) noexcept nogil:
    """The whole weight gradient; 1 if memory ran out."""
    cdef Py_ssize_t reals = g.p.stride + round_up(g.p.y.C, VL), rounds, parts
    g.patches = g.p.count
    if g.patches * reals > 2 * ROUND_REALS or g.patches > 2 * ROUND_PATCHES:
        g.patches = max(<Py_ssize_t>48, min(<Py_ssize_t>ROUND_PATCHES, ROUND_REALS // reals))
    rounds = ceil_div(g.p.count, g.patches)
    parts = min(<Py_ssize_t>PARTS, rounds)
    if parts >= 4 and parts * size_of(&g.f) <= PARTS_REALS:
        return sum_by_parts(g, rounds, parts)
    if rounds == 1 and g.f.banks * g.f.chunks >= 8:
        return sum_one_round(g)
    return sum_in_turn(g)


cdef int threads_of(WeightGradient *g) noexcept nogil:
    """The threads for the whole of it."""
    return threads_for(work_of(&g.f, &g.p) + back_work(&g.f))


# ---------------------------------------------------------------- a round of patches

cdef int open_round(WeightGradient *g, Round *r) noexcept nogil:
    """Memory for a round, which close_round frees; 1 if there is none."""
    r.v = <real *>allocate(FREQUENCIES * odd_lines(g.patches * g.p.stride))
    r.z = <real *>allocate(FREQUENCIES * odd_lines(g.patches * round_up(g.p.y.C, VL)))
    r.stride = g.p.stride
    return r.v == NULL or r.z == NULL


cdef void close_round(Round *r) noexcept nogil:
    """Free its memory."""
    free(r.v)
    free(r.z)


cdef int read_round(WeightGradient *g, Round *r, Py_ssize_t begin, Py_ssize_t end, int threads) noexcept nogil:
    """Transform x and dy of the next patches before `end`, of sums that begin with patch `begin`; 1 without memory."""
    cdef int thread
    cdef Ranges ranges
    cdef int failed = 0
    cdef Py_ssize_t t
    cdef void *memory = NULL
    r.patches, r.opens = min(g.patches, end - r.first), r.first == begin
    r.vstep, r.zstep = odd_lines(r.patches * g.p.stride), odd_lines(r.patches * round_up(g.p.y.C, VL))
    share_out(&ranges, r.patches, threads)
    with parallel(num_threads=threads):
        memory = allocate(FREQUENCIES * max(round_up(g.p.x.C, VL), round_up(g.p.y.C, VL)))
        for thread in prange(threads, schedule="static"):
            t = next_job(&ranges, thread)
            while t >= 0:
                failed |= read_both(g, r, t, memory)
                t = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int read_both(WeightGradient *g, Round *r, Py_ssize_t t, void *memory) noexcept nogil:
    """V and Z of patch t of a round; 1 without memory."""
    if memory == NULL:
        return 1
    read_patch(&g.p, r.first + t, r.v + t * r.stride, r.vstep, <real *>memory)
    read_gradient(g, r, t, <real *>memory)
    return 0


cdef void read_gradient(WeightGradient *g, Round *r, Py_ssize_t t, real *copied) noexcept nogil:
    """Z = A dy At of patch t of a round; dy is zero outside of its image."""
    cdef Patches *p = &g.p
    cdef Py_ssize_t patch = r.first + t, K = round_up(p.y.C, VL), k, panel, bank, in_bank = g.f.width // VL
    cdef Py_ssize_t i = row_at(p, patch), j = column_at(p, patch), yh = p.y.h_step, yw = p.y.w_step, step = r.zstep
    cdef const real *y = p.y.data + image_at(p, patch) * p.y.n_step + i * yh + j * yw
    cdef real *z
    prefetch_rows(y + p.edge * yw, yh, p.edge, p.edge * yw)
    if p.y.C < K or i + p.edge > p.y.H or j + p.edge > p.y.W:
        copy_window(y, yh, yw, p.y.C, p.edge, 0, p.y.H - i, 0, p.y.W - j, copied)
        y, yw, yh = copied, K, p.edge * K
    for k in range(K // VL):
        bank, panel = k // in_bank, k % in_bank // NR
        z = r.z + (bank * g.f.width + panel * NR * VL) * r.patches + k % in_bank % NR * VL
        z += t * panel_width(bank_width(&g.f, bank), panel)
        if p.edge == 5:
            transform(output_gradient_5, 5, 6, y + k * VL, yh, yw, z, 6 * step, step)
        elif p.edge == 4:
            transform(output_gradient_4, 4, 6, y + k * VL, yh, yw, z, 6 * step, step)
        else:
            transform(output_gradient_2, 2, 6, y + k * VL, yh, yw, z, 6 * step, step)


cdef void sum_round(WeightGradient *g, Round *r, real *du, int threads) noexcept nogil:
    """du += the products of a round; jobs are frequencies of a bank and chunk."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job
    share_out(&ranges, g.f.banks * g.f.chunks * FREQUENCIES, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            sum_frequency(&g.f, r, job // FREQUENCIES // g.f.chunks, job // FREQUENCIES % g.f.chunks, job % FREQUENCIES,
                          du + offset_of(&g.f, job // FREQUENCIES // g.f.chunks, job // FREQUENCIES % g.f.chunks))
            job = next_job(&ranges, thread)


# ---------------------------------------------------------------- du transformed back

cdef double back_work(Filters *f) noexcept nogil:
    """Nanoseconds on one thread."""
    return <double>f.C * f.K * WINOGRAD_BACK_NS


cdef int transform_all_back(WeightGradient *g, const real *du) noexcept nogil:
    """dw = Gt du G; jobs are strips of a (bank, chunk). 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef int threads = threads_for(back_work(&g.f)), failed = 0
    cdef Py_ssize_t strips = ceil_div(g.f.chunk, STRIP), job
    cdef void *memory = NULL
    share_out(&ranges, g.f.banks * g.f.chunks * strips, threads)
    with parallel(num_threads=threads):
        memory = allocate(STRIP * g.f.w.taps * VL)
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= transform_strip(&g.f, job // strips // g.f.chunks, job // strips % g.f.chunks, job % strips,
                                          du, <real *>memory)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int transform_strip(Filters *f, Py_ssize_t bank, Py_ssize_t chunk, Py_ssize_t strip, const real *du,
                         real *taps) noexcept nogil:
    """A strip of a bank and chunk, where du holds all of them; 1 without memory for its taps."""
    if taps == NULL:
        return 1
    if strip * STRIP < length_of(f, chunk):
        transform_back(f, bank, chunk, strip, du + offset_of(f, bank, chunk), taps)
    return 0


cdef void transform_back(Filters *f, Py_ssize_t bank, Py_ssize_t chunk, Py_ssize_t strip, const real *du,
                         real *taps) noexcept nogil:
    """dw = Gt du G for one strip of a bank and chunk, whose sums are du."""
    cdef Py_ssize_t lanes = bank_width(f, bank), length = length_of(f, chunk), step = odd_lines(length * lanes)
    cdef Py_ssize_t vector, width, count = min(<Py_ssize_t>STRIP, length - strip * STRIP), c
    cdef const real *u
    for vector in range(lanes // VL):
        width = panel_width(lanes, vector // NR)
        u = du + vector // NR * NR * VL * length + strip * STRIP * width + vector % NR * VL
        for c in range(count):
            if f.w.taps == 4:
                transform(filter_gradient_2, 6, 2, u + c * width, 6 * step, step, taps + c * 4 * VL, 2 * VL, VL)
            elif f.w.taps == 9:
                transform(filter_gradient_3, 6, 3, u + c * width, 6 * step, step, taps + c * 9 * VL, 3 * VL, VL)
            else:
                transform(filter_gradient_5, 6, 5, u + c * width, 6 * step, step, taps + c * 25 * VL, 5 * VL, VL)
        scatter_taps(f, bank * f.width + vector * VL, chunk * f.chunk + strip * STRIP, count, taps)


# ---------------------------------------------------------------- by parts

cdef int sum_by_parts(WeightGradient *g, Py_ssize_t rounds, Py_ssize_t parts) noexcept nogil:
    """Each part of the rounds on one thread, into a du of its own; 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef int threads = threads_of(g), failed = 0
    cdef Py_ssize_t size = odd_lines(size_of(&g.f)), part
    cdef real *du = <real *>allocate(parts * size)
    if du == NULL:
        return 1
    share_out(&ranges, parts, threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        part = next_job(&ranges, thread)
        while part >= 0:
            failed |= sum_part(g, rounds * part // parts * g.patches,
                               min(g.p.count, rounds * (part + 1) // parts * g.patches), du + part * size)
            part = next_job(&ranges, thread)
    if not failed:
        add_parts(du, size_of(&g.f), size, parts, threads)
        failed = transform_all_back(g, du)
    free(du)
    return failed


cdef int sum_part(WeightGradient *g, Py_ssize_t begin, Py_ssize_t end, real *du) noexcept nogil:
    """du = the sum over the patches from `begin` to `end`, in rounds, on this thread; 1 if memory ran out."""
    cdef Round r
    cdef int failed = open_round(g, &r)
    r.first = begin
    while not failed and r.first < end:
        failed = read_round(g, &r, begin, end, 1)
        if not failed:
            sum_round(g, &r, du, 1)
        r.first += r.patches
    close_round(&r)
    return failed


cdef void add_parts(real *du, Py_ssize_t count, Py_ssize_t size, Py_ssize_t parts, int threads) noexcept nogil:
    """du[0] = du[0] + du[1] + ..., in order: `count` reals each, `size` apart."""
    cdef int thread
    cdef Ranges ranges
    cdef Py_ssize_t job
    share_out(&ranges, ceil_div(count, SUM_REALS), threads)
    for thread in prange(threads, num_threads=threads, schedule="static"):
        job = next_job(&ranges, thread)
        while job >= 0:
            add_piece(du, job * SUM_REALS, min(count, job * SUM_REALS + SUM_REALS), size, parts)
            job = next_job(&ranges, thread)


cdef void add_piece(real *du, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t size, Py_ssize_t parts) noexcept nogil:
    """The same for the reals from `begin` to `end`."""
    cdef Py_ssize_t part, i
    for part in range(1, parts):
        for i in range(begin, end):
            du[i] = du[i] + du[part * size + i]


# ---------------------------------------------------------------- in turn, and one round

cdef int sum_in_turn(WeightGradient *g) noexcept nogil:
    """All rounds in order, the work of each shared by all threads; 1 if memory ran out."""
    cdef int threads = threads_of(g), failed
    cdef Round r
    cdef real *du = <real *>allocate(size_of(&g.f))
    r.first = 0
    failed = open_round(g, &r) or du == NULL
    while not failed and r.first < g.p.count:
        failed = read_round(g, &r, 0, g.p.count, threads)
        if not failed:
            sum_round(g, &r, du, threads)
        r.first += r.patches
    if not failed:
        failed = transform_all_back(g, du)
    close_round(&r)
    free(du)
    return failed


cdef int sum_one_round(WeightGradient *g) noexcept nogil:
    """All patches in a single round; jobs are (bank, chunk) with all frequencies. 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef int threads = threads_of(g), failed
    cdef Py_ssize_t job
    cdef Round r
    cdef void *memory = NULL
    r.first = 0
    failed = open_round(g, &r)
    if not failed:
        failed = read_round(g, &r, 0, g.p.count, threads)
    if not failed:
        share_out(&ranges, g.f.banks * g.f.chunks, threads)
        with parallel(num_threads=threads):
            memory = allocate(FREQUENCIES * odd_lines(g.f.chunk * g.f.width) + STRIP * g.f.w.taps * VL)
            for thread in prange(threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    failed |= sum_chunk(&g.f, &r, job // g.f.chunks, job % g.f.chunks, memory)
                    job = next_job(&ranges, thread)
            free(memory)
    close_round(&r)
    return failed


cdef int sum_chunk(Filters *f, Round *r, Py_ssize_t bank, Py_ssize_t chunk, void *memory) noexcept nogil:
    """All frequencies of one bank and chunk, and back at once; 1 without memory."""
    cdef real *taps = <real *>memory
    cdef real *du = taps + STRIP * f.w.taps * VL
    cdef Py_ssize_t i
    if memory == NULL:
        return 1
    for i in range(FREQUENCIES):
        sum_frequency(f, r, bank, chunk, i, du)
    for i in range(ceil_div(length_of(f, chunk), STRIP)):
        transform_back(f, bank, chunk, i, du, taps)
    return 0
