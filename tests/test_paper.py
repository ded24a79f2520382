"""Zhifei Zhang, "Derivation of Backpropagation in Convolutional Neural Network" (2016), equation by equation.

A small case of the paper's network, in the paper's own letters and in plain loops: I is 14 x 14, kernels 3 x 3
(u, v = -R..R with R = 1), P = 2 and Q = 3 maps, f of 12 values, 4 outputs. Each printed equation is computed as it
stands wherever it can be, the steps before and after it must agree, every gradient is that of L by central
differences, and the library gives the same to 1e-12.

Where the printed indices cannot be taken literally:

  5, 8, 35, 36,   Only the part of the convolution inside the image is kept, but i, j count that part from 1. So
  43, 55, 56, 62  I(i-u, j-v) must be I(i+R-u, j+R-v): as printed it would read rows from 1-R and never the last R.
  6, 9, 32, 52    C(2i-u, 2j-v) and ceil(i/2) are right as printed, but only because i, j start at 1.
  16, 22, 27      j is both the index of the derivative and the one summed over.
  25              The right side is one component, dL/df(j).
  27              Lacks the sum over i = 1..10, which is there again in eq. 28.
  35, 43, 55, 62  p, u and v are both fixed and summed over inside the derivative; in 48 all three again.
  38              "Therefore" defines C_{q,sigma}, the value before the sigmoid; it does not follow from eq. 37.
  39, 58          S_rot180(u-i, v-j) = S(i-u, j-v) has indices below 1: rotation about the index 0. In an array of n
                  rows rot180 puts row m at n+1-m, so the index is shifted by n+1 (and by R, as in eq. 5).
  40, 59          Hence "*" is the convolution kept where the two overlap whole ("valid"): n - (n-2R) + 1 = 2R+1 rows.
  48              S(i, j) inside the derivative stands for S(i+u-u', j+v-v') with new u', v'; only u' = u, v' = v count.
  47, 49, 50      i+u must be i-R+u, for the shift of eq. 8, and errors outside 1..n count as 0; so
  51              "*" is here the full convolution, which gives an error map larger than its operand by 2R.
"""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import reference

import fastconv
from fastconv import Network, layers, losses, optim, sequential

R, P, Q, OUT = 1, 2, 3, 4
IMAGE, C1, S1, C2, S2 = 14, 12, 6, 4, 2  # 28, 24, 12, 8, 4 in the paper
POOL, F = 2, 12
TAPS = list(product(range(-R, R + 1), repeat=2))


class Map:
    """A matrix whose rows and columns are counted from `first`, as on paper; what lies outside is an error."""

    def __init__(self, array, first=1):
        self.array, self.first = np.array(array, np.float64), first

    @classmethod
    def of(cls, n, value, first=1):
        """The n x n map with value(i, j)."""
        return cls([[value(i, j) for j in range(first, first + n)] for i in range(first, first + n)], first)

    def __call__(self, i, j):
        i, j = i - self.first, j - self.first
        if min(i, j) < 0 or i >= len(self.array) or j >= len(self.array[0]):
            raise IndexError(i, j)
        return self.array[i, j]

    def or_zero(self, i, j):
        n = len(self.array)
        return self(i, j) if 1 <= i <= n and 1 <= j <= n else 0.0


def kernel(array):
    """k(u, v) for u, v = -R..R."""
    return Map(array, -R)


def kernel_of(value):
    return Map.of(2 * R + 1, value, -R)


def sigma(x):
    return 1 / (1 + np.exp(-x))


def ceil_half(i):
    return (i + 1) // 2


def each(n):
    return list(product(range(1, n + 1), repeat=2))


def column_scan(maps):
    """F of eq. 10: each map by columns, one after the other."""
    return np.concatenate([m.array.T.ravel() for m in maps])


def inverse_scan(f):
    """F^-1 of eq. 11."""
    return [Map(part.reshape(S2, S2).T) for part in np.split(f, Q)]


