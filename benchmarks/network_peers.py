"""A network with random weights, and the same network in the peers: each a call without arguments."""

import tempfile
from functools import partial
from inspect import signature
from pathlib import Path

import numpy as np

from fastconv import SGD, Network, losses, models, train_step

PIXELS = ("fcn_resnet50", "unet")  # a class for each pixel
SIZES = {
    "inception_v3": (3, 299, 299),
    "unet": (3, 128, 128),
    "zhang2016": (1, 28, 28),
    "nielsen": (1, 28, 28),
    "lenet5": (1, 32, 32),
}
IMAGE = (3, 224, 224)
RATE, MOMENTUM = 1e-4, 0.9


class Case:
    """The model, its batch, and what a right answer is: outputs, or the loss of one training step."""

    def __init__(self, model, n, training, lean=False):
        self.model, self.n, self.training, self.lean = model, n, training, lean
        make = getattr(models, model)
        shape = SIZES.get(model, IMAGE)
        self.network = Network(without_dropout(make()), shape, seed=0, recompute=lean)
        rng = np.random.default_rng(1)
        self.x = rng.standard_normal((n, *shape)).astype("float32")
        self.settle()
        self.classes = self.network.output_shape[0]
        self.squares, self.images = model == "zhang2016", model == "autoencoder"
        self.labels = rng.integers(0, self.classes, (n, *(shape[1:] if model in PIXELS else ())))
        if self.images:
            self.labels = self.x
        self.loss = losses.MSE("mean") if self.images else losses.MSE() if self.squares else losses.CrossEntropy()
        self.tolerance = 1e-3
        self.expected = None

    def settle(self):
        """Running statistics that a trained network would have: the output then depends on the image."""
        if any(name.endswith("running_var") for name in self.network.buffers):
            few = self.x[:2] if self.n > 1 else np.concatenate([self.x, self.x[:, :, ::-1]])
            for _ in range(2):
                targets = np.zeros((2, *self.network.output_shape[1:]), int)
                self.network.gradients(few, targets, losses.CrossEntropy())

    def ours(self):
        if self.training:
            sgd, labels = SGD(RATE, MOMENTUM), self.labels
            call = partial(train_step, self.network, self.x, labels, sgd, self.loss, self.lean)
            self.start = {name: value.copy() for name, value in self.network.parameters.items()}
            self.buffers = {name: value.copy() for name, value in self.network.buffers.items()}
            self.expected = call()
            return call
        frozen = self.network.freeze(self.n)
        call = partial(frozen.predict, self.x)
        self.expected = call()
        return call

    def error(self, result):
        """Largest difference from ours, relative to the largest value."""
        result = np.asarray(result, "float64").reshape(np.shape(self.expected))
        return float(np.abs(result - self.expected).max() / max(np.abs(self.expected).max(), 1e-30))

    def torch(self):
        """The network in PyTorch, with the weights that our first step started from."""
        if self.training:
            for name, value in self.start.items():
                self.network.parameters[name] = value
            for name, value in self.buffers.items():
                self.network.buffers[name] = value
        return as_torch(self.model, self.network.arrays()).train(self.training)


def as_torch(name, arrays):
    """The model in PyTorch, without dropout, with these weights."""
    import torch_models
    from torch_zhang import Zhang

    options = {
        key: 0.0 for key in ("dropout", "stochastic_depth_prob") if key in signature(getattr(models, name)).parameters
    }
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False, "transform_input": False}
    module = Zhang() if name == "zhang2016" else torch_models.build(name, **options)
    module = torch_models.fill(module, arrays) if arrays else module
    return torch_models.Main(module) if name == "fcn_resnet50" else module


def without_dropout(model):
    """Two libraries draw different numbers; a step without dropout can be compared."""
    from fastconv import layers

    def built(x):
        kinds = layers.Dropout, layers.StochasticDepth
        for kind in kinds:
            kind.__call__ = lambda self, x: x
        try:
            return model(x)
        finally:
            for kind in kinds:
                del kind.__call__

    return built


