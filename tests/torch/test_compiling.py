"""A network made of a module computes what the module does: outputs, gradients, running statistics."""

import re

import numpy as np
import pytest

import fastconv

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 20, 3, 2, 1, bias=False), nn.BatchNorm2d(20), nn.ReLU6())
        self.conv = nn.Conv2d(20, 20, 3, padding=1, groups=20)
        self.up = nn.ConvTranspose2d(40, 8, 2, 2)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        y = F.relu(x + self.conv(x))
        y = self.pool(self.up(torch.cat([x, y], 1)))
        return self.head(torch.flatten(F.adaptive_avg_pool2d(y, 1), 1))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-9)])
def test_outputs_gradients_and_buffers_are_the_modules(dtype, tolerance):
    torch.manual_seed(0)
    module = Residual().to(getattr(torch, dtype))
    x = torch.randn(4, 3, 13, 12, dtype=module.head.weight.dtype)
    network = fastconv.torch.compile(module, x)
    assert set(network.arrays()) == set(module.state_dict())
    targets = torch.tensor([0, 1, 2, 3])
    loss, gradients = network.gradients(x.numpy(), targets.numpy(), fastconv.CrossEntropy())
    theirs = F.cross_entropy(module(x), targets)
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=tolerance)
    for name, p in module.named_parameters():
        np.testing.assert_allclose(gradients[name], p.grad.numpy(), rtol=10 * tolerance, atol=tolerance, err_msg=name)
    for name, b in module.named_buffers():
        np.testing.assert_allclose(network.buffers[name], b.numpy(), rtol=tolerance, atol=tolerance, err_msg=name)
    predicted = module.eval()(x).detach().numpy()
    np.testing.assert_allclose(network.predict(x.numpy()), predicted, rtol=tolerance, atol=tolerance)
    network.parameters["head.weight"][...] = 0
    assert module.head.weight.abs().max() > 0


def test_dropout_has_no_weights_and_those_that_are_not_used_are_left_out():
    module = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).eval()
    network = fastconv.torch.compile(module, torch.zeros(1, 3))
    x = torch.randn(5, 3)
    np.testing.assert_allclose(network.predict(x.numpy()), module(x).detach().numpy(), atol=1e-6)
    module[0].register_buffer("more", torch.zeros(2))
    assert "0.more" not in fastconv.torch.compile(module, torch.zeros(1, 3)).arrays()


def test_all_that_is_unknown_is_named_at_once_with_its_place():
    class Strange(nn.Module):
        def __init__(self):
            super().__init__()
            self.border = nn.Conv2d(3, 12, 3, padding=1, padding_mode="circular")
            self.fold = nn.Fold((4, 4), 2)

        def forward(self, x):
            x = self.border(x)
            y = self.fold(x[:, :, :1, :9].flatten(2))
            return torch.fft.fft(y.cumsum(1))

    with pytest.raises(ValueError, match="fastconv does not compute") as caught:
        fastconv.torch.compile(Strange(), torch.zeros(1, 3, 9, 9))
    lines = str(caught.value).splitlines()[1:]
    place = r"\(test_compiling.py, line \d+\): "
    wanted = (rf"border: Conv2d {place}pad: .*circular", rf"fold: Fold {place}fold: ", rf"Strange {place}cumsum: ")
    for line, pattern in zip(lines, (*wanted, rf"Strange {place}fft_fft: fastconv has no such function"), strict=True):
        assert re.search(pattern, line), line


def test_what_decides_by_values_or_is_no_module_is_refused():
    class Deciding(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(ValueError, match=r"sum: without dims it mixes the images(.|\n)*decides by the values"):
        fastconv.torch.compile(Deciding(), torch.zeros(1, 3, 8, 8))
    with pytest.raises(TypeError, match="module must be a torch"):
        fastconv.torch.compile(3, torch.zeros(1, 3, 8, 8))
    for example in ((3, 8, 8), 3, (), {}, {"x": 3}):
        with pytest.raises(TypeError, match="example must be a tensor, or a tuple or dict of tensors, got"):
            fastconv.torch.compile(nn.ReLU(), example)
    with pytest.raises(TypeError, match=r"float32 or float64, got torch\.int64"):
        fastconv.torch.compile(nn.ReLU(), torch.zeros(1, 3, 8, 8, dtype=torch.int64))
    for shape in ((), (3,), (0, 3, 8, 8)):
        with pytest.raises(ValueError, match="must hold images"):
            fastconv.torch.compile(nn.ReLU(), torch.zeros(shape))


def test_an_example_of_other_images_is_refused_with_both_shapes():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 2))
    for side in (9, 3):
        inside = 4 * (side - 2) ** 2
        with pytest.raises(ValueError, match=rf"2.weight is \(2, 144\), and \(2, {inside}\) would fit images"):
            fastconv.torch.compile(module, torch.zeros(1, 3, side, side))


def test_the_module_stays_as_it_was():
    module = Residual()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    fastconv.torch.compile(module, torch.zeros(1, 3, 9, 9))
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())
    assert module.training
