# Dense layers, one module: linear. Used by ops/dense.py (linear, linear_backward and its parts).
#
#   linear.pyx           includes the pieces
#   matrix.pxi           operands: rows of unit stride, where they lie or as copies
#   forward.pxi          y = act(x w^T + b); forward_pack.pxi: its operands in the order of the micro-kernel
#   backward_input.pxi   dx = dy w
#   backward_weight.pxi  dw = dy^T x
#   backward_bias.pxi    db = sum_n dy[n]
#   matmul.pxi           y = a b of matrices that are both computed, for ops/matmul.py
#   panels.pxi           packed columns, shared by the two gradients of products
#   dot.pxd, outer.pxd   the two micro-kernels; lane_sums.pxd: the sums of lanes at the end of `dot`
