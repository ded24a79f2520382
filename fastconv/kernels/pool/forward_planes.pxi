# Forward in planar memory: vectors along W. Each output row takes two steps, the window being separable:
#
#     columns   a[w] = max, sum or sum of squares of x[h, w] over the rows h that the output row reads, for all w
#     outputs   y[ow] = max or sum of a[w] over the columns w that output ow reads
#
# Each a[w] is computed once and used by all windows over it. The outputs of the even run are computed as vectors, the
# clipped ones at both ends one by one.

cdef struct Columns:        # the first step's results for one output row, and room for vectors that end beyond W
    real *value
    vi_element *index       # ARGMAX: where the largest value of the column is


# ---------------------------------------------------------------- columns

cdef inline void column_vector(const Window *t, Py_ssize_t w, Py_ssize_t n, Columns *a, const int kind) noexcept nogil:
    """n columns, from w on, over the rows of a window."""
    cdef const real *x = t.x + w
    cdef vf v = vread(x, n) if kind == MAX else vzero
    cdef Py_ssize_t kh
    for kh in range(t.KH):
        v = joined(v, vread(x + kh * t.down, n), kind)
    vstore(a.value + w, v)


cdef inline void column_argmax(const Window *t, Py_ssize_t w, Py_ssize_t n, Columns *a) noexcept nogil:
    """The same with the index of the first largest value of each column."""
    cdef const real *x = t.x + w
    cdef vf largest = vread(x, n), v
    cdef vi where = isplat(t.at + w) + ilanes, m
    cdef Py_ssize_t kh
    for kh in range(t.KH):
        v = vread(x + kh * t.down, n)
        m = vbetter(v, largest)
        largest = vpick(m, v, largest)
        where = ipick(m, isplat(t.at + w + kh * t.at_down) + ilanes, where)
    vstore(a.value + w, largest)
    istore(a.index + w, where)


cdef inline void four_sums(const Window *t, Py_ssize_t w0, Py_ssize_t w1, Py_ssize_t w2, Py_ssize_t w3,
                           real *column) noexcept nogil:
    """Four vectors of column sums at once, so that four sums run beside each other."""
    cdef vf a0 = vzero, a1 = vzero, a2 = vzero, a3 = vzero
    cdef Py_ssize_t kh
    cdef const real *x = t.x
    for kh in range(t.KH):
        a0 = a0 + vload(x + w0)
        a1 = a1 + vload(x + w1)
        a2 = a2 + vload(x + w2)
        a3 = a3 + vload(x + w3)
        x = x + t.down
    vstore(column + w0, a0)
    vstore(column + w1, a1)
    vstore(column + w2, a2)
    vstore(column + w3, a3)


cdef inline void column_block(const Window *t, Py_ssize_t w, Py_ssize_t n, Columns *a, const int kind) noexcept nogil:
    """n columns, from w on, of any kind."""
    if kind == ARGMAX:
        column_argmax(t, w, n, a)
    else:
        column_vector(t, w, n, a, kind)


