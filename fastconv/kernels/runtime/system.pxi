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
    #include <sys/stat.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    static int thread_id(void) { return (int)syscall(SYS_gettid); }

    /* The text of an open file that the system makes anew at each reading; 0 where it cannot be read. */
    static int read_text(int file, char *text, int size)
    {
        ssize_t length = pread(file, text, (size_t)size - 1, 0);
        text[length > 0 ? length : 0] = 0;
        return length > 0;
    }

    /* The open /proc/loadavg: opening it takes longer than reading. A program may close all files that it sees, and the
       number may mean another file then: it is opened anew, and the other file is left alone. */
    static int open_loadavg(void)
    {
        static int file = -1;
        static struct stat opened;
        struct stat found;
        int kept = __atomic_load_n(&file, __ATOMIC_RELAXED);
        if (kept >= 0 && !fstat(kept, &found) && found.st_ino == opened.st_ino && found.st_dev == opened.st_dev)
            return kept;
        kept = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
        if (kept >= 0 && fstat(kept, &opened))
            return -1;
        __atomic_store_n(&file, kept, __ATOMIC_RELAXED);
        return kept;
    }

    /* Threads of the whole system that run or wait for a processor, the caller among them; 0 where it is unknown. */
    static int runnable_threads(void)
    {
        char text[128];
        int runnable = 0;
        if (!read_text(open_loadavg(), text, sizeof text) || sscanf(text, "%*s %*s %*s %d/", &runnable) != 1)
            return 0;
        return runnable;
    }

    /* Nanoseconds that a thread of this process was runnable without a processor; -1 where it is unknown. */
    static double waited_for_processor(int id)
    {
        char path[64], text[128];
        double waited = -1;
        int file, found;
        snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", id);
        file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return -1;
        found = read_text(file, text, sizeof text) && sscanf(text, "%*s %lf", &waited) == 1;
        close(file);
        return found ? waited : -1;
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
