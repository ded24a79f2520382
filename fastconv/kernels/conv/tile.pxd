# THE micro-kernel: MR rows x nv vectors of accumulators that stay in registers, in its three uses.
#
#   tile     rows are pixels (pointers), columns output channels: forward, input gradient, 1x1; MR rows or one less:
#            any number of pixels from 20 on can be cut into these
#   tile_tn  rows are input channels, columns output channels, summed over pixels: weight gradient
#   tile_w   rows are output channels, columns positions along W of plain NCHW planes: few channels
#
# nv is a compile-time constant at every call, so the loops unroll and `acc` never touches memory.

from ..simd.vector cimport LINE, real, vf, VL, vload, vprefetch, vstore, vstream, vsplat, vzero, activated

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define in_register(i) __asm__("" : "+r" (i))  /* gcc would add it from memory, a load too many where vectors are short */
    #else
    #define in_register(i) ((void)0)
    #endif
    """
    void in_register(Py_ssize_t i) noexcept nogil
    enum: MR "6"
    enum: NR "TILE_VECTORS"


cdef inline Py_ssize_t columns(Py_ssize_t K) noexcept nogil:
    """K rounded up to whole vectors."""
    return (K + VL - 1) // VL * VL


cdef inline void tile_body(const real **rows, Py_ssize_t taps, Py_ssize_t offset, Py_ssize_t length, const real *w,
                           const real *init, real **out, int activation, bint stream, const real **add,
                           const real *ahead, const int mr, const int nv, const bint fetch) noexcept nogil:
    """out[i][j] = (init[j] or out[i][j]) + sum_t sum_c rows[t][i][offset + c] w[t][c][j] (+ add[i][j]), activated.

    `add` may be NULL; its rows may be those of `out`. With `fetch` each c fetches a cache line, from `ahead` on.
    """
    cdef vf acc[MR][NR]
    cdef vf wv[NR]
    cdef vf a
    cdef const real *p0
    cdef const real *p1
    cdef const real *p2
    cdef const real *p3
    cdef const real *p4
    cdef const real *p5 = NULL
    cdef Py_ssize_t t, c
    cdef int i, j
    for i in range(mr):
        for j in range(nv):
            acc[i][j] = vload(init + j * VL) if init != NULL else vload(out[i] + j * VL)
    for t in range(taps):
        p0 = rows[0] + offset
        p1 = rows[1] + offset
        p2 = rows[2] + offset
        p3 = rows[3] + offset
        p4 = rows[4] + offset
        if mr == MR:
            p5 = rows[5] + offset
        rows += mr
        for c in range(length):
            for j in range(nv):
                wv[j] = vload(w + j * VL)
            a = vsplat(p0[c])
            for j in range(nv):
                acc[0][j] = acc[0][j] + a * wv[j]
            a = vsplat(p1[c])
            for j in range(nv):
                acc[1][j] = acc[1][j] + a * wv[j]
            a = vsplat(p2[c])
            for j in range(nv):
                acc[2][j] = acc[2][j] + a * wv[j]
            a = vsplat(p3[c])
            for j in range(nv):
                acc[3][j] = acc[3][j] + a * wv[j]
            a = vsplat(p4[c])
            for j in range(nv):
                acc[4][j] = acc[4][j] + a * wv[j]
            if mr == MR:
                a = vsplat(p5[c])
                for j in range(nv):
                    acc[5][j] = acc[5][j] + a * wv[j]
            if fetch:
                vprefetch(ahead)
                ahead += LINE
            w += nv * VL
    if add != NULL:
        for i in range(mr):
            for j in range(nv):
                acc[i][j] = acc[i][j] + vload(add[i] + j * VL)
    if activation:
        for i in range(mr):
            for j in range(nv):
                acc[i][j] = activated(acc[i][j], activation)
    if stream:
        for i in range(mr):
            for j in range(nv):
                vstream(out[i] + j * VL, acc[i][j])
    else:
        for i in range(mr):
            for j in range(nv):
                vstore(out[i] + j * VL, acc[i][j])


cdef inline void tile_rows(const real **rows, Py_ssize_t taps, Py_ssize_t offset, Py_ssize_t length, const real *w,
                           const real *init, real **out, int activation, bint stream, const real **add,
                           const real *ahead, const int mr, int nv) noexcept nogil:
    """tile_body for nv vectors, 1 to NR, of which whole tiles can fetch."""
    if ahead != NULL and nv == NR:
        tile_body(rows, taps, offset, length, w, init, out, activation, stream, add, ahead, mr, NR, True)
    elif nv == 1:
        tile_body(rows, taps, offset, length, w, init, out, activation, stream, add, NULL, mr, 1, False)
    elif nv == 2:
        tile_body(rows, taps, offset, length, w, init, out, activation, stream, add, NULL, mr, 2, False)
    elif NR > 2 and nv == 3:
        tile_body(rows, taps, offset, length, w, init, out, activation, stream, add, NULL, mr, 3, False)
    elif NR > 2:
        tile_body(rows, taps, offset, length, w, init, out, activation, stream, add, NULL, mr, 4, False)


cdef inline void tile(const real **rows, Py_ssize_t taps, Py_ssize_t offset, Py_ssize_t length, const real *w,
                      const real *init, real **out, int activation, bint stream, int mr, int nv,
                      const real **add=NULL, const real *ahead=NULL) noexcept nogil:
    """tile_rows for mr rows, MR or one less."""
    if mr == MR:
        tile_rows(rows, taps, offset, length, w, init, out, activation, stream, add, ahead, MR, nv)
    else:
        tile_rows(rows, taps, offset, length, w, init, out, activation, stream, add, ahead, MR - 1, nv)


cdef inline void tile_tn_body(const real **x, const real **dy, const Py_ssize_t *counts, Py_ssize_t runs,
                              Py_ssize_t x_offset, Py_ssize_t x_step, Py_ssize_t dy_offset, Py_ssize_t dy_step,
                              real *dw, Py_ssize_t dw_step, int skip, const real *ahead, Py_ssize_t ahead_step,
                              const int rows, const int nv) noexcept nogil:
    """dw[i][j] += sum over runs and their pixels p of x[p * x_step + i] dy[p * dy_step + j], for skip <= i < rows.

    At each pixel one cache line is fetched that later calls will read: ahead, ahead + ahead_step, ...
    """
    cdef vf acc[MR][NR]
    cdef vf dv[NR]
    cdef vf a
    cdef const real *px
    cdef const real *pdy
    cdef Py_ssize_t p, run
    cdef int i, j
    for i in range(rows):
        for j in range(nv):
            acc[i][j] = vzero
    for run in range(runs):
        px = x[run] + x_offset
        pdy = dy[run] + dy_offset
        for p in range(counts[run]):
            for j in range(nv):
                dv[j] = vload(pdy + j * VL)
            a = vsplat(px[0])
            for j in range(nv):
                acc[0][j] = acc[0][j] + a * dv[j]
            if rows > 1:
                a = vsplat(px[1])
                for j in range(nv):
                    acc[1][j] = acc[1][j] + a * dv[j]
                a = vsplat(px[2])
                for j in range(nv):
                    acc[2][j] = acc[2][j] + a * dv[j]
                a = vsplat(px[3])
                for j in range(nv):
                    acc[3][j] = acc[3][j] + a * dv[j]
                a = vsplat(px[4])
                for j in range(nv):
                    acc[4][j] = acc[4][j] + a * dv[j]
                a = vsplat(px[5])
                for j in range(nv):
                    acc[5][j] = acc[5][j] + a * dv[j]
            vprefetch(ahead)
            in_register(x_step)
            in_register(dy_step)
            in_register(ahead_step)
            ahead += ahead_step
            px += x_step
            pdy += dy_step
    for i in range(rows):
        if i >= skip:
            for j in range(nv):
                vstore(dw + i * dw_step + j * VL, vload(dw + i * dw_step + j * VL) + acc[i][j])


cdef inline void tile_tn(const real **x, const real **dy, const Py_ssize_t *counts, Py_ssize_t runs,
                         Py_ssize_t x_offset, Py_ssize_t x_step, Py_ssize_t dy_offset, Py_ssize_t dy_step,
                         real *dw, Py_ssize_t dw_step, int skip, int rows, int nv,
                         const real *ahead=NULL, Py_ssize_t ahead_step=0) noexcept nogil:
    """tile_tn_body for MR rows or for one, and nv vectors, 1 to NR."""
    if rows == 1:
        for rows in range(nv):
            tile_tn_body(x, dy, counts, runs, x_offset, x_step, dy_offset + rows * VL, dy_step, dw + rows * VL, dw_step,
                         0, ahead, ahead_step, 1, 1)
    elif nv == 1:
        tile_tn_body(x, dy, counts, runs, x_offset, x_step, dy_offset, dy_step, dw, dw_step, skip,
                     ahead, ahead_step, MR, 1)
    elif nv == 2:
        tile_tn_body(x, dy, counts, runs, x_offset, x_step, dy_offset, dy_step, dw, dw_step, skip,
                     ahead, ahead_step, MR, 2)
    elif NR > 2 and nv == 3:
        tile_tn_body(x, dy, counts, runs, x_offset, x_step, dy_offset, dy_step, dw, dw_step, skip,
                     ahead, ahead_step, MR, 3)
    elif NR > 2:
        tile_tn_body(x, dy, counts, runs, x_offset, x_step, dy_offset, dy_step, dw, dw_step, skip,
                     ahead, ahead_step, MR, 4)
