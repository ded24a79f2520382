# The four paths of a two-dimensional convolution (docs/kernels.md). Each is one module with the same three functions,
# `forward`, `backward_input` and `backward_weight`; ops/path.py picks the path from the shapes and the layout of the
# arrays.
#
#   direct     any convolution: the general path. Channels-last memory. Pixels x output channels are summed in a
#              register tile over taps and input channels; there is no im2col buffer, only a table of addresses.
#              direct.pyx, direct_*.pxi; micro-kernels tile and tile_tn of tile.pxd
#   winograd   2 x 2, 3 x 3, 5 x 5 kernels of stride 1 and kernels of twice their stride, float32, from 16 or 32
#              channels on. Channels-last memory. Transforms turn each patch of x into frequencies, where the sums over
#              channels are products of matrices, with fewer multiplications than the convolution has.
#              winograd.pyx, winograd_*; micro-kernels product and sum
#   planar     at most 16 channels on both sides, or one filter per channel, in plain NCHW memory: vectors lie along W,
#              since there are too few channels to fill them.
#              planar.pyx, planar_*; micro-kernels tile and sum
#   depthwise  one filter per channel, channels-last memory: nothing is summed over channels, so a vector of channels is
#              multiplied by a vector of weights, and no tile is needed.
#              depthwise.pyx, depthwise_*
#
# `bias` sums dy over all pixels for every path. What paths share: view.pxd (strides of an array), window.pxi (stride,
# dilation, padding, groups), phases.pxd (which taps reach a pixel), bias_row.pxd, tile.pxd, padded_rows.pxd.
#
# How work is cut, from small to large:
#
#   vector   VL neighbouring elements: one register, one instruction
#   tile     a few rows times a few vectors of sums: what a micro-kernel holds in registers while it walks over a sum
#   job      a block of pixels (or patches, or rows) times a block of channels, whose operands fit the second cache
#   thread   takes a range of jobs that follow each other in memory, then helps the others (runtime/work_stealing.pxd)
#
# A sum belongs to one tile from beginning to end, or is cut by the shapes alone: its bits never depend on the threads.
