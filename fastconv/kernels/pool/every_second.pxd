# Vectors for a stride of two: every second element of a row, and a vector spread out over twice its lanes.

from ..simd.partial cimport vread
from ..simd.vector cimport real, vf
from .index_vectors cimport vi, vi_element

cdef extern from *:
    """
    #ifndef FASTCONV_EVERY_SECOND
    #define FASTCONV_EVERY_SECOND
    /* the same of indices as veven of values */
    #define ieven(p) SHUFFLE(iload(p), iload((p) + VL - 1), LANE_EVEN_SPAN)
    /* v[0], 0, v[1], 0, ...: the first VL elements, and the others */
    #define LANE_LOW(i) ((i) / 2 + (i) % 2 * VL)
    #define LANE_HIGH(i) (VL / 2 + (i) / 2 + (i) % 2 * VL)
    #define vspread_low(v) SHUFFLE(v, vzero, LANE_LOW)
    #define vspread_high(v) SHUFFLE(v, vzero, LANE_HIGH)
    /* v[0], v[0], v[1], v[1], ...: the first VL elements, and the others */
    #define LANE_TWICE_LOW(i) ((i) / 2)
    #define LANE_TWICE_HIGH(i) (VL / 2 + (i) / 2)
    #define vtwice_low(v) SHUFFLE(v, v, LANE_TWICE_LOW)
    #define vtwice_high(v) SHUFFLE(v, v, LANE_TWICE_HIGH)
    #endif
    """
    vi ieven(const vi_element *p) noexcept nogil
    vf vspread_low(vf v) noexcept nogil
    vf vspread_high(vf v) noexcept nogil
    vf vtwice_low(vf v) noexcept nogil
    vf vtwice_high(vf v) noexcept nogil
