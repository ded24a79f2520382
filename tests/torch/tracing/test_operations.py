"""What functions and methods of PyTorch become: outputs and gradients are PyTorch's."""

import numpy as np
import pytest

import fastconv

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


class Forward(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *x, **named):
        return self.function(*x, **named)


def agrees(module, *inputs, tolerance=1e-11):
    """Outputs of prediction, and the gradient of the sum of squares by central differences of the network."""
    module = module if isinstance(module, nn.Module) else Forward(module)
    module = module.double()
    example = inputs if len(inputs) > 1 else inputs[0]
    network = fastconv.torch.compile(module, example)
    given = tuple(x.numpy() for x in inputs) if len(inputs) > 1 else inputs[0].numpy()
    with torch.no_grad():
        theirs = module(*inputs)
    ours = network.predict(given)
    theirs, ours = (y if isinstance(y, tuple) else (y,) for y in (theirs, ours))
    for a, b in zip(theirs, ours, strict=True):
        assert b.shape == tuple(a.shape)
        np.testing.assert_allclose(b, a.numpy(), rtol=tolerance, atol=tolerance)
    return network


def images(*shape):
    return torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


ONE = {
    "shift": lambda x: 2 - (x * 0.5 + 1) / 3,
    "tensor of channels": lambda x: (x - torch.arange(6).view(1, 6, 1, 1)) / torch.full((6, 1, 1), 2.0),
    "gate": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "one gate": lambda x: x * x.mean(1, keepdim=True) + x.amax((1, 2, 3), keepdim=True),
    "rows times columns": lambda x: x[:, :, :1] * x[:, :, :, :1],
    "silu in pieces": lambda x: x * x.sigmoid(),
    "hard swish in pieces": lambda x: x * F.relu6(x + 3) / 6,
    "powers": lambda x: x**3 + torch.square(x) - abs(-x),
    "softsign in pieces": lambda x: x / (1 + x.abs()),
    "quotients": lambda x: x / (2 + x.tanh()) + 1 / x.exp() + (x * x + 1).sqrt() + (x * x + 1).rsqrt(),
    "constants for places": lambda x: x * torch.arange(56.0).view(7, 8) + torch.arange(8.0) + torch.ones(6, 7, 8),
    "matrices": lambda x: x @ x.transpose(2, 3) + x.flatten(2).bmm(x.flatten(2).transpose(1, 2))[:, :, :1, None],
    "attention": lambda x: F.scaled_dot_product_attention(x, x * 2, x + 1),
    "tanhshrink": F.tanhshrink,
    "glu": lambda x: F.glu(x, 1),
    "bounds": lambda x: x.clamp(-0.5, 0.5) + torch.clip(x, min=0.1) + F.hardtanh(x, -1, 0.2) + x.clamp_max(0.3),
    "activations": lambda x: F.gelu(x) + F.mish(x) + F.elu(x, 0.5) + F.selu(x) + F.celu(x) + F.softplus(x, 2),
    "more activations": lambda x: F.hardswish(x) + F.hardsigmoid(x) + F.logsigmoid(x) + F.softsign(x) + F.leaky_relu(x),
    "threshold": lambda x: F.threshold(x, 0.1, 2.0) + torch.tanh(x) + x.relu() + F.silu(x),
    "softmax": lambda x: F.softmax(x, 1) + x.log_softmax(-1),
    "pools": lambda x: F.max_pool2d(x, 2, ceil_mode=True) + F.avg_pool2d(x, 2, 2, ceil_mode=True),
    "padded pools": lambda x: F.avg_pool2d(x, (3, 2), 1, 1, count_include_pad=False) + F.max_pool2d(x, (3, 2), 1, 1),
    "adaptive pools": lambda x: F.adaptive_avg_pool2d(x, (None, 2)) + F.adaptive_max_pool2d(x, (7, 2)),
    "norm of windows": lambda x: F.lp_pool2d(x.abs() + 1, 2, 2),
    "chunks": lambda x: torch.cat(x.chunk(4, 1)[::-1], 1),
    "splits": lambda x: torch.cat([part * 2 for part in torch.split(x, [1, 4, 1], 1)], 1),
    "columns": lambda x: torch.cat(x.split(3, dim=3)[::-1], -1),
    "slices": lambda x: x[:, 1:5, ::2, 1:][..., :4],
    "places": lambda x: x[:, [2, 1, 0]] + x[:, 3].unsqueeze(1) + x[:, None, -1] + x.flip(1)[:, :3],
    "an index and slices": lambda x: x[:, 1, 2:, 1:3] + x[:, 4, :5, None, 0],
    "unbound": lambda x: sum(x.unbind(1)).unsqueeze(1) + x.narrow(1, 2, 1) + x.select(1, 0)[:, None],
    "stacked": lambda x: torch.stack([x[:, 0], x[:, 4]], 1),
    "shuffled channels": lambda x: x.view(x.size(0), 2, 3, *x.shape[2:]).transpose(1, 2).contiguous().view(x.shape),
    "channel shuffle": lambda x: (
        F.channel_shuffle(x, 3) if hasattr(F, "channel_shuffle") else torch.channel_shuffle(x, 3)
    ),
    "tokens": lambda x: x.flatten(2).permute(0, 2, 1),
    "reshapes": lambda x: x.reshape(-1, 6 * 7 * 8).unflatten(1, (6, 56)).squeeze(),
    "means": lambda x: x.mean([2, 3]) + x.sum((-2, -1)) + x.flatten(2).amax(-1) + x.flatten(2).max(2)[0],
    "spatial attention": lambda x: torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True).values], 1),
    "expanded": lambda x: x.mean(1, keepdim=True).expand(-1, 6, -1, -1) + x[:, :1].expand_as(x),
    "twice as large": lambda x: F.interpolate(x, scale_factor=2) + F.interpolate(x, size=(14, 16), mode="bilinear"),
    "odd sizes": lambda x: F.interpolate(x, (5, 13)) + F.interpolate(x, (5, 13), mode="bilinear", align_corners=True),
    "borders": lambda x: F.pad(x, (1, 2, 0, 1), value=0.5) + F.pad(x, (2, 1, 1, 0), mode="reflect"),
    "cut borders": lambda x: F.pad(x, (-1, 0, 2, -1)) + F.pad(x, (-1, 0, 1, 0), mode="replicate"),
    "borders of channels": lambda x: F.pad(x, (0, 0, 0, 0, 2, 1)),
    "pixels": lambda x: F.pixel_unshuffle(F.pixel_shuffle(x[:, :4], 2), 2),
    "local response": lambda x: F.local_response_norm(x, 3),
    "unit vectors": lambda x: F.normalize(x, dim=1),
    "unit rows": lambda x: F.normalize(x.mean((2, 3))),
    "instance norm": lambda x: F.instance_norm(x),
    "norm of pixels": lambda x: F.layer_norm(x.permute(0, 2, 3, 1), (6,)).permute(0, 3, 1, 2),
    "norm of images": lambda x: F.layer_norm(x, x.shape[1:]) + F.group_norm(x, 3),
    "dropout": lambda x: F.dropout(F.dropout2d(x, training=False), training=False).double().clone().to(torch.float64),
    "decided by shapes": lambda x: F.pad(x, (0, x.shape[3] % 3)) if x.shape[2] > 4 and x.dim() == 4 else x,
    "two outputs": lambda x: (x + 1, x.mean((2, 3))),
}


