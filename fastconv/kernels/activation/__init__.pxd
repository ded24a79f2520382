# Activations, one module: pointwise. Used by ops/elementwise.py (sigmoid, relu, gelu, ..., add), by ops/activation_*.py
# (softmax, log_softmax, prelu) and so by the layers of these names.
#
#   pointwise.pyx     runs a formula of the table on arrays; KERNELS has all kernels of the module by name
#   formulas.pxi      the table of formulas, forward and backward, one line each
#   softmax.pxi       softmax and log-softmax, row by row
#   prelu_weight.pxi  the weight gradient of PReLU
#   products.pxi      sums of products, the gradient of a factor that is repeated
