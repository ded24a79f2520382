"""The one owner of the number of threads: the default, the setting, and how many one call uses.

The default is the smallest of three numbers, and at least 1: the processors this process may use, the quota of its
control group, and the limit of OpenMP (``OMP_NUM_THREADS``, ``OMP_THREAD_LIMIT``, or set by threadpoolctl). A number
that makes no sense (0, negative, or beyond an int, which OpenMP turns negative) counts as no limit. Results never
depend on the number of threads.
"""

import os

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_thread_limit(void) { return 1; }
    #endif
    """
    int omp_get_max_threads() noexcept nogil
    int omp_get_thread_limit() noexcept nogil

cdef enum:
    MOST = 1024

cdef int available = 1      # processors, control-group quota and OpenMP's limit
cdef int setting = 0        # 0: the default
cdef double smallest_share = 20e3  # ns of work per thread: with less, another thread costs more than it brings


cdef int threads_for(double work) noexcept nogil:
    """How many threads a call with this many nanoseconds of work is worth."""
    cdef int limit = current()
    if work < 2 * smallest_share:
        return 1
    if work < limit * smallest_share:
        return <int>(work / smallest_share)
    return limit


cdef int current() noexcept nogil:
    """The setting, or else the default, which OpenMP may have lowered since."""
    cdef int allowed
    if setting > 0:
        return setting
    allowed = omp_get_max_threads()
    return allowed if 1 <= allowed < available else available


def get_num_threads():
    """The largest number of threads a call uses.

    Returns
    -------
    int

    Examples
    --------
    >>> import fastconv
    >>> fastconv.get_num_threads() >= 1
    True
    """
    return current()


def set_num_threads(n):
    """Let each call use up to `n` threads; None goes back to the default.

    The default is min(processors of this process, control-group quota, OMP_NUM_THREADS). Results have the same bits
    for any number. Small calls stay on one thread.

    Parameters
    ----------
    n : int >= 1, or None

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is not between 1 and 1024.

    Examples
    --------
    >>> import fastconv
    >>> fastconv.set_num_threads(1)
    >>> fastconv.get_num_threads()
    1
    >>> fastconv.set_num_threads(None)
    """
    global setting
    if n is None:
        setting = 0
        return
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an integer or None, got {n!r}")
    n = n.__index__()
    if not 1 <= n <= MOST:
        raise ValueError(f"n must be between 1 and {MOST}, got {n}")
    setting = n


def set_smallest_share(nanoseconds):
    """For tests: the nanoseconds of work that each thread must get (0: all threads are used); returns the old number."""
    global smallest_share
    before, smallest_share = smallest_share, nanoseconds
    return before


def default_num_threads():
    """The smallest of the processors, the quota of the control group and OpenMP's limit; from 1 to MOST."""
    limits = processors(), control_group_quota(), omp_get_thread_limit(), MOST
    return min(limit for limit in limits if limit > 0)


def processors():
    """The processors this process may use; 1 where the system does not know."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def control_group_quota(folder="/sys/fs/cgroup"):
    """Whole processors in the control group's quota, rounded up; 0 where there is none or it cannot be read."""
    try:
        with open(f"{folder}/cpu.max") as file:
            return whole_processors(*file.read().split())
    except (OSError, ValueError, TypeError):
        pass
    try:
        with open(f"{folder}/cpu/cpu.cfs_quota_us") as file, open(f"{folder}/cpu/cpu.cfs_period_us") as period:
            return whole_processors(file.read(), period.read())
    except (OSError, ValueError):
        return 0


def whole_processors(quota, period):
    """quota / period rounded up, from the texts of both in microseconds; 0 where there is no quota."""
    if quota == "max":
        return 0
    quota, period = int(quota), int(period)
    return -(-quota // period) if quota > 0 and period > 0 else 0


def _one_thread_in_child():
    """One thread after a fork: libgomp hangs in a child whose parent had used its threads."""
    global setting
    setting = 1


available = default_num_threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_one_thread_in_child)