@pytest.mark.parametrize("name", ONE)
def test_functions_of_images_are_pytorchs(name):
    agrees(ONE[name], images(6, 7, 8))


def test_what_is_changed_in_place_is_read_changed():
    def forward(x):
        y = F.relu(x, inplace=True)
        y += 1
        y.mul_(2)
        return x + y

    network = fastconv.torch.compile(Forward(forward), images(6, 7, 8))
    x = images(6, 7, 8)
    np.testing.assert_array_equal(network.predict(x.numpy()), (4 * (x.relu() + 1)).numpy())


def test_what_is_changed_through_another_shape_is_refused_where_it_is_read():
    def forward(x):
        x = x * 1
        y = x[:, :3]
        y.relu_()
        return x

    with pytest.raises(ValueError, match="changed in place after"):
        fastconv.torch.compile(Forward(forward), images(6, 7, 8))


def test_several_inputs_and_outputs_by_name():
    def forward(image, age):
        features = torch.cat([image.mean((2, 3)), age], 1)
        return {"row": features, "image": image * 2, "none": None}

    image, age = images(6, 4, 5), images(2)
    network = fastconv.torch.compile(Forward(forward), {"image": image, "age": age})
    found = network.predict({"image": image.numpy(), "age": age.numpy()})
    for name, value in forward(image, age).items():
        if value is not None:
            np.testing.assert_allclose(found[name], value.numpy(), rtol=1e-12)
    assert set(found) == {"row", "image"}
    agrees(lambda a, b: (a + b, a * b), images(6, 4, 5), images(6, 4, 5))


