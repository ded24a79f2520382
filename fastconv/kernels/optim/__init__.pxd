# Optimizer steps, one module: updates. Used by fastconv.optim.
#
#   updates.pyx    sgd, adam, rmsprop: one pass over a parameter vector and what the rule keeps of it
#   rules.pxi      the rules in C, each below its equation; no fused multiply-add, so that all builds agree with NumPy
#   gradients.pxi  the sum of the squares of a gradient, and its scaling (clipping)
