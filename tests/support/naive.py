"""A network without an executor: every value and gradient in fresh memory of its own, sums written out."""

from types import SimpleNamespace

import laws
import numpy as np

from fastconv import graph
from fastconv.layer import Bound


class Naive:
    """The same graph and parameters as a Network, run node by node; what a layer writes lies in this layout."""

    def __init__(self, network, channels_last=False):
        self.network, self.nodes, self.channels_last = network, network.nodes, channels_last

    def empty(self, shape, dtype=None):
        return laws.empty(shape, dtype or self.network.dtype, self.channels_last)

    def bound(self, node, n, training, **arrays):
        def own(names, source):
            return SimpleNamespace(**{k: source[f"{node.owner}.{k}"] for k in names})

        def fresh(wanted):
            return {k: self.empty((n, *a.shape) if a.batched else a.shape, a.dtype) for k, a in wanted.items()}

        return Bound(
            x_shape=(n, *node.inputs[0].shape),
            y_shape=(n, *node.shape),
            params=own(node.spec.params, self.network.parameters),
            state=own(node.spec.state, self.network.buffers),
            saved=arrays.pop("saved", None) or SimpleNamespace(**fresh(node.spec.saved)),
            scratch=SimpleNamespace(**fresh(node.spec.scratch)),
            training=training,
            **arrays,
        )

    def forward(self, x, training=False, undone=False):
        """y; `undone`: as in a prediction, with what `backward` reads."""
        self.values, self.saved, self.undone = {}, {}, undone
        for node in self.nodes:
            inputs = [self.values[source.index] for source in node.inputs]
            if node.kind == "input":
                y = x
            elif node.kind == "add":
                y = inputs[0] + inputs[1]
            elif node.kind == "multiply":
                y = inputs[0] * inputs[1]
            elif node.kind == "matmul":
                y = inputs[0] @ inputs[1]
            elif node.kind == "slice":
                y = inputs[0][:, node.first : node.first + node.shape[0]]
            elif node.kind == "concat":
                y = np.concatenate(inputs, axis=1)
            else:
                y = self.empty((len(x), *node.shape))
                b = self.bound(node, len(x), training or self.keeps(node), x=inputs[0], y=y)
                laws.run(node.layer.forward(b))
                self.saved[node.index] = b.saved
            self.values[node.index] = y
        return y

    def keeps(self, node):
        """Whether a layer keeps in a prediction that is undone what it keeps in training."""
        return self.undone and not node.layer.two_modes

    def backward(self, dy):
        """name -> gradient of sum(y dy)."""
        self.d = {node.index: np.zeros_like(self.values[node.index]) for node in self.nodes}
        self.d[self.nodes[-1].index] += dy
        grads = {name: np.zeros_like(p) for name, p in self.network.parameters.items()}
        for node in reversed(self.nodes):
            dy, sources = self.d[node.index], node.inputs
            if node.kind == "add":
                for source in sources:
                    self.d[source.index] += dy
            elif node.kind == "multiply":
                (a, b), (u, v) = sources, (self.values[source.index] for source in sources)
                self.d[a.index] += dy * v
                repeated = tuple(i for i in range(u.ndim) if u.shape[i] != v.shape[i])
                self.d[b.index] += (dy * u).sum(axis=repeated, keepdims=True) if repeated else dy * u
            elif node.kind == "matmul":
                (a, b), (u, v) = sources, (self.values[source.index] for source in sources)
                self.d[a.index] += dy @ v.swapaxes(-1, -2)
                self.d[b.index] += u.swapaxes(-1, -2) @ dy
            elif node.kind == "slice":
                self.d[sources[0].index][:, node.first : node.first + node.shape[0]] += dy
            elif node.kind == "concat":
                ends = np.cumsum([source.shape[0] for source in sources])[:-1]
                for source, part in zip(sources, np.split(dy, ends, axis=1), strict=True):
                    self.d[source.index] += part
            elif node.kind == "layer":
                self.layer_backward(node, dy, grads)
        return grads

    def layer_backward(self, node, dy, grads):
        own = {k: np.empty_like(grads[f"{node.owner}.{k}"]) for k in node.spec.params}
        x, y = self.values[node.inputs[0].index], self.values[node.index]
        dx = np.full_like(x, np.nan)
        saved = self.saved[node.index]
        training = self.keeps(node) or not self.undone
        b = self.bound(node, len(x), training, x=x, y=y, dy=dy.copy(), dx=dx, grads=SimpleNamespace(**own), saved=saved)
        laws.run(node.layer.backward(b))
        self.d[node.inputs[0].index] += dx
        for key, gradient in own.items():
            grads[f"{node.owner}.{key}"] += gradient


def random_model(rng, length, channels=3):
    """A model of `length` random nodes on planes of one size: layers, sums, concatenations, fan-out, shared layers."""
    from fastconv.layers import Conv2D, Flatten, LeakyReLU, Linear, ReLU, Sigmoid, Tanh

    def model(x):
        nodes, shared = [x], []
        for _ in range(length):
            a, b = (nodes[i] for i in rng.integers(max(0, len(nodes) - 5), len(nodes), 2))
            kind = rng.choice(["conv", "activation", "add", "concat", "shared", "twice"])
            if kind == "conv":
                shared.append((Conv2D(channels, 3, padding=1), a.shape))
                nodes.append(shared[-1][0](a))
            elif kind == "activation":
                nodes.append([Sigmoid, Tanh, ReLU, LeakyReLU][rng.integers(4)]()(a))
            elif kind == "add" and a.shape == b.shape:
                nodes.append(a + b)
            elif kind == "twice":
                nodes.append(a + a)
            elif kind == "shared":
                nodes += [layer(a) for layer, shape in shared[-1:] if shape == a.shape]
            elif sum(node.shape[0] for node in (a, b)) < 40:
                nodes.append(graph.concat(*([a, b, a] if rng.random() < 0.3 else [a, b])))
        return Linear(4)(Flatten()(graph.concat(*nodes[-3:])))

    return model
