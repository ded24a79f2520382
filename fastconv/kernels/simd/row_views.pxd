# Rows of K values along the last axis of four-dimensional views with any strides: shared by softmax and the losses.
# A row is worked on as a contiguous run: where it lies if the last axis has unit stride, else as a copy in scratch. A
# job copies several neighbouring rows at once, so that planar images are read along their planes. The arithmetic of a
# row does not depend on where it lies.

from libc.math cimport NAN
from libc.stdlib cimport llabs
from ..runtime.sizes cimport ceil_div
from .elementwise cimport gather, scatter
from .exp cimport vexp, vlarger
from .transpose cimport square, square_part
from .vector cimport MAX_LANES, REAL_BYTES, REAL_MAX, VL, real, vf, vload, vsplat, vstore, vzero

cdef enum:
    MOST_ROWS_PER_JOB = 64
    VALUES_PER_JOB = 8192    # a job has at least so many values, unless it has the most rows
    VECTORS_PER_SUM = 32     # of row_exp, before their sum is taken in double

cdef struct Rows:
    Py_ssize_t shape[4]      # the last is K
    char *base[3]            # inputs in 0, 1, the result in 2; NULL: absent
    Py_ssize_t stride[3][4]  # in bytes
    Py_ssize_t rows_per_job  # neighbours along the third axis
    Py_ssize_t jobs
    Py_ssize_t scratch       # values that one thread needs


cdef inline void rows_plan(Rows *r) noexcept nogil:
    """Jobs and scratch from shape and strides; K >= 1 and at least one row."""
    cdef Py_ssize_t K = r.shape[3]
    cdef int i
    r.rows_per_job = 1
    while r.rows_per_job < MOST_ROWS_PER_JOB and r.rows_per_job * K < VALUES_PER_JOB:
        r.rows_per_job = r.rows_per_job * 2
    r.jobs = r.shape[0] * r.shape[1] * ceil_div(r.shape[2], r.rows_per_job)
    r.scratch = 0
    for i in range(3):
        if r.base[i] != NULL and r.stride[i][3] != REAL_BYTES:
            r.scratch += r.rows_per_job * K


cdef inline void rows_place(const Rows *r, Py_ssize_t job, Py_ssize_t *at, Py_ssize_t *count) noexcept nogil:
    """The indices along the first three axes of the first row of a job, and how many rows it has."""
    cdef Py_ssize_t jobs_along = ceil_div(r.shape[2], r.rows_per_job)  # the third axis
    at[0] = job // jobs_along // r.shape[1]
    at[1] = job // jobs_along % r.shape[1]
    at[2] = job % jobs_along * r.rows_per_job
    count[0] = min(r.rows_per_job, r.shape[2] - at[2])


cdef inline Py_ssize_t first_row(const Rows *r, Py_ssize_t job) noexcept nogil:
    """The number of the first row of a job, rows being counted over the first three axes."""
    cdef Py_ssize_t jobs_along = ceil_div(r.shape[2], r.rows_per_job)
    return job // jobs_along * r.shape[2] + job % jobs_along * r.rows_per_job


cdef inline Py_ssize_t rows_open(const Rows *r, Py_ssize_t job, real *scratch, real **row,
                                 Py_ssize_t *step) noexcept nogil:
    """The rows of a job in each array, where they lie or copied to scratch: the first, the step to the next, in values.

    Returns how many rows there are. Absent arrays have row NULL.
    """
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
            scratch += r.rows_per_job * r.shape[3]
            if i < 2:
                rows_copy(r, i, first, count, row[i], False)
    return count


cdef inline void rows_close(const Rows *r, Py_ssize_t job, real **row) noexcept nogil:
    """Copy the rows of the result from scratch to where they belong."""
    cdef Py_ssize_t at[3]
    cdef Py_ssize_t count
    if r.base[2] == NULL or r.stride[2][3] == REAL_BYTES:
        return
    rows_place(r, job, at, &count)
    rows_copy(r, 2, r.base[2] + at[0] * r.stride[2][0] + at[1] * r.stride[2][1] + at[2] * r.stride[2][2],
              count, row[2], True)


