# Scratch memory: sizes that cannot overflow, and memory that begins with a cache line and ends where it says, so that a
# tool that watches its end (a sanitizer, a guard page) sees the first byte too many.

cdef extern from *:
    """
    #ifndef FASTCONV_ROOM
    #define FASTCONV_ROOM
    #include <stdlib.h>
    #define ROOM_MAX ((Py_ssize_t)(((size_t)-1) >> 1))  /* more than any memory holds: malloc returns NULL for it */
    /* a * b and a + b of sizes >= 0, at most ROOM_MAX */
    static inline Py_ssize_t times(Py_ssize_t a, Py_ssize_t b) { return a && b > ROOM_MAX / a ? ROOM_MAX : a * b; }
    static inline Py_ssize_t plus(Py_ssize_t a, Py_ssize_t b) { return b > ROOM_MAX - a ? ROOM_MAX : a + b; }
    /* to be freed; NULL if memory ran out */
    static inline void *on_a_line(Py_ssize_t bytes) {
        void *memory = NULL;
        return posix_memalign(&memory, 64, (size_t)bytes) ? NULL : memory;
    }
    #endif
    """
    const Py_ssize_t ROOM_MAX
    Py_ssize_t times(Py_ssize_t a, Py_ssize_t b) noexcept nogil
    Py_ssize_t plus(Py_ssize_t a, Py_ssize_t b) noexcept nogil
    void *on_a_line(Py_ssize_t bytes) noexcept nogil