cdef inline void reduce_columns(const Window *t, Py_ssize_t W, Columns *a, const int kind) noexcept nogil:
    """All W columns over the rows of t, whose x is column 0. The last vector overlaps the one before it."""
    cdef Py_ssize_t v, last = W - VL
    if kind == MEAN and t.KH > 3 and W >= VL:
        for v in range(ceil_div(W, 4 * VL)):
            four_sums(t, min(4 * v * VL, last), min((4 * v + 1) * VL, last), min((4 * v + 2) * VL, last),
                      min((4 * v + 3) * VL, last), a.value)
        return
    for v in range(W // VL):
        column_block(t, v * VL, VL, a, kind)
    if W < VL:
        column_block(t, 0, W, a, kind)
    elif W % VL:
        column_block(t, W - VL, VL, a, kind)


# ---------------------------------------------------------------- outputs

cdef inline void one_output(const Line *col, real row_divisor, Columns *a, real *y, int64_t *index,
                            const int kind) noexcept nogil:
    """One output, of any window, from the columns of its row."""
    cdef Py_ssize_t _kw, w = col.start
    cdef real best = a.value[w] if kind == MAX or kind == ARGMAX else 0, v
    cdef int64_t where = 0, here
    if kind == ARGMAX:
        where = a.index[w]
    for _kw in range(col.count):
        v = a.value[w]
        if kind == MAX:
            if better(v, best):
                best = v
        elif kind == ARGMAX:
            here = a.index[w]
            if v > best or (v == best and here < where) or (v != v and (best == best or here < where)):
                best = v
                where = here
        else:
            best = best + v
        w = w + col.step
    if kind == MEAN:
        best = best / (row_divisor * col.divisor)
    elif kind == ARGMAX:
        index[0] = where
    y[0] = ROOT(best) if kind == L2 else best


cdef inline vf tap_vector(const Columns *a, Py_ssize_t w, Py_ssize_t spacing) noexcept nogil:
    """The columns w, w + spacing, w + 2 spacing, ...; spacing is 1 or 2."""
    return vload(a.value + w) if spacing == 1 else veven(a.value + w)


cdef inline vf sum_or_max(const EvenRun *e, Py_ssize_t taps, Py_ssize_t w, Columns *a, const int kind) noexcept nogil:
    """sum a[w + k step], k < taps, or their max, for a vector of outputs whose first tap is column w."""
    cdef vf total = tap_vector(a, w, e.spacing) if kind == MAX else vzero
    cdef Py_ssize_t k
    for k in range(1 if kind == MAX else 0, taps):
        if kind == MAX:
            total = joined(total, tap_vector(a, w + k * e.step, e.spacing), MAX)
        else:
            total = total + tap_vector(a, w + k * e.step, e.spacing)
    return total


cdef inline vf first_largest_column(const EvenRun *e, Py_ssize_t taps, Py_ssize_t w, Columns *a,
                                    vi *where) noexcept nogil:
    """The same of maxima, and the least index where several columns hold the largest value."""
    cdef vf largest = tap_vector(a, w, e.spacing), v
    cdef vi here, m
    cdef Py_ssize_t k
    where[0] = iload(a.index + w) if e.spacing == 1 else ieven(a.index + w)
    for k in range(1, taps):
        w = w + e.step
        v = tap_vector(a, w, e.spacing)
        here = iload(a.index + w) if e.spacing == 1 else ieven(a.index + w)
        m = vfirst(v, here, largest, where[0])
        largest = vpick(m, v, largest)
        where[0] = ipick(m, here, where[0])
    return largest


cdef inline void output_vector(const EvenRun *e, Py_ssize_t taps, Py_ssize_t ow, Py_ssize_t n, real divisor,
                               Columns *a, real *y, int64_t *index, vi *good, const int kind) noexcept nogil:
    """n outputs of the even run, from ow on. `good`: L2, lanes that were ordinary so far."""
    cdef Py_ssize_t w = e.first + ow * e.spacing
    cdef vf total
    cdef vi where
    if kind == ARGMAX:
        total = first_largest_column(e, taps, w, a, &where)
        iwrite(index + ow, n, where)
    else:
        total = sum_or_max(e, taps, w, a, kind)
    if kind == MEAN:
        total = total / vsplat(divisor)
    elif kind == L2:
        total = vroot(total)
        good[0] = iboth(good[0], iordinary(total, n))
    vwrite(y + ow, n, total)


ctypedef void (*run_body)(const EvenRun *e, real divisor, Columns *a, real *y, int64_t *index, bint *all_ordinary,
                          const int kind, const Py_ssize_t taps) noexcept nogil

cdef extern from *:
    void run_of_taps "DISPATCH_ANY2" (run_body f, Py_ssize_t taps, int a, int b, const EvenRun *e, real divisor,
                                      Columns *columns, real *y, int64_t *index, bint *all_ordinary,
                                      int kind) noexcept nogil


cdef inline void run_outputs(const EvenRun *e, real divisor, Columns *a, real *y, int64_t *index, bint *all_ordinary,
                             const int kind, const Py_ssize_t taps) noexcept nogil:
    """The outputs of the even run. The last vector overlaps the one before it; beyond the row there is room to read.
    `all_ordinary`: L2, whether all of them are ordinary."""
    cdef Py_ssize_t v, count = e.hi - e.lo
    cdef vi good = isplat(-1)
    for v in range(count // VL):
        output_vector(e, taps, e.lo + v * VL, VL, divisor, a, y, index, &good, kind)
    if count < VL:
        output_vector(e, taps, e.lo, count, divisor, a, y, index, &good, kind)
    elif count % VL:
        output_vector(e, taps, e.hi - VL, VL, divisor, a, y, index, &good, kind)
    all_ordinary[0] = iall(good) if kind == L2 else True
