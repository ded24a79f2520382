# The one owner of the number of threads. `work` is an estimate of the call's cost in nanoseconds on one thread.
cdef int threads_for(double work) noexcept nogil
# Tells the owner that a section of so many jobs begins on so many threads; only a record of sections needs to know.
cdef void record_section(Py_ssize_t jobs, int threads) noexcept nogil
