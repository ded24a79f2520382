# The vector of the planar path: `vp`, PL reals in 32 bytes at most. It lies along W, and the rows of small networks are
# often shorter than 64 bytes (Zhang 2016: rows of 12 and 8): a longer vector would hold mostly padding. Where registers
# are longer, a vf is put together of PIECES vp, which may come from different rows.
# As for `vf`, Cython believes that vp is a float type.

from ..simd.vector cimport real, vf

cdef extern from *:
    """
    #if VBYTES <= 32
    #define PBYTES VBYTES
    typedef vf vp;
    typedef vi vpi;
    #define pmax(a, b) vmax(a, b)
    #define pmin(a, b) vmin(a, b)
    #else
    #define PBYTES 32
    typedef REAL vp __attribute__((vector_size(PBYTES), aligned(REAL_BYTES), may_alias));
    typedef vi_element vpi __attribute__((vector_size(PBYTES), aligned(REAL_BYTES), may_alias));
    #if REAL_BYTES == 4
    #define pmax(a, b) ((vp)_mm256_max_ps((__m256)(a), (__m256)(b)))
    #define pmin(a, b) ((vp)_mm256_min_ps((__m256)(a), (__m256)(b)))
    #else
    #define pmax(a, b) ((vp)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
    #define pmin(a, b) ((vp)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
    #endif
    #endif
    #define PL (PBYTES / REAL_BYTES)
    /* vf as PIECES vp, each with a place of its own: p[0] + at, p[1] + at */
    #define PIECES (VBYTES / PBYTES)
    #if PBYTES == VBYTES
    #define pload_pieces(p, at) vload((p)[0] + (at))
    #define pstore_pieces(p, at, v) vstore((p)[0] + (at), v)
    #else
    #define pload_pieces(p, at) ((vf)_mm512_insertf64x4(_mm512_castpd256_pd512((__m256d)pload((p)[0] + (at))), \
                                                        (__m256d)pload((p)[1] + (at)), 1))
    #define pstore_pieces(p, at, v) do { \
        pstore((p)[0] + (at), (vp)_mm512_castpd512_pd256((__m512d)(v))); \
        pstore((p)[1] + (at), (vp)_mm512_extractf64x4_pd((__m512d)(v), 1)); \
    } while (0)
    #endif
    #define pzero ((vp){0})
    #define pload(p) (*(const vp *)(p))
    #define pstore(p, v) (*(vp *)(p) = (v))
    #define psplat(s) ((REAL)(s) - (vp){0})
    /* vector registers that a tile may fill: AVX-512 has 32, other builds are cut for 16 */
    #define PREGISTERS (TILE_VECTORS > 2 ? 32 : 16)
    /* a value that stays in its register: with 16 of them gcc would read it from memory for each product */
    #if defined(__x86_64__) && !defined(__AVX512F__)
    #define pkeep(v) __asm__ ("" : "+x" (v))
    #else
    #define pkeep(v)
    #endif
    /* a vf v where the mask is all ones, 0 where it is 0 */
    #define pmask(v, m) ((vf)((vi)(v) & (vi)(m)))
    /* the mask of the last lanes, and of the first */
    static inline vp plast(int lanes) {
        vpi m;
        for (int i = 0; i < PL; i++) m[i] = i >= PL - lanes ? -1 : 0;
        return (vp)m;
    }
    static inline vp pfirst(int lanes) {
        vpi m;
        for (int i = 0; i < PL; i++) m[i] = i < lanes ? -1 : 0;
        return (vp)m;
    }
    /* both halves added, of a in the even lanes and of b in the odd: lane 2 i is a[i] + a[i + PL / 2] */
    #if PBYTES / REAL_BYTES == 8
    #define PZIP(a, b) (__builtin_shuffle(a, b, (vpi){0, 8, 1, 9, 2, 10, 3, 11}) + \
                        __builtin_shuffle(a, b, (vpi){4, 12, 5, 13, 6, 14, 7, 15}))
    #elif PBYTES / REAL_BYTES == 4
    #define PZIP(a, b) (__builtin_shuffle(a, b, (vpi){0, 4, 1, 5}) + __builtin_shuffle(a, b, (vpi){2, 6, 3, 7}))
    #else
    #define PZIP(a, b) (__builtin_shuffle(a, b, (vpi){0, 2}) + __builtin_shuffle(a, b, (vpi){1, 3}))
    #endif
    /* out[i] = the sum over the lanes of vector t[i] of PL: halves, then quarters, ..., always in this order */
    static inline void add_lanes_of(vp *t, REAL *out) {
        for (int h = PL / 2; h > 0; h /= 2)
            for (int i = 0; i < h; i++) t[i] = PZIP(t[i], t[i + h]);
        pstore(out, t[0]);
    }
    static inline void psums(const REAL *v, REAL *out) {
        vp t[PL];
        for (int i = 0; i < PL; i++) t[i] = pload(v + i * PL);
        add_lanes_of(t, out);
    }
    /* the same of PL vf: their pieces are added first */
    static inline void vsums(const REAL *v, REAL *out) {
        vp t[PL];
        for (int i = 0; i < PL; i++) {
            t[i] = pload(v + i * VL);
            if (PIECES > 1) t[i] += pload(v + i * VL + VL - PL);
        }
        add_lanes_of(t, out);
    }
    """
    ctypedef float vp
    enum: PL
    enum: PREGISTERS
    vp pzero
    vp pload(const real *p) noexcept nogil
    void pstore(real *p, vp v) noexcept nogil
    enum: PIECES
    enum: MOST_PIECES "2"
    vf pload_pieces(const real **p, Py_ssize_t at) noexcept nogil
    void pstore_pieces(real **p, Py_ssize_t at, vf v) noexcept nogil
    void pkeep(vf v) noexcept nogil
    vp psplat(real s) noexcept nogil
    # exactly a > b ? a : b and a < b ? a : b, so b where one of them is a NaN
    vp pmax(vp a, vp b) noexcept nogil
    vp pmin(vp a, vp b) noexcept nogil
    vf pmask(vf v, vf m) noexcept nogil
    vp plast(int lanes) noexcept nogil
    vp pfirst(int lanes) noexcept nogil
    void psums(const real *v, real *out) noexcept nogil
    void vsums(const real *v, real *out) noexcept nogil


cdef inline vp pactivated(vp v, int activation) noexcept nogil:
    """The rule of `activated` in simd/vector.pxd: 0 v, 1 max(v, 0), 2 min(max(v, 0), 6); NaN stays."""
    if activation:
        v = pmax(pzero, v)
        if activation == 2:
            v = pmin(psplat(6), v)
    return v