cdef inline void rows_copy(const Rows *r, int i, char *p, Py_ssize_t count, real *rows, bint to_array) noexcept nogil:
    """Rows of array i, the first at p, to rows of K values in scratch, or (to_array) back.

    Where the values of a row are nearer to each other in memory than its neighbours, row by row. Else the copy is a
    transpose, a square of VL rows at a time; neighbours that are no run of memory are made one first.
    """
    cdef Py_ssize_t block, j, k, nj, nk, K = r.shape[3]
    cdef Py_ssize_t step = r.stride[i][2] // REAL_BYTES, along = r.stride[i][3] // REAL_BYTES
    cdef real *a = <real *>p
    if step != 1 and llabs(along) <= llabs(step):
        for j in range(count):
            steps_copy(a + j * step, along, rows + j * K, K, to_array)
        return
    for block in range(ceil_div(count, VL) * ceil_div(K, VL)):
        j, k = block // ceil_div(K, VL) * VL, block % ceil_div(K, VL) * VL
        nj, nk = min(<Py_ssize_t>VL, count - j), min(<Py_ssize_t>VL, K - k)
        if step == 1:
            rows_square(a + k * along + j, along, rows + j * K + k, K, nj, nk, to_array)
        else:
            steps_square(a + k * along + j * step, along, step, rows + j * K + k, K, nj, nk, to_array)


cdef inline void steps_copy(real *a, Py_ssize_t step, real *run, Py_ssize_t count, bint to_array) noexcept nogil:
    """run[j] = a[j step], or (to_array) back"""
    if to_array:
        scatter(run, a, step, count)
    else:
        gather(a, step, run, count)


cdef inline void steps_square(real *a, Py_ssize_t along, Py_ssize_t step, real *rows, Py_ssize_t K, Py_ssize_t nj,
                              Py_ssize_t nk, bint to_array) noexcept nogil:
    """nj rows of nk values between an array, where they lie `step` apart, and scratch."""
    cdef real runs[MAX_LANES * MAX_LANES]
    cdef Py_ssize_t k
    if to_array:
        rows_square(runs, VL, rows, K, nj, nk, True)
    for k in range(nk):
        steps_copy(a + k * along, step, runs + k * VL, nj, to_array)
    if not to_array:
        rows_square(runs, VL, rows, K, nj, nk, False)


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
    /* the largest lane of a vector, in a tree */
    static inline REAL lanes_largest(vf v) {
        REAL l[VL];
        vstore(l, v);
        _Pragma("GCC unroll 4")
        for (int h = VL / 2; h; h /= 2)
            _Pragma("GCC unroll 8")
            for (int i = 0; i < h; i++) l[i] = l[i] > l[i + h] ? l[i] : l[i + h];
        return l[0];
    }
    /* the sum of the lanes in double, in a tree; as loops over l, GCC 12.2 made wrong sums of it */
    static inline double lanes_sum(vf v) {
        double l[VL];
        _Pragma("GCC unroll 16")
        for (int i = 0; i < VL; i++) l[i] = v[i];
    #define SUM2(i) (l[i] + l[(i) + VL / 2])
    #define SUM4(i) (SUM2(i) + SUM2((i) + VL / 4))
    #define SUM8(i) (SUM4(i) + SUM4((i) + VL / 8))
        return VL == 2 ? SUM2(0) : VL == 4 ? SUM4(0) : VL == 8 ? SUM8(0) : SUM8(0) + SUM8(VL / 16);
    }
    """
    real lanes_largest(vf v) noexcept nogil
    double lanes_sum(vf v) noexcept nogil


cdef inline real row_largest(const real *x, Py_ssize_t K) noexcept nogil:
    """max_k x[k]; anything if a value is NaN, because then the whole result becomes NaN."""
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
    """y[k] = exp(x[k] - m), m = max_k x[k]; y may be NULL. Returns sum_k exp(x[k] - m).

    Sums of VECTORS_PER_SUM vectors are added in double.
    """
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
        if i % VECTORS_PER_SUM == VECTORS_PER_SUM - 1:
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
    """row_exp where max x is +inf, as a limit: y is 1 there and 0 elsewhere; the sum is NaN if two are infinite."""
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
    """x - m, m being the largest value of the row; 0 where both are +inf."""
    return x - m if m <= REAL_MAX else 0 if x == m else x - m


cdef inline double row_dot(const real *a, const real *b, Py_ssize_t K) noexcept nogil:
    """sum_k a[k] b[k] in double, as eight sums of every eighth product."""
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
