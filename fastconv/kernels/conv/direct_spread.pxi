# The input gradient of few channels at stride 1, scattered instead of gathered: the products of a row of dy with every tap,
#
#     z[r,s,c][h,j] = sum_k dy[k,h,j] w[k,c,r,s]
#     dx[c,i,j]     = b[c] + sum_s sum_r z[r,s,c][i + top - r, j + left - s]
#
# The vectors are pixels of dy, and the rows of a tile taps: no lane is empty, however few channels there are, and no
# weight is zero, as in cells. The sum over r is made by the tiles, which add to what their results hold: while the rows
# of dy pass, each of the last kh rows of dx has kw * C rows of sums, which its end adds, shifted by s.

cdef enum:
    SPREAD_K = 8        # channels of dy, at least: the sums are stored and read for each row of taps, however short they are
    SPREAD_ROWS = 8     # rows of dx in a job, at least, for each row of dy that the next job packs again

cdef struct Spread:
    View dy, dx
    Py_ssize_t K, C, kh, kw, top, left
    Py_ssize_t each         # kw * C sums of a pixel and a row of taps
    const real *w           # [r][s][c] rows of K weights, `w_row` apart; then a row of zeros
    Py_ssize_t w_row
    const real *b
    int activation
    Py_ssize_t lead, width  # of a row of sums: zeros in front of column 0; in all
    Py_ssize_t bands        # jobs of an image

cdef struct SpreadJob:
    Py_ssize_t n, start, stop   # rows of dx
    real *sums                  # [i % kh][s][c][lead + column of dy]
    real *panel                 # [k][pixel]
    real *planes                # a row of dx, [c][column]
    real *junk
    const real **rows           # of a tile: weights
    real **out                  # sums


cdef bint spread_pays(const Window *v, Py_ssize_t K, Py_ssize_t C, Py_ssize_t taps) noexcept nogil:
    """Whether there are too few channels to fill a vector, and enough products for each sum."""
    return v.groups == 1 and v.sh * v.sw * v.dh * v.dw == 1 and 2 * C < VL and K >= SPREAD_K and taps > 1


cdef int run_spread(const InputGradient *d, const real[:] b) noexcept nogil:
    """dx by rows of dy; 1 if memory ran out."""
    cdef Spread g
    cdef real *bias = bias_row(b, d.dx.C, 1, 1)
    cdef real *weights = NULL
    cdef int failed
    plan_spread(&g, d)
    weights = <real *>on_a_line(times(times(g.kh * g.each + 1, g.w_row), sizeof(real)))
    failed = bias == NULL or weights == NULL
    if not failed:
        rows_of_taps(&g, &d.w, weights)
        g.w, g.b = weights, bias
        failed = spread_jobs(&g)
    free(weights)
    free(bias)
    return failed


