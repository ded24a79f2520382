# What the system knows of threads and processors: the clock, how many threads are runnable, how long one has waited.

cdef extern from *:
    """
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>

    /* Nanoseconds since some moment of the past. */
    static double now(void)
    {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
    }

    #ifdef __linux__
    #include <fcntl.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    static int thread_id(void) { return (int)syscall(SYS_gettid); }

    /* The text of a small file; 0 where it cannot be read. Nothing stays open: a program may close all files it sees. */
    static int read_text(const char *path, char *text, int size)
    {
        ssize_t length;
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return 0;
        length = read(file, text, (size_t)size - 1);
        close(file);
        text[length > 0 ? length : 0] = 0;
        return length > 0;
    }

    /* Threads of the whole system that run or wait for a processor, the caller among them; 0 where it is unknown. */
    static int runnable_threads(void)
    {
        char text[128];
        int runnable = 0;
        if (!read_text("/proc/loadavg", text, sizeof text) || sscanf(text, "%*s %*s %*s %d/", &runnable) != 1)
            return 0;
        return runnable;
    }

    /* Nanoseconds that a thread of this process was runnable without a processor; -1 where it is unknown. */
    static double waited_for_processor(int id)
    {
        char path[64], text[128];
        double waited = -1;
        snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", id);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%*s %lf", &waited) != 1)
            return -1;
        return waited;
    }
    #else
    static int thread_id(void) { return 0; }
    static int runnable_threads(void) { return 0; }
    static double waited_for_processor(int id) { (void)id; return -1; }
    #endif
    """
    double now() noexcept nogil
    int thread_id() noexcept nogil
    int runnable_threads() noexcept nogil
    double waited_for_processor(int id) noexcept nogil
