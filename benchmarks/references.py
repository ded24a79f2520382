"""What the results must be: float64, by NumPy alone, one kernel position or one window position at a time."""

import numpy as np
from shapes import BOTH, FORWARD, INPUT


def reference(case):
    """A list of float64 arrays: the result, or value and gradient."""
    return FAMILIES[case.shape.family](case, case.shape, case.direction)


def wide(x):
    return x.astype("float64")


def positions(k, s, extents):
    """(r, c, the input pixels that kernel position (r, c) meets) for every position of a k x k kernel."""
    for r in range(k):
        for c in range(k):
            yield r, c, np.s_[..., r : r + s * extents[0] : s, c : c + s * extents[1] : s]


def padded(x, p, value=0.0):
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=value)


def inside(x, p):
    return x[:, :, p : x.shape[2] - p, p : x.shape[3] - p]


def split(x, groups):
    """(N, C, H, W) as (N, groups, C / groups, H, W)."""
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:])


def flat(x):
    return x.reshape(*x.shape[:3], -1)


def conv_forward(x, w, s, p, groups, y_shape):
    xg, wg = split(padded(x, p), groups), w.reshape(groups, -1, *w.shape[1:])
    y = np.zeros((y_shape[0], groups, wg.shape[1], y_shape[2] * y_shape[3]))
    for r, c, at in positions(w.shape[2], s, y_shape[2:]):
        y += wg[..., r, c] @ flat(xg[at])
    return y.reshape(y_shape)


def conv_input(dy, w, s, p, groups, x_shape):
    N, C, H, W = x_shape
    dyg, wg = flat(split(dy, groups)), w.reshape(groups, -1, *w.shape[1:])
    dx = np.zeros((N, groups, C // groups, H + 2 * p, W + 2 * p))
    for r, c, at in positions(w.shape[2], s, dy.shape[2:]):
        dx[at] += (wg[..., r, c].swapaxes(1, 2) @ dyg).reshape(dx[at].shape)
    return inside(dx.reshape(N, C, H + 2 * p, W + 2 * p), p)


def conv_weight(dy, x, s, p, groups, w_shape):
    dyg, xg = flat(split(dy, groups)), split(padded(x, p), groups)
    dw = np.zeros((groups, w_shape[0] // groups, *w_shape[1:]))
    for r, c, at in positions(w_shape[2], s, dy.shape[2:]):
        dw[..., r, c] = (dyg @ flat(xg[at]).swapaxes(2, 3)).sum(axis=0)
    return dw.reshape(w_shape)


def conv(case, shape, direction):
    arguments = [shape.options[name] for name in ("stride", "padding", "groups")]
    w = wide(case.weight)
    if shape.op == "conv_transpose2d":  # the adjoint: its forward is conv2d's input gradient, and the other way round
        if direction == FORWARD:
            return [conv_input(wide(case.x), w, *arguments, shape.y) + wide(case.bias)[:, None, None]]
        if direction == INPUT:
            return [conv_forward(wide(case.dy), w, *arguments, shape.x)]
        return [conv_weight(wide(case.x), wide(case.dy), *arguments, shape.weight)]
    if direction == FORWARD:
        return [conv_forward(wide(case.x), w, *arguments, shape.y) + wide(case.bias)[:, None, None]]
    if direction == INPUT:
        return [conv_input(wide(case.dy), w, *arguments, shape.x)]
    return [conv_weight(wide(case.dy), wide(case.x), *arguments, shape.weight)]


def dense(case, shape, direction):
    if direction == FORWARD:
        return [wide(case.x) @ wide(case.weight).T + wide(case.bias)]
    if direction == INPUT:
        return [wide(case.dy) @ wide(case.weight)]
    return [wide(case.dy).T @ wide(case.x)]


def pool(case, shape, direction):
    k, s, p = (shape.options[name] for name in ("kernel_size", "stride", "padding"))
    x = padded(wide(case.x), p, -np.inf if shape.op == "max_pool2d" else 0.0)
    windows = [(at, x[at]) for _, _, at in positions(k, s, shape.y[2:])]
    if shape.op == "max_pool2d":
        y = np.maximum.reduce([pixels for _, pixels in windows])
    elif shape.op == "avg_pool2d":
        y = sum(pixels for _, pixels in windows) / k**2
    else:
        y = np.sqrt(sum(pixels**2 for _, pixels in windows))
    if direction == FORWARD:
        return [y]
    dy, dx = wide(case.dy), np.zeros(x.shape)
    for at, pixels in windows:  # random numbers: no two of a window are equal
        share = {"max_pool2d": lambda v: v == y, "avg_pool2d": lambda v: 1 / k**2, "lp_pool2d": lambda v: v / y}
        dx[at] += dy * share[shape.op](pixels)
    return [y, inside(dx, p)] if direction == BOTH else [inside(dx, p)]


def activation(case, shape, direction):
    x, dy = wide(case.x), wide(case.dy)
    if shape.op == "softmax":
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return [e / e.sum(axis=-1, keepdims=True)]
    if shape.op == "sigmoid":
        y = 1 / (1 + np.exp(-x))
        slope = y * (1 - y)
    elif shape.op == "tanh":
        y = np.tanh(x)
        slope = 1 - y**2
    else:
        y, slope = np.maximum(x, 0), x > 0
    return [dy * slope if direction == INPUT else y]


def norm(case, shape, direction):
    """y, or dx, dweight and dbias; sums over the batch and the pixels of each channel."""
    x, dy, axes = wide(case.x), wide(case.dy), (0, 2, 3)
    w, b = (wide(v)[:, None, None] for v in (case.weight, case.bias))
    deviation = np.sqrt(x.var(axes, keepdims=True) + 1e-5)
    z = (x - x.mean(axes, keepdims=True)) / deviation
    if direction == FORWARD:
        return [z * w + b]
    shared = dy.mean(axes, keepdims=True) + z * (dy * z).mean(axes, keepdims=True)
    return [w / deviation * (dy - shared), (dy * z).sum(axes), dy.sum(axes)]


def loss(case, shape, direction):
    x = wide(case.x)
    if shape.op == "mse_loss":
        difference = x - wide(case.dy)
        return [np.mean(difference**2), 2 * difference / x.size]
    rows = np.arange(len(x))
    shifted = x - x.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(logs)
    gradient[rows, case.classes] -= 1
    return [-np.mean(logs[rows, case.classes]), gradient / len(x)]


def optim(case, shape, direction):
    """The first step: of SGD v = dw, of the others m = (1 - beta1) dw and v = (1 - beta2) dw^2."""
    w, dw, lr, eps = wide(case.x), wide(case.dy), 0.01, 1e-8
    if shape.op == "SGD":
        return [w - lr * dw]
    if shape.op == "RMSprop":
        return [w - lr * dw / (np.sqrt(0.01 * dw**2) + eps)]
    return [w * (1 - lr * 0.01 if shape.op == "AdamW" else 1) - lr * dw / (np.abs(dw) + eps)]


FAMILIES = {
    "conv": conv,
    "dense": dense,
    "pool": pool,
    "activation": activation,
    "norm": norm,
    "loss": loss,
    "optim": optim,
}
