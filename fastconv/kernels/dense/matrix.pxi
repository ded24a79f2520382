# Operands: matrices whose rows have unit stride, where they lie or as copies.

cdef struct Matrix:
    real *p           # rows of unit stride
    Py_ssize_t step   # from row to row
    Py_ssize_t rows, columns
    real *own         # the copy, or NULL
    real *given       # what was copied, and its strides in values
    Py_ssize_t given_step, given_along


cdef int open_matrix(Matrix *m, const real[:, :] a, bint read) except -1:
    """The rows of a: where they lie, or in a copy, into which they are read if `read`. a has an element."""
    cdef Py_ssize_t i, j
    m.rows, m.columns, m.own, m.given = a.shape[0], a.shape[1], NULL, <real *>&a[0, 0]
    m.given_step, m.given_along = a.strides[0] // REAL_BYTES, a.strides[1] // REAL_BYTES
    m.p, m.step = m.given, m.given_step
    if m.given_along == 1 or m.columns == 1:
        return 0
    m.own = <real *>malloc(m.rows * m.columns * REAL_BYTES)
    if m.own == NULL:
        raise MemoryError(f"a copy of a matrix {m.rows} x {m.columns}")
    m.p, m.step = m.own, m.columns
    if read:
        for i in range(m.rows):
            for j in range(m.columns):
                m.own[i * m.columns + j] = m.given[i * m.given_step + j * m.given_along]
    return 0


cdef void close_matrix(Matrix *m, bint write) noexcept nogil:
    """Free the copy, after writing it back if it was a result."""
    cdef Py_ssize_t i, j
    if m.own == NULL:
        return
    if write:
        for i in range(m.rows):
            for j in range(m.columns):
                m.given[i * m.given_step + j * m.given_along] = m.own[i * m.columns + j]
    free(m.own)
    m.own = NULL


cdef void copy_rows(const real *x, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t columns, real *to,
                    Py_ssize_t to_step) noexcept nogil:
    """Rows of `columns` values to rows of to_step values, with zeros at the end."""
    cdef Py_ssize_t i
    for i in range(rows):
        memcpy(to + i * to_step, x + i * step, columns * REAL_BYTES)
        if to_step > columns:
            memset(to + i * to_step + columns, 0, (to_step - columns) * REAL_BYTES)


cdef Py_ssize_t samples_per_job(Py_ssize_t N, Py_ssize_t rows) noexcept nogil:
    """At most SAMPLES_PER_JOB or little more: whole tiles of `rows` samples, about as many in each job."""
    return round_up(ceil_div(N, ceil_div(N, SAMPLES_PER_JOB)), rows)
