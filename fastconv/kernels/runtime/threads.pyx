"""The one owner of the number of threads: the default, the setting, and how many one call uses.

The default is the smallest of three numbers, and at least 1: the physical processors this process may use, the quota
of its control groups, and the limit of OpenMP (``OMP_NUM_THREADS``, ``OMP_THREAD_LIMIT``, or set by threadpoolctl). A
number that makes no sense (0, negative, or beyond an int, which OpenMP turns negative) counts as no limit.

A call gets one thread, or as many as the default or the setting allows and as processors are free at that moment.
Results never depend on the number of threads.
"""

import os

from cython.parallel cimport prange

cdef extern from *:
    """
    #ifdef _OPENMP
    #include <omp.h>
    #else
    static int omp_get_max_threads(void) { return 1; }
    static int omp_get_thread_limit(void) { return 1; }
    #endif
    /* Ends the threads that OpenMP keeps for this thread; it starts new ones when they are needed. */
    #if defined(_OPENMP) && (_OPENMP >= 201811 || (defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9))
    static void end_team(void) { omp_pause_resource(omp_pause_soft, omp_get_initial_device()); }
    #define ENDS_TEAM 1
    #else
    static void end_team(void) {}
    #define ENDS_TEAM 0
    #endif
    """
    int omp_get_max_threads() noexcept nogil
    int omp_get_thread_limit() noexcept nogil
    void end_team() noexcept nogil
    bint ENDS_TEAM

cdef enum:
    MOST = 1024
    MORE = 8        # threads that cost a region as much time as the smallest share of one thread

cdef int online = os.cpu_count() or 1   # processors of the whole system
cdef int available = 1      # physical processors, control-group quota and OpenMP's limit
cdef int setting = 0        # 0: the default
cdef bint choosing = True   # False: every call that is large enough gets all threads
cdef bint team_ended = False   # between the announcement of a fork and its end
cdef double smallest_share = 20e3  # ns of work per thread: with less, another thread costs more than it brings
cdef double SPINNING_SHARE = 0.25  # of it, while the team still spins after its last call: nobody must be woken

include "system.pxi"
include "choice.pxi"
include "limits.pxi"
include "record.pxi"


cdef int threads_for(double work) noexcept nogil:
    """How many threads a call with this many nanoseconds of work gets.

    One, or all that are allowed and free: OpenMP ends threads that the next call leaves out, and starting them again takes
    longer than most calls.
    """
    cdef int limit
    cdef double least
    record_work(work)
    if work < 2 * SPINNING_SHARE * smallest_share:
        return 1
    limit = current()
    least = smallest_share * (2 + limit // MORE)
    if limit == 1 or (work < least and (work < SPINNING_SHARE * least or not team_spins())):
        return 1
    return threads_that_pay(limit, work) if choosing else limit


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

    The default is min(physical processors of this process, control-group quota, OMP_NUM_THREADS). Results have the
    same bits for any number. Small calls stay on one thread, and so do calls while other programs have the processors;
    with the environment variable FASTCONV_THREADS=fixed other programs are left out of account.

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


def _choose_threads(environment):
    """Whether other programs are taken into account: not with FASTCONV_THREADS=fixed."""
    wanted = environment.get("FASTCONV_THREADS", "")
    if wanted not in ("", "fixed"):
        raise ImportError(f"FASTCONV_THREADS={wanted!r}: must be fixed, or not set; for a number write OMP_NUM_THREADS=2, "
                          "or fastconv.set_num_threads(2)")
    return not wanted


def pretend(time=None, runnable=0, waited=0.0):
    """For tests: the system is taken to say this from now on; times in seconds; without a time it is asked again.

    The calling thread forgets what it knew, at the first pretended time and at the end.
    """
    global pretending, pretended_time, pretended_runnable, pretended_wait
    if pretending != (time is not None):
        forget(&chooser)
    pretending = time is not None
    pretended_time, pretended_runnable, pretended_wait = 1e9 * (time or 0), runnable, 1e9 * waited


def ask(work):
    """For tests: how many threads a call with this many nanoseconds of work gets now."""
    return threads_for(work)


def set_online(processors):
    """For tests: how many processors the system is taken to have; returns what it was."""
    global online
    before, online = online, processors
    return before


def set_choosing(on):
    """For tests: whether other programs are taken into account; returns what it was."""
    global choosing
    before, choosing = choosing, on
    return before


def _before_fork():
    """End this thread's team: in the child libgomp would wait for threads that only the parent has."""
    global team_ended
    end_team()
    team_ended = ENDS_TEAM


def _after_fork_in_parent():
    global team_ended
    team_ended = False


def _after_fork_in_child():
    """One thread, where the fork was not announced (C code may fork alone) or OpenMP cannot end its threads."""
    global setting, team_ended
    if not team_ended:
        setting = 1
    team_ended = False


available = default_num_threads()
choosing = _choose_threads(os.environ)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
