# What no longer fits the caches: the one owner of these limits. Past them a result is streamed (stored around the
# caches) or its input is fetched ahead, because nothing of it will still be there when it is read.
# The limits differ because the kernels do: how much else a kernel keeps in the caches moves its limit. Names say the
# unit: _BYTES, or _REALS for elements.
#
# The executor has a limit of its own: CACHES in executor/microbatch.py, the bytes that a step may read and write and
# still find in the caches. It decides how many images of a batch run at a time.

cdef extern from *:
    """
    #ifndef FASTCONV_CACHES
    #define FASTCONV_CACHES
    #define STREAM_BYTES (16 << 20)        /* a result of an elementwise op, of a copy or of pooling */
    #define FETCH_COPY_BYTES (4 << 20)     /* what a copy picks from steps: fetched ahead */
    #define STREAM_NORM_BYTES (8 << 20)    /* a result of a norm, whose input is read twice */
    #define STREAM_DENSE_BYTES (8 << 20)   /* the weight gradient of a linear layer */
    #define STREAM_CONV_REALS (3 << 19)    /* a result of the direct convolution */
    #define FAR_DEPTHWISE_REALS (1 << 19)  /* the input of a depth-wise convolution: fetched ahead */
    #endif
    """
    const Py_ssize_t STREAM_BYTES
    const Py_ssize_t FETCH_COPY_BYTES
    const Py_ssize_t STREAM_NORM_BYTES
    const Py_ssize_t STREAM_DENSE_BYTES
    const Py_ssize_t STREAM_CONV_REALS
    const Py_ssize_t FAR_DEPTHWISE_REALS
