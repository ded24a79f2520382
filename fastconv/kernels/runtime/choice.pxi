# How many threads pay now. Two signs say that somebody else has a processor:
#
#   taken    the system counts more runnable threads than the caller and its team (the threads that OpenMP keeps for it):
#            so many processors are not free
#   waited   a thread of the team was runnable and did not run: others have its processor, though the system as a whole
#            may have free ones (processors that are assigned to a process, quotas of containers)
#
# OpenMP's barrier waits for a thread without a processor, some milliseconds each time, while the caller spins and uses up
# its own turn: that is more than most calls take. So processors that are taken are left alone, and after a wait the next
# calls run on one thread for a while. Nothing of OpenMP is set.

cdef enum:
    TEAM = 64           # threads of a team whose waits are looked at
    LOOKS = 4           # of them, each time
    SELDOM = 4          # looks for one at the waits, which takes longest, while there are none
    SIZES = 4           # sizes of a team, at most: a team of another size costs new threads

cdef extern from *:
    """
    struct Chooser {
        double looked;          /* when the system was last asked, */
        double waits_seen;      /* and for waits */
        double since;           /* at every look since then a processor was taken; LATER: not at the last one */
        double shared;          /* when a call last got several threads, */
        double spins;           /* and until when its team may spin after it */
        int team;               /* how many it got */
        int taken;              /* processors that others have */
        int looks;              /* since one at the waits */
        double held, hold;      /* one thread until then; how long the last hold was, 0 after a look without a wait */
        int known, next;        /* threads of the team whose number is known; where the next look begins */
        int id[64];
        double waited[64];      /* of each thread, at the last look */
    };
    #define NEVER -1e18
    #define LATER 1e18
    #define NEW_CHOOSER {NEVER, NEVER, LATER, NEVER, NEVER, 1, 0, 4, NEVER, 0, 0, 0, {0}, {0}}
    static const struct Chooser NEW = NEW_CHOOSER;
    static __thread struct Chooser chooser = NEW_CHOOSER;  /* of each caller */
    """
    struct Chooser:
        double looked, waits_seen, since, shared, spins
        int team, taken, looks
        double held, hold
        int known, next
        int id[64]
        double waited[64]
    const Chooser NEW
    const double LATER
    Chooser chooser

cdef double CALM = 2e6          # ns between two looks at the system, which cost some 10 us
cdef double BUSY = 0.5e6        # the same while processors are taken: to see soon that they are free again
cdef double SPINNING = 20e6     # ns after the predicted end of a call in which the team may spin, and so counts as runnable
cdef double SURE = 1e6          # ns of these in which it surely does: libgomp spins for some milliseconds
cdef double PASSING = 10e6      # ns that threads of the system itself may be runnable beside a team: two of its ticks
cdef double WAIT = 2e6          # ns of waiting that matter, where they also are
cdef double WAIT_SHARE = 0.1    # this share of the time since the last look
cdef double HOLD = 2            # a hold is so many times the wait, or twice the last hold
cdef double LONGEST_HOLD = 0.5e9

cdef bint pretending = False        # for tests: the system is taken to say this
cdef double pretended_time = 0, pretended_wait = 0
cdef int pretended_runnable = 0


cdef int threads_that_pay(int wanted, double work) noexcept nogil:
    """At most `wanted`: as many as processors are free, or 1 while a hold lasts.

    The end of a call is not told; with `work` nanoseconds on several threads it comes before `work` is over.
    """
    cdef Chooser *c = &chooser
    cdef double time = pretended_time if pretending else now()
    if time - c.looked > (BUSY if c.taken else CALM):
        look(c, time)
    wanted = affordable(c, wanted, time)
    if wanted > 1:
        if c.known < min(wanted, TEAM) and not pretending:
            meet(c, wanted)
        c.shared, c.spins = time, max(c.spins, time + work + SPINNING)
        c.team = wanted
    return wanted


cdef bint team_spins() noexcept nogil:
    """Whether the team of this caller has just had a call, and still waits for the next one by spinning."""
    return (pretended_time if pretending else now()) < chooser.spins - SPINNING + SURE


cdef int affordable(const Chooser *c, int wanted, double time) noexcept nogil:
    """At most `wanted`; of a larger team a quarter, two or three quarters, or all."""
    cdef int part = (wanted + SIZES - 1) // SIZES, missing = wanted - (online - c.taken)
    if time < c.held:
        return 1
    if missing <= 0:
        return wanted
    return max(1, wanted - (missing + part - 1) // part * part)


cdef void look(Chooser *c, double time) noexcept nogil:
    """Ask the system how many processors are taken, and how long the team waited since the last look."""
    cdef int own = c.team if time < c.spins else 1
    cdef int taken = max(0, (pretended_runnable if pretending else runnable_threads()) - own)
    c.since = min(c.since, time) if taken else LATER
    c.taken = taken if own == 1 or time - c.since > PASSING else 0
    c.looks += 1
    if c.shared < c.waits_seen or c.team == 1:
        if c.hold > 0 and not pretending:
            team_waited(c)      # how a thread waited on its way to rest says nothing about the calls after the hold
        c.waits_seen = time
    elif c.looks >= SELDOM or c.hold > 0:
        hold_after(c, time, pretended_wait if pretending else team_waited(c))
        c.looks, c.waits_seen = 0, time
    c.looked = time


cdef void hold_after(Chooser *c, double time, double waited) noexcept nogil:
    """One thread for a while, if the team waited for long."""
    if waited < WAIT or waited < WAIT_SHARE * (time - c.waits_seen):
        c.hold = 0
        return
    c.hold = min(LONGEST_HOLD, max(HOLD * waited, 2 * c.hold))
    c.held = time + c.hold


cdef double team_waited(Chooser *c) noexcept nogil:
    """The longest wait since the last look, of some threads of the team; the caller's own does not count."""
    cdef double longest = 0, waited
    cdef int i, thread
    for i in range(min(LOOKS, c.known - 1)):
        thread = 1 + (c.next + i) % (c.known - 1)
        waited = waited_for_processor(c.id[thread])
        if waited < 0:          # OpenMP has ended this thread
            c.known = 0
            return longest
        longest = max(longest, waited - c.waited[thread])
        c.waited[thread] = waited
    c.next += LOOKS
    return longest


cdef void meet(Chooser *c, int threads) noexcept nogil:
    """Note the system's numbers of the threads of a team."""
    cdef int i, known = min(threads, TEAM)
    for i in prange(threads, num_threads=threads, schedule="static", chunksize=1):
        if i < known:
            c.id[i] = thread_id()
            c.waited[i] = max(0, waited_for_processor(c.id[i]))
    c.known = known


cdef void forget(Chooser *c) noexcept nogil:
    c[0] = NEW


def choice():
    """What a large call gets now: (threads, the most it could get, processors that others have, seconds of a hold)."""
    cdef double time = pretended_time if pretending else now()
    cdef int limit = current()
    if not choosing:
        return limit, limit, 0, 0.0
    if limit > 1:
        look(&chooser, time)
    return affordable(&chooser, limit, time), limit, chooser.taken, max(0.0, chooser.held - time) / 1e9
