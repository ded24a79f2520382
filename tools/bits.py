"""Record the exact bits of fastconv's results, and compare two recordings: what a change must not change.

    python tools/bits.py record FILE.json        the SHA-256 of every result, by name
    python tools/bits.py compare OLD.json NEW.json

Only public names are used. Each call runs on 1, 2 and 5 threads; results that differ are an error. The build is the one
that FASTCONV_ISA chooses, and recordings of different builds, or made with another NumPy, are not compared.
"""

import hashlib
import inspect
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np

os.environ["OMP_WAIT_POLICY"] = "passive"  # read once, by the next import: five threads may have two processors
import fastconv as fc
from fastconv import layers, losses, models

THREADS = (1, 2, 5)
EXTREMES = (0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, 1e-40, -1e-20, 25.0, -90.0, 1e4, -1e30, np.inf, -np.inf)
ARRAYS = {"x", "logits", "targets", "weight", "bias", "k", "a", "b", "pos_weight", "running_mean", "running_var"}
PLANAR, LAST, BOTH = ("float32 planar",), ("float32 last",), ("float32 planar", "float32 last")
SOME, DTYPES = (*BOTH, "float64 last"), ("float32 planar", "float64 planar")
MORE, EVERY = (*DTYPES, "float32 gaps"), (*SOME, "float64 planar", "float32 gaps")
MAPS, BIG = (2, 20, 17, 19), (4, 64, 128, 128)  # 16 MB of float32: results are written past the caches
rows = []  # (function, name, variants, options)


