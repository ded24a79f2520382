/* A parallel section with one thread is a call.

   GCC turns each section into a function, which GOMP_parallel runs on several threads. For one thread that makes and
   joins a team all the same: half a microsecond, more than the arithmetic of a small call. setup.py links with
   --wrap=GOMP_parallel, so that sections come here first. Inside a section of another program the number of threads
   that the function sees would be that of the other section: there the team is made. */
#include <omp.h>

void __real_GOMP_parallel(void (*section)(void *), void *data, unsigned threads, unsigned flags);

__attribute__((used, visibility("hidden")))
void __wrap_GOMP_parallel(void (*section)(void *), void *data, unsigned threads, unsigned flags) {
    if (threads == 1 && omp_get_level() == 0)
        section(data);
    else
        __real_GOMP_parallel(section, data, threads, flags);
}
