# The jobs of the forward pass and of the input gradient: one block of rows of one image and group each.


cdef int run_grid(Grid *g) noexcept nogil:
    """All jobs; 1 if memory ran out."""
    cdef int thread
    cdef Ranges ranges
    cdef Source *x = &g.source
    cdef double row_work
    cdef Py_ssize_t jobs, job
    cdef int threads, failed
    cdef real *copy
    if x.h.positions <= 0 or x.w.positions <= 0:
        return 0
    x.plane = one_by_one(x, g.filters.K)
    if x.plane and small_fits(x, &g.y):
        return run_small(g)
    row_work = row_products(x, g.filters.K) * PLANAR_PRODUCT_NS
    failed = plan_source(x, row_work)
    jobs = 0 if failed else ceil_div(parts_of(x), x.together)
    threads = threads_for(plane_taps(x) * PLANE_TAP_NS if x.plane else row_work * x.h.positions * x.x.N * x.groups)
    if not failed:
        share_out(&ranges, jobs, threads)
        with parallel(num_threads=threads):
            copy = copy_of(x)
            for thread in prange(threads, schedule="static"):
                job = next_job(&ranges, thread)
                while job >= 0:
                    failed |= run_job(g, job, copy)
                    job = next_job(&ranges, thread)
            free(copy)
    free(x.at.columns)
    return failed


cdef double row_products(const Source *x, Py_ssize_t K) noexcept nogil:
    """Products of vectors for one row of positions: vectors * K * C * kh * kw."""
    return <double>ceil_div(x.w.positions, PL) * K * x.C * x.h.taps.count * x.w.taps.count


cdef double plane_taps(const Source *x) noexcept nogil:
    """Products of vectors of VL for all planes; copying a vector of x and storing one of y count as four."""
    cdef double vectors = <double>ceil_div(x.w.positions, VL) * x.h.positions * x.x.N * x.groups
    return vectors * (x.h.taps.count * x.w.taps.count + 4)


cdef real *copy_of(const Source *x) noexcept nogil:
    """Zeros for the copy of a block, to be freed; NULL where none is made, or if memory ran out."""
    return <real *>calloc(x.together * x.at.size, sizeof(real)) if x.at.copied else NULL


cdef int run_job(const Grid *g, Py_ssize_t job, real *copy) noexcept nogil:
    """The parts of a job; 1 without memory for their copies."""
    cdef const Source *x = &g.source
    cdef Py_ssize_t part, first = job * x.together, end = min(first + x.together, parts_of(x))
    cdef const real *block
    if x.at.copied and copy == NULL:
        return 1
    block = blocks_of_job(x, first, end, copy)
    for part in range(first, end):
        run_part(g, part, block + x.at.first)
        block += x.at.size
    return 0


cdef void run_part(const Grid *g, Py_ssize_t part, const real *source) noexcept nogil:
    """One block of rows of one image and group."""
    cdef const Source *x = &g.source
    cdef Py_ssize_t group = part // x.blocks.count % x.groups, row = part % x.blocks.count * x.blocks.rows
    cdef Py_ssize_t n = part // x.blocks.count // x.groups, K = g.filters.K
    cdef Py_ssize_t rows = min(x.blocks.rows, x.h.positions - row)
    cdef const real *w = g.filters.w + group * g.filters.group_step
    cdef real *y = g.y.data + n * g.y.n_step + group * K * g.y.c_step + row * g.y.h_step
    if x.plane:
        run_plane(g, source, w, g.filters.b[group], y, rows)
    else:
        run_tiles(g, source, w, g.filters.b + group * K, y, rows)
