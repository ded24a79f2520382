# Formulas applied element by element to four-dimensional views of one shape, with any strides; results may lie in the
# memory of an input. Elements are taken in row-major order, ELEMENTS_PER_JOB per job, a chunk at a time. A chunk is
# worked on where it lies if it is a run of whole vectors, or row by row if its rows are; else in padded copies. The
# same instructions run either way. Large results that share no memory with an input are computed in a buffer and
# stored around the caches.

from libc.string cimport memcpy, memset
from ..runtime.caches cimport STREAM_BYTES
from ..runtime.sizes cimport ceil_div
from .vector cimport LINE, REAL_BYTES, VL, real, vback, veven, vfence, vload, vprefetch, vstore, vstream

# y = f(a, b, c) and dx = g(a, b, c) over so many vectors, p and q being numbers of the formula
ctypedef void (*formula)(const real *a, const real *b, const real *c, real *y, real *dx, Py_ssize_t vectors,
                         real p, real q) noexcept nogil

cdef enum:
    CHUNK = 1024             # elements computed by one call of a formula
    ELEMENTS_PER_JOB = 8192
    STREAM_PIECE = 128       # elements of a chunk between two stores around the caches

cdef struct Elementwise:
    formula run
    char *base[5]            # a, b, c, y, dx; NULL: absent
    Py_ssize_t stride[5][4]  # in bytes
    Py_ssize_t shape[4]
    Py_ssize_t total         # elements
    real p, q
    bint rows                # the rows of every array are whole vectors, shorter than a chunk
    bint dense[5]            # this array is one run in row-major order
    bint repeats[5]          # this array is one row, shorter than a chunk, for all rows
    bint stream[5]           # this result is stored around the caches


cdef inline void set_array(Elementwise *e, int i, const void *base, const Py_ssize_t *strides) noexcept nogil:
    """Array i (0, 1, 2: a, b, c; 3: y; 4: dx) starts at base; NULL: absent."""
    cdef int axis
    e.base[i] = <char *>base
    for axis in range(4):
        e.stride[i][axis] = strides[axis]


cdef inline Py_ssize_t plan_jobs(Elementwise *e) noexcept nogil:
    """How the elements are walked through, once shape and arrays are set; returns the number of jobs."""
    cdef int i, k
    cdef bint runs = True
    e.rows = VL <= e.shape[3] < CHUNK and e.shape[3] % VL == 0
    for i in range(5):
        e.dense[i] = is_dense(e, i)
        e.repeats[i] = i < 3 and not e.dense[i] and is_one_row(e, i)
        runs = runs and (e.base[i] == NULL or e.dense[i] or e.repeats[i])
        e.stream[i] = False
        if e.base[i] != NULL:
            e.rows = e.rows and e.stride[i][3] == REAL_BYTES and not runs
    for i in range(3, 5):
        e.stream[i] = (VL * REAL_BYTES == 64 and e.base[i] != NULL and e.shape[3] == e.total
                       and e.stride[i][3] == REAL_BYTES and e.total * REAL_BYTES >= STREAM_BYTES
                       and <Py_ssize_t>e.base[i] % 64 == 0)
        for k in range(5):
            e.stream[i] = e.stream[i] and (k == i or e.base[k] != e.base[i])
    return ceil_div(e.total, ELEMENTS_PER_JOB)


cdef inline bint is_dense(const Elementwise *e, int i) noexcept nogil:
    """Whether array i is one run of memory in row-major order."""
    cdef Py_ssize_t step = REAL_BYTES
    cdef int axis
    for axis in range(3, -1, -1):
        if e.shape[axis] != 1 and e.stride[i][axis] != step:
            return False
        step *= e.shape[axis]
    return e.base[i] != NULL


cdef inline bint is_one_row(const Elementwise *e, int i) noexcept nogil:
    """Whether all rows of array i are the same memory, as those of one number for each channel; shorter than a chunk."""
    cdef int axis
    for axis in range(3):
        if e.shape[axis] != 1 and e.stride[i][axis] != 0:
            return False
    return e.base[i] != NULL and e.stride[i][3] == REAL_BYTES and e.shape[3] < CHUNK


