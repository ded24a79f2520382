"""Winograd's convolution on channels-last memory: F(5x5, 2x2), F(4x4, 3x3) and F(2x2, 5x5), stride 1.

Packed filters may also be those of F(2x2, 3x3), with patches of 4 x 4 inputs and 16 frequencies: less than half as many
bytes, which counts where few patches pass by each filter.

    forward          y  = At [sum_c (G w Gt) * (Bt x B)] A + b     on each patch of 6 x 6 inputs
    input gradient   the same with the rotated kernel, K and C swapped (Zhang 2016, eqs. 50, 51)
    weight gradient  dw = Gt [sum over patches of (Bt x B) * (A dy At)] G

For each of the 36 frequencies the sums are products of matrices: M[f] = V[f] U[f], patches x C by C x K. The filters U
are cut into tiles of K and chunks of C, so that one frequency of a chunk stays in the first cache. The cut depends on
C and K alone, and sums of sums keep rounding errors small. So the bits of a result depend neither on N, nor on the
threads, nor on the place of a patch (those of the weight gradient: not on the threads).
A convolution whose kernel is twice its stride s is one of 2 x 2 taps and stride 1 over blocks of s x s pixels, read as
one pixel of s * s * C channels: (place in the block, channel). Only reading x, writing dx and the place of the taps
differ; C must then be a multiple of STRIP, so that neither a vector nor a strip holds two places.
The matrices and their fused steps are those of winograd_transform.pxd. A NaN of x reaches the whole patch.
"""

from cython.parallel cimport parallel, prange
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from fastconv.kernels.runtime.threads cimport threads_for
from ..runtime.sizes cimport on_a_line, times
from ..runtime.work_stealing cimport next_job, share_out
from .tile cimport MR, NR
from ..simd.vector cimport LINE, VL, real, vf, vload, vprefetch, vsplat, vstore, vzero
from .winograd_transform cimport (
    transform_filter_2, transform_filter_3, transform_filter_5, transform_filter_gradient_2,
    transform_filter_gradient_3, transform_filter_gradient_5, transform_gradient_2, transform_gradient_4,
    transform_gradient_5, transform_input, transform_output_2, transform_output_4, transform_output_5,
    transform_small_filter, transform_small_input, transform_small_output, transpose_4,
)

cdef enum:
    SIDE = 6            # inputs along a side of a patch, unless it is a small one
    COUNT = 36          # frequencies of that
    CHUNK = 64          # channels in a chunk, about
    OUTPUTS = 25        # outputs of a patch, at most
    LANES = 64          # output channels in a tile, at most
    STRIP = 16          # channels whose filters are transformed together
    BLOCK = 24          # patches in a block, at most
    SHARED = 128        # up to so many patches may be transformed once and shared by all tiles of K
    TALL = 16           # rows of one vector that are summed in registers at once, where there are 32
    RUN = 64            # patches summed in registers
    GRADIENT = 70000    # reals of x and dy, of one frequency, that the weight gradient holds at once, about
    GRADIENTS = 128     # patches it holds at once
    PARTS = 8           # parts of its patches with a du of their own
    PARTIAL = 5 << 20   # reals of du in all parts, at most

cdef real zeros[LANES]

cdef struct Filters:
    # u[tile of K][chunk of C][frequency][panel of NR vectors][channel][lane]
    Py_ssize_t C, K
    Py_ssize_t chunk, chunks    # channels in a chunk
    Py_ssize_t width, tiles     # lanes in a tile
    Py_ssize_t taps, frequencies
    real *w                     # w[k * so + c * si + offsets[tap]], of blocks w[start_of(k, c) + offsets[tap]]
    Py_ssize_t so, si
    Py_ssize_t s, channels, sh, sw  # side of a block, channels of one place, its row and column in w
    bint rotated                # blocks are those of the outputs
    Py_ssize_t offsets[25]

cdef struct Patches:
    # patch p = (n, i, j): edge x edge outputs from (i edge, j edge), side x side inputs from (s i edge - top,
    # s j edge - left);
    # the outputs may be blocks that begin at (-ytop, -yleft)
    real *x
    Py_ssize_t xn, xh, xw, H, W, C, s
    real *y
    Py_ssize_t yn, yh, yw, OH, OW, K, ys, ytop, yleft
    Py_ssize_t side, edge, top, left, rows, columns, count
    Py_ssize_t stride           # reals from one patch to the next in v[f]

cdef struct Plan:
    Filters f
    Patches p
    const real *packed          # NULL: each tile transforms its own filters
    const real *bias
    const real *add             # a residual of y's shape, perhaps y itself; or NULL
    Py_ssize_t an, ah, aw
    int activation


cdef Py_ssize_t whole(Py_ssize_t n) noexcept nogil:
    """n rounded up to whole vectors."""
    return (n + VL - 1) // VL * VL