def forward(net):
    """Eqs. 4 to 13 with the indices that can be meant."""
    I, k1, b1, k2, b2, W, b, y = net.I, net.k1, net.b1, net.k2, net.b2, net.W, net.b, net.y
    r = SimpleNamespace()
    r.C1 = [  # eq. 5
        Map.of(C1, lambda i, j, p=p: sigma(sum(I(i + R - u, j + R - v) * k1[p](u, v) for u, v in TAPS) + b1[p]))
        for p in range(P)
    ]
    r.S1 = [Map.of(S1, lambda i, j, C=C: mean(C, i, j)) for C in r.C1]  # eq. 6
    r.C2sigma = [  # eq. 38
        Map.of(C2, lambda i, j, q=q: b2[q] + sum(
            r.S1[p](i + R - u, j + R - v) * k2[p][q](u, v) for p in range(P) for u, v in TAPS
        ))
        for q in range(Q)
    ]  # fmt: skip
    r.C2 = [Map(sigma(m.array)) for m in r.C2sigma]  # eq. 8
    r.S2 = [Map.of(S2, lambda i, j, C=C: mean(C, i, j)) for C in r.C2]  # eq. 9
    r.f = column_scan(r.S2)  # eq. 10
    r.yhat = sigma(W @ r.f + b)  # eq. 12
    r.L = 0.5 * sum((r.yhat[i] - y[i]) ** 2 for i in range(OUT))  # eq. 13
    return r


def mean(C, i, j):
    """Eqs. 6 and 9, exactly as printed."""
    return 1 / 4 * sum(C(2 * i - u, 2 * j - v) for u in range(2) for v in range(2))


def backward(net, r):
    """Eqs. 17 to 64, the last line of each derivation in sums."""
    d = SimpleNamespace()
    d.yhat = (r.yhat - net.y) * r.yhat * (1 - r.yhat)  # before eq. 18
    d.W = np.array([[d.yhat[i] * r.f[j] for j in range(F)] for i in range(OUT)])  # eq. 18
    d.b = d.yhat  # eq. 24
    d.f = np.array([sum(d.yhat[i] * net.W[i, j] for i in range(OUT)) for j in range(F)])  # eq. 29
    d.S2 = inverse_scan(d.f)  # eq. 31
    d.C2 = [upsampled(S, C2) for S in d.S2]  # eq. 32
    d.C2sigma = [before_sigmoid(d.C2[q], r.C2[q], C2) for q in range(Q)]  # eq. 37
    d.k2 = [[kernel_gradient(r.S1[p], d.C2sigma[q], C2) for q in range(Q)] for p in range(P)]  # eq. 36
    d.b2 = [sum(D(i, j) for i, j in each(C2)) for D in d.C2sigma]  # eq. 45
    d.S1 = [  # eq. 49
        Map.of(S1, lambda i, j, p=p: sum(d.C2sigma[q].or_zero(i - R + u, j - R + v) * net.k2[p][q](u, v)
                                         for q in range(Q) for u, v in TAPS))
        for p in range(P)
    ]  # fmt: skip
    d.C1 = [upsampled(S, C1) for S in d.S1]  # eq. 52
    d.C1sigma = [before_sigmoid(d.C1[p], r.C1[p], C1) for p in range(P)]  # eq. 57
    d.k1 = [kernel_gradient(net.I, d.C1sigma[p], C1) for p in range(P)]  # eq. 56
    d.b1 = [sum(D(i, j) for i, j in each(C1)) for D in d.C1sigma]  # eq. 64
    return d


def upsampled(S, n):
    """Eqs. 32 and 52, exactly as printed."""
    return Map.of(n, lambda i, j: 1 / 4 * S(ceil_half(i), ceil_half(j)))


def before_sigmoid(D, C, n):
    """Eqs. 37 and 57, exactly as printed."""
    return Map.of(n, lambda i, j: D(i, j) * C(i, j) * (1 - C(i, j)))


def kernel_gradient(S, D, n):
    """Eqs. 36 and 56, with the shift of eq. 5."""
    return kernel_of(lambda u, v: sum(D(i, j) * S(i + R - u, j + R - v) for i, j in each(n)))


