# Formulas applied element by element to four-dimensional views of one shape, with any strides; results may lie in the
# memory of an input. Elements are taken in row-major order in chunks. A chunk is worked on where it lies if it is a run
# of whole vectors, else through padded copies: the same instructions either way.

from libc.string cimport memcpy, memset
from .vector cimport REAL_BYTES, VL, real

ctypedef void (*formula)(const real *a, const real *b, const real *c, real *y, real *dx, Py_ssize_t vectors,
                         real p, real q) noexcept nogil

cdef enum:
    CHUNK = 1024
    BLOCK = 8192  # elements of a job

cdef struct Job:
    formula run
    char *base[5]  # inputs in 0, 1, 2, results in 3, 4; NULL: absent
    Py_ssize_t stride[5][4]
    Py_ssize_t shape[4]
    Py_ssize_t total
    real p, q


cdef inline void job_array(Job *job, int i, const void *base, const Py_ssize_t *strides) noexcept nogil:
    cdef int axis
    job.base[i] = <char *>base
    for axis in range(4):
        job.stride[i][axis] = strides[axis]


cdef inline Py_ssize_t job_blocks(const Job *job) noexcept nogil:
    return (job.total + BLOCK - 1) // BLOCK


cdef inline double run_block(const Job *job, Py_ssize_t number) noexcept nogil:
    """One block; returns the sum of y in double if no array takes y."""
    cdef Py_ssize_t start = number * BLOCK, stop = min(start + BLOCK, job.total), length
    cdef double total = 0
    while start < stop:
        length = min(<Py_ssize_t>CHUNK, stop - start)
        if job.shape[3] >= CHUNK:  # to the end of the row
            length = min(length, job.shape[3] - start % job.shape[3])
        total += run_chunk(job, start, length)
        start += length
    return total


cdef inline double run_chunk(const Job *job, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    cdef real buffer[5][CHUNK]
    cdef real *at[5]
    cdef int i
    for i in range(5):
        at[i] = run_at(job, i, start, length)
        if at[i] == NULL:
            at[i] = buffer[i]
            if i < 3 and job.base[i] != NULL:
                copy_run(job, i, start, length, buffer[i], False)
    job.run(at[0], at[1], at[2], at[3], at[4], (length + VL - 1) // VL, job.p, job.q)
    for i in range(3, 5):
        if at[i] == buffer[i] and job.base[i] != NULL:
            copy_run(job, i, start, length, buffer[i], True)
    return sum_of(at[3], length) if job.base[3] == NULL else 0


cdef inline char *element(const Job *job, int i, Py_ssize_t row) noexcept nogil:
    """The first element of a row of one array."""
    cdef Py_ssize_t inner = job.shape[1] * job.shape[2]
    return (job.base[i] + row // inner * job.stride[i][0]
            + row % inner // job.shape[2] * job.stride[i][1] + row % job.shape[2] * job.stride[i][2])


cdef inline real *run_at(const Job *job, int i, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """Where a chunk lies, if it is a run of whole vectors; else NULL."""
    cdef Py_ssize_t column = start % job.shape[3]
    if (job.base[i] == NULL or job.stride[i][3] != REAL_BYTES or length % VL != 0
            or column + length > job.shape[3]):
        return NULL
    return <real *>(element(job, i, start // job.shape[3]) + column * REAL_BYTES)


cdef inline void copy_run(const Job *job, int i, Py_ssize_t start, Py_ssize_t length, real *buffer,
                          bint to_array) noexcept nogil:
    """Between one array, in row-major order, and a buffer, which is padded with zeros to whole vectors."""
    cdef Py_ssize_t row = start // job.shape[3], column = start % job.shape[3], done = 0, count, j
    cdef Py_ssize_t stride = job.stride[i][3]
    cdef char *p
    if not to_array and length % VL != 0:
        memset(buffer + length, 0, (VL - length % VL) * REAL_BYTES)
    while done < length:
        count = min(length - done, job.shape[3] - column)
        p = element(job, i, row) + column * stride
        if stride == REAL_BYTES and to_array:
            memcpy(p, buffer + done, count * REAL_BYTES)
        elif stride == REAL_BYTES:
            memcpy(buffer + done, p, count * REAL_BYTES)
        elif to_array:
            for j in range(count):
                (<real *>(p + j * stride))[0] = buffer[done + j]
        else:
            for j in range(count):
                buffer[done + j] = (<real *>(p + j * stride))[0]
        done += count
        row += 1
        column = 0


cdef inline double sum_of(const real *a, Py_ssize_t length) noexcept nogil:
    """sum a[i] in double, in eight interleaved sums."""
    cdef double s[8]
    cdef Py_ssize_t i, j
    for j in range(8):
        s[j] = 0
    for i in range(length // 8):
        for j in range(8):
            s[j] += a[8 * i + j]
    for i in range(length - length % 8, length):
        s[i % 8] += a[i]
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
