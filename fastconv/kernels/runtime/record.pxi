# A record of parallel sections, to count how evenly they share their work: benchmarks/scheduling.py.

from libc.stdlib cimport free, malloc

cdef enum:
    SECTIONS = 1 << 16  # that one record holds

cdef struct Section:
    double work         # nanoseconds, as `threads_for` was told last
    Py_ssize_t jobs
    int threads

cdef Section *sections = NULL   # NULL: nothing is recorded
cdef int recorded = 0
cdef double last_work = 0


cdef void record_work(double work) noexcept nogil:
    global last_work
    if sections != NULL:
        last_work = work


cdef void record_section(Py_ssize_t jobs, int threads) noexcept nogil:
    """Note a section, if a record is being made."""
    global recorded
    if sections != NULL and recorded < SECTIONS:
        sections[recorded] = Section(last_work, jobs, threads)
        recorded += 1


def record(function):
    """Call `function` and list its parallel sections: (nanoseconds of work, jobs, threads). One thread of Python at a time."""
    global sections, recorded
    cdef int i
    recorded, sections = 0, <Section *>malloc(SECTIONS * sizeof(Section))
    if sections == NULL:
        raise MemoryError("a record of parallel sections")
    try:
        function()
        return [(sections[i].work, sections[i].jobs, sections[i].threads) for i in range(recorded)]
    finally:
        free(sections)
        sections = NULL
