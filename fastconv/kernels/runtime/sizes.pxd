# Sizes: rounded up, and of scratch memory, where they cannot overflow. Scratch memory begins with a cache line and ends
# where it says, so that a tool that watches its end (a sanitizer, a guard page) sees the first byte too many.

cdef extern from *:
    """
    #ifndef FASTCONV_SIZES
    #define FASTCONV_SIZES
    #include <stdlib.h>
    #define SIZE_LIMIT ((Py_ssize_t)(((size_t)-1) >> 1))  /* more than any memory holds: malloc returns NULL for it */
    /* a * b and a + b of sizes >= 0, at most SIZE_LIMIT */
    static inline Py_ssize_t times(Py_ssize_t a, Py_ssize_t b) { return a && b > SIZE_LIMIT / a ? SIZE_LIMIT : a * b; }
    static inline Py_ssize_t plus(Py_ssize_t a, Py_ssize_t b) { return b > SIZE_LIMIT - a ? SIZE_LIMIT : a + b; }
    /* a / b rounded up, and a rounded up to a multiple of b, for a >= 0 and b > 0 */
    static inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) { return (a + b - 1) / b; }
    static inline Py_ssize_t round_up(Py_ssize_t a, Py_ssize_t b) { return ceil_div(a, b) * b; }
    /* to be freed; NULL if memory ran out */
    static inline void *on_a_line(Py_ssize_t bytes) {
        void *memory = NULL;
        return posix_memalign(&memory, 64, (size_t)bytes) ? NULL : memory;
    }
    #endif
    """
    const Py_ssize_t SIZE_LIMIT
    Py_ssize_t times(Py_ssize_t a, Py_ssize_t b) noexcept nogil
    Py_ssize_t plus(Py_ssize_t a, Py_ssize_t b) noexcept nogil
    Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil
    Py_ssize_t round_up(Py_ssize_t a, Py_ssize_t b) noexcept nogil
    void *on_a_line(Py_ssize_t bytes) noexcept nogil
