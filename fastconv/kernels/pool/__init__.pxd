# Pooling. One module, windows.pyx, holds every pass: max, mean and L_p forward and backward, unpooling both ways, and
# the check of indices that a caller gives back; and weighted sums along H and W, which are resizing, borders of pixels
# and, with transposed tables (ops/taps.py), their gradients. Its pieces are .pxi files, which it includes.
#
# A window is a row range times a column range. ops/pool/prepared.py writes a table with one line (start, count, step,
# divisor) per output row and one per output column, so padding, ceil_mode, dilation and adaptive windows are no concern
# of the kernels. Backward also gets the inverse tables: which outputs read an input row or column (window.pxd).
#
#     what                    channels-last (vectors along C)             planar (vectors along W)
#     forward, forward.pxi    forward_channels.pxi: pixel by pixel        forward_planes.pxi: columns of a row, then its
#                                                                         outputs; forward_rows.pxi: rows and jobs
#     backward of means and   blocks_2x2.pxd: 2 x 2 or 3 x 3, stride 2    backward_planes.pxi: a way for each row of dx
#     roots, backward.pxi     backward_channels.pxi: any windows          backward_rows.pxi: the ways
#     backward of max,        the same two, and scatter.pxi where         scatter.pxi
#     max_backward.pxi        windows overlap
#     unpooling               scatter.pxi, any strides                    scatter.pxi
#     weighted sums,          weighted_rows.pxi: pixel by pixel           weighted_rows.pxi, then weighted_columns.pxi
#     weighted.pxi
#
# Also: setup.pxi (arguments to structs), one_window.pxi (a window by itself, and values that overflow), shares.pxd
# (what a window gives to an input), bad_index.pxi and index_checks.pxd (indices outside their windows), stream.pxi
# (results past the caches), index_vectors.pxd, every_second.pxd and roots.pxd (vectors). Both layouts give the same
# bits: forward sums run down each column of a window, then over the columns; backward sums run along a row of windows,
# then over the rows.
