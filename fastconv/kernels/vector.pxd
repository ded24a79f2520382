# The scalar `real`, the vector `vf` of VL of them, and their few helpers. The build sets REAL, REAL_BYTES and VBYTES.
# Cython believes that vf is a float type, so a + b * c on vectors becomes vector code. Splat scalars before mixing.

cdef extern from *:
    """
    #ifndef FASTCONV_VECTOR
    #define FASTCONV_VECTOR
    typedef REAL vf __attribute__((vector_size(VBYTES), aligned(REAL_BYTES), may_alias));
    #define VL (VBYTES / REAL_BYTES)
    #define vzero ((vf){0})
    #define vload(p) (*(const vf *)(p))
    #define vstore(p, v) (*(vf *)(p) = (v))
    #define vsplat(s) ((REAL)(s) - (vf){0})
    #define vmax(a, b) ((a) > (b) ? (a) : (b))
    #define vmin(a, b) ((a) < (b) ? (a) : (b))
    #endif
    """
    ctypedef float real "REAL"
    ctypedef float vf
    enum: REAL_BYTES
    enum: VL
    vf vzero
    vf vload(const real *p) noexcept nogil
    void vstore(real *p, vf v) noexcept nogil
    vf vsplat(real s) noexcept nogil
    vf vmax(vf a, vf b) noexcept nogil
    vf vmin(vf a, vf b) noexcept nogil