def test_signals_are_pytorchs():
    conv, back = nn.Conv1d(6, 4, 3, 2, 1), nn.ConvTranspose1d(4, 2, 3, 2)
    agrees(
        nn.Sequential(conv, nn.BatchNorm1d(4), nn.MaxPool1d(2), nn.PReLU(4), back, nn.AvgPool1d(2)).eval(),
        images(6, 21),
    )


class Scaled(nn.Module):
    """Arrays of a module of its own, and one that is used twice."""

    def __init__(self, frozen=True):
        super().__init__()
        self.filters = nn.Parameter(torch.randn(6, 6, 1, 1))
        self.gamma = nn.Parameter(torch.randn(6))
        self.beta = nn.Parameter(torch.randn(6, 1, 1), requires_grad=not frozen)
        self.norm = nn.BatchNorm2d(6)
        self.row = nn.Linear(6, 3)

    def forward(self, x):
        x = self.norm(F.conv2d(x, self.filters) * self.gamma.view(1, -1, 1, 1) + self.beta)
        x = self.norm(F.conv2d(x, self.filters))
        return self.row(x.mean((2, 3)))


def test_arrays_that_no_layer_of_pytorch_holds_are_trained_and_shared():
    torch.manual_seed(0)
    module, x, targets = Scaled().double(), images(6, 4, 5), torch.tensor([0, 1, 2])
    network = fastconv.torch.compile(module, x)
    names = {"filters": "filters.weight", "gamma": "gamma.weight"}
    loss, gradients = network.gradients(x.numpy(), targets.numpy(), fastconv.CrossEntropy())
    theirs = F.cross_entropy(module(x), targets)
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-12)
    for name, p in module.named_parameters():
        if p.requires_grad:
            np.testing.assert_allclose(gradients[names.get(name, name)].reshape(p.shape), p.grad.numpy(), atol=1e-12)
    for name in ("norm.running_mean", "norm.num_batches_tracked"):
        np.testing.assert_allclose(network.buffers[name], dict(module.named_buffers())[name], rtol=1e-12)


def test_parameters_without_a_layer_and_weights_shared_in_part_are_refused():
    with pytest.raises(ValueError, match=r"of shape \(6, 1, 1\), is a parameter that fastconv has no layer for"):
        fastconv.torch.compile(Scaled(frozen=False).double(), images(6, 4, 5))
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    with pytest.raises(ValueError, match=r"shares 0\.weight with another layer"):
        fastconv.torch.compile(tied, torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x.mean(0), "mixes|mix"),
        (lambda x: x[0], "takes images out of a batch"),
        (lambda x: x.view(-1, 3), "does not fit"),
        (lambda x: torch.zeros(x.shape) + x, "makes a tensor with a value for each image"),
        (
            lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
            "max_pool2d_with_indices: fastconv has no such function",
        ),
        (lambda x: x.unbind(0), "mix"),
        (lambda x: x.double(), "float64"),
        (lambda x: x.max(1)[1], "places of the largest"),
        (lambda x: F.interpolate(x, scale_factor=2, mode="bicubic"), "bicubic"),
        (lambda x: x.item(), "decides by the values"),
        (lambda x: 3, "must give tensors"),
    ],
)
def test_what_has_no_nodes_says_why(function, why):
    with pytest.raises(ValueError, match=why):
        fastconv.torch.compile(Forward(function), images(6, 6, 6).float())


def test_stochastic_depth_has_both_modes():
    class DropPath(nn.Module):
        drop_prob, scale_by_keep = 0.5, True

        def forward(self, x):
            raise AssertionError

    network = fastconv.torch.compile(nn.Sequential(DropPath()).eval(), images(6, 4, 5))
    assert isinstance(network.output.layer, fastconv.layers.StochasticDepth)
