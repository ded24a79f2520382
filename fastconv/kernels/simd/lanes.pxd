# Another address of partial.pxd and transpose.pxd, and of the limit that runtime/caches.pxd owns as STREAM_BYTES.

from .partial cimport vread, vwrite
from .transpose cimport square, square_part, vtranspose

cdef extern from *:
    """
    #ifndef FASTCONV_LANES
    #define FASTCONV_LANES
    #define PAST_CACHES (16 << 20)
    #endif
    """
    enum: PAST_CACHES
