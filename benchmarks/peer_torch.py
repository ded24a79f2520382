"""PyTorch on plain memory, on channels-last memory, and with the weight in oneDNN's own order."""

from functools import partial

import torch
from shapes import FORWARD, INPLACE, INPUT, WEIGHT

aten = torch.ops.aten
F = torch.nn.functional


class Torch:
    name, package, packs = "torch-nchw", "torch", False
    memory_format = torch.contiguous_format

    def prepare(self, case, threads):
        torch.set_num_threads(threads)
        call = FAMILIES[case.shape.family](case, case.shape, case.direction, self.tensor)
        return call and partial(without_gradient, call)

    def tensor(self, x):
        t = torch.tensor(x)
        return t.contiguous(memory_format=self.memory_format) if t.ndim == 4 else t


class TorchChannelsLast(Torch):
    name = "torch-channels-last"
    memory_format = torch.channels_last

    def prepare(self, case, threads):
        return super().prepare(case, threads) if len(case.shape.x) == 4 else None


class TorchPrepacked(TorchChannelsLast):
    """oneDNN's convolution with a weight reordered beforehand; forward, float32."""

    name, packs = "torch-prepacked", True

    def prepare(self, case, threads):
        if case.shape.op != "conv2d" or case.direction != FORWARD or case.dtype != "float32":
            return None
        torch.set_num_threads(threads)
        s, p, groups = (case.shape.options[name] for name in ("stride", "padding", "groups"))
        x, w, b = self.tensor(case.x), torch.tensor(case.weight), torch.tensor(case.bias)
        prepacked = torch.ops.mkldnn_prepacked
        packed = prepacked.conv2d_prepack(w, b, [s, s], [p, p], [1, 1], groups, list(x.shape), "none")
        return partial(without_gradient, partial(prepacked.conv2d_run, x, packed))


def without_gradient(call):
    with torch.inference_mode():
        return call()


def conv(case, shape, direction, tensor):
    s, p, groups = (shape.options[name] for name in ("stride", "padding", "groups"))
    transposed = shape.op == "conv_transpose2d"
    w = tensor(case.weight)
    if direction == FORWARD:
        x, b = tensor(case.x), torch.tensor(case.bias)
        if transposed:
            return lambda: F.conv_transpose2d(x, w, b, s, p)
        return lambda: F.conv2d(x, w, b, s, p, 1, groups)
    x, dy = tensor(case.x), tensor(case.dy)
    wanted = [direction == INPUT, direction == WEIGHT, False]
    rest = (None, (s, s), (p, p), (1, 1), transposed, (0, 0), groups, wanted)
    return lambda: aten.convolution_backward(dy, x, w, *rest)[0 if direction == INPUT else 1]


def dense(case, shape, direction, tensor):
    x, w, b, dy = (tensor(a) for a in (case.x, case.weight, case.bias, case.dy))
    if direction == FORWARD:
        return lambda: F.linear(x, w, b)
    return (lambda: dy @ w) if direction == INPUT else (lambda: dy.T @ x)


def pool(case, shape, direction, tensor):
    k, s, p = (shape.options[name] for name in ("kernel_size", "stride", "padding"))
    x, dy = tensor(case.x), tensor(case.dy)
    if shape.op == "lp_pool2d":
        if direction == FORWARD:
            return lambda: F.lp_pool2d(x, 2.0, k, s)
        return partial(value_and_gradient, lambda leaf: F.lp_pool2d(leaf, 2.0, k, s), x, dy)
    forward = F.max_pool2d if shape.op == "max_pool2d" else F.avg_pool2d
    if direction == FORWARD:
        return lambda: forward(x, k, s, p)
    if shape.op == "max_pool2d":
        indices = F.max_pool2d(x, k, s, p, return_indices=True)[1]
        back = aten.max_pool2d_with_indices_backward
        return lambda: back(dy, x, [k, k], [s, s], [p, p], [1, 1], False, indices)
    return lambda: aten.avg_pool2d_backward(dy, x, [k, k], [s, s], [p, p], False, True, None)


def activation(case, shape, direction, tensor):
    x, op = tensor(case.x), shape.op
    if op == "softmax":
        return lambda: torch.softmax(x, -1)
    if direction == INPLACE:
        return partial(getattr(torch, f"{op}_"), x)
    if direction == FORWARD:
        return partial(getattr(torch, op), x)
    y, dy = getattr(torch, op)(x), tensor(case.dy)
    if op == "relu":
        return lambda: aten.threshold_backward(dy, y, 0)
    return partial(getattr(aten, f"{op}_backward"), dy, y)


def norm(case, shape, direction, tensor):
    x, w, b = tensor(case.x), torch.tensor(case.weight), torch.tensor(case.bias)
    running = torch.zeros_like(w), torch.ones_like(w)
    if direction == FORWARD:
        return lambda: F.batch_norm(x, *running, w, b, True)
    saved, dy = aten.native_batch_norm(x, w, b, *running, True, 0.1, 1e-5)[1:], tensor(case.dy)
    return lambda: aten.native_batch_norm_backward(dy, x, w, *running, *saved, True, 1e-5, [True] * 3)


def loss(case, shape, direction, tensor):
    x = tensor(case.x)
    if shape.op == "mse_loss":
        return partial(value_and_gradient, partial(F.mse_loss, target=tensor(case.dy)), x, None)
    return partial(value_and_gradient, partial(F.cross_entropy, target=torch.tensor(case.classes)), x, None)


def value_and_gradient(function, x, dy):
    with torch.inference_mode(False), torch.enable_grad():
        leaf = x.detach().requires_grad_()
        y = function(leaf)
        return y.detach(), torch.autograd.grad(y, leaf, dy)[0]


def optim(case, shape, direction, tensor):
    w = torch.nn.Parameter(tensor(case.x))
    w.grad = tensor(case.dy)
    settings = {"SGD": {"momentum": 0.9, "fused": True}, "RMSprop": {"foreach": True}}.get(shape.op, {"fused": True})
    step = getattr(torch.optim, shape.op)([w], lr=0.01, **settings).step
    return lambda: (step(), w.data)[1]


FAMILIES = {
    "conv": conv,
    "dense": dense,
    "pool": pool,
    "activation": activation,
    "norm": norm,
    "loss": loss,
    "optim": optim,
}
