# Formulas applied element by element to four-dimensional views of one shape, with any strides; results may lie in the
# memory of an input. Elements are taken in row-major order in chunks. A chunk is worked on where it lies if it is a run
# of whole vectors, or row by row if the rows are; else through padded copies: the same instructions either way.
# Large results that lie in no input's memory are computed in a buffer and written past the caches.

from libc.string cimport memcpy, memset
from .lanes cimport PAST_CACHES
from .vector cimport LINE, REAL_BYTES, VL, real, vfence, vload, vprefetch, vstream

ctypedef void (*formula)(const real *a, const real *b, const real *c, real *y, real *dx, Py_ssize_t vectors,
                         real p, real q) noexcept nogil

cdef enum:
    CHUNK = 1024
    BLOCK = 8192  # elements of a job
    PIECE = 128   # of a chunk whose results are written past the caches

cdef struct Job:
    formula run
    char *base[5]  # inputs in 0, 1, 2, results in 3, 4; NULL: absent
    Py_ssize_t stride[5][4]
    Py_ssize_t shape[4]
    Py_ssize_t total
    real p, q
    bint rows        # whole vectors in every row of every array
    bint stream[5]   # results written past the caches


cdef inline void job_array(Job *job, int i, const void *base, const Py_ssize_t *strides) noexcept nogil:
    cdef int axis
    job.base[i] = <char *>base
    for axis in range(4):
        job.stride[i][axis] = strides[axis]


cdef inline Py_ssize_t job_blocks(Job *job) noexcept nogil:
    """The number of blocks of a job whose arrays are all set."""
    cdef int i, k
    job.rows = VL <= job.shape[3] < CHUNK and job.shape[3] % VL == 0
    for i in range(5):
        job.stream[i] = False
        if job.base[i] != NULL:
            job.rows = job.rows and job.stride[i][3] == REAL_BYTES
    for i in range(3, 5):
        job.stream[i] = (VL * REAL_BYTES == 64 and job.base[i] != NULL and job.shape[3] == job.total
                         and job.stride[i][3] == REAL_BYTES and job.total * REAL_BYTES >= PAST_CACHES
                         and <Py_ssize_t>job.base[i] % 64 == 0)
        for k in range(5):
            job.stream[i] = job.stream[i] and (k == i or job.base[k] != job.base[i])
    return (job.total + BLOCK - 1) // BLOCK


cdef inline double run_block(const Job *job, Py_ssize_t number) noexcept nogil:
    """One block; returns the sum of y in double if no array takes y."""
    cdef Py_ssize_t start = number * BLOCK, stop = min(start + BLOCK, job.total), length
    cdef double total = 0
    while start < stop:
        length = min(<Py_ssize_t>CHUNK, stop - start)
        if job.shape[3] >= CHUNK:  # to the end of the row
            length = min(length, job.shape[3] - start % job.shape[3])
        if job.rows and job.base[3] != NULL:
            run_rows(job, start, length)
        else:
            total += run_chunk(job, start, length)
        start += length
    if job.stream[3] or job.stream[4]:
        vfence()
    return total


cdef inline void run_rows(const Job *job, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """A chunk whose rows, and so whose parts of rows, are whole vectors in every array."""
    cdef Py_ssize_t row = start // job.shape[3], column = start % job.shape[3], count, left
    cdef real unread[CHUNK]
    cdef char *at[5]
    cdef int i
    left = job.shape[2] - row % job.shape[2]  # rows until the outer axes move on
    for i in range(5):
        at[i] = element(job, i, row) + column * REAL_BYTES if job.base[i] != NULL else <char *>unread
    while length > 0:
        count = min(length, job.shape[3] - column)
        job.run(<real *>at[0], <real *>at[1], <real *>at[2], <real *>at[3], <real *>at[4], count // VL, job.p, job.q)
        length -= count
        row += 1
        left -= 1
        for i in range(5):
            if job.base[i] != NULL and left == 0 and length > 0:
                at[i] = element(job, i, row)
            elif job.base[i] != NULL:
                at[i] += job.stride[i][2] - column * REAL_BYTES
        column = 0
        left = job.shape[2] if left == 0 else left


cdef inline double run_chunk(const Job *job, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    cdef real buffer[5][CHUNK]
    cdef real *at[5]
    cdef int i
    cdef bint past = length % VL == 0 and (job.stream[3] or job.stream[4])  # the caches
    for i in range(5):
        at[i] = run_at(job, i, start, length) if not job.stream[i] else NULL
        if at[i] == NULL:
            at[i] = buffer[i]
            if i < 3 and job.base[i] != NULL:
                copy_run(job, i, start, length, buffer[i], False)
    if past:
        run_streams(job, at, start, length)
    else:
        job.run(at[0], at[1], at[2], at[3], at[4], (length + VL - 1) // VL, job.p, job.q)
    for i in range(3, 5):
        if at[i] == buffer[i] and job.base[i] != NULL and not (past and job.stream[i]):
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


cdef inline void run_streams(const Job *job, real **at, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """A chunk, a piece at a time, so that computing, fetching and storing past the caches go on together."""
    cdef Py_ssize_t k, done, count
    cdef int i
    for k in range((length + PIECE - 1) // PIECE):
        done = k * PIECE
        count = min(length - done, <Py_ssize_t>PIECE)
        job.run(at[0] + done, at[1] + done, at[2] + done, at[3] + done, at[4] + done, count // VL, job.p, job.q)
        for i in range(3, 5):
            if job.stream[i]:
                stream_run(<real *>job.base[i] + start + done, at[i] + done, count // VL)
        for i in range(3):
            if job.base[i] != NULL:
                fetch(at[i] + done + CHUNK, count)


cdef inline void fetch(const real *p, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count // LINE):
        vprefetch(p + i * LINE)


cdef inline void stream_run(real *p, const real *buffer, Py_ssize_t vectors) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(vectors):
        vstream(p + i * VL, vload(buffer + i * VL))


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
