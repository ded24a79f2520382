# How lanes are cut into vectors.
#
# A lane is a filter; there are at least VL lanes, those beyond the last filter being zeros. The last vector would
# reach beyond the last lane. It is moved back inside, so that it overlaps the one before it. Lanes of two vectors are
# computed twice, with the same result. Ten lanes, with VL = 4:
#
#     lanes      0 1 2 3 4 5 6 7 8 9
#               [       ]                   vector 0
#                       [       ]           vector 1
#                           [       ]       vector 2, moved inside
#
# Loads are fastest where no vector crosses a boundary of VL values in memory. If x begins `back` values after such a
# boundary, every vector begins `back` lanes earlier and so lies between boundaries (|). The first vector would begin
# before lane 0; it is moved inside as well. With back = 1:
#
#     lanes     | 0 1 2|3 4 5 6|7 8 9
#                [       ]                  vector 0, moved inside
#                      [       ]            vector 1
#                            [       ]      vector 2, moved inside

cdef enum:
    ALIGNED = 6         # vectors of lanes, at least, to begin at boundaries: that may take one vector more

cdef struct Channels:
    Py_ssize_t lanes, vectors, back
    Py_ssize_t width            # of a packed row


cdef inline Py_ssize_t channel(const Channels *c, Py_ssize_t v) noexcept nogil:
    """The first lane of vector v: v * VL - back, moved inside."""
    return max(<Py_ssize_t>0, min(v * VL - c.back, c.lanes - VL))


cdef void cut_channels(Channels *c, const View *x, bint anywhere) noexcept nogil:
    """Cut the lanes into vectors; many of them so that the vectors of x lie between boundaries, if all pixels allow.

    With `anywhere` they begin at lane 0, wherever x begins."""
    cdef Py_ssize_t bytes = VL * sizeof(real)
    c.back = 0
    if not anywhere and c.lanes >= ALIGNED * VL and x.w_step % VL == 0 and x.h_step % VL == 0 and x.n_step % VL == 0:
        c.back = <Py_ssize_t>x.data % bytes // <Py_ssize_t>sizeof(real)
    c.vectors = ceil_div(c.lanes + c.back, VL)
    c.width = (c.vectors | 1) * VL  # odd: packed rows fall into different sets of the first cache