def make_net():
    rng = np.random.default_rng(2016)
    return SimpleNamespace(
        I=Map(rng.uniform(size=(IMAGE, IMAGE))),
        k1=[kernel(rng.normal(size=(3, 3))) for _ in range(P)],
        b1=rng.normal(size=P),
        k2=[[kernel(rng.normal(size=(3, 3))) for _ in range(Q)] for _ in range(P)],
        b2=rng.normal(size=Q),
        W=rng.normal(size=(OUT, F)),
        b=rng.normal(size=OUT),
        y=np.eye(OUT)[2],
    )


NET = make_net()
VALUES = forward(NET)
ERRORS = backward(NET, VALUES)


def stack(maps):
    """Maps as the library's images (1, maps, n, n)."""
    return np.array([[m.array for m in maps]])


def kernels_of(k):
    """k[p][q] as (q, p, 3, 3), the library's order."""
    return np.array([[k[p][q].array for p in range(len(k))] for q in range(len(k[0]))])


IMAGES, K1, K2 = stack([NET.I]), kernels_of([NET.k1]), kernels_of(NET.k2)


def same(result, expected):
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-12)


def slope_of_loss(array, index):
    """dL / d array[index] by central differences."""
    step, before = 1e-5, array[index]
    array[index] = before + step
    above = forward(NET).L
    array[index] = before - step
    below = forward(NET).L
    array[index] = before
    return (above - below) / (2 * step)


