"""What this processor can run, and how this module was compiled. Baseline code only."""

cdef extern from *:
    """
    #if (defined(__x86_64__) || defined(__amd64__)) && defined(__GNUC__)
    #define FASTCONV_X86 1
    /* __builtin_cpu_supports also asks the operating system whether it saves the wide registers. */
    static void fastconv_cpu_init(void) { __builtin_cpu_init(); }
    static int fastconv_v3(void) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    }
    static int fastconv_v4(void) {
        return fastconv_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl");
    }
    /* The builtin wants a literal, so the names are listed here. */
    static const char *fastconv_feature(int i) {
        if (i == 0) return __builtin_cpu_supports("sse2") ? "sse2" : "";
        if (i == 1) return __builtin_cpu_supports("sse4.2") ? "sse4.2" : "";
        if (i == 2) return __builtin_cpu_supports("avx") ? "avx" : "";
        if (i == 3) return __builtin_cpu_supports("fma") ? "fma" : "";
        if (i == 4) return __builtin_cpu_supports("avx2") ? "avx2" : "";
        if (i == 5) return __builtin_cpu_supports("avx512f") ? "avx512f" : "";
        if (i == 6) return __builtin_cpu_supports("avx512bw") ? "avx512bw" : "";
        if (i == 7) return __builtin_cpu_supports("avx512vl") ? "avx512vl" : "";
        return 0;
    }
    #else
    #define FASTCONV_X86 0
    static void fastconv_cpu_init(void) {}
    static int fastconv_v3(void) { return 0; }
    static int fastconv_v4(void) { return 0; }
    static const char *fastconv_feature(int i) { return 0; }
    #endif
    #ifdef _OPENMP
    #define FASTCONV_OPENMP _OPENMP
    #else
    #define FASTCONV_OPENMP 0
    #endif
    """
    void fastconv_cpu_init()
    int fastconv_v3()
    int fastconv_v4()
    const char *fastconv_feature(int i)
    int FASTCONV_OPENMP
    int FASTCONV_DEBUG_BUILD


def supported_builds():
    """The instruction-set builds this processor can run, best first."""
    fastconv_cpu_init()
    builds = ["baseline"]
    if fastconv_v3():
        builds.insert(0, "v3")
    if fastconv_v4():
        builds.insert(0, "v4")
    return builds


def features():
    """The names of the vector extensions this processor and its operating system support."""
    fastconv_cpu_init()
    found = []
    cdef int i = 0
    while fastconv_feature(i) != NULL:
        if fastconv_feature(i)[0] != 0:
            found.append(fastconv_feature(i).decode())
        i += 1
    return found


def openmp_version():
    """The OpenMP version this module was compiled with, as yyyymm, or 0 where there is none."""
    return FASTCONV_OPENMP


def is_debug_build():
    """Whether the kernels check their bounds (built with FASTCONV_DEBUG=1 or FASTCONV_SANITIZE=1)."""
    return bool(FASTCONV_DEBUG_BUILD)
