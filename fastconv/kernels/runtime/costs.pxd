# What work costs on one thread, in nanoseconds per element (or as said): the estimates that `threads_for` turns into a
# number of threads. They need only be right to a factor of two. `python benchmarks/costs.py` measures them again.

cdef extern from *:
    """
    #ifndef FASTCONV_COSTS
    #define FASTCONV_COSTS
    /* --- conv: direct, direct_weight, bias --- */
    #define COST_DIRECT_PRODUCT 0.02    /* a multiply-add of the direct convolution or of its weight gradient */
    #define COST_DIRECT_PACK 0.7        /* a weight that is packed */
    #define COST_DIRECT_PAD 0.3         /* a value of a padded copy of x */
    #define COST_DIRECT_ADD 0.3         /* a sum of a part of the weight gradient */
    #define COST_BIAS_VALUE 0.1         /* a value of dy that is summed into a bias gradient */
    #define COST_BIAS_MAP 25            /* a map of dy, beside its values */

    /* --- conv: winograd --- */
    #define WINOGRAD_FILTER_NS 0.5      /* a tap of one filter, transformed and packed */
    #define WINOGRAD_PRODUCT_NS 0.012   /* a product: one frequency of a patch, one input and one output channel */
    #define WINOGRAD_TRANSFORM_NS 0.1   /* one frequency of a patch, one channel of x or y */
    #define WINOGRAD_BACK_NS 4          /* du of one filter, all frequencies: added and transformed back */

    /* --- conv: planar --- */
    #define PLANAR_PRODUCT 0.18         /* per product of vectors: one tap, one filter, PL positions */
    #define PLANAR_SPREAD_PRODUCT 0.25  /* the same where products are stored and gathered */

    /* --- conv: depthwise --- */
    #define DEPTHWISE_TAP 0.11          /* per element of the result and tap that reaches it, maps read from memory */
    #define DEPTHWISE_WEIGHT_TAP 0.03   /* the same of the weight gradient, per element of dy and tap */

    /* --- pool --- */
    #define POOL_FORWARD 0.1         /* a tap of a window: max, mean, L2; windows count as two rows and columns larger */
    #define POOL_FORWARD_LP 10.0     /* the same of L_p, two powers */
    #define POOL_BACKWARD 0.6        /* an element of dx: max, mean */
    #define POOL_BACKWARD_L2 1.0
    #define POOL_BACKWARD_LP 20.0
    #define POOL_INDEX_CHECK 3.0     /* an index */
    #define UNPOOL_FORWARD 1.0       /* an element of y */
    #define UNPOOL_BACKWARD 3.0      /* an element of dx */

    /* --- norm --- */
    #define NORM_FORWARD 0.4         /* a value of x: its moments, then y */
    #define NORM_BACKWARD 0.5        /* a value of x: its products with dy, then dx; batch and group norm */
    #define LAYER_NORM_BACKWARD 0.8  /* the same of layer norm, which adds to dw and db element by element */
    #define LOCAL_RESPONSE 3.0       /* a value of x: its window of squares, and the power */

    /* --- dense --- */
    #define COST_DENSE_PACK_X 0.3               /* value of x copied to scratch, forward */
    #define COST_DENSE_PACK_PANELS 0.2          /* value of x copied to panels, weight gradient */
    #define COST_DENSE_PACK_DY 0.5              /* value of dy copied to tiles, weight gradient */
    #define COST_DENSE_BIAS 0.1                 /* value of dy, bias gradient */
    #define DENSE_PRODUCTS_PER_NS 2.5           /* multiply-adds per lane of a vector */
    #define DENSE_READ_PER_NS 20.0              /* bytes of weights, read */
    #define DENSE_WRITE_PER_NS 10.0             /* bytes of the weight gradient, written */

    /* --- activation, loss, optim, layout --- */
    #define COST_RECTIFIER 0.2                  /* element of relu, leaky_relu, prelu, relu6, hardsigmoid, hardswish */
    #define COST_ADD 0.25                       /* element of add, with or without relu */
    #define COST_EXP 0.5                        /* element of sigmoid, tanh, elu, exp */
    #define COST_SILU 0.6                       /* element of silu */
    #define COST_SMOOTH 1.0                     /* element of gelu, gelu_tanh, softplus */
    #define COST_SOFTMAX 1.0                    /* element of softmax, log_softmax */
    #define COST_PRELU_WEIGHT 0.8               /* element of x */
    #define COST_DIFFERENCE_LOSS 0.3            /* element of mse, l1, huber; of x for nll */
    #define COST_EXP_LOSS 1.2                   /* element of bce, cross_entropy */
    #define COST_SGD 0.35                       /* parameter */
    #define COST_MOMENTS 0.6                    /* parameter of adam, rmsprop */
    #define COST_GRADIENT 0.2                   /* element of a gradient, squared and summed, or scaled */
    #define COST_COPY 0.4                       /* element copied as a run or in a transpose */
    #define COST_COPY_SINGLE 0.8                /* element copied by itself */

    #endif
    """
    # --- conv: direct, direct_weight, bias ---
    const double COST_DIRECT_PRODUCT
    const double COST_DIRECT_PACK
    const double COST_DIRECT_PAD
    const double COST_DIRECT_ADD
    const double COST_BIAS_VALUE
    const double COST_BIAS_MAP

    # --- conv: winograd ---
    const double WINOGRAD_FILTER_NS
    const double WINOGRAD_PRODUCT_NS
    const double WINOGRAD_TRANSFORM_NS
    const double WINOGRAD_BACK_NS

    # --- conv: planar ---
    const double PLANAR_PRODUCT
    const double PLANAR_SPREAD_PRODUCT

    # --- conv: depthwise ---
    const double DEPTHWISE_TAP
    const double DEPTHWISE_WEIGHT_TAP

    # --- pool ---
    const double POOL_FORWARD
    const double POOL_FORWARD_LP
    const double POOL_BACKWARD
    const double POOL_BACKWARD_L2
    const double POOL_BACKWARD_LP
    const double POOL_INDEX_CHECK
    const double UNPOOL_FORWARD
    const double UNPOOL_BACKWARD

    # --- norm ---
    const double NORM_FORWARD
    const double NORM_BACKWARD
    const double LAYER_NORM_BACKWARD
    const double LOCAL_RESPONSE

    # --- dense ---
    const double COST_DENSE_PACK_X
    const double COST_DENSE_PACK_PANELS
    const double COST_DENSE_PACK_DY
    const double COST_DENSE_BIAS
    const double DENSE_PRODUCTS_PER_NS
    const double DENSE_READ_PER_NS
    const double DENSE_WRITE_PER_NS

    # --- activation, loss, optim, layout ---
    const double COST_RECTIFIER
    const double COST_ADD
    const double COST_EXP
    const double COST_SILU
    const double COST_SMOOTH
    const double COST_SOFTMAX
    const double COST_PRELU_WEIGHT
    const double COST_DIFFERENCE_LOSS
    const double COST_EXP_LOSS
    const double COST_SGD
    const double COST_MOMENTS
    const double COST_GRADIENT
    const double COST_COPY
    const double COST_COPY_SINGLE
    pass