cdef inline double run_job(const Elementwise *e, Py_ssize_t job) noexcept nogil:
    """The elements of one job; returns the sum of y in double if there is no array y."""
    cdef Py_ssize_t start = job * ELEMENTS_PER_JOB, stop = min(start + ELEMENTS_PER_JOB, e.total), length
    cdef double total = 0
    while start < stop:
        length = min(<Py_ssize_t>CHUNK, stop - start)
        if e.shape[3] >= CHUNK:  # at most to the end of the row
            length = min(length, e.shape[3] - start % e.shape[3])
        if e.rows and e.base[3] != NULL:
            run_rows(e, start, length)
        else:
            total += run_chunk(e, start, length)
        start += length
    if e.stream[3] or e.stream[4]:
        vfence()
    return total


cdef inline void run_rows(const Elementwise *e, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """A chunk in which each row, or part of one at either end, is a run of whole vectors in every array."""
    cdef Py_ssize_t row = start // e.shape[3], column = start % e.shape[3], count, left
    cdef real unread[CHUNK]  # stands for absent arrays
    cdef char *at[5]
    cdef int i
    left = e.shape[2] - row % e.shape[2]  # rows until the outer axes move on
    for i in range(5):
        at[i] = row_start(e, i, row) + column * REAL_BYTES if e.base[i] != NULL else <char *>unread
    while length > 0:
        count = min(length, e.shape[3] - column)
        e.run(<real *>at[0], <real *>at[1], <real *>at[2], <real *>at[3], <real *>at[4], count // VL, e.p, e.q)
        length -= count
        row += 1
        left -= 1
        for i in range(5):
            if e.base[i] != NULL and left == 0 and length > 0:
                at[i] = row_start(e, i, row)
            elif e.base[i] != NULL:
                at[i] += e.stride[i][2] - column * REAL_BYTES
        column = 0
        left = e.shape[2] if left == 0 else left


cdef inline double run_chunk(const Elementwise *e, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """A chunk as one run, in a buffer for each array where it is not one; returns the sum of y if y is absent."""
    cdef real buffer[5][CHUNK]
    cdef real *at[5]
    cdef int i
    cdef bint streams = length % VL == 0 and (e.stream[3] or e.stream[4])
    for i in range(5):
        at[i] = run_at(e, i, start, length) if not e.stream[i] else NULL
        if at[i] == NULL:
            at[i] = buffer[i]
            if i < 3 and e.base[i] != NULL:
                copy_run(e, i, start, length, buffer[i], False)
    if streams:
        run_streams(e, at, start, length)
    else:
        e.run(at[0], at[1], at[2], at[3], at[4], ceil_div(length, VL), e.p, e.q)
    for i in range(3, 5):
        if at[i] == buffer[i] and e.base[i] != NULL and not (streams and e.stream[i]):
            copy_run(e, i, start, length, buffer[i], True)
    return sum_of(at[3], length) if e.base[3] == NULL else 0


cdef inline char *row_start(const Elementwise *e, int i, Py_ssize_t row) noexcept nogil:
    """The first element of a row of array i; rows are counted over the first three axes."""
    cdef Py_ssize_t inner = e.shape[1] * e.shape[2]
    return (e.base[i] + row // inner * e.stride[i][0]
            + row % inner // e.shape[2] * e.stride[i][1] + row % e.shape[2] * e.stride[i][2])


cdef inline real *run_at(const Elementwise *e, int i, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """Where a chunk of array i lies, if it is a run of whole vectors; else NULL."""
    cdef Py_ssize_t column = start % e.shape[3]
    if e.dense[i] and length % VL == 0:
        return <real *>e.base[i] + start
    if (e.base[i] == NULL or e.stride[i][3] != REAL_BYTES or length % VL != 0
            or column + length > e.shape[3]):
        return NULL
    return <real *>(row_start(e, i, start // e.shape[3]) + column * REAL_BYTES)


cdef inline void copy_run(const Elementwise *e, int i, Py_ssize_t start, Py_ssize_t length, real *buffer,
                          bint to_array) noexcept nogil:
    """Copy `length` elements of array i from or to a buffer, which is padded with zeros to whole vectors."""
    cdef Py_ssize_t row = start // e.shape[3], column = start % e.shape[3], done = 0, count
    cdef Py_ssize_t left = e.shape[2] - row % e.shape[2]  # rows until the outer axes move on
    cdef Py_ssize_t stride = e.stride[i][3] // REAL_BYTES
    cdef char *p = row_start(e, i, row)
    if not to_array and length % VL != 0:
        memset(buffer + length, 0, (VL - length % VL) * REAL_BYTES)
    if e.repeats[i]:
        repeat_row(<real *>e.base[i], column, e.shape[3], buffer, length)
        return
    while done < length:
        count = min(length - done, e.shape[3] - column)
        if to_array:
            scatter(buffer + done, <real *>p + column * stride, stride, count)
        else:
            gather(<real *>p + column * stride, stride, buffer + done, count)
        done += count
        row += 1
        left -= 1
        column = 0
        p += e.stride[i][2]
        if left == 0 and done < length:
            p = row_start(e, i, row)
            left = e.shape[2]


cdef inline void repeat_row(const real *row, Py_ssize_t column, Py_ssize_t count, real *buffer,
                            Py_ssize_t length) noexcept nogil:
    """buffer[j] = row[(column + j) mod count]: the row once, and then whole rows of what is there already."""
    cdef Py_ssize_t done = min(count, length), more, first = min(count - column, done)
    memcpy(buffer, row + column, first * REAL_BYTES)
    memcpy(buffer + first, row, (done - first) * REAL_BYTES)
    while done < length:
        more = min(done - done % count, length - done)
        memcpy(buffer + done, buffer + done % count, more * REAL_BYTES)
        done += more


cdef inline void gather(const real *p, Py_ssize_t stride, real *buffer, Py_ssize_t count) noexcept nogil:
    """buffer[j] = p[j stride]; the usual strides are loops of vectors."""
    cdef Py_ssize_t j, done = 0
    if stride == 1:
        for j in range(count):
            buffer[j] = p[j]
        return
    if stride == 0:
        for j in range(count):
            buffer[j] = p[0]
        return
    if stride == -1:
        done = count // VL * VL
        for j in range(count // VL):
            vstore(buffer + j * VL, vback(p - j * VL))
    elif stride == 2:
        done = count // VL * VL
        for j in range(count // VL):
            vstore(buffer + j * VL, veven(p + 2 * j * VL))
    for j in range(done, count):
        buffer[j] = p[j * stride]


cdef inline void scatter(const real *buffer, real *p, Py_ssize_t stride, Py_ssize_t count) noexcept nogil:
    """p[j stride] = buffer[j]"""
    cdef Py_ssize_t j
    if stride == 1:
        memcpy(p, buffer, count * REAL_BYTES)
    else:
        for j in range(count):
            p[j * stride] = buffer[j]


cdef inline void run_streams(const Elementwise *e, real **at, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
    """A chunk in pieces, so that computing, prefetching and storing around the caches overlap."""
    cdef Py_ssize_t k, done, count
    cdef int i
    for k in range(ceil_div(length, STREAM_PIECE)):
        done = k * STREAM_PIECE
        count = min(length - done, <Py_ssize_t>STREAM_PIECE)
        e.run(at[0] + done, at[1] + done, at[2] + done, at[3] + done, at[4] + done, count // VL, e.p, e.q)
        for i in range(3, 5):
            if e.stream[i]:
                stream_run(<real *>e.base[i] + start + done, at[i] + done, count // VL)
        for i in range(3):
            if e.base[i] != NULL:
                fetch(at[i] + done + CHUNK, count)


cdef inline void fetch(const real *p, Py_ssize_t count) noexcept nogil:
    """Prefetch `count` elements."""
    cdef Py_ssize_t i
    for i in range(count // LINE):
        vprefetch(p + i * LINE)


cdef inline void stream_run(real *p, const real *buffer, Py_ssize_t vectors) noexcept nogil:
    """Store whole vectors around the caches."""
    cdef Py_ssize_t i
    for i in range(vectors):
        vstream(p + i * VL, vload(buffer + i * VL))


cdef inline double sum_of(const real *a, Py_ssize_t length) noexcept nogil:
    """sum_i a[i] in double, as eight sums of every eighth element."""
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
