"""Each function beside PyTorch's, in every memory order; gradients against finite differences, of both orders."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fastconv.torch import arrays, kinds, modules  # noqa: E402

LAYERS = {
    "conv": (lambda: nn.Conv2d(5, 18, 3, 2, 1), 5),
    "conv without bias": (lambda: nn.Conv2d(20, 6, (1, 3), bias=False), 20),
    "conv same": (lambda: nn.Conv2d(3, 4, 4, padding="same", dilation=2), 3),
    "conv groups": (lambda: nn.Conv2d(20, 40, 3, groups=20), 20),
    "conv and relu": (lambda: nn.Sequential(nn.Conv2d(5, 18, 3), nn.ReLU()), 5),
    "conv and relu6": (lambda: nn.Sequential(nn.Conv2d(18, 5, 1), nn.ReLU6(inplace=True)), 18),
    "transposed": (lambda: nn.ConvTranspose2d(5, 18, 3, 2, 1, 1), 5),
    "transposed groups": (lambda: nn.ConvTranspose2d(20, 8, (2, 3), groups=4, dilation=(2, 1), bias=False), 20),
    "norm": (lambda: nn.BatchNorm2d(5), 5),
    "norm without weight": (lambda: nn.BatchNorm2d(5, affine=False, eps=1e-3), 5),
    "norm of the batch": (lambda: nn.BatchNorm2d(5, track_running_stats=False), 5),
    "norm mean of all": (lambda: nn.BatchNorm2d(5, momentum=None), 5),
    "norm and relu": (lambda: nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(inplace=True)), 20),
    "norm and relu6": (lambda: nn.Sequential(nn.BatchNorm2d(5), nn.ReLU6()), 5),
    "relu": (lambda: nn.ReLU(), 5),
    "relu6": (lambda: nn.ReLU6(), 5),
    "max": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), 5),
    "mean": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), 5),
    "mean by": (lambda: nn.AvgPool2d((2, 3), divisor_override=7), 5),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d((3, None)), 5),
    "global": (lambda: nn.AdaptiveAvgPool2d(1), 5),
}
TOLERANCE = {"float32": {"rtol": 1e-4, "atol": 1e-4}, "float64": {"rtol": 1e-10, "atol": 1e-10}}
MEMORY = {
    "contiguous": lambda x: x,
    "channels-last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "strided": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
}


def pair(name, dtype="float64"):
    """A layer of PyTorch, and a copy that fastconv computes."""
    torch.manual_seed(0)
    build, channels = LAYERS[name]
    theirs = build().to(getattr(torch, dtype))
    for p in theirs.parameters():
        nn.init.normal_(p, std=0.5)
    ours = build().to(getattr(torch, dtype))
    ours.load_state_dict(theirs.state_dict())
    for _, part in list(modules.candidates(ours)):
        modules.use(part, True)
    modules.use_sequences(ours)
    assert kinds.is_ours(ours)
    return theirs, ours, channels


def images(channels, dtype="float64"):
    return 3 * torch.randn(3, channels, 9, 8, dtype=getattr(torch, dtype))


@pytest.mark.parametrize("training", [True, False], ids=["training", "prediction"])
@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", LAYERS)
def test_results_gradients_and_buffers_are_pytorchs(name, dtype, memory, training):
    theirs, ours, channels = pair(name, dtype)
    x = MEMORY[memory](images(channels, dtype))
    results = []
    for module in (theirs.train(training), ours.train(training)):
        for _ in range(4):  # calls that were seen before take a short way
            source = x.detach().requires_grad_()
            y = module(source)
            wanted = [source, *module.parameters()]
            gradients = torch.autograd.grad(y, wanted, torch.cos(y.detach()))
        results.append([y, *gradients, *module.buffers()])
    assert type(results[1][0].grad_fn).__name__ != type(results[0][0].grad_fn).__name__  # ours was called
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(b, a, check_stride=False, **TOLERANCE[dtype])


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_and_their_gradients_are_those_of_finite_differences(name):
    _, ours, channels = pair(name)
    x = images(channels)[:2, :, :5, :4].detach().requires_grad_()
    if name in ("norm mean of all",):
        ours.eval()
    inputs = (x, *ours.parameters())

    def function(x, *parameters):
        names = [name for name, _ in ours.named_parameters()]
        return torch.func.functional_call(ours, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, inputs, fast_mode=True, atol=1e-4)


@pytest.mark.parametrize("name", LAYERS)
def test_what_nobody_needs_is_not_computed(name):
    theirs, ours, channels = pair(name)
    x = images(channels)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), check_stride=False)
    for module in (theirs, ours):
        for p in module.parameters():
            p.requires_grad_(False)
    assert not ours(x).requires_grad
    source = x.detach().requires_grad_()
    found = [torch.autograd.grad(module(source).square().sum(), source)[0] for module in (theirs, ours)]
    torch.testing.assert_close(*found, check_stride=False)


def test_results_lie_in_the_memory_of_arrays_and_back():
    x = torch.randn(2, 3, requires_grad=True)
    arrays.array(x)[0, 0] = 7
    assert x[0, 0] == 7
    assert arrays.array(None) is None
    y = arrays.tensor(arrays.array(x))
    assert y.data_ptr() == x.data_ptr()


def test_a_gradient_has_the_strides_of_its_weight():
    _, ours, channels = pair("conv without bias")
    ours.to(memory_format=torch.channels_last)
    ours(images(channels)).square().sum().backward()
    assert ours.weight.grad.stride() == ours.weight.stride()


def test_an_activation_in_place_changes_its_input():
    _, ours, channels = pair("relu")
    ours.inplace = True
    x = images(channels)
    y = ours(x)
    assert y.data_ptr() == x.data_ptr()
    assert float(x.min()) == 0
    leaf = images(channels).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf Variable"):
        ours(leaf)
    source = images(channels).requires_grad_()
    ours(source * 2).sum().backward()
    torch.testing.assert_close(source.grad, 2 * (source > 0).double())
