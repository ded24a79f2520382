# Activations, one module: pointwise. Used by ops/elementwise.py (sigmoid, relu, gelu, ..., add), by ops/activation_*.py
# (softmax, log_softmax, prelu) and so by the layers of these names.
#
#   pointwise.pyx     one entry per operation, forward and backward
#   formulas.pxi      what the entries compute, one line per formula
#   softmax.pxi       softmax and log-softmax, row by row
#   prelu_weight.pxi  the weight gradient of PReLU
