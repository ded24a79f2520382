# What all kernel families stand on: vectors, and walks through memory that end in whole vectors.
#
#   vector       the scalar `real`, the vector `vf` of VL lanes, loads, stores, shuffles
#   partial      reads and writes of the first n lanes
#   halves       the lower half of a vector, in registers
#   lanes        the same by masks, and lanes picked from two vectors
#   transpose    VL x VL transposes in registers
#   weave        two to four channels between planes and dense pixels
#   exp          exp, sigmoid, tanh, log(1 + x), the normal distribution, on vectors
#   elementwise  one formula on all elements of arrays with any strides: activation, loss
#   row_views    rows along the last axis of arrays with any strides: softmax, prelu, cross entropy
#   dispatch     one always-inlined body compiled for each small constant
#
# Everything here is inline: a kernel module gets its own copy, compiled for its build and dtype.
