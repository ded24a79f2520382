# Copies between memory layouts, one module: copies. Used by ops/layout.py (to_channels_last, to_planar), by ops/pad.py,
# and wherever an array must change its layout before a kernel takes it.
#
#   copies.pyx  y = x for any strides
#   plan.pxi    the order of the axes, the kind of move (runs, transposes, single values), the extents of a job
#   steps.pxi   values some steps apart: gathers, scatters, transposes of them
#   moves.pxi   one job of each kind
#   borders.pxi planes with a border of their own pixels
