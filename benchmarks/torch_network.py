"""A fastconv network as a PyTorch module: the same nodes, parameters and buffers."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fastconv import layers


class TorchNetwork(nn.Module):
    """`network`'s graph, node by node; state_dict names are fastconv's with "/" for "."."""

    def __init__(self, network):
        super().__init__()
        self.nodes = network.nodes
        self.mine = nn.ParameterDict({key(name): torch.tensor(value) for name, value in network.parameters.items()})
        for name, value in network.buffers.items():
            if value.dtype.kind == "f":
                self.register_buffer(key(name), torch.tensor(value))

    def forward(self, image):
        values = {self.nodes[0].index: image}
        for node in self.nodes[1:]:
            inputs = [values[source.index] for source in node.inputs]
            if node.kind == "add":
                values[node.index] = inputs[0] + inputs[1]
            elif node.kind == "concat":
                values[node.index] = torch.cat(inputs, 1)
            else:
                values[node.index] = self.layer(node, inputs[0])
        return values[self.nodes[-1].index]

    def layer(self, node, x):
        layer = node.layer

        def own(name):
            full = key(f"{node.owner}.{name}")
            return self.mine[full] if full in self.mine else getattr(self, full, None)

        match layer:
            case layers.Conv2D():
                g = layer.geometry((1, *node.inputs[0].shape))
                weight = own("weight").flip(2, 3) if layer.rotate else own("weight")
                if (g.top, g.left) != (g.bottom, g.right):
                    x, g = F.pad(x, (g.left, g.right, g.top, g.bottom)), g._replace(top=0, left=0)
                return F.conv2d(x, weight, own("bias"), (g.sh, g.sw), (g.top, g.left), (g.dh, g.dw), g.groups)
            case layers.Linear():
                return F.linear(x, own("weight"), own("bias"))
            case layers.BatchNorm():
                state = (own("running_mean"), own("running_var"), own("weight"), own("bias"))
                return F.batch_norm(x, *state, self.training, layer.momentum, layer.eps)
            case layers.ReLU():
                return F.relu(x, inplace=True)
            case layers.ReLU6():
                return F.relu6(x, inplace=True)
            case layers.Sigmoid():
                return torch.sigmoid(x)
            case layers.Flatten():
                return (x.transpose(2, 3) if layer.order == "column" else x).flatten(1)
            case layers.Dropout():
                return F.dropout(x, layer.p, self.training)
            case layers.GlobalAvgPool2D():
                return x.mean((2, 3), keepdim=len(node.shape) == 3)
            case layers.AvgPool2D():
                g = layer.geometry((1, *node.inputs[0].shape))
                return F.avg_pool2d(x, (g.kh, g.kw), (g.sh, g.sw), (g.top, g.left))
            case layers.AdaptiveAvgPool2D():
                return F.adaptive_avg_pool2d(x, node.shape[1:])
        raise NotImplementedError(f"{layer!r} in PyTorch")


def key(name):
    return name.replace(".", "/")


def as_torch(network, make=None):
    """The network in PyTorch: torchvision's own definition `make()` with our weights, or a translation of the graph."""
    if make is None:
        return TorchNetwork(network)
    model = make()
    arrays = {**network.parameters, **network.buffers}
    state = {name: torch.tensor(np.asarray(arrays[name])) for name in model.state_dict()}
    model.load_state_dict(state)
    return model
