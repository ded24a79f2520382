# Rows of K values along the last axis of four-dimensional views with any strides: shared by softmax and the losses.
# A row is worked on as a contiguous run: in place where the axis has unit stride, else through scratch, ROWS at a time,
# so that planar images are read along their planes. The arithmetic of a row does not depend on where it lies.

from libc.math cimport NAN
from .lanes cimport square, square_part
from .vector cimport REAL_BYTES, REAL_MAX, VL, real, vf, vload, vsplat, vstore, vzero
from .exp cimport vexp, vlarger

cdef enum:
    MAX_LANES = 16  # the widest vector

cdef struct Rows:
    Py_ssize_t shape[4]
    char *base[3]  # inputs in 0, 1, the result in 2; NULL: absent
    Py_ssize_t stride[3][4]
    Py_ssize_t together  # rows of a job: neighbours along the third axis
    Py_ssize_t jobs
    Py_ssize_t scratch   # values one thread needs


cdef inline void rows_plan(Rows *r) noexcept nogil:
    """Jobs and scratch from shape and strides; K >= 1 and at least one row."""
    cdef Py_ssize_t K = r.shape[3]
    cdef int i
    r.together = 1
    while r.together < 64 and r.together * K < 8192:
        r.together = r.together * 2
    r.jobs = r.shape[0] * r.shape[1] * ((r.shape[2] + r.together - 1) // r.together)
    r.scratch = 0
    for i in range(3):
        if r.base[i] != NULL and r.stride[i][3] != REAL_BYTES:
            r.scratch += r.together * K


cdef inline void rows_place(const Rows *r, Py_ssize_t job, Py_ssize_t *at, Py_ssize_t *count) noexcept nogil:
    """The indices along the first three axes of the first row of a job, and how many rows it has."""
    cdef Py_ssize_t in_row = (r.shape[2] + r.together - 1) // r.together
    at[0] = job // in_row // r.shape[1]
    at[1] = job // in_row % r.shape[1]
    at[2] = job % in_row * r.together
    count[0] = min(r.together, r.shape[2] - at[2])


cdef inline Py_ssize_t rows_open(const Rows *r, Py_ssize_t job, real *scratch, real **row,
                                 Py_ssize_t *step) noexcept nogil:
    """The rows of a job in each array: the first, the step to the next, and (returned) how many."""
    cdef Py_ssize_t at[3]
    cdef Py_ssize_t count
    cdef char *first
    cdef int i
    rows_place(r, job, at, &count)
    for i in range(3):
        row[i], step[i] = NULL, 0
        if r.base[i] == NULL:
            continue
        first = r.base[i] + at[0] * r.stride[i][0] + at[1] * r.stride[i][1] + at[2] * r.stride[i][2]
        if r.stride[i][3] == REAL_BYTES:
            row[i], step[i] = <real *>first, r.stride[i][2] // REAL_BYTES
        else:
            row[i], step[i] = scratch, r.shape[3]
            scratch += r.together * r.shape[3]
            if i < 2:
                rows_copy(r, i, first, count, row[i], False)
    return count


cdef inline void rows_close(const Rows *r, Py_ssize_t job, real **row) noexcept nogil:
    """The result's rows back to where they belong."""
    cdef Py_ssize_t at[3]
    cdef Py_ssize_t count
    if r.base[2] == NULL or r.stride[2][3] == REAL_BYTES:
        return
    rows_place(r, job, at, &count)
    rows_copy(r, 2, r.base[2] + at[0] * r.stride[2][0] + at[1] * r.stride[2][1] + at[2] * r.stride[2][2],
              count, row[2], True)


cdef inline void rows_copy(const Rows *r, int i, char *p, Py_ssize_t count, real *rows, bint to_array) noexcept nogil:
    cdef Py_ssize_t j, k, step = r.stride[i][2], along = r.stride[i][3], K = r.shape[3]
    if step == REAL_BYTES:
        for j in range((count + VL - 1) // VL):
            for k in range((K + VL - 1) // VL):
                rows_square(<real *>(p + k * VL * along) + j * VL, along // REAL_BYTES, rows + j * VL * K + k * VL, K,
                            min(<Py_ssize_t>VL, count - j * VL), min(<Py_ssize_t>VL, K - k * VL), to_array)
        return
    for k in range(K):
        if to_array:
            for j in range(count):
                (<real *>(p + j * step + k * along))[0] = rows[j * K + k]
        else:
            for j in range(count):
                rows[j * K + k] = (<real *>(p + j * step + k * along))[0]


cdef inline void rows_square(real *a, Py_ssize_t a_row, real *rows, Py_ssize_t K, Py_ssize_t nj, Py_ssize_t nk,
                             bint to_array) noexcept nogil:
    """nj rows of nk values, transposed between an array and scratch."""
    if to_array and nj == VL and nk == VL:
        square(rows, K, a, a_row, False)
    elif to_array:
        square_part(rows, K, a, a_row, nk, nj)
    elif nj == VL and nk == VL:
        square(a, a_row, rows, K, False)
    else:
        square_part(a, a_row, rows, K, nj, nk)


cdef extern from *:
    """
    /* over the lanes of a vector, in a tree */
    static inline REAL lanes_largest(vf v) {
        REAL l[VL];
        vstore(l, v);
        _Pragma("GCC unroll 4")
        for (int h = VL / 2; h; h /= 2)
            _Pragma("GCC unroll 8")
            for (int i = 0; i < h; i++) l[i] = l[i] > l[i + h] ? l[i] : l[i + h];
        return l[0];
    }
    static inline double lanes_sum(vf v) {
        double l[VL];
        _Pragma("GCC unroll 16")
        for (int i = 0; i < VL; i++) l[i] = v[i];
        _Pragma("GCC unroll 4")
        for (int h = VL / 2; h; h /= 2)
            _Pragma("GCC unroll 8")
            for (int i = 0; i < h; i++) l[i] += l[i + h];
        return l[0];
    }
    """
    real lanes_largest(vf v) noexcept nogil
    double lanes_sum(vf v) noexcept nogil


cdef inline real row_largest(const real *x, Py_ssize_t K) noexcept nogil:
    """max x[k]; of a row that holds NaN, whatever it is, as the row becomes NaN."""
    cdef vf m = vsplat(x[0])
    cdef real largest
    cdef Py_ssize_t i, full = K // VL
    for i in range(full):
        m = vlarger(vload(x + i * VL), m)
    largest = lanes_largest(m)
    for i in range(full * VL, K):
        largest = x[i] if x[i] > largest else largest
    return largest


cdef inline double row_exp(const real *x, real m, real *y, Py_ssize_t K) noexcept nogil:
    """y[k] = exp(x[k] - m), m = max x; y may be NULL. Returns the sum, in double from groups of 32 vectors."""
    cdef double total = 0
    cdef vf sums = vzero, shift = vsplat(m), e
    cdef real lanes[MAX_LANES]
    cdef Py_ssize_t i, k, full = K // VL
    if m > REAL_MAX:
        return row_exp_limit(x, y, K)
    for i in range(full):
        e = vexp(vload(x + i * VL) - shift)
        if y != NULL:
            vstore(y + i * VL, e)
        sums = sums + e
        if i % 32 == 31:
            total += lanes_sum(sums)
            sums = vzero
    total += lanes_sum(sums)
    if full * VL < K:
        vstore(lanes, vsplat(m))
        for k in range(full * VL, K):
            lanes[k - full * VL] = x[k]
        vstore(lanes, vexp(vload(lanes) - shift))
        for k in range(full * VL, K):
            total += lanes[k - full * VL]
            if y != NULL:
                y[k] = lanes[k - full * VL]
    return total


cdef inline double row_exp_limit(const real *x, real *y, Py_ssize_t K) noexcept nogil:
    """The same as the largest x[k] grows to infinity: 1 there, 0 elsewhere. NaN as the sum where two are infinite."""
    cdef double total = 0
    cdef real e
    cdef Py_ssize_t k
    for k in range(K):
        e = 1 if x[k] > REAL_MAX else 0 if x[k] == x[k] else x[k]
        total += e
        if y != NULL:
            y[k] = e
    return total if total == 1 else NAN


cdef inline real below(real x, real m) noexcept nogil:
    """x - m, m the largest of the row; 0 where both are +inf."""
    return x - m if m <= REAL_MAX else 0 if x == m else x - m


cdef inline double row_dot(const real *a, const real *b, Py_ssize_t K) noexcept nogil:
    """sum a[k] b[k] in double, in eight interleaved sums."""
    cdef double s[8]
    cdef Py_ssize_t i, j
    for j in range(8):
        s[j] = 0
    for i in range(K // 8):
        for j in range(8):
            s[j] += <double>a[8 * i + j] * b[8 * i + j]
    for i in range(K - K % 8, K):
        s[i % 8] += <double>a[i] * b[i]
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
