"""The named shapes of real layers, and how much faster than the best peer each is meant to be.

A target is best peer's time / ours, float32, 2 threads, same run. Other runs have their own: see `target`.
"""

from dataclasses import dataclass, field, replace
from math import prod

FORWARD, INPUT, WEIGHT = "forward", "input", "weight"
INPLACE, BOTH = "inplace", "both"  # the result over the input; value and gradient, one after the other
DIRECTIONS = (FORWARD, INPUT, WEIGHT, INPLACE, BOTH)
FAMILIES = ("conv", "pool", "activation", "norm", "loss", "dense", "optim")
ONE_THREAD = 0.85  # of the target


@dataclass(frozen=True)
class Shape:
    """One layer: its op, the shapes of its operands, its other arguments, and its targets by direction."""

    name: str
    family: str
    op: str
    x: tuple
    targets: dict
    weight: tuple = ()
    options: dict = field(default_factory=dict)
    layout: str = "channels_last"
    group: str = ""  # shapes of one group also have a target for their geometric mean
    packed: dict = field(default_factory=dict)  # targets with packed weights
    against: str = ""  # only peers whose name begins so

    @property
    def y(self):
        """The shape of the result."""
        if self.family == "dense":
            return (self.x[0], self.weight[0])
        if self.family in ("activation", "norm", "loss", "optim"):
            return self.x
        N, C, H, W = self.x
        s, p = self.options["stride"], self.options["padding"]
        if self.op == "conv_transpose2d":
            k = self.weight[2]
            return (N, self.weight[1], (H - 1) * s - 2 * p + k, (W - 1) * s - 2 * p + k)
        K, k = (self.weight[0], self.weight[2]) if self.family == "conv" else (C, self.options["kernel_size"])
        return (N, K, (H + 2 * p - k) // s + 1, (W + 2 * p - k) // s + 1)

    @property
    def flops(self):
        """Two for each multiply-add of the direct algorithm; 0 where memory is the limit."""
        if self.family == "dense":
            return 2 * self.x[0] * prod(self.weight)
        if self.family != "conv":
            return 0
        pixels = self.x if self.op == "conv_transpose2d" else self.y
        return 2 * pixels[0] * pixels[2] * pixels[3] * prod(self.weight)

    @property
    def memory_bound(self):
        return self.flops == 0 or self.options.get("groups", 1) > 1

    def in_nchw(self):
        """The same layer on arrays in C order, where only peers that read this layout count; each is to be beaten."""
        goals = dict.fromkeys(self.targets, 1.0)
        return replace(self, layout="planar", group="nchw", targets=goals, against="torch-nchw")

    def terms(self, direction):
        """How many products are added for one result."""
        if self.family not in ("conv", "dense"):
            return prod(self.options.get("kernel_size", 1) for _ in range(2))
        if direction == WEIGHT:
            return self.x[0] * prod(self.y[2:])
        return prod(self.weight[1:]) if direction == FORWARD else prod(self.weight) // self.weight[1]

    def touched(self, direction, itemsize):
        """Bytes of all operands and results, each once."""
        x, y, w = prod(self.x), prod(self.y), prod(self.weight)
        indices = 8 * y if self.op == "max_pool2d" and direction == INPUT else 0
        if self.family in ("activation", "norm"):
            return itemsize * x * (3 if direction == INPUT else 2)
        if self.family in ("loss", "optim"):  # an optimizer: w and what it keeps, in and out, and the gradient
            return itemsize * x * (2 if self.family == "loss" else 7 if self.op.startswith("Adam") else 5)
        if self.op == "lp_pool2d":
            return itemsize * {FORWARD: x + y, INPUT: 2 * (x + y), BOTH: 3 * (x + y)}[direction]
        return itemsize * (x + y + w) + indices


def target(shape, direction, dtype="float32", threads=2, packed=False, isa=""):
    """The ratio to reach, or None where none is set."""
    if direction not in shape.targets:
        return None
    if dtype == "float64":
        return 1.0 if shape.family == "conv" else None
    if isa == "v3":
        return 0.9
    full = (shape.packed if packed else shape.targets).get(direction)
    return full and (round(ONE_THREAD * full, 3) if threads == 1 else full)


def conv(name, N, C, H, K, k, targets, stride=1, padding=0, groups=1, op="conv2d", **more):
    weight = (C, K, k, k) if op == "conv_transpose2d" else (K, C // groups, k, k)
    options = {"stride": stride, "padding": padding, "groups": groups}
    goals = dict(zip((FORWARD, INPUT, WEIGHT), targets, strict=True))
    return Shape(name, "conv", op, (N, C, H, H), goals, weight, options, **more)


def vgg(C, H, N):
    goals = (1.1, 1.1, 1.4) if C == 512 else (1.5, 1.4, 1.4)
    return conv(f"3x3 {C}@{H} b{N}", N, C, H, C, 3, goals, padding=1, group="vgg", packed={FORWARD: 1.5})


def zhang(N):
    goals = {1: (1.8, 3, 2)}.get(N, (1.5, 2, 1.5))
    return [
        conv(f"zhang conv1 b{N}", N, 1, 28, 6, 5, goals, layout="planar"),
        conv(f"zhang conv2 b{N}", N, 6, 12, 12, 5, goals, layout="planar"),
    ]


def small_planes():
    """In plain NCHW memory: planes whose rows do not fill vectors."""
    more = {"layout": "planar", "against": "torch-nchw"}
    for C, H, k in ((256, 14, 3), (512, 7, 3), (256, 14, 5)):
        name = f"planes {k}x{k} depthwise {C}@{H} b8"
        yield conv(name, 8, C, H, C, k, (1, 1, 1), padding=k // 2, groups=C, **more)
    yield conv("planes 3x3 depthwise 256@14 s2 b8", 8, 256, 14, 256, 3, (1, 1, 1), 2, 1, 256, **more)
    yield conv("planes 3x3 16@32 b1", 1, 16, 32, 16, 3, (1, 1, 1), padding=1, **more)


def pools():
    x = (32, 64, 56, 56)
    for name, op, k, s, p, goals, planar in (
        ("max 2x2 s2", "max_pool2d", 2, 2, 0, {FORWARD: 1.3, INPUT: 1.2}, {FORWARD: 8, INPUT: 1.2}),
        ("max 3x3 s2", "max_pool2d", 3, 2, 1, {FORWARD: 1.3, INPUT: 1.2}, {FORWARD: 8, INPUT: 1.2}),
        ("mean 2x2 s2", "avg_pool2d", 2, 2, 0, {FORWARD: 1.1, INPUT: 1.5}, {FORWARD: 1.1, INPUT: 1.5}),
        ("L2 2x2 s2", "lp_pool2d", 2, 2, 0, {FORWARD: 3, BOTH: 6}, {FORWARD: 3, BOTH: 6}),
    ):
        options = {"kernel_size": k, "stride": s, "padding": p}
        yield Shape(f"{name} channels-last", "pool", op, x, goals, options=options)
        yield Shape(f"{name} planar", "pool", op, x, planar, options=options, layout="planar", against="torch-nchw")


def activations():
    for op in ("sigmoid", "tanh", "relu"):
        goals = {FORWARD: 0.95, INPUT: 0.95, INPLACE: 1.5} if op != "relu" else {FORWARD: 0.95, INPUT: 0.95}
        yield Shape(op, "activation", op, (32, 64, 56, 56), goals)
    yield Shape("softmax", "activation", "softmax", (256, 1000), {FORWARD: 1.0}, layout="planar")


def norms():
    """Batch norm in training: forward with the running statistics, backward from the saved ones."""
    for layout in ("channels_last", "planar"):
        name = f"batch norm {layout.replace('_', '-')}"
        yield Shape(name, "norm", "batch_norm", (32, 64, 56, 56), {FORWARD: 1.5, INPUT: 2.5}, (64,), layout=layout)


def denses():
    """Wide layers alone and in batches, the last layers of VGG-16, the last of Zhang's network."""
    for I, O, batches in (
        (4096, 4096, (1, 64, 256)),
        (25088, 4096, (1, 8)),
        (4096, 1000, (1, 8)),
        (192, 10, (1, 50, 256)),
    ):
        for N in batches:
            goals = dict.fromkeys((FORWARD, INPUT, WEIGHT), 1.0)
            yield Shape(f"dense {I}x{O} b{N}", "dense", "linear", (N, I), goals, (O, I), layout="planar")


def optimizers():
    for op, name in (("SGD", "SGD momentum"), ("Adam", "Adam"), ("AdamW", "AdamW"), ("RMSprop", "RMSprop")):
        yield Shape(f"{name} 25M", "optim", op, (25_000_000,), {INPLACE: 0.95}, layout="planar")


SHAPES = [
    *(shape for N in (1, 32, 256) for shape in zhang(N)),
    *(vgg(*sizes) for sizes in ((64, 224, 1), (128, 112, 1), (256, 56, 1), (64, 56, 8), (128, 28, 8), (256, 14, 8))),
    *(vgg(*sizes) for sizes in ((512, 28, 1), (512, 14, 1), (512, 7, 8))),
    conv("5x5 64-192@27 b8", 8, 64, 27, 192, 5, (1.4, 1.2, 1.0), padding=2),
    conv("1x1 256-64@56 b8", 8, 256, 56, 64, 1, (1, 1, 1)),
    conv("1x1 64-256@56 b8", 8, 64, 56, 256, 1, (1, 1, 1)),
    conv("1x1 1024-256@14 b8", 8, 1024, 14, 256, 1, (1, 1, 1)),
    conv("1x1 256-512@56 s2 b8", 8, 256, 56, 512, 1, (1, 1, 1), stride=2),
    conv("first 7x7 s2 b8", 8, 3, 224, 64, 7, (1, 1.5, 1), stride=2, padding=3),
    conv("first 11x11 s4 b8", 8, 3, 224, 64, 11, (1, 1.5, 1), stride=4, padding=2),
    conv("first 3x3 b8", 8, 3, 224, 64, 3, (1, 1.5, 1), padding=1),
    conv("depthwise 32@112 b8", 8, 32, 112, 32, 3, (1.2, 1.2, 1.5), padding=1, groups=32),
    conv("depthwise 256@28 b8", 8, 256, 28, 256, 3, (1.2, 1.2, 1.5), padding=1, groups=256),
    conv("depthwise 256@28 s2 b8", 8, 256, 28, 256, 3, (1.2, 1.2, 1.5), stride=2, padding=1, groups=256),
    conv("3x3 16@32 b128", 128, 16, 32, 16, 3, (1.2, 1.2, 1.2), padding=1),
    conv("3x3 64@8 b128", 128, 64, 8, 64, 3, (1.2, 1.2, 1.2), padding=1),
    conv("transposed 128-64@16 b8", 8, 128, 16, 64, 4, (1.2, 1.2, 1.2), stride=2, padding=1, op="conv_transpose2d"),
    *small_planes(),
    *pools(),
    *activations(),
    *norms(),
    Shape("cross entropy 256x1000", "loss", "cross_entropy", (256, 1000), {BOTH: 1.5}, layout="planar"),
    Shape("mean squares 256x1000", "loss", "mse_loss", (256, 1000), {BOTH: 1.5}, layout="planar"),
    *denses(),
    *optimizers(),
]  # fmt: skip

GROUPS = {
    "vgg": {False: {FORWARD: 1.7, INPUT: 1.6, WEIGHT: 1.8}, True: {FORWARD: 2.0, INPUT: 1.8}},
    "nchw": {False: {FORWARD: 1.9, INPUT: 2.1, WEIGHT: 1.9}},
}


def group_target(group, direction, dtype="float32", threads=2, packed=False, isa=""):
    """The geometric mean that a group of shapes is meant to reach, or None."""
    full = GROUPS.get(group, {}).get(packed, {}).get(direction)
    if full is None or dtype == "float64":
        return None
    if isa == "v3":
        return 1.5
    return round(ONE_THREAD * full, 3) if threads == 1 else full
