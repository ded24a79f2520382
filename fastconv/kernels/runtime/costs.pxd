# What work costs on one thread: the estimates that `threads_for` (threads.pxd) turns into a number of threads. They
# decide how many threads run, never what is computed.
#
# A name that ends in _NS is the nanoseconds of one unit, which the comment beside it names; a name in _PER_NS is the
# units of one nanosecond. The numbers were measured on one thread of an x86-64 processor with AVX-512, float32, by
#
#     python benchmarks/costs.py              # all; or of names that begin so: python benchmarks/costs.py POOL
#
# which also lists the costs that no public call has alone. They need only be right to within a factor of two. Other
# processors and builds, and float64, have other costs: there a call of middle size may get a thread too many or too few.

cdef extern from *:
    """
    #ifndef FASTCONV_COSTS
    #define FASTCONV_COSTS
    /* --- conv: direct, pointwise, bias --- */
    #define DIRECT_PRODUCT_NS        0.02   /* a multiply-add, of the weight gradient too */
    #define DIRECT_PACK_NS           0.7    /* a weight that is packed */
    #define DIRECT_PAD_NS            0.3    /* a value of a padded copy of x */
    #define DIRECT_ADD_NS            0.3    /* a partial sum of the weight gradient, added to the others */
    #define BIAS_VALUE_NS            0.1    /* a value of dy that is summed into a bias gradient */
    #define BIAS_MAP_NS              25     /* a plane of dy, beside its values */
    #define POINTWISE_PRODUCT_NS     0.02   /* a multiply-add of a 1x1 kernel on planes */
    #define POINTWISE_WEIGHT_NS      0.02   /* the same of its weight gradient */

    /* --- conv: winograd --- */
    #define WINOGRAD_FILTER_NS       0.5    /* a tap of one filter and channel, transformed and packed */
    #define WINOGRAD_PRODUCT_NS      0.012  /* a multiply-add: one frequency of a patch, one input, one output */
    #define WINOGRAD_TRANSFORM_NS    0.1    /* one frequency of a patch, one channel of x or y */
    #define WINOGRAD_BACK_NS         4      /* a filter and channel of dw: du of all frequencies, transformed back */

    /* --- conv: planar --- */
    #define PLANAR_PRODUCT_NS        0.18   /* a multiply-add of vectors: one tap, one filter, PL positions */
    #define PLANAR_SPREAD_PRODUCT_NS 0.25   /* the same where products are stored and gathered */
    #define PLANE_TAP_NS             0.4    /* one filter per channel: a tap of a vector of VL results */
    #define SMALL_TAP_NS             0.35   /* the same where a row fits into a vector */
    #define PLANE_WEIGHT_TAP_NS      0.6    /* the same of the weight gradient, a vector of dy */

    /* --- conv: depthwise --- */
    #define DEPTHWISE_TAP_NS         0.11   /* an element of the result and a tap that reaches it */
    #define DEPTHWISE_WEIGHT_TAP_NS  0.03   /* an element of dy and a tap, weight gradient */

    /* --- pool --- */
    #define POOL_FORWARD_NS          0.1    /* a tap of a window: max, mean, L2; windows count as 2 rows and columns larger */
    #define POOL_FORWARD_LP_NS       10.0   /* the same of L_p, two powers */
    #define POOL_BACKWARD_NS         0.6    /* an element of dx: max, mean */
    #define POOL_BACKWARD_L2_NS      1.0    /* the same of L2 */
    #define POOL_BACKWARD_LP_NS      20.0   /* the same of L_p */
    #define POOL_INDEX_CHECK_NS      3.0    /* an index */
    #define UNPOOL_FORWARD_NS        1.0    /* an element of y */
    #define UNPOOL_BACKWARD_NS       3.0    /* an element of dx */
    #define WEIGHTED_TAP_NS          0.1    /* a tap of a row of x, and then of an element of y */

    /* --- norm --- */
    #define NORM_FORWARD_NS          0.4    /* an element of x: its moments, then y */
    #define NORM_BACKWARD_NS         0.5    /* an element of x: its products with dy, then dx; batch and group norm */
    #define LAYER_NORM_BACKWARD_NS   0.8    /* the same of layer norm, which adds to dw and db one by one */
    #define LOCAL_RESPONSE_NS        3.0    /* an element of x: its window of squares, and the power */

    /* --- dense --- */
    #define DENSE_PACK_X_NS          0.3    /* an element of x copied to scratch, forward */
    #define DENSE_PACK_PANELS_NS     0.2    /* an element of x copied to panels, weight gradient */
    #define DENSE_PACK_DY_NS         0.5    /* an element of dy copied to tiles, weight gradient */
    #define DENSE_BIAS_NS            0.1    /* an element of dy, bias gradient */
    #define DENSE_PRODUCTS_PER_NS    2.5    /* multiply-adds per lane of a vector */
    #define WEIGHT_READ_PER_NS       20.0   /* bytes of weights, read; of a direct convolution too */
    #define DENSE_WRITE_PER_NS       10.0   /* bytes of the weight gradient, written */

    /* --- activation, loss, optim, layout --- */
    #define RECTIFIER_NS             0.2    /* an element of a function without exp: relu, leaky_relu, hardtanh, softsign ... */
    #define ADD_NS                   0.25   /* an element of add, with or without relu */
    #define EXP_NS                   0.5    /* an element of sigmoid, tanh, elu, celu, exp */
    #define SILU_NS                  0.6    /* an element of silu, mish */
    #define SMOOTH_NS                1.0    /* an element of gelu, gelu_tanh, softplus */
    #define SOFTMAX_NS               1.0    /* an element of softmax, log_softmax */
    #define PRELU_WEIGHT_NS          0.8    /* an element of x, gradient of prelu's weight */
    #define DIFFERENCE_LOSS_NS       0.3    /* an element of mse, l1, huber; of x for nll */
    #define EXP_LOSS_NS              1.2    /* an element of bce, cross_entropy */
    #define SGD_NS                   0.35   /* a parameter */
    #define MOMENTS_NS               0.6    /* a parameter of adam, rmsprop */
    #define GRADIENT_NS              0.2    /* an element of a gradient, squared and summed, or scaled */
    #define COPY_NS                  0.4    /* an element copied as part of a run or a transpose */
    #define COPY_SINGLE_NS           0.8    /* an element copied by itself */

    #endif
    """
    # --- conv: direct, pointwise, bias ---
    const double DIRECT_PRODUCT_NS
    const double DIRECT_PACK_NS
    const double DIRECT_PAD_NS
    const double DIRECT_ADD_NS
    const double BIAS_VALUE_NS
    const double BIAS_MAP_NS
    const double POINTWISE_PRODUCT_NS
    const double POINTWISE_WEIGHT_NS

    # --- conv: winograd ---
    const double WINOGRAD_FILTER_NS
    const double WINOGRAD_PRODUCT_NS
    const double WINOGRAD_TRANSFORM_NS
    const double WINOGRAD_BACK_NS

    # --- conv: planar ---
    const double PLANAR_PRODUCT_NS
    const double PLANAR_SPREAD_PRODUCT_NS
    const double PLANE_TAP_NS
    const double SMALL_TAP_NS
    const double PLANE_WEIGHT_TAP_NS

    # --- conv: depthwise ---
    const double DEPTHWISE_TAP_NS
    const double DEPTHWISE_WEIGHT_TAP_NS

    # --- pool ---
    const double POOL_FORWARD_NS
    const double POOL_FORWARD_LP_NS
    const double POOL_BACKWARD_NS
    const double POOL_BACKWARD_L2_NS
    const double POOL_BACKWARD_LP_NS
    const double POOL_INDEX_CHECK_NS
    const double UNPOOL_FORWARD_NS
    const double UNPOOL_BACKWARD_NS
    const double WEIGHTED_TAP_NS

    # --- norm ---
    const double NORM_FORWARD_NS
    const double NORM_BACKWARD_NS
    const double LAYER_NORM_BACKWARD_NS
    const double LOCAL_RESPONSE_NS

    # --- dense ---
    const double DENSE_PACK_X_NS
    const double DENSE_PACK_PANELS_NS
    const double DENSE_PACK_DY_NS
    const double DENSE_BIAS_NS
    const double DENSE_PRODUCTS_PER_NS
    const double WEIGHT_READ_PER_NS
    const double DENSE_WRITE_PER_NS

    # --- activation, loss, optim, layout ---
    const double RECTIFIER_NS
    const double ADD_NS
    const double EXP_NS
    const double SILU_NS
    const double SMOOTH_NS
    const double SOFTMAX_NS
    const double PRELU_WEIGHT_NS
    const double DIFFERENCE_LOSS_NS
    const double EXP_LOSS_NS
    const double SGD_NS
    const double MOMENTS_NS
    const double GRADIENT_NS
    const double COPY_NS
    const double COPY_SINGLE_NS