class Draw:
    """Arrays whose values a name decides, of the dtype and in the memory of one variant."""

    def __init__(self, name, variant):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.dtype, self.layout = variant.split()

    def plain(self, *shape):
        return self.rng.random(shape, self.dtype) * 4 - 2

    def __call__(self, *shape):
        values = self.plain(*shape)
        if self.layout == "last" and len(shape) == 4:
            return np.ascontiguousarray(values.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        return np.repeat(values, 2, axis=-1)[..., ::2] if self.layout == "gaps" and shape else values


def call(function, known):
    """The function with all that is known of its parameters."""
    return function(**{name: known[name] for name in inspect.signature(function).parameters if name in known})


def operation(draw, name, off=None, extremes=False, **known):
    """A public function and its gradients; shapes are given for arrays."""
    if name in ("conv2d", "linear"):
        known["bias"] = known["weight"][:1]
    for key in sorted(key for key in ARRAYS & known.keys() if isinstance(known[key], tuple)):
        known[key] = draw(*known[key]) if len(known[key]) > 1 else abs(draw(*known[key]))
    x = known.get("x", known.get("logits", known.get("a")))
    if extremes:
        x[(0,) * (x.ndim - 1)][: len(EXTREMES)] = EXTREMES
    if "targets" in known:
        given, classes = known["targets"], (len(x), *x.shape[2:])
        one_each = draw.rng.integers(x.shape[1], size=classes)
        known["targets"] = one_each if given.shape == classes else fc.softmax(given, 1)
    before = off and fc.use_path(off, False)
    result = call(getattr(fc, name), known | dict.fromkeys(("return_saved", "return_indices", "return_gradient"), True))
    y, *saved = result if isinstance(result, tuple) else (result,)
    yield name, [y, *saved, *(known[key] for key in ("running_mean", "running_var") if key in known)]
    weight_shape = np.shape(known.get("k", known.get("weight")))
    known |= {"dy": draw(*y.shape), "input_shape": x.shape, "x_shape": x.shape, "weight_shape": weight_shape}
    known |= dict(zip(("mean", "invstd") if "norm" in name else ("indices",), saved, strict=False))
    for backward in [name + part for part in ("_backward", "_backward_input", "_backward_weight", "_backward_bias")]:
        if hasattr(fc, backward):
            known_y = [{"y": y}] if "y" in inspect.signature(getattr(fc, backward)).parameters else []
            known_y += [dict.fromkeys(["indices"])] if "indices" in known else []
            yield backward, [call(getattr(fc, backward), known | more) for more in ({}, *known_y)]
    if name == "conv2d":
        packed = known | {"weight": call(fc.pack_weight, known)}
        stored = {"activation": "relu"}, {"activation": "relu6", "residual": known["dy"]}
        results = [call(fc.conv2d, weight | more) for weight in (known, packed) for more in ({}, *stored)]
        yield "packed, activation, residual", [*results, call(fc.conv2d_backward_input, packed)]
    if off:
        fc.use_path(off, before)


def movements(draw, name, shape):
    a, b = draw(*shape), draw.plain(*shape)
    y, indices = fc.max_pool2d(a, 3, 2, return_indices=True)
    yield "max_unpool2d", fc.max_unpool2d(y, indices, output_size=shape[2:])
    yield "max_unpool2d_backward", fc.max_unpool2d_backward(a, indices)
    yield "concatenate", fc.concatenate([a, b[:, :3], a])
    yield "to_channels_last and to_planar", (fc.to_channels_last(a), fc.to_planar(fc.to_channels_last(b)))
    yield "rot180", fc.rot180(a)


def optimizer(draw, name, **settings):
    chosen, w = getattr(fc, name)(**settings), {str(n): draw.plain(n) for n in (7, 3001, 200_000)}
    for _ in range(3):
        chosen.step(w, {name: draw.plain(len(a)) for name, a in w.items()})
    yield "three steps", list(w.values())
    yield "clip_gradients", (fc.clip_gradients(w, 3.0), *w.values())


def training(draw, name, shape, optimizer, loss="CrossEntropy", batch=8, lean=False, network=(), **options):
    """Ten steps of training; predictions of the network and of frozen ones."""
    model = every_layer if name == "every_layer" else getattr(models, name)(**options)
    network, loss = fc.Network(model, shape, draw.dtype, seed=1, **dict(network)), getattr(losses, loss)()
    yield "first parameters", list(network.parameters.values())
    steps, chosen = [], getattr(fc, optimizer[0])(*optimizer[1:])
    for _ in range(10):
        x, labels = draw(batch, *shape), draw.rng.integers(10, size=batch)
        steps.append(fc.train_step(network, x, labels, chosen, loss, lean))
    yield "losses", np.array(steps)
    yield "parameters", [network.parameters[key] for key in sorted(network.parameters)]
    yield "buffers", [network.buffers[key] for key in sorted(network.buffers)]
    yield "predict", network.predict(x)
    yield "freeze", (network.freeze(batch).predict(x), network.freeze().predict(x[0]))
    yield "gradients", [gradient for _, gradient in sorted(network.gradients(x, labels, loss)[1].items())]
    history = fc.fit(
        network,
        x,
        labels,
        epochs=2,
        batch_size=3,
        optimizer=chosen,
        loss=loss,
        seed=1,
        progress=False,
        drop_last=True,
        lean=lean,
    )
    yield "fit and evaluate", [*(epoch.loss for epoch in history), *fc.evaluate(network, x, labels, loss)]


def every_layer(x):
    """A model with each kind of layer that the other models lack."""
    y = layers.BatchNorm()(layers.Conv2D(8, 3, padding=1)(x))
    y = layers.PReLU(shared=False)(layers.SeparableConv2D(16, 3, padding=1)(layers.ReLU()(y)))
    z = layers.GroupNorm(4)(layers.LeakyReLU()(layers.ConvTranspose2D(16, 2, stride=2)(layers.MaxPool2D(2)(y))))
    y = layers.ReLU6()(layers.DepthwiseConv2D(3, padding=1, multiplier=2)(y + z))
    y = layers.LayerNorm()(layers.ELU()(layers.LocalResponseNorm(5)(layers.AvgPool2D(3, 2, 1)(y))))
    y = layers.LpPool2D(2)(layers.SiLU()(layers.ZeroPad2D(1)(layers.GELU()(layers.Upsample(2)(y)))))
    y = layers.Dropout(0.3)(layers.Tanh()(layers.HardSwish()(layers.Softplus()(y))))
    y = layers.HardSigmoid()(fc.concat(layers.AdaptiveMaxPool2D(5)(y), layers.AdaptiveAvgPool2D(5)(y)))
    y = fc.concat(*(layers.Flatten()(pool()(y)) for pool in (layers.GlobalAvgPool2D, layers.GlobalMaxPool2D)))
    return layers.LogSoftmax()(layers.Linear(10)(layers.Softmax()(layers.Dense(32)(layers.Sigmoid()(y)))))


def op(names, variants=SOME, function=operation, **options):
    rows.extend((function, name, variants, options) for name in names.split())


def conv(x, weight, variants=BOTH, **options):
    op("conv2d", variants, x=x, weight=weight, **options)


for C, K in ((3, 40), (8, 12), (32, 32), (40, 4)):  # narrow, planar, winograd and direct, narrow
    for kernel, stride in ((1, 1), (2, 1), (3, 2), (5, 1), (4, 2), (6, 3), (7, 2)):
        conv((2, C, 21, 22), (K, C, kernel, kernel), stride=stride, padding=kernel // 2)
    conv((2, C, 21, 22), (K, C, 3, 3), EVERY, padding="same")
    for options in ({"precise": True}, {"off": "winograd"}, {"off": "planar"}, {"off": "narrow"}):
        conv((2, C, 21, 22), (K, C, 3, 3), **options)
conv((2, 20, 24, 24), (24, 20, 3, 3), SOME, dilation=(2, 3), padding=((0, 1), (2, 1)))
conv((2, 32, 16, 18), (48, 8, 3, 3), EVERY, groups=4, padding=1, stride=(1, 2))
conv((24, 9, 9), (20, 24, 3, 3), DTYPES, padding="full")
for C, K, kernel, stride, dilation in ((40, 40, 3, 1, 1), (37, 37, 5, 2, 1), (20, 40, 3, 1, 2)):
    options = {"groups": C, "stride": stride, "dilation": dilation, "padding": 2}
    for off in (None, "depthwise", "planar"):
        conv((2, C, 20, 21), (K, 1, kernel, kernel), SOME, off=off, **options)
conv((4, 32, 72, 72), (32, 1, 3, 3), groups=32, padding=1)
for size, kernel, stride in ((7, 3, 1), (14, 3, 2), (14, 5, 1), (28, 5, 2)):  # planes narrower than some vectors
    options = {"groups": 40, "stride": stride, "padding": kernel // 2}
    conv((9, 40, size, size), (40, 1, kernel, kernel), MORE, **options)
for C, K, stride in ((32, 48, 1), (20, 8, 1), (40, 24, 2), (256, 64, 1)):  # matrix products on planes
    for off in (None, "pointwise"):
        conv((3, C, 13, 14), (K, C, 1, 1), MORE, off=off, stride=stride)
conv((2, 32, 14, 14), (48, 16, 1, 1), MORE, groups=2)
conv((2, 3, 63, 62), (24, 3, 11, 11), MORE, stride=4, padding=2)
conv((2, 32, 160, 160), (32, 32, 1, 1), LAST)
conv((4, 32, 112, 112), (32, 32, 3, 3), LAST, padding=1)
conv((4, 3, 224, 224), (32, 3, 7, 7), LAST, stride=2, padding=3)
for C, K, kernel, stride, padding in ((24, 20, 3, 2, 1), (32, 16, 2, 2, 0), (32, 32, 4, 2, 1), (32, 32, 3, 1, 1)):
    sizes = {"x": (2, C, 16, 17), "weight": (C, K, kernel, kernel), "bias": (K,)}
    op("conv_transpose2d", stride=stride, padding=padding, **sizes)
sizes = {"x": (2, 16, 9, 10), "weight": (16, 5, 3, 3), "bias": (20,)}
op("conv_transpose2d", EVERY, stride=2, padding=1, output_padding=1, groups=4, dilation=2, **sizes)
for mode in ("full", "same", "valid"):
    op("convolve2d", MORE, x=(33, 35), k=(5, 4), mode=mode)
    op("convolve2d", DTYPES, x=(2, 6, 20, 20), k=(12, 6, 5, 5), mode=mode)
for shape, variants in ((MAPS, EVERY), (BIG, BOTH)):
    op("max_pool2d avg_pool2d lp_pool2d", variants, x=shape, kernel_size=2, stride=2)
    op("max_pool2d avg_pool2d lp_pool2d", variants[1:], x=shape, kernel_size=3, stride=2)
    variants = EVERY if shape == MAPS else PLANAR
    op("add", variants, a=shape, b=shape, activation=None)
    op("add", variants, a=shape, b=shape, activation="relu6")
    op("pad", variants, x=shape, padding=(1, 2, 0, 3), value=0.5)
    op("upsample_nearest2d", variants, x=(*shape[:2], 64, 64), scale_factor=2)
    op("prelu", variants, x=shape, weight=shape[1:2])
    op("relu gelu prelu", variants, x=shape, weight=(1,))
    op("movements", BOTH, movements, shape=shape)
ceil = {"x": MAPS, "kernel_size": (3, 2), "stride": (2, 3), "ceil_mode": True}
op("max_pool2d", dilation=2, padding=1, **ceil)
op("avg_pool2d", padding=1, count_include_pad=False, **ceil)
op("avg_pool2d", divisor_override=5, **ceil)
op("lp_pool2d", norm_type=3.0, **ceil)
op("adaptive_avg_pool2d adaptive_max_pool2d", EVERY, x=MAPS, output_size=(5, 4))
op("global_avg_pool2d global_max_pool2d", EVERY, x=MAPS)
op("local_response_norm", EVERY, x=MAPS, size=5, alpha=0.1, k=2.0)
op("local_response_norm", x=MAPS, size=4, alpha=0.1, beta=0.6)
for shape, variants in ((MAPS, EVERY), ((40, 20), MORE), ((4, 32, 128, 128), BOTH)):
    C = shape[1:2]
    for more in ({"training": True}, {"training": False}):
        op("batch_norm", variants, x=shape, weight=C, bias=C, running_mean=C, running_var=C, **more)
    op("group_norm", variants, x=shape, weight=C, bias=C, num_groups=4)
    op("group_norm", variants, x=shape, num_groups=C[0])
for shape, axes in ((MAPS, 3), (MAPS, 1), ((40, 20), 1), ((2048, 1024), 1)):
    size = shape[-axes:]
    op("layer_norm", EVERY if shape == MAPS else MORE, x=shape, normalized_shape=size, weight=size, bias=size)
ACTIVATIONS = "relu relu6 leaky_relu elu gelu silu softplus hardsigmoid hardswish sigmoid tanh"
ACTIVATIONS += " selu celu mish softsign logsigmoid hardtanh"
op(ACTIVATIONS, EVERY, x=MAPS, extremes=True)
op(ACTIVATIONS, LAST, x=(2, 64, 56, 56))
settings = {"approximate": "tanh", "negative_slope": 0.2, "alpha": 0.5, "beta": 2.0, "threshold": 5.0}
op("gelu leaky_relu elu softplus", DTYPES, x=MAPS, extremes=True, **settings)  # each takes what it knows
for shape, axis in (((50, 37), -1), ((3, 21, 16, 18), 1), ((300, 1000), -1)):
    op("softmax log_softmax", MORE, x=shape, axis=axis)
for shape, outputs in (((9, 37), 21), ((64, 400), 120), ((1, 512), 256), ((2, 3, 33), 18), ((16, 1024), 2048)):
    op("linear", MORE, x=shape, weight=(outputs, shape[-1]))
for reduction in ("mean", "sum", "none"):
    for shape in ((64, 10), (2, 11, 12, 13)):
        one_each, options = shape[:1] + shape[2:], {"logits": shape, "reduction": reduction}
        op("cross_entropy", MORE, targets=one_each, **options)
        op("cross_entropy", DTYPES, targets=shape, label_smoothing=0.1, **options)
        options |= {"x": shape, "targets": one_each, "weight": shape[1:2], "ignore_index": 3}
        op("cross_entropy nll_loss", DTYPES, label_smoothing=0.1, **options)
    for shape in ((64, 33), (16, 12, 33, 32)):
        options = {"x": shape, "targets": shape, "reduction": reduction}
        op("mse_loss l1_loss huber_loss binary_cross_entropy_with_logits", MORE, delta=0.7, **options)
        op("binary_cross_entropy_with_logits", DTYPES, pos_weight=shape[-1:], weight=shape[-1:], **options)
for decay in (0.0, 0.1):
    op("Adam AdamW RMSprop", DTYPES, optimizer, weight_decay=decay)
    op("SGD", DTYPES, optimizer, lr=0.1, momentum=0.0, weight_decay=decay)
    op("SGD", DTYPES, optimizer, lr=0.1, momentum=0.9, weight_decay=decay, nesterov=decay > 0)
op("RMSprop", DTYPES, optimizer, momentum=0.9, centered=True)
momentum = ("SGD", 0.01, 0.9)
op("zhang2016", DTYPES, training, shape=(1, 28, 28), optimizer=("SGD", 1.0), loss="MSE")
op("lenet5", DTYPES, training, shape=(1, 28, 28), optimizer=momentum, lean=True)
for setting in ("recompute", "precise"):
    op("resnet20", PLANAR, training, shape=(3, 28, 28), optimizer=momentum, network={setting: True})
op("resnet20 every_layer", DTYPES, training, shape=(3, 24, 24), optimizer=("Adam",))
op("mobilenet_v2", PLANAR, training, shape=(3, 32, 32), optimizer=("AdamW",), width_mult=0.5)
op("squeezenet1_1", PLANAR, training, shape=(3, 48, 48), optimizer=("RMSprop",), num_classes=10)
googlenet = {"num_classes": 10, "aux_logits": True, "loss": "AuxiliaryCrossEntropy", "batch": 4}
op("googlenet", PLANAR, training, shape=(3, 64, 64), optimizer=momentum, **googlenet)


def digest(result):
    if isinstance(result, tuple | list):
        return hashlib.sha256("".join(map(digest, result)).encode()).hexdigest()
    a = np.asarray(result)
    return hashlib.sha256(f"{a.shape} {a.dtype}".encode() + a.tobytes()).hexdigest()


def build():
    """The kernels in use, as `fastconv info` names them."""
    where = os.environ | {"PYTHONPATH": str(Path(fc.__file__).parents[1])}
    said = subprocess.check_output([sys.executable, "-m", "fastconv", "info"], env=where, text=True)
    return next(line.split()[1] for line in said.splitlines() if line.startswith("build "))


def record(path):
    results = {}
    for function, name, variants, options in rows:
        for variant in variants:
            called = f"{name} {variant} " + " ".join(f"{key}={value}" for key, value in options.items())
            seen = []
            for threads in THREADS:
                fc.set_num_threads(threads)
                seen.append({what: digest(y) for what, y in function(Draw(called, variant), name, **options)})
            if seen.count(seen[0]) != len(THREADS):
                raise SystemExit(f"other bits on other threads: {called}")
            new = {f"{what}: {called}": digits for what, digits in seen[0].items()}
            assert not results.keys() & new.keys(), called
            results |= new
    made = {"build": build(), "numpy": np.__version__, "results": results}
    Path(path).write_text(json.dumps(made, indent=0) + "\n")
    print(f"{len(results)} results of {made['build']} in {path}")


def compare(old, new):
    old, new = (json.loads(Path(path).read_text()) for path in (old, new))
    for what in ("build", "numpy"):
        if old[what] != new[what]:
            raise SystemExit(f"not comparable: {what} {old[what]} and {new[what]}")
    old, new = old["results"], new["results"]
    other = sorted(name for name in old | new if old.get(name) != new.get(name))
    for name in other:
        print("differs" if name in old and name in new else "missing", name)
    print(f"{len(old | new) - len(other)} of {len(old | new)} are equal")
    return bool(other)


if __name__ == "__main__":
    command = {("record", 3): record, ("compare", 4): compare}.get((*sys.argv[1:2], len(sys.argv)))
    sys.exit(command(*sys.argv[2:]) if command else __doc__)