def assert_is_slope(gradient, array):
    """The gradient of L: eqs. 14, 20, 33, 41, 53 and 60, at a few elements."""
    indices = list(np.ndindex(*array.shape))
    for index in indices[:: max(1, len(indices) // 4)]:
        assert abs(slope_of_loss(array, index) - np.asarray(gradient)[index]) < 1e-8


# 1 Forward


def test_eqs_4_and_5_the_first_convolution():
    """The library's true convolution, kept where it needs no padding."""
    before = fastconv.convolve2d(IMAGES, K1, "valid") + NET.b1[:, None, None]
    same(fastconv.sigmoid(before), stack(VALUES.C1))
    assert before.shape == (1, P, C1, C1)


def test_eq_5_as_printed_leaves_the_image():
    """I(i-u, j-v) at i = 1, u = 1 is row 0; and the last R rows would never be read."""
    with pytest.raises(IndexError):
        [NET.I(i - u, j - v) for i, j in each(C1) for u, v in TAPS]
    assert {i - u for i, _ in each(C1) for u, _ in TAPS} == set(range(1 - R, IMAGE - R + 1))
    assert {i + R - u for i, _ in each(C1) for u, _ in TAPS} == set(range(1, IMAGE + 1))


def test_eqs_6_and_9_mean_pooling():
    same(fastconv.avg_pool2d(stack(VALUES.C1), POOL), stack(VALUES.S1))
    same(fastconv.avg_pool2d(stack(VALUES.C2), POOL), stack(VALUES.S2))


def test_eq_6_needs_indices_from_one():
    """From 0, C(2i-u) would read row -1 first; it would have to be C(2i+u)."""
    rows = lambda first, n: {2 * i - u for i in range(first, first + n) for u in range(2)}  # noqa: E731
    assert rows(1, S1) == set(range(1, C1 + 1))
    assert rows(0, S1) == set(range(-1, C1 - 1))


def test_eqs_7_8_and_38_the_second_convolution():
    before = fastconv.convolve2d(stack(VALUES.S1), K2, "valid") + NET.b2[:, None, None]
    same(before, stack(VALUES.C2sigma))
    same(fastconv.sigmoid(before), stack(VALUES.C2))


def test_eqs_10_and_11_column_scan_and_back():
    first = VALUES.S2[0]
    same(VALUES.f[:4], [first(1, 1), first(2, 1), first(1, 2), first(2, 2)])
    for S, again in zip(VALUES.S2, inverse_scan(VALUES.f), strict=True):
        same(again.array, S.array)
    same(fastconv.avg_pool2d(stack(VALUES.C2), POOL).swapaxes(2, 3).reshape(1, F), VALUES.f[None])


def test_eqs_12_and_13_output_and_loss():
    yhat = fastconv.sigmoid(fastconv.linear(VALUES.f[None], NET.W, NET.b))
    same(yhat, VALUES.yhat[None])
    same(fastconv.mse_loss(yhat, NET.y[None], "half_sum"), VALUES.L)


# 2 Backward


def test_eqs_14_to_19_gradient_of_the_dense_weight():
    for i, j in ((0, 0), (2, 5), (3, 11)):  # eq. 17; the j summed over in eq. 16 is another j
        yhat = VALUES.yhat[i]
        same(ERRORS.W[i, j], (yhat - NET.y[i]) * yhat * (1 - yhat) * VALUES.f[j])
    same(ERRORS.W, np.outer(ERRORS.yhat, VALUES.f))  # eq. 19
    assert_is_slope(ERRORS.W, NET.W)
    slope = fastconv.mse_loss_backward(VALUES.yhat[None], NET.y[None], "half_sum")
    same(slope, (VALUES.yhat - NET.y)[None])  # the first factor of eq. 15
    dyhat = fastconv.sigmoid_backward(slope, y=VALUES.yhat[None])
    same(dyhat, ERRORS.yhat[None])
    same(fastconv.linear_backward_weight(dyhat, VALUES.f[None]), ERRORS.W)


def test_eqs_20_to_24_gradient_of_the_dense_bias():
    assert_is_slope(ERRORS.b, NET.b)
    same(fastconv.linear_backward_bias(ERRORS.yhat[None]), ERRORS.b)


def test_eqs_25_to_30_error_of_f():
    chain = [
        sum((VALUES.yhat[i] - NET.y[i]) * VALUES.yhat[i] * (1 - VALUES.yhat[i]) * NET.W[i, j] for i in range(OUT))
        for j in range(F)
    ]
    same(ERRORS.f, chain)  # eq. 28
    same(ERRORS.f, NET.W.T @ ERRORS.yhat)  # eq. 30
    same(fastconv.linear_backward_input(ERRORS.yhat[None], NET.W), ERRORS.f[None])


def test_eq_27_lacks_the_sum():
    """As printed it is one term of eq. 28, for an i that nothing fixes; no single i gives the slope of L."""
    terms = ERRORS.yhat[:, None] * NET.W
    same(terms.sum(0), ERRORS.f)
    assert np.all(np.abs(terms - ERRORS.f).max(1) > 1e-3)


def test_eqs_31_and_32_error_before_pooling():
    same(column_scan(ERRORS.S2), ERRORS.f)
    same(fastconv.avg_pool2d_backward(stack(ERRORS.S2), (1, Q, C2, C2), POOL), stack(ERRORS.C2))


def test_eqs_33_to_37_gradient_of_the_second_kernels():
    for p, q in product(range(P), range(Q)):
        terms = [
            (u, v, sum(
                ERRORS.C2[q](i, j) * VALUES.C2[q](i, j) * (1 - VALUES.C2[q](i, j)) * VALUES.S1[p](i + R - u, j + R - v)
                for i, j in each(C2)
            ))
            for u, v in TAPS
        ]  # fmt: skip
        same([ERRORS.k2[p][q](u, v) for u, v, _ in terms], [value for _, _, value in terms])  # eq. 36
        assert_is_slope(ERRORS.k2[p][q].array, NET.k2[p][q].array)
    before = fastconv.sigmoid_backward(stack(ERRORS.C2), y=stack(VALUES.C2))
    same(before, stack(ERRORS.C2sigma))  # eq. 37
    dk = fastconv.convolve2d_backward_weight(before, stack(VALUES.S1), K2.shape, "valid")
    same(dk, kernels_of(ERRORS.k2))


@pytest.mark.parametrize("layer", [1, 2])
def test_eqs_39_40_58_59_kernel_gradient_is_a_convolution_with_the_rotated_input(layer):
    """Index by index about 0 (eqs. 39, 58), and as a convolution of arrays, kept where it is whole (eqs. 40, 59)."""
    if layer == 1:
        pairs = [(NET.I, ERRORS.C1sigma[p], ERRORS.k1[p]) for p in range(P)]
    else:
        pairs = [(VALUES.S1[p], ERRORS.C2sigma[q], ERRORS.k2[p][q]) for p, q in product(range(P), range(Q))]
    for S, D, dk in pairs:
        n, m = len(S.array), len(D.array)
        about_zero = lambda a, b, S=S: S(-a, -b)  # S_rot180(u-i, v-j) = S(i-u, j-v)  # noqa: E731
        rotated = Map(np.rot90(S.array, 2))
        for u, v in TAPS:
            literal = sum(about_zero(u - i - R, v - j - R) * D(i, j) for i, j in each(m))
            shifted = sum(rotated(n + 1 - R + u - i, n + 1 - R + v - j) * D(i, j) for i, j in each(m))
            same([literal, shifted], dk(u, v))
        same(reference.convolve2d(rotated.array, D.array, "valid"), dk.array)
        same(fastconv.convolve2d(fastconv.rot180(S.array), D.array, "valid"), dk.array)
        assert n - m + 1 == 2 * R + 1


def test_eq_39_as_printed_has_no_positive_index():
    """u - i runs from -R-n to R-1: nearly everything lies outside a matrix counted from 1."""
    rotated = Map(np.rot90(VALUES.S1[0].array, 2))
    with pytest.raises(IndexError):
        [rotated(u - i, v - j) for u, v in TAPS for i, j in each(C2)]


def test_eqs_41_to_45_gradient_of_the_second_bias():
    for q in range(Q):
        terms = [ERRORS.C2[q](i, j) * VALUES.C2[q](i, j) * (1 - VALUES.C2[q](i, j)) for i, j in each(C2)]
        same(ERRORS.b2[q], sum(terms))  # eq. 44
    assert_is_slope(ERRORS.b2, NET.b2)
    same(fastconv.conv2d_backward_bias(stack(ERRORS.C2sigma)), ERRORS.b2)


def test_eqs_46_to_49_error_of_the_first_pooling_layer():
    """Each S1(i, j) is read by C2 at (i - R + u, j - R + v) through k(u, v), for every u, v that stays inside."""
    for p in range(P):
        slope = np.zeros((S1, S1))
        for q, (i, j), (u, v) in product(range(Q), each(C2), TAPS):  # eq. 47: the chain rule from the other end
            slope[i + R - u - 1, j + R - v - 1] += ERRORS.C2sigma[q](i, j) * NET.k2[p][q](u, v)
        same(ERRORS.S1[p].array, slope)
    dS1 = fastconv.convolve2d_backward_input(stack(ERRORS.C2sigma), K2, (1, P, S1, S1), "valid")
    same(dS1, stack(ERRORS.S1))


def test_eqs_50_and_51_input_gradient_is_the_full_convolution_with_the_rotated_kernel():
    for p in range(P):
        rotated = [kernel(np.rot90(NET.k2[p][q].array, 2)) for q in range(Q)]
        for q, (u, v) in product(range(Q), TAPS):
            assert rotated[q](-u, -v) == NET.k2[p][q](u, v)  # about 0: right as printed
        eq50 = Map.of(
            S1,
            lambda i, j, k=rotated: sum(
                ERRORS.C2sigma[q].or_zero(i - R - (-u), j - R - (-v)) * k[q](-u, -v) for q in range(Q) for u, v in TAPS
            ),
        )
        same(eq50.array, ERRORS.S1[p].array)
        eq51 = sum(fastconv.convolve2d(ERRORS.C2sigma[q].array, rotated[q].array, "full") for q in range(Q))
        same(eq51, ERRORS.S1[p].array)
    swapped = fastconv.rot180(K2).swapaxes(0, 1)  # from maps q to maps p
    same(fastconv.convolve2d(stack(ERRORS.C2sigma), swapped, "full"), stack(ERRORS.S1))


def test_eq_49_as_printed_is_shifted():
    """Without the shift of eq. 8 the error map would lie R rows and columns too far up and left."""
    q = 0
    printed = Map.of(
        S1, lambda i, j: sum(ERRORS.C2sigma[q].or_zero(i + u, j + v) * NET.k2[0][q](u, v) for u, v in TAPS)
    )
    meant = fastconv.convolve2d(ERRORS.C2sigma[q].array, np.rot90(NET.k2[0][q].array, 2))
    same(printed.array[: S1 - R, : S1 - R], meant[R:, R:])
    assert np.abs(printed.array - meant).max() > 1e-4


def test_eq_52_error_of_the_first_convolution():
    same(fastconv.avg_pool2d_backward(stack(ERRORS.S1), (1, P, C1, C1), POOL), stack(ERRORS.C1))


def test_eqs_53_to_57_gradient_of_the_first_kernels():
    for p in range(P):
        assert_is_slope(ERRORS.k1[p].array, NET.k1[p].array)
    before = fastconv.sigmoid_backward(stack(ERRORS.C1), y=stack(VALUES.C1))
    same(before, stack(ERRORS.C1sigma))  # eq. 57
    same(fastconv.convolve2d_backward_weight(before, IMAGES, K1.shape, "valid"), kernels_of([ERRORS.k1]))


def test_eqs_60_to_64_gradient_of_the_first_bias():
    for p in range(P):
        terms = [ERRORS.C1[p](i, j) * VALUES.C1[p](i, j) * (1 - VALUES.C1[p](i, j)) for i, j in each(C1)]
        same(ERRORS.b1[p], sum(terms))  # eq. 63
    assert_is_slope(ERRORS.b1, NET.b1)
    same(fastconv.conv2d_backward_bias(stack(ERRORS.C1sigma)), ERRORS.b1)


def test_conv2d_is_the_same_with_kernels_rotated_once():
    """The library's cross-correlation: rotate the kernel before, and its gradient after."""
    dy = stack(ERRORS.C2sigma)
    same(fastconv.conv2d(stack(VALUES.S1), fastconv.rot180(K2), NET.b2), stack(VALUES.C2sigma))
    same(fastconv.rot180(fastconv.conv2d_backward_weight(dy, stack(VALUES.S1), K2.shape)), kernels_of(ERRORS.k2))
    same(fastconv.conv2d_backward_input(dy, fastconv.rot180(K2), (1, P, S1, S1)), stack(ERRORS.S1))


# 3 Update


def test_eqs_65_to_70_a_whole_step_of_the_library_is_a_step_of_the_paper():
    """The same network in the library: after one step every parameter is k - alpha dk, to 1e-12."""
    graph = sequential(
        layers.Conv2D(P, 3, rotate=True, name="conv1"),
        layers.Sigmoid(),
        layers.AvgPool2D(2),
        layers.Conv2D(Q, 3, rotate=True, name="conv2"),
        layers.Sigmoid(),
        layers.AvgPool2D(2),
        layers.Flatten(order="column"),
        layers.Linear(OUT, name="fc"),
        layers.Sigmoid(),
    )
    network = Network(graph, (1, IMAGE, IMAGE), dtype="float64")
    start = {
        "conv1.weight": (K1, kernels_of([ERRORS.k1])),  # eq. 65
        "conv1.bias": (NET.b1, ERRORS.b1),  # eq. 66
        "conv2.weight": (K2, kernels_of(ERRORS.k2)),  # eq. 67
        "conv2.bias": (NET.b2, ERRORS.b2),  # eq. 68
        "fc.weight": (NET.W, ERRORS.W),  # eq. 69
        "fc.bias": (NET.b, ERRORS.b),  # eq. 70
    }
    assert set(start) == set(network.parameters)
    for name, (value, _) in start.items():
        network.parameters[name][...] = value
    same(network.predict(IMAGES), VALUES.yhat[None])
    loss, gradients = network.gradients(IMAGES, NET.y[None], losses.MSE("half_sum"))
    same(loss, VALUES.L)
    alpha = 0.7
    optim.SGD(alpha).step(network.parameters, gradients)
    for name, (value, gradient) in start.items():
        same(gradients[name], gradient)
        same(network.parameters[name], value - alpha * np.array(gradient))
