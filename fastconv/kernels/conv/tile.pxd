# The register tile of the direct path: MR x nv vectors of sums, which stay in registers while each step of a loop adds
# one product of a column and a row, acc[i][j] += a[i] w[j]. (Goto and van de Geijn 2008, "Anatomy of high-performance
# matrix multiplication"; BLIS calls the loop the micro-kernel and one step a rank-1 update.)
#
#   tile      rows are pixels, columns output channels, steps (tap, input channel): forward, input gradient
#   tile_tn   rows are input channels, columns output channels, steps pixels: weight gradient
#
# The library has nine such loops. A step is the same in all; they differ in where its operands lie, which a loop
# cannot be told at run time without losing registers or loads to it:
#
#   conv direct     tile       a[i]: a pointer for each pixel and tap, so that padding is a row of zeros; MR or MR - 1
#                              rows, into which any number of pixels from 20 on can be cut
#                   tile_tn    a[i]: neighbours in memory; runs of pixels, each with pointers of its own; MR rows or 1
#                   tile_at    a[i]: at offsets of their own from the first value of a pixel, the same for all pixels
#   conv winograd   product    a[i]: rows at one stride; 1 to MR rows, since any number of patches may remain
#                   sum        a[i]: neighbours in memory; 1 to MR rows, or 16 rows of one vector for few columns
#   conv planar     tile       a[i] are weights and w[j] pixels along W, in pieces of at most 32 bytes for short rows
#                   sum        both are vectors along W; the lanes of a sum are added at its end
#   dense           dot        both are vectors along the reduction: no operand is packed, lanes are added at the end
#                   outer      a[i] at any two strides, 1 to MR rows; y may be stored around the caches
#
# `nv`, `mr` and `rows` are constants at every call of a body, so its loops unroll and `acc` never touches memory.

from ..simd cimport dispatch
from ..simd.halves cimport HALVES, vh, vhalf, vload_half, vwhole
from ..simd.vector cimport LINE, VL, activated, real, vf, vload, vprefetch, vsplat, vstore, vstream, vzero

cdef struct Terms:              # the terms of a sum that one call of `tile` adds
    Py_ssize_t taps             # rows[tap][i]: the input pixel of output pixel i under a tap
    Py_ssize_t offset, length   # of each input pixel the channels from `offset` on
    const real *w               # packed: [tap][channel][lane]
    bint resume                 # the sums go on from what `out` holds, else they begin with zero
    const real *bias            # added at the end; NULL until the sum is complete, or where there is none
    Py_ssize_t bias_row, bias_vector  # vector j of row i gets bias[i * bias_row + j * bias_vector]
    int activation              # by the codes of `activated`; 0 until the sum is complete
    bint stream                 # results are stored around the caches

cdef struct Runs:               # the pixels that one call of `tile_tn` adds
    Py_ssize_t count
    const real **x              # the first pixel of each run
    const real **dy
    const Py_ssize_t *pixels    # pixels of each run
    Py_ssize_t x_step, dy_step  # from a pixel to the next

ctypedef const real *Row
ctypedef void (*tile_case)(const real **rows, real **out, const real **add, const real *ahead, const Terms *terms,
                           const int mr, const bint fetch, const bint half, const int nv) noexcept nogil
ctypedef void (*tile_tn_case)(const Runs *runs, Py_ssize_t x_offset, Py_ssize_t dy_offset, real *dw,
                              Py_ssize_t dw_step, int skip, const real *ahead, Py_ssize_t ahead_step,
                              const int rows, const int nv) noexcept nogil

cdef extern from *:
    """
    #if defined(__GNUC__)
    /* gcc would add it from memory, a load too many where vectors are short */
    #define in_register(i) __asm__("" : "+r" (i))
    #else
    #define in_register(i) ((void)0)
    #endif
    """
    void in_register(Py_ssize_t i) noexcept nogil
    enum: MR "6"
    enum: NR "TILE_VECTORS"
    void of_columns "DISPATCH_VECTORS"(
        tile_case f, int nv, const real **rows, real **out, const real **add, const real *ahead, const Terms *terms,
        const int mr, const bint fetch, const bint half) noexcept nogil
    void tn_of_columns "DISPATCH_VECTORS"(
        tile_tn_case f, int nv, const Runs *runs, Py_ssize_t x_offset, Py_ssize_t dy_offset, real *dw,
        Py_ssize_t dw_step, int skip, const real *ahead, Py_ssize_t ahead_step, const int rows) noexcept nogil


cdef inline void add_row(vf *acc, real a, const vf *w, const int nv) noexcept nogil:
    """acc[j] += a w[j]: one row of a step."""
    cdef int j
    cdef vf all_a = vsplat(a)
    for j in range(nv):
        acc[j] = acc[j] + all_a * w[j]


