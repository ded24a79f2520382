"""Random networks over every layer and joint: a seed gives a model, and images, targets and a loss for it.

What is drawn depends on the seed and on shapes alone, so that one seed gives the same network in every dtype. Layers
come from `LAYERS`, by class: the seed chooses one that is surely there, so that consecutive seeds use all of them.
"""

import numpy as np
from problems import random_padding, random_pair, random_step

from fastconv import Network, graph, layers, losses

MOST = 12  # rows and columns of a plane, nodes beside their ends


def divisor(rng, number, least=1):
    return int(rng.choice([d for d in range(least, number + 1) if number % d == 0]))


def some(rng, share):
    return bool(rng.random() < share)


STEPS = ("stride", "padding", "dilation")


def conv(rng, shape, most):
    groups = divisor(rng, shape[0]) if some(rng, 0.5) else 1
    channels = groups * int(rng.integers(1, max(1, most // groups) + 1))
    padding, steps = random_padding(rng, ("valid", "same", "full")), (random_step(rng), random_step(rng))
    options = {"groups": groups, "bias": some(rng, 0.7), "rotate": some(rng, 0.3)}
    return layers.Conv2D(
        channels, random_pair(rng, 1, 4), stride=steps[0], padding=padding, dilation=steps[1], **options
    )


def conv_as_wide(rng, shape, most):
    """A convolution that leaves H and W as they are, as most of those of known networks do."""
    channels = shape[0] if some(rng, 0.5) else int(rng.integers(1, most + 1))
    return layers.Conv2D(channels, int(rng.choice([1, 3, 3, 5])), padding="same", bias=some(rng, 0.5))


def conv_transpose(rng, shape, most):
    groups = divisor(rng, shape[0]) if some(rng, 0.4) else 1
    channels = groups * int(rng.integers(1, max(1, most // groups) + 1))
    kernel, stride, dilation = random_pair(rng, 1, 4), random_step(rng), random_step(rng)
    padding = random_padding(rng, ("valid", "full", "multiple"))
    extra = 0 if padding == "multiple" else int(rng.integers(0, np.max(stride)))
    window = {"stride": stride, "padding": padding, "output_padding": extra, "dilation": dilation}
    return layers.ConvTranspose2D(channels, kernel, **window, groups=groups, bias=some(rng, 0.7))


def depthwise(rng, shape, most):
    multiplier = int(rng.integers(1, max(1, min(3, most // shape[0])) + 1))
    steps = random_step(rng), random_padding(rng, ("valid", "same")), random_step(rng)
    options = dict(zip(STEPS, steps, strict=True))
    return layers.DepthwiseConv2D(random_pair(rng, 1, 4), **options, multiplier=multiplier, bias=some(rng, 0.5))


def separable(rng, shape, most):
    steps = random_step(rng), random_padding(rng, ("valid", "same")), random_step(rng)
    options = dict(zip(STEPS, steps, strict=True))
    channels = int(rng.integers(1, most + 1))
    return layers.SeparableConv2D(channels, random_pair(rng, 1, 3), **options, bias=some(rng, 0.6))


def window(rng):
    """kernel, stride (or None), padding below the kernel."""
    kernel = random_pair(rng, 1, 4)
    padding = tuple(int(rng.integers(0, k)) for k in kernel) if some(rng, 0.4) else 0
    return kernel, None if some(rng, 0.3) else random_step(rng), padding


def max_pool(rng, shape, most):
    return layers.MaxPool2D(*window(rng), dilation=random_step(rng), ceil_mode=some(rng, 0.5))


def avg_pool(rng, shape, most):
    kernel, stride, padding = window(rng)
    options = {"ceil_mode": some(rng, 0.5), "count_include_pad": some(rng, 0.5)}
    return layers.AvgPool2D(kernel, stride, padding, **options, divisor_override=5 if some(rng, 0.2) else None)


def lp_pool(rng, shape, most):
    kernel, stride, _ = window(rng)
    return layers.LpPool2D(
        kernel, stride=stride, norm_type=float(rng.choice([1, 2, 2, 2.5, 3])), ceil_mode=some(rng, 0.5)
    )


def sized(layer):
    return lambda rng, shape, most: layer(random_pair(rng, 1, 5))


def plain(layer):
    return lambda rng, shape, most: layer()


def batch_norm(rng, shape, most):
    return layers.BatchNorm(eps=eps(rng), momentum=float(rng.choice([0.1, 0.5, 1.0])), affine=some(rng, 0.7))


def group_norm(rng, shape, most):
    return layers.GroupNorm(divisor(rng, shape[0]), eps=eps(rng), affine=some(rng, 0.7))


def instance_norm(rng, shape, most):
    return layers.InstanceNorm(eps=eps(rng), affine=some(rng, 0.7))


def layer_norm(rng, shape, most):
    axis = [None, None, "channels", "last"][rng.integers(4)]
    return layers.LayerNorm(axis=axis, eps=eps(rng), affine=some(rng, 0.7))


def reshape(rng, shape, most):
    """Other images with as many values."""
    height = divisor(rng, int(np.prod(shape)))
    return layers.Reshape((-1, divisor(rng, height), int(rng.choice([1, shape[-1]]))))


def eps(rng):
    """Large enough that a norm of a few values hardly enlarges rounding."""
    return float(rng.choice([0.1, 0.3, 0.9]))


def local_norm(rng, shape, most):
    return layers.LocalResponseNorm(int(rng.integers(1, 7)), float(rng.uniform(0.1, 2)), float(rng.uniform(0.3, 1)))


def along_axis(layer):
    return lambda rng, shape, most: layer(axis=int(rng.integers(len(shape))) if some(rng, 0.4) else 0)


def affine(rng, shape, most):
    if len(shape) == 3 and some(rng, 0.3):
        repeated = [n if some(rng, 0.6) else 1 for n in shape]
        return layers.Affine(rng.uniform(-2, 2, repeated), rng.normal(size=shape[1:]) if some(rng, 0.5) else 0.5)
    scale = rng.uniform(-2, 2, shape[0]) if some(rng, 0.5) else float(rng.uniform(-2, 2))
    return layers.Affine(scale, rng.normal(size=shape[0]) if some(rng, 0.5) else float(rng.normal()))


def linear(rng, shape, most):
    return layers.Linear(int(rng.integers(1, 2 * most + 1)), bias=some(rng, 0.7))


def dropout(rng, shape, most):
    return layers.Dropout(float(rng.choice([0.0, 0.3, 0.5])), seed=int(rng.integers(100)))


def upsample(rng, shape, most):
    if rng.random() < 0.5:
        return layers.Upsample(random_pair(rng, 1, 3))
    return layers.Upsample(size=random_pair(rng, 1, 9), mode="bilinear", align_corners=bool(rng.random() < 0.5))


def stochastic_depth(rng, shape, most):
    return layers.StochasticDepth(float(rng.choice([0.0, 0.3, 0.5])), seed=int(rng.integers(100)))


def zero_pad(rng, shape, most):
    return layers.ZeroPad2D(tuple(int(n) for n in rng.integers(0, 3, 4)))


def pixel_shuffle(rng, shape, most):
    """By 2 where there are channels for it."""
    return layers.PixelShuffle(2 if shape[0] % 4 == 0 else 1, mode=str(rng.choice(["CRD", "DCR"])))


def pixel_unshuffle(rng, shape, most):
    """By 2 where rows and columns are even, and channels stay few."""
    even = shape[1] % 2 == 0 == shape[2] % 2 and 4 * shape[0] <= most
    return layers.PixelUnshuffle(2 if even else 1, mode=str(rng.choice(["CRD", "DCR"])))


def heads(rng, shape, most):
    return layers.MainHead(divisor(rng, shape[0]))


def conv_of_signals(rng, shape, most):
    groups, step = divisor(rng, shape[0]), int(rng.integers(1, 3))
    return layers.Conv1D(groups, int(rng.integers(1, 4)), stride=step, padding=int(rng.integers(0, 3)), groups=groups)


def conv_transpose_of_signals(rng, shape, most):
    return layers.ConvTranspose1D(
        int(rng.integers(1, most + 1)), int(rng.integers(1, 4)), stride=int(rng.integers(1, 3))
    )


def length(layer):
    return lambda rng, shape, most: layer(int(rng.integers(1, 4)))


SIGNALS = {  # between two layers Reshape, for nodes have three axes
    layers.Conv1D: conv_of_signals,
    layers.ConvTranspose1D: conv_transpose_of_signals,
    layers.MaxPool1D: length(layers.MaxPool1D),
    layers.AvgPool1D: length(layers.AvgPool1D),
    layers.AdaptiveAvgPool1D: length(layers.AdaptiveAvgPool1D),
    layers.AdaptiveMaxPool1D: length(layers.AdaptiveMaxPool1D),
    layers.GlobalAvgPool1D: plain(layers.GlobalAvgPool1D),
    layers.GlobalMaxPool1D: plain(layers.GlobalMaxPool1D),
}
LAYERS = {
    **SIGNALS,
    layers.Conv2D: conv,
    layers.ConvTranspose2D: conv_transpose,
    layers.DepthwiseConv2D: depthwise,
    layers.SeparableConv2D: separable,
    layers.Linear: linear,
    layers.MaxPool2D: max_pool,
    layers.AvgPool2D: avg_pool,
    layers.LpPool2D: lp_pool,
    layers.AdaptiveAvgPool2D: sized(layers.AdaptiveAvgPool2D),
    layers.AdaptiveMaxPool2D: sized(layers.AdaptiveMaxPool2D),
    layers.GlobalAvgPool2D: plain(layers.GlobalAvgPool2D),
    layers.GlobalMaxPool2D: plain(layers.GlobalMaxPool2D),
    layers.BatchNorm: batch_norm,
    layers.GroupNorm: group_norm,
    layers.InstanceNorm: instance_norm,
    layers.LayerNorm: layer_norm,
    layers.LocalResponseNorm: local_norm,
    layers.Affine: affine,
    layers.ChannelScale: plain(layers.ChannelScale),
    layers.ReLU: plain(layers.ReLU),
    layers.ReLU6: plain(layers.ReLU6),
    layers.LeakyReLU: lambda rng, shape, most: layers.LeakyReLU(float(rng.uniform(-0.5, 0.5))),
    layers.PReLU: lambda rng, shape, most: layers.PReLU(shared=some(rng, 0.5)),
    layers.ELU: lambda rng, shape, most: layers.ELU(float(rng.uniform(0.5, 1.5))),
    layers.GELU: lambda rng, shape, most: layers.GELU(str(rng.choice(["none", "tanh"]))),
    layers.Softplus: lambda rng, shape, most: layers.Softplus(float(rng.uniform(0.5, 3)), float(rng.choice([2, 20]))),
    layers.SELU: plain(layers.SELU),
    layers.CELU: lambda rng, shape, most: layers.CELU(float(rng.uniform(0.5, 1.5))),
    layers.Mish: plain(layers.Mish),
    layers.Softsign: plain(layers.Softsign),
    layers.LogSigmoid: plain(layers.LogSigmoid),
    layers.Hardtanh: lambda rng, shape, most: layers.Hardtanh(float(rng.uniform(-1, 0)), float(rng.uniform(0.5, 2))),
    layers.Threshold: lambda rng, shape, most: layers.Threshold(float(rng.uniform(-1, 0)), float(rng.uniform(-1, 1))),
    layers.SiLU: plain(layers.SiLU),
    layers.HardSwish: plain(layers.HardSwish),
    layers.HardSigmoid: plain(layers.HardSigmoid),
    layers.Sigmoid: plain(layers.Sigmoid),
    layers.Tanh: plain(layers.Tanh),
    layers.Softmax: along_axis(layers.Softmax),
    layers.LogSoftmax: along_axis(layers.LogSoftmax),
    layers.Exp: plain(layers.Exp),
    layers.Sqrt: plain(layers.Sqrt),
    layers.Reciprocal: plain(layers.Reciprocal),
    layers.Dropout: dropout,
    layers.StochasticDepth: stochastic_depth,
    layers.Flatten: lambda rng, shape, most: layers.Flatten(order=str(rng.choice(["row", "column"]))),
    layers.Upsample: upsample,
    layers.Permute: lambda rng, shape, most: layers.Permute(rng.permutation(3)),
    layers.Reshape: reshape,
    layers.ZeroPad2D: zero_pad,
    layers.ReflectionPad2D: lambda rng, shape, most: layers.ReflectionPad2D(int(rng.integers(0, min(shape[1:])))),
    layers.ReplicationPad2D: lambda rng, shape, most: layers.ReplicationPad2D(int(rng.integers(0, 3))),
    layers.ChannelShuffle: lambda rng, shape, most: layers.ChannelShuffle(divisor(rng, shape[0])),
    layers.PixelShuffle: pixel_shuffle,
    layers.PixelUnshuffle: pixel_unshuffle,
    layers.MainHead: heads,
}
OVER_ALL = {layers.GlobalAvgPool1D, layers.GlobalMaxPool1D, layers.GlobalAvgPool2D, layers.GlobalMaxPool2D}
ENDS = {layers.Flatten, layers.Linear} | OVER_ALL  # from planes to a vector
SMOOTH = set(LAYERS) - {  # the gradient of the others jumps somewhere
    layers.MaxPool2D,
    layers.AdaptiveMaxPool2D,
    layers.GlobalMaxPool2D,
    layers.MaxPool1D,
    layers.AdaptiveMaxPool1D,
    layers.GlobalMaxPool1D,
    layers.LpPool2D,
    layers.ReLU,
    layers.ReLU6,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
    layers.SELU,
    layers.Hardtanh,
    layers.Threshold,
    layers.HardSwish,
    layers.HardSigmoid,
    layers.Softplus,  # above its threshold it is x
}


BOUNDED = {layers.Exp, layers.Sqrt, layers.Reciprocal}  # of values between 0.5 and 1.5

JOINTS = {  # method -> how often
    **{"layer": 0.4, "again": 0.08, "sum": 0.1, "concat": 0.1, "residual": 0.1, "chain": 0.08},
    **{"product": 0.06, "slice": 0.05, "attention": 0.03},
}


class Growth:
    """A graph that grows by random layers and joints from its input."""

    def __init__(self, x, rng, classes, first, most):
        self.rng, self.classes, self.most = rng, classes, most
        self.nodes, self.used, self.made = [x], set(), []  # used: indices of what somebody reads
        self.turn, self.seen = first, None

    def grow(self, length):
        if length:
            x = self.nodes[0]
            if some(self.rng, 0.9):  # a gradient for whoever comes after
                self.add(self.layer(x, layers.Conv2D if len(x.shape) == 3 else layers.Linear))
            self.add(self.layer(self.nodes[-1], self.turn) or self.layer(x, self.turn))
            self.seen = self.nodes[-1]
        for _ in range(length):
            joint = self.rng.choice(list(JOINTS), p=list(JOINTS.values()))
            self.add(getattr(self, joint)(self.pick()))

    def add(self, node):
        if node is not None and node is not self.nodes[-1]:
            self.used.update(source.index for source in node.inputs)
            self.nodes.append(node)

    def pick(self, fits=lambda node: True):
        """One of the last few nodes, now and then the input."""
        few = [node for node in self.nodes[-4:] if fits(node)]
        if fits(self.nodes[0]) and (not few or some(self.rng, 0.1)):
            return self.nodes[0]
        return few[self.rng.integers(len(few))]

    def layer(self, node, kind=None):
        """A layer on the node, of this class where one is given; None where none that was tried fits."""
        for _ in range(20):
            chosen = kind or self.classes[self.rng.integers(len(self.classes))]
            if kind is None and len(node.shape) == 3 and chosen in ENDS and some(self.rng, 0.85):
                continue  # images last longer
            if chosen is layers.Linear and len(node.shape) == 3:
                node = layers.Flatten()(node)
            if chosen in SIGNALS:
                made = self.of_signals(chosen, node) if len(node.shape) == 3 else None
                if made is None:
                    continue
                return made
            make = conv_as_wide if chosen is layers.Conv2D and some(self.rng, 0.6) else LAYERS[chosen]
            if (len(node.shape) == 3 or accepts_vectors(chosen)) and chosen is not layers.MainHead:
                made = self.attempt(make, node)
                if made is not None and self.fits(made, node):
                    if chosen in BOUNDED:
                        return made(layers.Affine(1.0, 0.5)(layers.Sigmoid()(node)))
                    self.made.append((made, node.shape))
                    return made(node)
        return None

    def of_signals(self, kind, node):
        """A layer of signals on the rows of the node; None where it does not fit."""
        channels, height, width = node.shape
        if channels * height > 10 * self.most:
            return None
        rows = layers.Reshape((channels * height, width))(node)
        layer = self.attempt(LAYERS[kind], rows)
        if layer is None or not self.fits(layer, rows):
            return None
        y = layer(rows)
        return y if len(y.shape) == 1 else layers.Reshape((y.shape[0], 1, -1))(y)

    def attempt(self, make, node):
        """The layer that is made, or None where its arguments contradict each other."""
        try:
            return make(self.rng, node.shape, self.most)
        except ValueError:  # output padding beyond the stride
            return None

    def fits(self, layer, node):
        try:
            shape = layer.spec(node.shape, "float64").y_shape
        except ValueError:  # a window beyond its plane, groups that divide nothing
            return False
        return shape[0] <= 10 * self.most and max(shape[1:], default=1) <= MOST

    def fits_anywhere(self, layer, node):
        if not self.fits(layer, node):
            return False
        spec = layer.spec(node.shape, "float64")
        return not spec.params and not spec.state

    def again(self, node):
        """A layer that is there already, where it has parameters or states on a node of the same shape."""
        fitting = [layer for layer, shape in self.made if shape == node.shape or self.fits_anywhere(layer, node)]
        return fitting[self.rng.integers(len(fitting))](node) if fitting else None

    def sum(self, node):
        return node + self.pick(lambda other: other.shape == node.shape)

    def product(self, node):
        """With a factor below 1, so that values do not grow; often repeated over the pixels, or over the channels."""
        factor = layers.Sigmoid()(self.pick(lambda other: other.shape == node.shape))
        if len(node.shape) == 3 and some(self.rng, 0.6):
            factor = layers.AdaptiveAvgPool2D(1)(factor)
        elif len(node.shape) == 3 and some(self.rng, 0.3):
            factor = factor[:1]
        return factor * node if some(self.rng, 0.5) else node * factor

    def attention(self, node):
        """Each row of each channel looks at the others: softmax(q k^T) v, where k may be the node itself."""
        if len(node.shape) != 3:
            return None
        other = self.pick(lambda other: other.shape == node.shape)
        scores = node @ layers.Permute((0, 2, 1))(other)
        return layers.Softmax(axis=2)(layers.Affine(0.3)(scores)) @ (node if some(self.rng, 0.5) else other)

    def slice(self, node):
        first = int(self.rng.integers(0, node.shape[0]))
        return node[first : int(self.rng.integers(first + 1, node.shape[0] + 1))]

    def concat(self, node):
        others = [self.pick(lambda other: other.shape[1:] == node.shape[1:]) for _ in range(self.rng.integers(0, 3))]
        nodes = [node, *others, *([node] if some(self.rng, 0.2) else [])]
        return graph.concat(*nodes) if sum(n.shape[0] for n in nodes) <= 2 * self.most else None

    def residual(self, node):
        if len(node.shape) == 3:
            branch = layers.Conv2D(node.shape[0], 3, padding=1, bias=False)(node)
            return layers.BatchNorm(eps=eps(self.rng))(branch) + node if some(self.rng, 0.5) else branch + node
        return layers.Linear(node.shape[0])(node) + node

    def chain(self, node):
        """The rows of layers that the executor runs as one, or in another order; what lies within is read again."""
        norms, acts = [layers.BatchNorm] * int(self.rng.integers(0, 3)), [layers.ReLU, layers.ReLU6, layers.LeakyReLU]
        pools = [layers.MaxPool2D, layers.AdaptiveMaxPool2D, layers.GlobalMaxPool2D]
        first = [layers.Conv2D if len(node.shape) == 3 else layers.Linear]
        for kind in (*first, *norms, acts[self.rng.integers(3)], pools[self.rng.integers(3)]):
            if kind in self.classes:
                self.add(self.layer(self.nodes[-1] if kind not in first else node, kind))
        return None

    def end(self):
        """The last node; often joined with what nobody has read."""
        last = self.nodes[-1]
        loose = [node for node in self.nodes[:-1] if node.index not in self.used]
        if some(self.rng, 0.25):
            loose = []  # never computed
        if self.seen and not any(self.seen in graph.ancestors(node) for node in (last, *loose)):
            loose.append(self.seen)
        same = [node for node in loose if node.shape[1:] == last.shape[1:]]
        if same:
            last = graph.concat(last, *same)
        if len(loose) > len(same) or some(self.rng, 0.3):
            vectors = [node if len(node.shape) == 1 else layers.GlobalAvgPool2D()(node) for node in loose]
            last = layers.Flatten()(last)
            last = layers.Linear(int(self.rng.integers(1, 9)))(graph.concat(last, *vectors))
        if self.turn is layers.MainHead or (len(last.shape) == 1 and some(self.rng, 0.05)):
            last = layers.Linear(6)(layers.Flatten()(last))
            last = layers.MainHead(3)(last)
        return last


def accepts_vectors(kind):
    elementwise = {layers.ReLU, layers.ReLU6, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.GELU, layers.Softplus}
    elementwise |= {layers.SiLU, layers.HardSwish, layers.HardSigmoid, layers.Sigmoid, layers.Tanh, layers.Dropout}
    elementwise |= {layers.Affine, layers.ChannelScale, layers.StochasticDepth}
    elementwise |= {layers.SELU, layers.CELU, layers.Mish, layers.Softsign, layers.LogSigmoid}
    elementwise |= {layers.Hardtanh, layers.Threshold}
    elementwise |= BOUNDED
    norms = {layers.BatchNorm, layers.GroupNorm, layers.LayerNorm, layers.LocalResponseNorm}
    return kind in elementwise | norms | {layers.Softmax, layers.LogSoftmax, layers.Linear, layers.Flatten}


class Case:
    """Everything about one seed: `network` makes the network anew, with the same numbers every time."""

    def __init__(self, seed, classes=tuple(LAYERS)):
        rng = np.random.default_rng(seed)
        self.seed, self.classes, self.turn = seed, classes, classes[seed % len(classes)]
        self.most = int(rng.choice([6, 12, 40, 40]))
        self.length = int(rng.integers(0, 40 if some(rng, 0.1) else 14))
        self.input_shape = (int(rng.integers(1, self.most + 1)), *random_pair(rng, 1, 9))
        if some(rng, 0.1) and accepts_vectors(self.turn):
            self.input_shape = self.input_shape[:1]
        nodes = graph.ancestors(graph.build(self.model, self.input_shape, "float64"))
        self.output_shape, self.kinds = nodes[-1].shape, {type(node.layer) for node in nodes if node.layer}
        self.joints = {node.kind for node in nodes}
        self.batch, self.loss = int(rng.integers(2, 6)), self.some_loss(rng)
        least = 2 if any(single(node) for node in nodes) else 1
        self.last = int(rng.integers(least, self.batch + 1))  # images of a smaller batch

    def model(self, x):
        growth = Growth(x, np.random.default_rng([self.seed, 1]), self.classes, self.turn, self.most)
        growth.grow(self.length)
        return growth.end()

    def some_loss(self, rng):
        if layers.MainHead in self.kinds:
            return losses.AuxiliaryCrossEntropy((1.0, 0.3))
        return [losses.CrossEntropy(), losses.MSE(str(rng.choice(["half_sum", "mean", "sum"])))][rng.integers(2)]

    def network(self, dtype="float64", **options):
        network, rng = Network(self.model, self.input_shape, dtype, seed=self.seed, **options), self.rng(2)
        for name, p in network.parameters.items():
            if np.ptp(p) == 0:  # biases and the weights of norms begin as zeros and ones, which hides what they do
                p[...] = rng.uniform(0.5, 1.5, p.shape) if name.endswith("weight") else rng.normal(0, 0.3, p.shape)
        for name, buffer in network.buffers.items():
            if name.endswith(("running_mean", "running_var")):
                buffer[...] = rng.uniform(0.5, 1.5, buffer.shape)
        return network

    def rng(self, stream):
        return np.random.default_rng([self.seed, stream])

    def images(self, n=None, dtype="float64"):
        return self.rng(3).standard_normal((self.batch, *self.input_shape))[:n].astype(dtype)

    def targets(self, n=None, dtype="float64"):
        shape, rng = (self.batch, *self.output_shape), self.rng(4)
        if isinstance(self.loss, losses.MSE):
            return rng.standard_normal(shape)[:n].astype(dtype)
        classes = 3 if isinstance(self.loss, losses.AuxiliaryCrossEntropy) else shape[1]
        return rng.integers(0, classes, (shape[0], *shape[2:]))[:n]


def single(node):
    """A norm over the batch of one value per image: it cannot train on one image."""
    return isinstance(node.layer, layers.BatchNorm) and int(np.prod(node.shape[1:])) == 1


def slope(loss, y, targets):
    """d loss / dy, written out."""
    if isinstance(loss, losses.MSE):
        factor = {"half_sum": 1 / len(y), "mean": 2 / y.size, "sum": 2}[loss.reduction]
        return factor * (y - targets)
    weights = getattr(loss, "weights", (1.0,))
    return np.concatenate([
        weight * cross_entropy_slope(part, targets)
        for weight, part in zip(weights, np.split(y, len(weights), axis=1), strict=True)
    ], axis=1)  # fmt: skip


def cross_entropy_slope(y, targets):
    """(softmax y - 1 at the target) / number of targets."""
    p = np.exp(y - y.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    np.put_along_axis(p, targets[:, None], np.take_along_axis(p, targets[:, None], 1) - 1, 1)
    return p / targets.size
