"""What fastconv does not compute, PyTorch does: the same results, and the same errors."""

import copy

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from fastconv.torch import accelerate  # noqa: E402
from fastconv.torch.modules import candidates, use, use_sequences  # noqa: E402

LAYERS = {
    "conv": nn.Conv2d(3, 20, 3, padding=1),
    "reflect": nn.Conv2d(3, 20, 3, padding=1, padding_mode="reflect"),
    "transposed": nn.ConvTranspose2d(3, 20, 2, 2),
    "norm": nn.BatchNorm2d(3),
    "relu": nn.ReLU(inplace=True),
    "max": nn.MaxPool2d(2),
    "mean": nn.AvgPool2d(2),
    "adaptive": nn.AdaptiveAvgPool2d(2),
    "chain": nn.Sequential(nn.Conv2d(3, 20, 3), nn.ReLU(), nn.BatchNorm2d(20), nn.ReLU6()),
}


class OwnTensor(torch.Tensor):
    pass


def both(name):
    theirs = copy.deepcopy(LAYERS[name])
    ours = copy.deepcopy(theirs)
    for _, part in list(candidates(ours)):
        use(part, True)
    use_sequences(ours)
    return theirs, ours


def outcome(function, module):
    """What comes back, or the class of the error."""
    try:
        return function(module)
    except Exception as error:
        return type(error)


def x(*shape):
    return torch.randn(*(shape or (2, 3, 8, 8)), generator=torch.Generator().manual_seed(0))


def vectorised(module):
    return torch.func.vmap(module)(x(4, 2, 3, 8, 8))


def forward_mode(module):
    given = x()
    return torch.func.jvp(lambda x: module(x * 1), (given,), (torch.ones_like(given),))[1]


def dual(module):
    with torch.autograd.forward_ad.dual_level():
        return torch.autograd.forward_ad.unpack_dual(
            module(torch.autograd.forward_ad.make_dual(x(), torch.ones(2, 3, 8, 8)) * 1)
        ).tangent


def autocast(module):
    with torch.autocast("cpu", torch.bfloat16):
        return module(x())


def traced(module):
    return torch.jit.trace(module.eval(), x(), check_trace=False)(x())


def gradient_of(module):
    return torch.func.grad(lambda x: module(x * 1).square().sum())(x())


def inference(module):
    with torch.inference_mode():
        return module(x())


CALLS = {
    "bfloat16": lambda m: m.to(torch.bfloat16)(x().to(torch.bfloat16)),
    "mixed": lambda m: m(x().double()),
    "one image": lambda m: m(x(3, 8, 8)),
    "empty": lambda m: m(x(0, 3, 8, 8)),
    "five axes": lambda m: m(x(1, 2, 3, 8, 8)),
    "channels": lambda m: m(x(2, 4, 8, 8)),
    "tiny": lambda m: m(x(2, 3, 1, 1)),
    "one value": lambda m: m(x(1, 3, 1, 1)),
    "strided": lambda m: m(x(2, 3, 16, 16)[:, :, ::2, 1::2].flip(0)[::1]),
    "expanded": lambda m: m(x(1, 3, 1, 8).expand(2, 3, 8, 8) * 1),
    "a list": lambda m: m([1, 2]),
    "nothing": lambda m: m(),
    "meta": lambda m: m.to("meta")(x().to("meta")).shape,
    "vmap": vectorised,
    "jvp": forward_mode,
    "dual": dual,
    "autocast": autocast,
    "trace": traced,
    "grad": gradient_of,
    "inference": inference,
    "subclass": lambda m: m(x().as_subclass(OwnTensor)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", LAYERS)
def test_pytorch_computes_or_refuses_it(name, call):
    theirs, ours = (outcome(CALLS[call], module) for module in both(name))
    if isinstance(theirs, torch.Tensor):
        assert type(ours) is type(theirs)
        torch.testing.assert_close(ours, theirs, check_stride=False, rtol=1e-4, atol=1e-4)
    else:
        assert ours == theirs


def test_a_class_of_ones_own_is_left_alone():
    class Own(nn.Conv2d):
        def forward(self, x):
            return super().forward(x) + 1

    class Chain(nn.Sequential):
        def forward(self, x):
            return super().forward(x) + 1

    module = Chain(Own(3, 20, 3), nn.ReLU())
    accelerate(module)
    assert type(module) is Chain
    assert type(module[0]) is Own


def test_an_error_inside_a_sequence_comes_through_once():
    class Broken(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            raise ValueError("broken")

    module = nn.Sequential(nn.Conv2d(3, 20, 3), nn.ReLU(), Broken())
    accelerate(module)
    with pytest.raises(ValueError, match="broken"):
        module(x())
    assert module[2].calls == 1


def test_a_shared_activation_and_a_parametrized_weight():
    relu = nn.ReLU()
    theirs = nn.Sequential(nn.Conv2d(3, 20, 3), relu, nn.Conv2d(20, 20, 3), relu, relu)
    ours = copy.deepcopy(theirs)
    accelerate(ours)
    for module in (theirs, ours):
        torch.manual_seed(0)
        torch.nn.utils.parametrizations.weight_norm(module[2])
    torch.testing.assert_close(ours(x()), theirs(x()), check_stride=False, rtol=1e-4, atol=1e-4)
    found = [torch.autograd.grad(m(x()).sum(), list(m.parameters())) for m in (theirs, ours)]
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-3)