cdef inline void add_step(vf *acc, vh *last, real a, const vf *w, vh w_last, const bint half,
                          const int nv) noexcept nogil:
    """add_row, and with `half` last += a w_last."""
    add_row(acc, a, w, nv)
    if half:
        last[0] = last[0] + vhalf(vsplat(a)) * w_last


# ---------------------------------------------------------------- pixels x output channels

cdef inline void tile_body(const real **rows, real **out, const real **add, const real *ahead, const Terms *terms,
                           const int mr, const bint fetch, const bint half, const int nv) noexcept nogil:
    """out[i][j] = (out[i][j] +) sum_{t,c} rows[t][i][offset + c] w[t][c][j] (+ bias[i][j]) (+ add[i][j]), activated.

    `add` may be NULL; its rows may be those of `out`. With `fetch` each c fetches a cache line, from `ahead` on. With
    `half` the upper half of the last vector is not computed.
    """
    cdef vf acc[MR][NR]
    cdef vf wv[NR]
    cdef vh last[MR]            # with `half`: the last vector of each row
    cdef vh w_last
    cdef Row p0, p1, p2, p3, p4, p5 = NULL  # an array of these would stay in memory
    cdef Py_ssize_t _t, c, taps = terms.taps, offset = terms.offset, length = terms.length
    cdef const real *w = terms.w
    cdef int i, j
    cdef int whole = nv - half
    begin_tile(acc, out, terms.resume, mr, nv)
    if half:
        for i in range(mr):
            last[i] = vhalf(acc[i][nv - 1])
    for _t in range(taps):
        p0, p1, p2 = rows[0] + offset, rows[1] + offset, rows[2] + offset
        p3, p4 = rows[3] + offset, rows[4] + offset
        if mr == MR:
            p5 = rows[5] + offset
        rows += mr
        for c in range(length):
            for j in range(whole):
                wv[j] = vload(w + j * VL)
            if half:
                w_last = vload_half(w + whole * VL)
            add_step(acc[0], last, p0[c], wv, w_last, half, whole)
            add_step(acc[1], last + 1, p1[c], wv, w_last, half, whole)
            add_step(acc[2], last + 2, p2[c], wv, w_last, half, whole)
            add_step(acc[3], last + 3, p3[c], wv, w_last, half, whole)
            add_step(acc[4], last + 4, p4[c], wv, w_last, half, whole)
            if mr == MR:
                add_step(acc[5], last + 5, p5[c], wv, w_last, half, whole)
            if fetch:
                vprefetch(ahead)
                ahead += LINE
            w += nv * VL
    if half:
        for i in range(mr):
            acc[i][nv - 1] = vwhole(last[i])
    finish_tile(acc, out, add, terms, mr, nv)


# Before and after the loop each row has a call of its own: with a loop over the rows gcc would keep `acc` in memory there.
# Sums begin with zero, which takes a processor no time; to begin with the bias takes as long as two steps.

cdef inline void begin_tile(vf (*acc)[NR], real **out, bint resume, const int mr, const int nv) noexcept nogil:
    """acc[i][j] = out[i][j], or 0"""
    begin_row(acc[0], out[0], resume, nv)
    begin_row(acc[1], out[1], resume, nv)
    begin_row(acc[2], out[2], resume, nv)
    begin_row(acc[3], out[3], resume, nv)
    begin_row(acc[4], out[4], resume, nv)
    if mr == MR:
        begin_row(acc[5], out[5], resume, nv)


cdef inline void finish_tile(vf (*acc)[NR], real **out, const real **add, const Terms *terms, const int mr,
                             const int nv) noexcept nogil:
    """out[i][j] = activated(acc[i][j] + bias[i][j] + add[i][j])"""
    cdef const real *b = terms.bias
    cdef Py_ssize_t row = terms.bias_row
    if b != NULL:
        add_to_row(acc[0], b, terms.bias_vector, nv)
        add_to_row(acc[1], b + row, terms.bias_vector, nv)
        add_to_row(acc[2], b + 2 * row, terms.bias_vector, nv)
        add_to_row(acc[3], b + 3 * row, terms.bias_vector, nv)
        add_to_row(acc[4], b + 4 * row, terms.bias_vector, nv)
        if mr == MR:
            add_to_row(acc[5], b + 5 * row, terms.bias_vector, nv)
    if add != NULL:
        add_to_row(acc[0], add[0], VL, nv)
        add_to_row(acc[1], add[1], VL, nv)
        add_to_row(acc[2], add[2], VL, nv)
        add_to_row(acc[3], add[3], VL, nv)
        add_to_row(acc[4], add[4], VL, nv)
        if mr == MR:
            add_to_row(acc[5], add[5], VL, nv)
    finish_row(acc[0], out[0], terms, nv)
    finish_row(acc[1], out[1], terms, nv)
    finish_row(acc[2], out[2], terms, nv)
    finish_row(acc[3], out[3], terms, nv)
    finish_row(acc[4], out[4], terms, nv)
    if mr == MR:
        finish_row(acc[5], out[5], terms, nv)


