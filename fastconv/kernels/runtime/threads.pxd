# The one owner of the number of threads. `work` is an estimate of the call's cost in nanoseconds on one thread.
cdef int threads_for(double work) noexcept nogil
