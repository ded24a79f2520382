# Normalisations. A set of values shares a mean and a variance; r = 1 / sqrt(var + eps):
#
#     z = (x - mean) r        u = w z + b + residual        y = f(u), f nothing, ReLU or ReLU6
#
# and backward, with du = dy where f let u through, else 0 (du is the gradient of the residual too), and g = w du:
#
#     db = sum du        dw = sum du z        dx = r (g - mean(g) - z mean(g z)), means over the set
#
# One mathematics in three layouts of memory; what is a set, and who shares w and b, differs:
#
#     pixels.pyx   x[N, P, C], channels last   batch norm: a channel; group norm: a group of channels of a sample
#     planes.pyx   x[N, C, P], NCHW            the same two ops (ops/norm/batch.py, group.py)
#     rows.pyx     x[R, K]                     layer norm (ops/norm/layer.py): a row; w and b for each element of a row
#     local_response.pyx                       local response norm (ops/norm/local.py): no mean, a sum over channels
#
# They share vectors.pxd (partial vectors, gates, sums), moments.pxd (mean and variance of a set), affine.pxd (both
# equations as the code uses them, and their derivation) and statistics.pxd (means that are kept or running).
# Batch norm: Ioffe and Szegedy 2015. Layer norm: Ba, Kiros and Hinton 2016. Group norm: Wu and He 2018.
