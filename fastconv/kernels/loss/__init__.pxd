# Losses, one module: losses. Each entry gives the value and the gradient. Used by ops/loss_*.py.
#
#   losses.pyx      includes the pieces
#   terms.pxd       the loss of one element and its slope, one macro call per loss
#   elements.pxi    mse, l1, huber, bce: sums over elements
#   class_rows.pxi  the loss of one row of class scores, with its equations
#   classes.pxi     cross entropy, negative log likelihood: sums over rows