cdef void plan_spread(Spread *g, const InputGradient *d) noexcept nogil:
    """Sizes, and how the rows of an image are cut into jobs. Results do not depend on the cut."""
    cdef Py_ssize_t most
    g.dy, g.dx, g.activation = d.dy, d.dx, d.activation
    g.K, g.C, g.kh, g.kw, g.top, g.left = d.w.N, d.w.C, d.w.H, d.w.W, d.window.top, d.window.left
    g.each, g.w_row = g.kw * g.C, g.K + LINE
    g.lead = round_up(max(<Py_ssize_t>0, g.kw - 1 - g.left), VL)
    g.width = plus(g.lead, round_up(max(g.dy.W, plus(g.dx.W, g.left)) + VL, VL))
    most = max(<Py_ssize_t>1, g.dx.H // (SPREAD_ROWS * g.kh))
    g.bands = min(most, ceil_div(PLANE_JOBS, g.dx.N))


cdef void rows_of_taps(const Spread *g, const View *w, real *rows) noexcept nogil:
    """rows[r][s][c][k] = w[k, c, r, s], then a row of zeros."""
    cdef Py_ssize_t r, s, c, k
    cdef const real *source
    for r in range(g.kh):
        for s in range(g.kw):
            for c in range(g.C):
                source = w.data + r * w.h_step + s * w.w_step + c * w.c_step
                for k in range(g.K):
                    rows[k] = source[k * w.n_step]
                rows += g.w_row
    memset(rows, 0, g.w_row * sizeof(real))


cdef int spread_jobs(const Spread *g) noexcept nogil:
    """All bands of all images; 1 if memory ran out."""
    cdef Ranges ranges
    cdef Py_ssize_t outputs = g.kh * g.each, tables = times(outputs + 2 * MR, 2 * sizeof(real *)), scratch, job
    cdef double vectors = <double>g.dx.N * g.dy.H * round_up(g.dy.W, VL)
    cdef int threads = threads_for(vectors * outputs * (g.K + 4) * POINTWISE_PRODUCT_NS), failed = 0, thread
    cdef char *memory = NULL
    scratch = plus(times(outputs + g.C, g.width), times(g.K + 1, NR * VL))
    scratch = plus(times(scratch, sizeof(real)), tables)
    share_out(&ranges, g.dx.N * g.bands, threads)
    with parallel(num_threads=threads):
        memory = <char *>on_a_line(scratch)
        for thread in prange(threads, schedule="static"):
            job = next_job(&ranges, thread)
            while job >= 0:
                failed |= spread_job(g, job, memory)
                job = next_job(&ranges, thread)
        free(memory)
    return failed


cdef int spread_job(const Spread *g, Py_ssize_t job, char *memory) noexcept nogil:
    """A band of rows of dx: every row of dy that reaches it, one after the other. 1 if there is no memory."""
    cdef SpreadJob j
    cdef Py_ssize_t band = job % g.bands, outputs = g.kh * g.each, h
    if memory == NULL:
        return 1
    j.n, j.start, j.stop = job // g.bands, g.dx.H * band // g.bands, g.dx.H * (band + 1) // g.bands
    j.sums = <real *>memory
    j.panel = j.sums + outputs * g.width
    j.planes = j.panel + g.K * NR * VL
    j.junk = j.planes + g.C * g.width
    j.rows = <const real **>(j.junk + NR * VL)
    j.out = <real **>(j.rows + outputs + 2 * MR)
    memset(j.sums, 0, outputs * g.width * sizeof(real))
    memset(j.junk, 0, NR * VL * sizeof(real))
    for h in range(j.start + g.top - g.kh + 1, j.stop + g.top):
        if 0 <= h < g.dy.H:
            spread_row(g, &j, h)
        if h - g.top >= j.start:  # no later row of dy reaches it
            gather_row(g, &j, h - g.top)
    return 0


cdef void spread_row(const Spread *g, SpreadJob *j, Py_ssize_t h) noexcept nogil:
    """Row h of dy times all taps that reach the band, added to the sums of the rows of dx that they reach."""
    cdef Py_ssize_t first = max(<Py_ssize_t>0, j.start + g.top - h), end = min(g.kh, j.stop + g.top - h)
    cdef Py_ssize_t count = (end - first) * g.each, i, m, p, column = 0, pixels, W = g.dy.W
    cdef Cut taps = cut(count)
    cdef Terms terms
    for i in range(taps.rows):
        j.rows[i] = g.w + (first * g.each + i if i < count else g.kh * g.each) * g.w_row
        j.out[i] = j.junk
    for i in range(count):
        j.out[i] = j.sums + (h - g.top + first + i // g.each) % g.kh * g.each * g.width
        j.out[i] += i % g.each * g.width + g.lead
    terms.taps, terms.offset, terms.length, terms.w = 1, 0, g.K, j.panel
    terms.resume, terms.bias, terms.bias_row, terms.bias_vector = True, NULL, 0, 0
    terms.activation, terms.stream = 0, False
    while column < W:
        pixels = min(W - column, <Py_ssize_t>(NR * VL))
        pack_row(g, g.dy.data + j.n * g.dy.n_step + h * g.dy.h_step + column * g.dy.w_step, pixels, j.panel)
        p = 0
        for m in range(taps.tiles):
            plane_tile(j.rows + p, j.out + p, &terms, <int>height(&taps, m), <int>ceil_div(pixels, VL))
            p += height(&taps, m)
        for i in range(count):
            j.out[i] += NR * VL
        column += NR * VL


cdef void pack_row(const Spread *g, const real *dy, Py_ssize_t pixels, real *panel) noexcept nogil:
    """panel[k][pixel], zeros beyond the last one."""
    cdef Py_ssize_t width = round_up(pixels, VL), k, p
    if pixels < width:
        for k in range(g.K):
            vstore(panel + (k + 1) * width - VL, vzero)
    if g.dy.c_step == 1:
        transpose_pixels(dy, g.dy.w_step, g.K, pixels, width, panel)
    elif g.dy.w_step == 1:
        copy_pixels(dy, g.dy.c_step, g.K, pixels, width, panel)
    else:
        for k in range(g.K):
            for p in range(pixels):
                panel[k * width + p] = dy[k * g.dy.c_step + p * g.dy.w_step]


cdef void gather_row(const Spread *g, SpreadJob *j, Py_ssize_t i) noexcept nogil:
    """Row i of dx from its sums, whose memory is made zero for the row that follows kh rows later."""
    cdef real *sums = j.sums + i % g.kh * g.each * g.width
    cdef real *dx = g.dx.data + j.n * g.dx.n_step + i * g.dx.h_step
    cdef const real *row
    cdef Py_ssize_t c, s, w
    cdef vf total
    for c in range(g.C):
        w = 0
        while w < g.dx.W:
            row = sums + c * g.width + g.lead + g.left + w
            total = vsplat(g.b[c])
            for s in range(g.kw):
                total = total + vload(row - s)
                row += g.C * g.width
            vstore(j.planes + c * g.width + w, activated(total, g.activation))
            w += VL
    memset(sums, 0, g.each * g.width * sizeof(real))
    if g.dx.w_step == 1:
        for c in range(g.C):
            memcpy(dx + c * g.dx.c_step, j.planes + c * g.width, g.dx.W * sizeof(real))
    elif g.dx.c_step == 1 and g.dx.w_step == g.C and 2 <= g.C <= 4:
        weave(g.C, j.planes, g.width, dx, g.dx.W)
    else:
        for c in range(g.C):
            for w in range(g.dx.W):
                dx[w * g.dx.w_step + c * g.dx.c_step] = j.planes[c * g.width + w]