cdef inline void begin_row(vf *acc, const real *out, bint resume, const int nv) noexcept nogil:
    """acc[j] = out[j], or 0"""
    cdef int j
    for j in range(nv):
        acc[j] = vload(out + j * VL) if resume else vzero


cdef inline void add_to_row(vf *acc, const real *source, Py_ssize_t step, const int nv) noexcept nogil:
    """acc[j] += source[j step]"""
    cdef int j
    for j in range(nv):
        acc[j] = acc[j] + vload(source + j * step)


cdef inline void finish_row(vf *acc, real *out, const Terms *terms, const int nv) noexcept nogil:
    """out[j] = activated(acc[j])"""
    cdef int j, activation = terms.activation
    if activation:
        for j in range(nv):
            acc[j] = activated(acc[j], activation)
    if terms.stream:
        for j in range(nv):
            vstream(out + j * VL, acc[j])
    else:
        for j in range(nv):
            vstore(out + j * VL, acc[j])


cdef inline void tile(const real **rows, real **out, const real **add, const real *ahead, const Terms *terms, int mr,
                      int nv, bint half=False) noexcept nogil:
    """tile_body for MR rows or one less, and 1 to NR vectors; only whole rows of vectors can fetch.

    With `half`, where HALVES allows it, the upper half of the last vector is of no use to the caller."""
    if HALVES and half:
        if mr == MR:
            of_columns(tile_body, nv, rows, out, add, NULL, terms, MR, False, True)
        else:
            of_columns(tile_body, nv, rows, out, add, NULL, terms, MR - 1, False, True)
    elif ahead != NULL and nv == NR:
        if mr == MR:
            tile_body(rows, out, add, ahead, terms, MR, True, False, NR)
        else:
            tile_body(rows, out, add, ahead, terms, MR - 1, True, False, NR)
    elif mr == MR:
        of_columns(tile_body, nv, rows, out, add, NULL, terms, MR, False, False)
    else:
        of_columns(tile_body, nv, rows, out, add, NULL, terms, MR - 1, False, False)


# ---------------------------------------------------------------- input channels x output channels

cdef inline void tile_tn_body(const Runs *runs, Py_ssize_t x_offset, Py_ssize_t dy_offset, real *dw, Py_ssize_t dw_step,
                              int skip, const real *ahead, Py_ssize_t ahead_step, const int rows,
                              const int nv) noexcept nogil:
    """dw[i][j] += sum over the runs and their pixels p of x[p * x_step + i] dy[p * dy_step + j], for skip <= i < rows.

    At each pixel one cache line is fetched that later calls will read: ahead, ahead + ahead_step, ...
    """
    cdef vf acc[MR][NR]
    cdef vf dv[NR]
    cdef const real *x
    cdef const real *dy
    cdef Py_ssize_t _p, run, x_step = runs.x_step, dy_step = runs.dy_step
    cdef int i, j
    for i in range(rows):
        for j in range(nv):
            acc[i][j] = vzero
    for run in range(runs.count):
        x = runs.x[run] + x_offset
        dy = runs.dy[run] + dy_offset
        for _p in range(runs.pixels[run]):
            for j in range(nv):
                dv[j] = vload(dy + j * VL)
            for i in range(rows):
                add_row(acc[i], x[i], dv, nv)
            vprefetch(ahead)
            in_register(x_step)
            in_register(dy_step)
            in_register(ahead_step)
            ahead += ahead_step
            x += x_step
            dy += dy_step
    for i in range(rows):
        if i >= skip:
            for j in range(nv):
                vstore(dw + i * dw_step + j * VL, vload(dw + i * dw_step + j * VL) + acc[i][j])


cdef inline void tile_tn(const Runs *runs, Py_ssize_t x_offset, real *dw, Py_ssize_t dw_step, int skip, int rows,
                         int nv, const real *ahead=NULL, Py_ssize_t ahead_step=0) noexcept nogil:
    """tile_tn_body of MR rows or of one, and 1 to NR vectors; the one row is summed a vector at a time."""
    cdef int j
    if rows == 1:
        for j in range(nv):
            tile_tn_body(runs, x_offset, j * VL, dw + j * VL, dw_step, 0, ahead, ahead_step, 1, 1)
    else:
        tn_of_columns(tile_tn_body, nv, runs, x_offset, 0, dw, dw_step, skip, ahead, ahead_step, MR)
