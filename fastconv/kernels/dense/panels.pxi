# Panels of PANEL_WIDTH columns, the operand of `outer` that both gradients share.


cdef void pack_panels(const real *w, Py_ssize_t step, Py_ssize_t rows, Py_ssize_t columns, real *to,
                      Py_ssize_t size) noexcept nogil:
    """Rows of w as panels, `size` values from one to the next, with zeros at the end of the last vector."""
    cdef Py_ssize_t t, c, whole = columns // PANEL_WIDTH, rest = columns % PANEL_WIDTH
    cdef int j
    for t in range(rows):
        for c in range(whole):
            for j in range(PANEL_VECTORS):
                vstore(to + c * size + t * PANEL_WIDTH + j * VL, vload(w + t * step + c * PANEL_WIDTH + j * VL))
                vprefetch(w + (t + 2) * step + c * PANEL_WIDTH + j * VL)
        if rest > 0:
            copy_rows(w + t * step + whole * PANEL_WIDTH, 0, 1, rest, to + whole * size + t * PANEL_WIDTH,
                      round_up(rest, VL))


cdef inline void outer_part(Product *p, Py_ssize_t rows, Py_ssize_t columns, real *own) noexcept nogil:
    """`outer` for any number of columns up to a panel: through `own` where they are not whole vectors."""
    cdef Py_ssize_t i, j, y_row = p.y_row
    cdef real *y = p.y
    cdef bint add = p.add
    if columns % VL != 0:
        p.y, p.y_row, p.add, p.stream = own, PANEL_WIDTH, False, False
    outer(p, rows, ceil_div(columns, VL))
    if columns % VL != 0:
        for i in range(rows):
            for j in range(columns):
                y[i * y_row + j] = y[i * y_row + j] + own[i * PANEL_WIDTH + j] if add else own[i * PANEL_WIDTH + j]
