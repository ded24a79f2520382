# What work costs on one thread, in nanoseconds per element (or as said): the estimates that `threads_for` turns into a
# number of threads. They need only be right to a factor of two. `python benchmarks/costs.py` measures them again.

cdef extern from *:
    """
    #ifndef FASTCONV_COSTS
    #define FASTCONV_COSTS
    /* --- conv: direct, direct_weight, bias --- */

    /* --- conv: winograd --- */

    /* --- conv: planar --- */

    /* --- conv: depthwise --- */

    /* --- pool --- */

    /* --- norm --- */

    /* --- dense --- */

    /* --- activation, loss, optim, layout --- */

    #endif
    """
    # --- conv: direct, direct_weight, bias ---

    # --- conv: winograd ---

    # --- conv: planar ---

    # --- conv: depthwise ---

    # --- pool ---

    # --- norm ---

    # --- dense ---

    # --- activation, loss, optim, layout ---
    pass