cdef Py_ssize_t odd(Py_ssize_t n) noexcept nogil:
    """n reals rounded up to an odd number of cache lines: 36 streams at this distance share no cache set."""
    return ((n * <Py_ssize_t>sizeof(real) + 63) // 64 | 1) * 64 // <Py_ssize_t>sizeof(real)


cdef void *allocate(Py_ssize_t reals) noexcept nogil:
    """Memory for so many reals, from a cache line on."""
    return on_a_line(times(reals, sizeof(real)))


# ---------------------------------------------------------------- filters

cdef void cut_filters(Filters *f, Py_ssize_t K, Py_ssize_t C, Py_ssize_t s, Py_ssize_t side) noexcept nogil:
    """Chunks of C and tiles of K, as even as they can be; of blocks, chunks of whole strips."""
    cdef Py_ssize_t vectors = (K + VL - 1) // VL, chunks = max(<Py_ssize_t>1, (C + CHUNK // 2) // CHUNK)
    f.C, f.K, f.frequencies = C, K, side * side
    f.chunk = (C + chunks - 1) // chunks
    if s > 1:
        f.chunk = (f.chunk + STRIP - 1) // STRIP * STRIP
    f.chunks = (C + f.chunk - 1) // f.chunk
    f.tiles = (vectors * VL + LANES - 1) // LANES
    f.width = (vectors + f.tiles - 1) // f.tiles * VL
    f.tiles = (vectors * VL + f.width - 1) // f.width


cdef Py_ssize_t lanes_of(Filters *f, Py_ssize_t tile) noexcept nogil:
    return min(f.width, whole(f.K) - tile * f.width)


cdef Py_ssize_t length_of(Filters *f, Py_ssize_t chunk) noexcept nogil:
    return min(f.chunk, f.C - chunk * f.chunk)


cdef Py_ssize_t place_of(Filters *f, Py_ssize_t tile, Py_ssize_t chunk) noexcept nogil:
    return f.frequencies * (tile * f.chunks * odd(f.chunk * f.width) + chunk * odd(f.chunk * lanes_of(f, tile)))


cdef Py_ssize_t size_of(Filters *f) noexcept nogil:
    return place_of(f, f.tiles - 1, f.chunks)


cdef Py_ssize_t panel_width(Py_ssize_t lanes, Py_ssize_t panel) noexcept nogil:
    return min(<Py_ssize_t>(NR * VL), lanes - panel * NR * VL)


cdef void point_filters(Filters *f, const real[:, :, :, :] w, Py_ssize_t s, bint rotated,
                        Py_ssize_t side=SIDE) noexcept nogil:
    """Where the taps lie; rotated: turned by 180 degrees, outputs and inputs swapped."""
    cdef Py_ssize_t t, one = sizeof(real), kernel = w.shape[2] // s, i, j
    f.taps = kernel * kernel
    f.s, f.channels, f.sh, f.sw, f.rotated = s, w.shape[1], w.strides[2] // one, w.strides[3] // one, rotated
    for t in range(f.taps):
        i, j = t // kernel, t % kernel
        if rotated:
            i, j = kernel - 1 - i, kernel - 1 - j
        f.offsets[t] = s * (i * f.sh + j * f.sw)
    f.w = <real *>&w[0, 0, 0, 0]
    f.so, f.si = w.strides[0] // one, w.strides[1] // one
    if rotated:
        f.so, f.si = f.si, f.so
        cut_filters(f, s * s * w.shape[1], w.shape[0], s, side)
    else:
        cut_filters(f, w.shape[0], s * s * w.shape[1], s, side)


cdef Py_ssize_t start_of(Filters *f, Py_ssize_t k, Py_ssize_t c) noexcept nogil:
    """Where in w the filter of output k and input c begins."""
    cdef Py_ssize_t place = (k if f.rotated else c) // f.channels
    if f.rotated:
        k -= place * f.channels
    else:
        c -= place * f.channels
    return k * f.so + c * f.si + place // f.s * f.sh + place % f.s * f.sw


cdef void transform_filters(Filters *f, Py_ssize_t tile, Py_ssize_t chunk, Py_ssize_t c0, Py_ssize_t count,
                            real *u, real *taps) noexcept nogil:
    """The filters of a tile for `count` channels of a chunk, from its channel c0 on."""
    cdef Py_ssize_t lanes = lanes_of(f, tile), length = length_of(f, chunk), step = odd(length * lanes)
    cdef Py_ssize_t vector, panel, width, c
    cdef real *to
    for vector in range(lanes // VL):
        panel = vector // NR
        width = panel_width(lanes, panel)
        gather_taps(f, tile * f.width + vector * VL, chunk * f.chunk + c0, count, taps)
        to = u + panel * NR * VL * length + c0 * width + vector % NR * VL
        for c in range(count):
            if f.taps == 4:
                transform_filter_2(taps + c * 4 * VL, to + c * width, step)
            elif f.frequencies < COUNT:
                transform_small_filter(taps + c * 9 * VL, to + c * width, step)
            elif f.taps == 9:
                transform_filter_3(taps + c * 9 * VL, to + c * width, step)
            else:
                transform_filter_5(taps + c * 25 * VL, to + c * width, step)


cdef Py_ssize_t run_of(Filters *f, Py_ssize_t count) noexcept nogil:
    """How many taps, of `count` channels in all, lie side by side in w (backwards if offsets fall); 0 if they do not."""
    cdef Py_ssize_t t, direction = f.offsets[1] - f.offsets[0]
    for t in range(f.taps):
        if f.offsets[t] != f.offsets[0] + t * direction or direction * direction != 1:
            return 0
    return count * f.taps if direction == 1 and f.si == f.taps else f.taps


cdef void gather_taps(Filters *f, Py_ssize_t k0, Py_ssize_t c0, Py_ssize_t count, real *taps) noexcept nogil:
    """taps[c][tap][lane] = w[k0 + lane, c0 + c, tap], zeros beyond K; 4 x 4 at a time where taps lie side by side."""
    cdef Py_ssize_t lane, lanes = min(<Py_ssize_t>VL, f.K - k0), c, t = 0, run = run_of(f, count), last = 0, step = VL
    cdef const real *w = f.w + start_of(f, k0, c0)
    if lanes < VL:
        memset(taps, 0, count * f.taps * VL * sizeof(real))
    if run and f.offsets[0] > f.offsets[1]:  # the last tap comes first
        last, step = f.taps - 1, -VL
    for lane in range(0, lanes, 4):
        if run and lane + 4 <= lanes:
            for c in range(count * f.taps // run):
                t = 0
                while t + 4 <= run:
                    transpose_4(w + f.offsets[last] + lane * f.so + c * f.si + t, f.so,
                                taps + (c * f.taps + last) * VL + t * step + lane, step)
                    t += 4
                while t < run:
                    gather_tap(w + f.offsets[last] + lane * f.so + c * f.si + t, f.so, 4,
                               taps + (c * f.taps + last) * VL + t * step + lane)
                    t += 1
        else:
            for c in range(count):
                for t in range(f.taps):
                    gather_tap(w + f.offsets[t] + lane * f.so + c * f.si, f.so, min(<Py_ssize_t>4, lanes - lane),
                               taps + (c * f.taps + t) * VL + lane)


cdef inline void gather_tap(const real *w, Py_ssize_t so, Py_ssize_t lanes, real *taps) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(lanes):
        taps[lane] = w[lane * so]


cdef int pack_filters(Filters *f, real *u) noexcept nogil:
    """All filters; 1 if memory ran out."""
    cdef Py_ssize_t strips = (f.chunk + STRIP - 1) // STRIP, job
    cdef int threads = threads_for(<double>f.K * f.C * f.taps * 0.5), failed = 0
    cdef void *memory
    with parallel(num_threads=threads):
        memory = allocate(STRIP * f.taps * VL)
        for job in prange(f.tiles * f.chunks * strips, schedule="static"):
            failed |= pack_strip(f, job // strips // f.chunks, job // strips % f.chunks, job % strips * STRIP, u, memory)
        free(memory)
    return failed


cdef int pack_strip(Filters *f, Py_ssize_t tile, Py_ssize_t chunk, Py_ssize_t c0, real *u, void *memory) noexcept nogil:
    if memory == NULL:
        return 1
    if c0 < length_of(f, chunk):
        transform_filters(f, tile, chunk, c0, min(<Py_ssize_t>STRIP, length_of(f, chunk) - c0),
                          u + place_of(f, tile, chunk), <real *>memory)
    return 0


# ---------------------------------------------------------------- patches

cdef void set_input(Patches *p, const real[:, :, :, :] x, Py_ssize_t s, Py_ssize_t top,
                    Py_ssize_t left) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    p.x, p.C, p.H, p.W = <real *>&x[0, 0, 0, 0], x.shape[1], x.shape[2], x.shape[3]
    p.xn, p.xh, p.xw = x.strides[0] // one, x.strides[2] // one, x.strides[3] // one
    p.s, p.top, p.left = s, top, left
    p.stride = s * s * whole(p.C)
    if p.stride * one % 1024 == 0:
        p.stride += 64 // one


cdef void set_output(Patches *p, const real[:, :, :, :] y, Py_ssize_t s, Py_ssize_t top,
                     Py_ssize_t left) noexcept nogil:
    cdef Py_ssize_t one = sizeof(real)
    p.y, p.K, p.OH, p.OW = <real *>&y[0, 0, 0, 0], y.shape[1], y.shape[2], y.shape[3]
    p.yn, p.yh, p.yw = y.strides[0] // one, y.strides[2] // one, y.strides[3] // one
    p.ys, p.ytop, p.yleft = s, top, left


cdef void set_patches(Patches *p, Py_ssize_t N, Py_ssize_t kernel, Py_ssize_t side=SIDE) noexcept nogil:
    """After the input and the output, of kernel x kernel taps."""
    p.side, p.edge = side, side + 1 - kernel
    p.rows = steps(steps(p.OH + p.ytop, p.ys), p.edge)
    p.columns = steps(steps(p.OW + p.yleft, p.ys), p.edge)
    p.count = N * p.rows * p.columns


cdef Py_ssize_t steps(Py_ssize_t n, Py_ssize_t s) noexcept nogil:
    """The first i >= 0 with i * s >= n."""
    return (n + s - 1) // s if n > 0 else 0


cdef void read_patch(Patches *p, Py_ssize_t patch, real *v, Py_ssize_t step, real *copied) noexcept nogil:
    """v[f * step + c] = Bt x B of one patch, one place of the blocks after another."""
    cdef Py_ssize_t h = patch // p.columns % p.rows * p.edge * p.s - p.top
    cdef Py_ssize_t w = patch % p.columns * p.edge * p.s - p.left, i, j
    cdef const real *x = p.x + patch // p.columns // p.rows * p.xn
    fetch(x + h * p.xh + (w + p.side * p.s) * p.xw, p.xh, p.side * p.s, p.edge * p.s * p.xw)
    for i in range(p.s):
        for j in range(p.s):
            read_place(p, x, h + i, w + j, v + (i * p.s + j) * p.C, step, copied)


cdef inline void fetch(const real *x, Py_ssize_t xh, Py_ssize_t rows, Py_ssize_t count) noexcept nogil:
    """What the patch to the right will read: rows too short for the hardware to foresee."""
    cdef Py_ssize_t i, j
    for i in range(rows):
        j = 0
        while j < count:
            vprefetch(x + i * xh + j)
            j += LINE


cdef void read_place(Patches *p, const real *x, Py_ssize_t h, Py_ssize_t w, real *v, Py_ssize_t step,
                     real *copied) noexcept nogil:
    """Every s-th pixel from (h, w) on; through a copy where it leaves the image or C is not whole vectors."""
    cdef Py_ssize_t C = whole(p.C), xh = p.s * p.xh, xw = p.s * p.xw
    x += h * p.xh + w * p.xw
    if p.C == C and 0 <= h and h + (p.side - 1) * p.s < p.H and 0 <= w and w + (p.side - 1) * p.s < p.W:
        transform_window(p, x, xh, xw, v, step)
    else:
        copy_window(x, xh, xw, p.C, p.side, steps(-h, p.s), steps(p.H - h, p.s), steps(-w, p.s), steps(p.W - w, p.s),
                    copied)
        transform_window(p, copied, p.side * C, C, v, step)


cdef inline void transform_window(Patches *p, const real *x, Py_ssize_t xh, Py_ssize_t xw, real *v,
                                  Py_ssize_t step) noexcept nogil:
    if p.side == SIDE:
        transform_input(x, xh, xw, v, step, whole(p.C) // VL)
    else:
        transform_small_input(x, xh, xw, v, step, whole(p.C) // VL)


cdef void copy_window(const real *x, Py_ssize_t xh, Py_ssize_t xw, Py_ssize_t C, Py_ssize_t edge, Py_ssize_t top,
                      Py_ssize_t bottom, Py_ssize_t left, Py_ssize_t right, real *copied) noexcept nogil:
    """edge x edge pixels in whole vectors; zeros outside top <= i < bottom, left <= j < right, and beyond C."""
    cdef Py_ssize_t i, j, width = whole(C)
    for i in range(edge):
        for j in range(edge):
            if top <= i < bottom and left <= j < right:
                memcpy(copied, x + i * xh + j * xw, C * sizeof(real))
                if C < width:
                    memset(copied + C, 0, (width - C) * sizeof(real))
            else:
                memset(copied, 0, width * sizeof(real))
            copied += width


cdef void write_patch(Plan *g, Py_ssize_t patch, Py_ssize_t tile, const real *m, Py_ssize_t step,
                      real *copied) noexcept nogil:
    """y = f(At m A + b + add) of one patch and tile, one place of the blocks after another."""
    cdef Patches *p = &g.p
    cdef Py_ssize_t h = patch // p.columns % p.rows * p.edge * p.ys - p.ytop
    cdef Py_ssize_t w = patch % p.columns * p.edge * p.ys - p.yleft, k = tile * g.f.width, place, count
    cdef Py_ssize_t end = min(k + g.f.width, g.f.K)
    cdef real *y = p.y + patch // p.columns // p.rows * p.yn
    cdef const real *add = g.add + patch // p.columns // p.rows * g.an if g.add != NULL else NULL
    while k < end:
        place = k // p.K
        count = min(end, (place + 1) * p.K) - k
        write_place(g, h + place // p.ys, w + place % p.ys, k, count, m, step, y + k - place * p.K,
                    add + k - place * p.K if add != NULL else NULL, copied)
        m += count
        k += count


cdef void write_place(Plan *g, Py_ssize_t h, Py_ssize_t w, Py_ssize_t k, Py_ssize_t count, const real *m,
                      Py_ssize_t step, real *y, const real *add, real *copied) noexcept nogil:
    """Every ys-th pixel from (h, w) on; through a copy where it leaves the image or count is not whole vectors."""
    cdef Patches *p = &g.p
    cdef Py_ssize_t lanes = whole(count), last = (p.edge - 1) * p.ys, yh = p.ys * p.yh, yw = p.ys * p.yw, i, j
    cdef Py_ssize_t ah = p.ys * g.ah, aw = p.ys * g.aw, top = steps(-h, p.ys), left = steps(-w, p.ys)
    cdef Py_ssize_t bottom = min(p.edge, steps(p.OH - h, p.ys)), right = min(p.edge, steps(p.OW - w, p.ys))
    y += h * p.yh + w * p.yw
    if add != NULL:
        add += h * g.ah + w * g.aw
    if count == lanes and h >= 0 and w >= 0 and h + last < p.OH and w + last < p.OW:
        transform_output(g, m, step, g.bias + k, add, ah, aw, y, yh, yw, lanes // VL)
        return
    if add != NULL:
        for i in range(top, bottom):
            for j in range(left, right):
                memcpy(copied + (i * p.edge + j) * lanes, add + i * ah + j * aw, count * sizeof(real))
        add = copied
    transform_output(g, m, step, g.bias + k, add, p.edge * lanes, lanes, copied, p.edge * lanes, lanes, lanes // VL)
    for i in range(top, bottom):
        for j in range(left, right):
            memcpy(y + i * yh + j * yw, copied + (i * p.edge + j) * lanes, count * sizeof(real))


cdef void transform_output(Plan *g, const real *m, Py_ssize_t step, const real *b, const real *add, Py_ssize_t ah,
                           Py_ssize_t aw, real *y, Py_ssize_t yh, Py_ssize_t yw, Py_ssize_t vectors) noexcept nogil:
    if g.p.edge == 5:
        transform_output_5(m, step, b, add, ah, aw, y, yh, yw, vectors, g.activation)
    elif g.p.edge == 4:
        transform_output_4(m, step, b, add, ah, aw, y, yh, yw, vectors, g.activation)
    elif g.p.side < SIDE:
        transform_small_output(m, step, b, add, ah, aw, y, yh, yw, vectors, g.activation)
    else:
        transform_output_2(m, step, b, add, ah, aw, y, yh, yw, vectors, g.activation)


# ---------------------------------------------------------------- products

cdef inline void product_body(const real *v, Py_ssize_t stride, const real *u, real *m, Py_ssize_t mstride,
                              Py_ssize_t length, bint first, const real *ahead, Py_ssize_t ahead_step, const int rows,
                              const int nv) noexcept nogil:
    """m[i][j] = (0 or m[i][j]) + sum_c v[i][c] u[c][j]; each c fetches a line: ahead, ahead + ahead_step, ..."""
    cdef vf acc[MR][NR]
    cdef vf uv[NR]
    cdef vf a
    cdef const real *before = &zeros[0] if first else m
    cdef Py_ssize_t step = 0 if first else mstride
    cdef int i, j
    for i in range(rows):
        for j in range(nv):
            acc[i][j] = vzero
    while True:  # length is at least 1
        for j in range(nv):
            uv[j] = vload(u + j * VL)
        for i in range(rows):
            a = vsplat(v[i * stride])
            for j in range(nv):
                acc[i][j] = acc[i][j] + a * uv[j]
        vprefetch(ahead)
        ahead += ahead_step
        v += 1
        u += nv * VL
        length -= 1
        if length == 0:
            break
    for i in range(rows):
        for j in range(nv):
            vstore(m + i * mstride + j * VL, acc[i][j] + vload(before + i * step + j * VL))


cdef inline void product_rows(const real *v, Py_ssize_t stride, const real *u, real *m, Py_ssize_t mstride,
                              Py_ssize_t length, bint first, const real *ahead, Py_ssize_t ahead_step, const int rows,
                              int nv) noexcept nogil:
    if nv == 1:
        product_body(v, stride, u, m, mstride, length, first, ahead, ahead_step, rows, 1)
    elif nv == 2:
        product_body(v, stride, u, m, mstride, length, first, ahead, ahead_step, rows, 2)
    elif NR > 2 and nv == 3:
        product_body(v, stride, u, m, mstride, length, first, ahead, ahead_step, rows, 3)
    elif NR > 2:
        product_body(v, stride, u, m, mstride, length, first, ahead, ahead_step, rows, 4)


cdef void product(const real *v, Py_ssize_t stride, const real *u, real *m, Py_ssize_t mstride, Py_ssize_t length,
                  bint first, const real *ahead, Py_ssize_t ahead_step, Py_ssize_t rows, int nv) noexcept nogil:
    """product_body for 1 to MR rows of 1 to NR vectors."""
    if rows >= 6:
        product_rows(v, stride, u, m, mstride, length, first, ahead, ahead_step, 6, nv)
    elif rows == 5:
        product_rows(v, stride, u, m, mstride, length, first, ahead, ahead_step, 5, nv)
    elif rows == 4:
        product_rows(v, stride, u, m, mstride, length, first, ahead, ahead_step, 4, nv)
    elif rows == 3:
        product_rows(v, stride, u, m, mstride, length, first, ahead, ahead_step, 3, nv)
    elif rows == 2:
        product_rows(v, stride, u, m, mstride, length, first, ahead, ahead_step, 2, nv)
    else:
        product_rows(v, stride, u, m, mstride, length, first, ahead, ahead_step, 1, nv)


cdef void multiply(Plan *g, Py_ssize_t tile, Py_ssize_t chunk, const real *v, Py_ssize_t vstep, Py_ssize_t patches,
                   const real *u, real *m, Py_ssize_t mstep) noexcept nogil:
    """m[f] += v[f] u[f] for the channels of one chunk.

    The panel of filters that comes next is fetched meanwhile, as many lines with each block of rows as it has channels.
    """
    cdef Py_ssize_t lanes = lanes_of(&g.f, tile), length = length_of(&g.f, chunk), step = odd(length * lanes)
    cdef Py_ssize_t f, panel, t, k, fetched
    cdef const real *own
    cdef const real *next_panel
    cdef int nv
    v += chunk * g.f.chunk
    for f in range(g.f.frequencies):
        for panel in range((lanes + NR * VL - 1) // (NR * VL)):
            k = panel * NR * VL
            nv = <int>(panel_width(lanes, panel) // VL)
            own = u + f * step + k * length
            next_panel = own + nv * VL * length if k + nv * VL < lanes else u + (f + 1) * step
            t = fetched = 0
            while t < patches:
                product(v + f * vstep + t * g.p.stride, g.p.stride, own, m + f * mstep + t * lanes + k, lanes, length,
                        chunk == 0, next_panel + fetched, LINE if fetched < nv * VL * length else 0, patches - t, nv)
                fetched += LINE * length
                t += MR


# ---------------------------------------------------------------- forward and input gradient

cdef int run(Plan *g, const real[:] b) noexcept nogil:
    """The whole convolution; 1 if memory ran out."""
    cdef real *bias = <real *>calloc(whole(g.f.K), sizeof(real))
    cdef Py_ssize_t k
    cdef void *memory = NULL
    cdef int failed = bias == NULL
    cdef bint share = shares_patches(g, threads_for(work_of(g)))
    if not failed and b is not None:
        for k in range(g.f.K):
            bias[k] = b[k % g.p.K]
    g.bias = bias
    if not failed and g.packed == NULL and not share:
        memory = allocate(size_of(&g.f))
        failed = memory == NULL or pack_filters(&g.f, <real *>memory)
        g.packed = <real *>memory
    if not failed:
        failed = run_shared(g) if share else run_blocks(g)
    free(memory)
    free(bias)
    return failed


cdef double work_of(Plan *g) noexcept nogil:
    """Nanoseconds of the products and of the transforms of x and y."""
    return <double>g.p.count * g.f.frequencies * (0.012 * g.f.C * g.f.K + 0.1 * (g.f.C + g.f.K))


cdef bint shares_patches(Plan *g, int threads) noexcept nogil:
    """Few patches, and the tiles of K keep all threads about as busy as rows of patches would."""
    cdef Py_ssize_t groups = (g.p.count + MR - 1) // MR
    return g.p.count <= SHARED and balance(g.f.tiles, threads) >= 0.9 * balance(groups, threads)


cdef double balance(Py_ssize_t jobs, int threads) noexcept nogil:
    return <double>jobs / ((jobs + threads - 1) // threads * threads)


cdef int run_blocks(Plan *g) noexcept nogil:
    """Many patches: each job is a block of them through all tiles."""
    cdef int threads = threads_for(work_of(g)), failed = 0, thread
    cdef Py_ssize_t blocks = (g.p.count + BLOCK - 1) // BLOCK, patches
    cdef Py_ssize_t *ranges
    blocks = (blocks + threads - 1) // threads * threads
    patches = (g.p.count + blocks - 1) // blocks
    patches = (patches + MR - 1) // MR * MR
    blocks = (g.p.count + patches - 1) // patches
    ranges = share_out(blocks, threads)
    if ranges == NULL:
        return 1
    cdef void *memory
    with parallel(num_threads=threads):
        memory = allocate(g.f.frequencies * (odd(patches * g.p.stride) + odd(patches * g.f.width) + whole(g.p.C))
                          + OUTPUTS * g.f.width)
        for thread in prange(threads, schedule="static"):
            failed |= run_range(g, ranges, threads, thread, patches, memory)
        free(memory)
    free(ranges)
    return failed


cdef int run_range(Plan *g, Py_ssize_t *ranges, int threads, int thread, Py_ssize_t patches, void *memory) noexcept nogil:
    """What one thread does."""
    cdef Py_ssize_t job = next_job(ranges, threads, thread)
    cdef int failed = 0
    while job >= 0:
        failed |= run_block(g, job * patches, min(patches, g.p.count - job * patches), memory)
        job = next_job(ranges, threads, thread)
    return failed


cdef int run_block(Plan *g, Py_ssize_t first, Py_ssize_t patches, void *memory) noexcept nogil:
    cdef Py_ssize_t vstep = odd(patches * g.p.stride), mstep, tile, chunk, t
    cdef real *v = <real *>memory
    cdef real *m = v + g.f.frequencies * vstep
    cdef real *copied = m + g.f.frequencies * odd(patches * g.f.width)
    if memory == NULL:
        return 1
    for t in range(patches):
        read_patch(&g.p, first + t, v + t * g.p.stride, vstep, copied)
    for tile in range(g.f.tiles):
        mstep = odd(patches * lanes_of(&g.f, tile))
        for chunk in range(g.f.chunks):
            multiply(g, tile, chunk, v, vstep, patches, g.packed + place_of(&g.f, tile, chunk), m, mstep)
        for t in range(patches):
            write_patch(g, first + t, tile, m + t * lanes_of(&g.f, tile), mstep, copied)
    return 0


cdef int run_shared(Plan *g) noexcept nogil:
    """Few patches: their transform is shared, each job is a tile, whose filters may be transformed in passing."""
    cdef int threads = threads_for(work_of(g)), failed = 0
    cdef Py_ssize_t vstep = odd(g.p.count * g.p.stride), patches = g.p.count, job, reals
    cdef void *shared = allocate(g.f.frequencies * vstep)
    cdef void *memory
    if shared == NULL:
        return 1
    with parallel(num_threads=threads):
        memory = allocate(g.f.frequencies * whole(g.p.C))
        for job in prange(patches, schedule="static"):
            failed |= share_patch(&g.p, job, <real *>shared, vstep, memory)
        free(memory)
    reals = g.f.frequencies * odd(patches * g.f.width) + OUTPUTS * g.f.width
    if g.packed == NULL:
        reals += g.f.frequencies * odd(g.f.chunk * g.f.width) + STRIP * g.f.taps * VL
    with parallel(num_threads=threads):
        memory = allocate(reals)
        for job in prange(g.f.tiles, schedule="dynamic"):
            failed |= run_tile(g, job, <real *>shared, vstep, memory)
        free(memory)
    free(shared)
    return failed


cdef int share_patch(Patches *p, Py_ssize_t patch, real *v, Py_ssize_t vstep, void *memory) noexcept nogil:
    if memory == NULL:
        return 1
    read_patch(p, patch, v + patch * p.stride, vstep, <real *>memory)
    return 0


cdef int run_tile(Plan *g, Py_ssize_t tile, const real *v, Py_ssize_t vstep, void *memory) noexcept nogil:
    cdef Py_ssize_t lanes = lanes_of(&g.f, tile), mstep = odd(g.p.count * lanes), chunk, c, t
    cdef real *m = <real *>memory
    cdef real *copied = m + g.f.frequencies * odd(g.p.count * g.f.width)
    cdef real *taps = copied + OUTPUTS * g.f.width
    cdef real *u = taps + STRIP * g.f.taps * VL
    if memory == NULL:
        return 1
    for chunk in range(g.f.chunks):
        if g.packed != NULL:
            multiply(g, tile, chunk, v, vstep, g.p.count, g.packed + place_of(&g.f, tile, chunk), m, mstep)
            continue
        for c in range((length_of(&g.f, chunk) + STRIP - 1) // STRIP):
            transform_filters(&g.f, tile, chunk, c * STRIP, min(<Py_ssize_t>STRIP, length_of(&g.f, chunk) - c * STRIP),
                              u, taps)
        multiply(g, tile, chunk, v, vstep, g.p.count, u, m, mstep)
    for t in range(g.p.count):
        write_patch(g, t, tile, m + t * lanes, mstep, copied)
    return 0


def forward(const real[:, :, :, :] x, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] y,
            Py_ssize_t top, Py_ssize_t left, int activation=0, Py_ssize_t s=1, const real[:, :, :, :] r=None):
    """y = f(conv2d(x, w) + b + r), f by its code; x, y and r channels-last, r perhaps y itself, b and r perhaps None.

    w is of any strides: 2x2, 3x3 or 5x5 with stride s = 1, or 2s x 2s.
    """
    cdef Plan g
    if y.shape[0] == 0:
        return
    set_input(&g.p, x, s, top, left)
    set_output(&g.p, y, 1, 0, 0)
    convolve(&g, w, None, b, r, y.shape[0], w.shape[2] // s, activation, False)


def backward_input(const real[:, :, :, :] dy, const real[:, :, :, :] w, const real[:] b, real[:, :, :, :] dx,
                   Py_ssize_t top, Py_ssize_t left, int activation=0, Py_ssize_t s=1,
                   const real[:, :, :, :] r=None):
    """dx = the input gradient (+ b) of forward with this top, left and s; for s > 1 every pixel of dx is read.

    For s = 1 + r, perhaps dx itself.
    """
    cdef Plan g
    if dx.shape[0] == 0:
        return
    set_gradient(&g.p, dy, dx, w.shape[2] // s, top, left, s)
    convolve(&g, w, None, b, r, dx.shape[0], w.shape[2] // s, activation, True)


def forward_packed(const real[:, :, :, :] x, const real[:] packed, const real[:] b, real[:, :, :, :] y,
                   Py_ssize_t kernel, Py_ssize_t top, Py_ssize_t left, int activation=0, Py_ssize_t s=1,
                   Py_ssize_t side=SIDE, const real[:, :, :, :] r=None):
    """forward with what `pack` made, for patches of this side, of a kernel x kernel weight."""
    cdef Plan g
    if y.shape[0] == 0:
        return
    set_input(&g.p, x, s, top, left)
    set_output(&g.p, y, 1, 0, 0)
    convolve(&g, None, packed, b, r, y.shape[0], kernel // s, activation, False, side)


def backward_input_packed(const real[:, :, :, :] dy, const real[:] packed, const real[:] b, real[:, :, :, :] dx,
                          Py_ssize_t kernel, Py_ssize_t top, Py_ssize_t left, int activation=0, Py_ssize_t s=1,
                          Py_ssize_t side=SIDE, const real[:, :, :, :] r=None):
    """backward_input with what `pack_rotated` made, for patches of this side, of a kernel x kernel weight."""
    cdef Plan g
    if dx.shape[0] == 0:
        return
    set_gradient(&g.p, dy, dx, kernel // s, top, left, s)
    convolve(&g, None, packed, b, r, dx.shape[0], kernel // s, activation, True, side)


cdef void set_gradient(Patches *p, const real[:, :, :, :] dy, real[:, :, :, :] dx, Py_ssize_t kernel, Py_ssize_t top,
                       Py_ssize_t left, Py_ssize_t s) noexcept nogil:
    """dx is the output; whole blocks of its padding move the window on dy."""
    set_input(p, dy, 1, kernel - 1 - top // s, kernel - 1 - left // s)
    set_output(p, dx, s, top % s, left % s)


cdef int convolve(Plan *g, const real[:, :, :, :] w, const real[:] packed, const real[:] b,
                  const real[:, :, :, :] r, Py_ssize_t N, Py_ssize_t kernel, int activation, bint rotated,
                  Py_ssize_t side=SIDE) except -1:
    """The convolution of g's input to its output, of kernel x kernel taps between pixels or blocks."""
    cdef Py_ssize_t s = g.p.s * g.p.ys, one = sizeof(real)
    cdef int failed
    with nogil:
        set_patches(&g.p, N, kernel, side)
        g.activation, g.packed, g.add, g.an, g.ah, g.aw = activation, NULL, NULL, 0, 0, 0
        if r is not None:
            g.add, g.an, g.ah, g.aw = &r[0, 0, 0, 0], r.strides[0] // one, r.strides[2] // one, r.strides[3] // one
        if packed is not None:
            g.packed = &packed[0]
            cut_filters(&g.f, g.p.ys * g.p.ys * g.p.K, g.p.s * g.p.s * g.p.C, s, side)
        else:
            point_filters(&g.f, w, s, rotated)
        failed = run(g, b)
    if failed:
        raise MemoryError()
    return 0


def packed_size(Py_ssize_t K, Py_ssize_t C, Py_ssize_t s=1, Py_ssize_t side=SIDE):
    """Reals in the packed form of a weight with K outputs and C inputs (the other way round for pack_rotated)."""
    cdef Filters f
    cut_filters(&f, K, C, s, side)
    return size_of(&f)


def pack(const real[:, :, :, :] w, real[:] packed, Py_ssize_t s=1, Py_ssize_t side=SIDE):
    """The transformed filters of w (K, C, kh, kw) for forward_packed, in packed_size(K, s * s * C, s, side) reals.

    `packed` should start on a cache line: every row of filters then does.
    A side of 4, instead of 6, is for kernels of 3 x 3.
    """
    pack_any(w, packed, s, False, side)


def pack_rotated(const real[:, :, :, :] w, real[:] packed, Py_ssize_t s=1, Py_ssize_t side=SIDE):
    """The same for backward_input_packed, in packed_size(s * s * C, K, s, side) reals."""
    pack_any(w, packed, s, True, side)


cdef int pack_any(const real[:, :, :, :] w, real[:] packed, Py_ssize_t s, bint rotated,
                  Py_ssize_t side) except -1:
    cdef Filters f
    cdef int failed
    with nogil:
        point_filters(&f, w, s, rotated, side)
        failed = pack_filters(&f, &packed[0])
    if failed:
        raise MemoryError()
    return 0


# ---------------------------------------------------------------- weight gradient

cdef struct Sums:
    Filters f                   # the layout of du, and dw in the place of w
    Patches p
    Py_ssize_t block            # patches whose transforms are held at once
    real *v                     # v[f][patch][channel]
    real *z                     # z[f][panel of NR vectors][patch][lane]
    real *du
    Py_ssize_t first, patches   # of the block at hand
    Py_ssize_t begin            # first patch of the sum


cdef void read_gradient(Sums *g, Py_ssize_t t, real *copied) noexcept nogil:
    """z = A dy At of patch t of the block; zeros outside of dy."""
    cdef Patches *p = &g.p
    cdef Py_ssize_t patch = g.first + t, step = odd(g.patches * whole(p.K)), vectors = whole(p.K) // VL, k, panel, tile
    cdef Py_ssize_t i = patch // p.columns % p.rows * p.edge, j = patch % p.columns * p.edge, in_tile = g.f.width // VL
    cdef Py_ssize_t yh = p.yh, yw = p.yw
    cdef const real *y = p.y + patch // p.columns // p.rows * p.yn + i * yh + j * yw
    cdef real *z
    fetch(y + p.edge * yw, yh, p.edge, p.edge * yw)
    if p.K < whole(p.K) or i + p.edge > p.OH or j + p.edge > p.OW:
        copy_window(y, yh, yw, p.K, p.edge, 0, p.OH - i, 0, p.OW - j, copied)
        y, yw, yh = copied, whole(p.K), p.edge * whole(p.K)
    for k in range(vectors):
        tile, panel = k // in_tile, k % in_tile // NR
        z = g.z + (tile * g.f.width + panel * NR * VL) * g.patches + k % in_tile % NR * VL
        z += t * panel_width(lanes_of(&g.f, tile), panel)
        if p.edge == 5:
            transform_gradient_5(y + k * VL, yh, yw, z, step)
        elif p.edge == 4:
            transform_gradient_4(y + k * VL, yh, yw, z, step)
        else:
            transform_gradient_2(y + k * VL, yh, yw, z, step)


cdef int read_both(Sums *g, Py_ssize_t t, void *memory) noexcept nogil:
    if memory == NULL:
        return 1
    read_patch(&g.p, g.first + t, g.v + t * g.p.stride, odd(g.patches * g.p.stride), <real *>memory)
    read_gradient(g, t, <real *>memory)
    return 0


cdef int read_block(Sums *g, int threads) noexcept nogil:
    cdef int failed = 0
    cdef Py_ssize_t t
    cdef void *memory
    with parallel(num_threads=threads):
        memory = allocate(COUNT * max(whole(g.p.C), whole(g.p.K)))
        for t in prange(g.patches, schedule="static"):
            failed |= read_both(g, t, memory)
        free(memory)
    return failed


cdef inline void sum_body(const real *v, Py_ssize_t stride, const real *z, Py_ssize_t patches, real *du, bint first,
                          const int rows, const int nv) noexcept nogil:
    """du[i][j] = (0 or du[i][j]) + sum_t v[t][i] z[t][j]"""
    cdef vf acc[TALL][NR]
    cdef vf zv[NR]
    cdef vf a
    cdef const real *before = &zeros[0] if first else du
    cdef Py_ssize_t step = 0 if first else nv * VL
    cdef int i, j
    for i in range(rows):
        for j in range(nv):
            acc[i][j] = vzero
    while True:  # patches is at least 1
        for j in range(nv):
            zv[j] = vload(z + j * VL)
        for i in range(rows):
            a = vsplat(v[i])
            for j in range(nv):
                acc[i][j] = acc[i][j] + a * zv[j]
        v += stride
        z += nv * VL
        patches -= 1
        if patches == 0:
            break
    for i in range(rows):
        for j in range(nv):
            vstore(du + (i * nv + j) * VL, acc[i][j] + vload(before + i * step + j * VL))


cdef inline void sum_rows(const real *v, Py_ssize_t stride, const real *z, Py_ssize_t patches, real *du, bint first,
                          const int rows, int nv) noexcept nogil:
    if nv == 1:
        sum_body(v, stride, z, patches, du, first, rows, 1)
    elif nv == 2:
        sum_body(v, stride, z, patches, du, first, rows, 2)
    elif NR > 2 and nv == 3:
        sum_body(v, stride, z, patches, du, first, rows, 3)
    elif NR > 2:
        sum_body(v, stride, z, patches, du, first, rows, 4)


cdef Py_ssize_t sum_products(const real *v, Py_ssize_t stride, const real *z, Py_ssize_t patches, real *du, bint first,
                             Py_ssize_t rows, int nv) noexcept nogil:
    """sum_body for up to MR rows of 1 to NR vectors, or TALL rows of one; how many rows it was."""
    if NR > 2 and nv == 1 and rows >= TALL:
        sum_body(v, stride, z, patches, du, first, TALL, 1)
        return TALL
    if rows >= 6:
        sum_rows(v, stride, z, patches, du, first, 6, nv)
    elif rows == 5:
        sum_rows(v, stride, z, patches, du, first, 5, nv)
    elif rows == 4:
        sum_rows(v, stride, z, patches, du, first, 4, nv)
    elif rows == 3:
        sum_rows(v, stride, z, patches, du, first, 3, nv)
    elif rows == 2:
        sum_rows(v, stride, z, patches, du, first, 2, nv)
    else:
        sum_rows(v, stride, z, patches, du, first, 1, nv)
    return min(rows, <Py_ssize_t>MR)


cdef int sum_frequency(Sums *g, Py_ssize_t tile, Py_ssize_t chunk, Py_ssize_t f, real *du) noexcept nogil:
    """du[f] of one tile and chunk += v[f]t z[f], in runs of patches: sums of sums keep rounding errors small."""
    cdef Py_ssize_t lanes = lanes_of(&g.f, tile), length = length_of(&g.f, chunk), panel, c, width, t, run
    cdef const real *v = g.v + f * odd(g.patches * g.p.stride) + chunk * g.f.chunk
    cdef const real *z = g.z + f * odd(g.patches * whole(g.p.K)) + tile * g.f.width * g.patches
    du += f * odd(length * lanes)
    for run in range((g.patches + RUN - 1) // RUN):
        t = run * RUN
        for panel in range((lanes + NR * VL - 1) // (NR * VL)):
            width = panel_width(lanes, panel)
            c = 0
            while c < length:
                c += sum_products(v + t * g.p.stride + c, g.p.stride, z + panel * NR * VL * g.patches + t * width,
                                  min(<Py_ssize_t>RUN, g.patches - t), du + panel * NR * VL * length + c * width,
                                  g.first + t == g.begin, length - c, <int>(width // VL))
    return 0


cdef int sum_chunk(Sums *g, Py_ssize_t tile, Py_ssize_t chunk, void *memory) noexcept nogil:
    """All frequencies of one tile and chunk, and back at once: for a single block of patches."""
    cdef real *taps = <real *>memory
    cdef real *du = taps + STRIP * g.f.taps * VL
    cdef Py_ssize_t f
    if memory == NULL:
        return 1
    for f in range(COUNT):
        sum_frequency(g, tile, chunk, f, du)
    transform_back(&g.f, tile, chunk, du, taps)
    return 0


cdef int chunk_back(Sums *g, Py_ssize_t tile, Py_ssize_t chunk, void *memory) noexcept nogil:
    if memory == NULL:
        return 1
    transform_back(&g.f, tile, chunk, g.du + place_of(&g.f, tile, chunk), <real *>memory)
    return 0


cdef void transform_back(Filters *f, Py_ssize_t tile, Py_ssize_t chunk, const real *du, real *taps) noexcept nogil:
    """dw = Gt du G for one tile and chunk."""
    cdef Py_ssize_t lanes = lanes_of(f, tile), length = length_of(f, chunk), step = odd(length * lanes)
    cdef Py_ssize_t vector, width, strip, count, c
    cdef const real *source
    for strip in range((length + STRIP - 1) // STRIP):
        count = min(<Py_ssize_t>STRIP, length - strip * STRIP)
        for vector in range(lanes // VL):
            width = panel_width(lanes, vector // NR)
            source = du + vector // NR * NR * VL * length + strip * STRIP * width + vector % NR * VL
            for c in range(count):
                if f.taps == 4:
                    transform_filter_gradient_2(source + c * width, step, taps + c * 4 * VL)
                elif f.taps == 9:
                    transform_filter_gradient_3(source + c * width, step, taps + c * 9 * VL)
                else:
                    transform_filter_gradient_5(source + c * width, step, taps + c * 25 * VL)
            scatter_taps(f, tile * f.width + vector * VL, chunk * f.chunk + strip * STRIP, count, taps)


cdef void scatter_taps(Filters *f, Py_ssize_t k0, Py_ssize_t c0, Py_ssize_t count, const real *taps) noexcept nogil:
    """dw[k0 + lane, c0 + c, tap] = taps[c][tap][lane]; 4 x 4 at a time where taps lie side by side."""
    cdef Py_ssize_t lane, lanes = min(<Py_ssize_t>VL, f.K - k0), c, t = 0, run = run_of(f, count)
    cdef real *w = f.w + start_of(f, k0, c0)
    if f.offsets[0] > f.offsets[1]:
        run = 0
    for lane in range(0, lanes, 4):
        if run and lane + 4 <= lanes:
            for c in range(count * f.taps // run):
                t = 0
                while t + 4 <= run:
                    transpose_4(taps + (c * f.taps + t) * VL + lane, VL, w + lane * f.so + c * f.si + t, f.so)
                    t += 4
                while t < run:
                    scatter_tap(taps + (c * f.taps + t) * VL + lane, f.so, 4, w + lane * f.so + c * f.si + t)
                    t += 1
        else:
            for c in range(count):
                for t in range(f.taps):
                    scatter_tap(taps + (c * f.taps + t) * VL + lane, f.so, min(<Py_ssize_t>4, lanes - lane),
                                w + f.offsets[t] + lane * f.so + c * f.si)


cdef inline void scatter_tap(const real *taps, Py_ssize_t so, Py_ssize_t lanes, real *w) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(lanes):
        w[lane * so] = taps[lane]


cdef int run_sums(Sums *g) noexcept nogil:
    """All blocks of patches in order, or in parts where du is small; 1 if memory ran out."""
    cdef Py_ssize_t blocks = (g.p.count + g.block - 1) // g.block, parts = min(<Py_ssize_t>PARTS, blocks)
    if parts >= 4 and parts * size_of(&g.f) <= PARTIAL:
        return run_parts(g, blocks, parts)
    return sum_in_turn(g)


cdef int run_parts(Sums *g, Py_ssize_t blocks, Py_ssize_t parts) noexcept nogil:
    """Each part of the blocks on one thread into a du of its own: nothing passes between processors but the sums."""
    cdef double work = <double>g.p.count * COUNT * (0.012 * g.f.C * g.f.K + 0.1 * (g.f.C + g.f.K))
    cdef int threads = threads_for(work + <double>g.f.C * g.f.K * 4), failed = 0
    cdef Py_ssize_t size = odd(size_of(&g.f)), part
    cdef void *memory = allocate(parts * size)
    g.du = <real *>memory
    if memory == NULL:
        return 1
    for part in prange(parts, num_threads=threads, schedule="dynamic"):
        failed |= run_part(g, blocks * part // parts * g.block, min(g.p.count, blocks * (part + 1) // parts * g.block),
                           g.du + part * size)
    if not failed:
        add_parts(g, parts, size, threads)
        failed = all_back(g, threads)
    free(memory)
    return failed


cdef int run_part(Sums *g, Py_ssize_t begin, Py_ssize_t end, real *du) noexcept nogil:
    """du = the sum over the patches from begin to end."""
    cdef Sums part = g[0]
    cdef void *v = allocate(COUNT * odd(g.block * g.p.stride))
    cdef void *z = allocate(COUNT * odd(g.block * whole(g.p.K)))
    cdef int failed = v == NULL or z == NULL
    part.v, part.z, part.du, part.first, part.begin = <real *>v, <real *>z, du, begin, begin
    while not failed and part.first < end:
        part.patches = min(g.block, end - part.first)
        failed = read_block(&part, 1)
        if not failed:
            sum_block(&part, 1)
        part.first += part.patches
    free(v)
    free(z)
    return failed


cdef void add_parts(Sums *g, Py_ssize_t parts, Py_ssize_t size, int threads) noexcept nogil:
    """du[0] = du[0] + du[1] + ..., in order."""
    cdef Py_ssize_t job, pieces = (size_of(&g.f) + 8191) // 8192
    for job in prange(pieces, num_threads=threads, schedule="static"):
        add_piece(g.du, parts, size, job * 8192, min(size_of(&g.f), job * 8192 + 8192))


cdef void add_piece(real *du, Py_ssize_t parts, Py_ssize_t size, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t part, i
    for part in range(1, parts):
        for i in range(begin, end):
            du[i] = du[i] + du[part * size + i]


cdef int sum_in_turn(Sums *g) noexcept nogil:
    """All blocks of patches in order, the work of each shared by all threads; 1 if memory ran out."""
    cdef double work = <double>g.p.count * COUNT * (0.012 * g.f.C * g.f.K + 0.1 * (g.f.C + g.f.K))
    cdef int threads = threads_for(work + <double>g.f.C * g.f.K * 4), failed = 0
    cdef bint single = g.p.count <= g.block and g.f.tiles * g.f.chunks >= 8
    cdef void *v = allocate(COUNT * odd(g.block * g.p.stride))
    cdef void *z = allocate(COUNT * odd(g.block * whole(g.p.K)))
    cdef void *du = NULL if single else allocate(size_of(&g.f))
    if v == NULL or z == NULL or (du == NULL and not single):
        failed = 1
    g.v, g.z, g.du, g.first, g.begin = <real *>v, <real *>z, <real *>du, 0, 0
    while not failed and g.first < g.p.count:
        g.patches = min(g.block, g.p.count - g.first)
        failed = read_block(g, threads)
        if not failed and not single:
            sum_block(g, threads)
            g.first += g.patches
        elif not failed:
            failed = sum_single(g, threads)
            break
    if not failed and not single:
        failed = all_back(g, threads)
    free(v)
    free(z)
    free(du)
    return failed


cdef void sum_block(Sums *g, int threads) noexcept nogil:
    """Jobs are frequencies of a tile and chunk."""
    cdef Py_ssize_t job
    cdef int nothing = 0
    for job in prange(g.f.tiles * g.f.chunks * COUNT, num_threads=threads, schedule="dynamic"):
        nothing |= sum_frequency(g, job // COUNT // g.f.chunks, job // COUNT % g.f.chunks, job % COUNT,
                                 g.du + place_of(&g.f, job // COUNT // g.f.chunks, job // COUNT % g.f.chunks))


cdef int sum_single(Sums *g, int threads) noexcept nogil:
    """Jobs are a tile and chunk with all frequencies."""
    cdef Py_ssize_t job
    cdef int failed = 0
    cdef void *memory
    with parallel(num_threads=threads):
        memory = allocate(COUNT * odd(g.f.chunk * g.f.width) + STRIP * g.f.taps * VL)
        for job in prange(g.f.tiles * g.f.chunks, schedule="dynamic"):
            failed |= sum_chunk(g, job // g.f.chunks, job % g.f.chunks, memory)
        free(memory)
    return failed


cdef int all_back(Sums *g, int threads) noexcept nogil:
    cdef Py_ssize_t job
    cdef int failed = 0
    cdef void *memory
    with parallel(num_threads=threads):
        memory = allocate(STRIP * g.f.taps * VL)
        for job in prange(g.f.tiles * g.f.chunks, schedule="dynamic"):
            failed |= chunk_back(g, job // g.f.chunks, job % g.f.chunks, memory)
        free(memory)
    return failed


def backward_weight(const real[:, :, :, :] dy, const real[:, :, :, :] x, real[:, :, :, :] dw,
                    Py_ssize_t top, Py_ssize_t left, Py_ssize_t s=1):
    """dw = the weight gradient of forward; dy and x channels-last, dw of any strides."""
    cdef Sums g
    cdef int failed
    if dy.shape[0] == 0:
        dw[...] = 0
        return
    with nogil:
        set_input(&g.p, x, s, top, left)
        set_output(&g.p, dy, 1, 0, 0)
        set_patches(&g.p, dy.shape[0], dw.shape[2] // s)
        point_filters(&g.f, dw, s, False)
        g.block = g.p.count
        if g.block * (g.p.stride + whole(g.p.K)) > 2 * GRADIENT or g.block > 2 * GRADIENTS:
            g.block = max(<Py_ssize_t>48, min(<Py_ssize_t>GRADIENTS, GRADIENT // (g.p.stride + whole(g.p.K))))
        failed = run_sums(&g)
    if failed:
        raise MemoryError()