def peers(case, threads, compiled):
    """name -> function that makes the call."""
    found = {}
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.set_num_threads(threads)
        kind = torch_training if case.training else torch_inference
        for layout in ("nchw", "channels-last"):
            found[f"torch-{layout}"] = partial(kind, case, layout)
        if compiled:
            found["torch-compile"] = partial(kind, case, "channels-last", compiled=True)
        if not case.training:
            found["torch-frozen"] = partial(torch_frozen, case)
    if case.training:
        if case.model == "zhang2016":
            found["jax"] = partial(jax_training, case)
    else:
        found["onnxruntime"] = partial(onnxruntime, case, threads)
        found["openvino"] = partial(openvino, case, threads)
    return found


def laid_out(case, layout, model):
    import torch

    memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
    return torch.tensor(case.x).contiguous(memory_format=memory), model.to(memory_format=memory)


def torch_inference(case, layout, compiled=False):
    import torch

    x, model = laid_out(case, layout, case.torch())
    model = torch.compile(model) if compiled else model

    def call():
        with torch.inference_mode():
            return model(x).numpy()

    return call


def torch_frozen(case):
    """Traced, batch norm folded, weights in oneDNN's own order."""
    import torch

    x, model = laid_out(case, "channels-last", case.torch())
    with torch.inference_mode():
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, x)))
        for _ in range(3):
            frozen(x)

    def call():
        with torch.inference_mode():
            return frozen(x).numpy()

    return call


def torch_training(case, layout, compiled=False):
    import torch
    from torch.nn import functional as F

    x, model = laid_out(case, layout, case.torch())
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    labels = torch.tensor(case.labels)
    targets = F.one_hot(labels, case.classes).float() if case.squares else None
    run = torch.compile(model) if compiled else model

    def call():
        optimizer.zero_grad(set_to_none=True)
        y = run(x)
        if case.squares:
            loss = 0.5 * ((y - targets) ** 2).sum() / len(x)
        else:
            loss = F.mse_loss(y, labels) if case.images else F.cross_entropy(y, labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return call


def jax_training(case):
    """Zhang's network as one compiled step."""
    import jax
    import jax.numpy as jnp

    p = {name: jnp.asarray(value) for name, value in case.start.items()}
    x, t = jnp.asarray(case.x), jnp.asarray(np.eye(case.classes, dtype="float32")[case.labels])

    def pool(v):
        n, c, h, w = v.shape
        return v.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))

    def conv(v, name):
        weight = p_now[f"{name}.weight"][:, :, ::-1, ::-1]
        y = jax.lax.conv(v, weight, (1, 1), "VALID") + p_now[f"{name}.bias"][:, None, None]
        return jax.nn.sigmoid(y)

    def loss(p):
        nonlocal p_now
        p_now = p
        v = pool(conv(pool(conv(x, "conv1")), "conv2")).swapaxes(2, 3).reshape(len(x), -1)
        y = jax.nn.sigmoid(v @ p["fc.weight"].T + p["fc.bias"])
        return 0.5 * ((y - t) ** 2).sum() / len(x)

    p_now = p

    @jax.jit
    def step(p, m):
        value, g = jax.value_and_grad(loss)(p)
        m = {k: MOMENTUM * m[k] + g[k] for k in p}
        return {k: p[k] - RATE * m[k] for k in p}, m, value

    state = [p, {k: jnp.zeros_like(v) for k, v in p.items()}]

    def call():
        state[0], state[1], value = step(*state)
        return float(value)

    return call


def onnx_file(case, folder):
    import torch

    path = Path(folder, "model.onnx")
    model, x = case.torch().eval(), torch.tensor(case.x)
    torch.onnx.export(model, (x,), str(path), input_names=["x"], output_names=["y"], dynamo=False)
    return path


def onnxruntime(case, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        session = ort.InferenceSession(str(onnx_file(case, folder)), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": case.x})[0]


def openvino(case, threads):
    import openvino as ov

    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    with tempfile.TemporaryDirectory() as folder:
        model = ov.Core().compile_model(str(onnx_file(case, folder)), "CPU", settings)
    request = model.create_infer_request()
    return lambda: request.infer({"x": case.x})["y"]
