"""The programs of `real_ours` with PyTorch, on its own number of threads."""

import numpy as np
import real_ours
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, as in ResNet-18."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn1, self.bn2, self.short = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs), nn.Identity()
        if stride > 1:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.short(x))


def resnet18():
    """Traced, with batch norm folded: PyTorch's quickest on this processor."""
    start = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks = [
        Block(max(64, c if n else c // 2), c, 1 if n or c == 64 else 2) for c in (64, 128, 256, 512) for n in (0, 1)
    ]
    net = nn.Sequential(*start, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)).eval()
    x = torch.tensor(real_ours.numbers(1, 3, 224, 224)).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        traced = torch.jit.trace(net.to(memory_format=torch.channels_last), x)
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def call():
        with torch.inference_mode():
            return frozen(x)

    return call


def conv():
    x = torch.tensor(real_ours.numbers(8, 64, 56, 56)).contiguous(memory_format=torch.channels_last)
    w = torch.tensor(real_ours.numbers(64, 64, 3, 3)).contiguous(memory_format=torch.channels_last)

    def call():
        with torch.inference_mode():
            return F.conv2d(x, w, padding=1)

    return call


def training(model, squares):
    """One step of gradient descent on a batch: a function of images and labels."""
    sgd = torch.optim.SGD(model.parameters(), lr=real_ours.RATE)

    def call(x, labels):
        sgd.zero_grad(set_to_none=True)
        y = model(x)
        targets = F.one_hot(labels, 10).float()
        loss = 0.5 * ((y - targets) ** 2).sum() / len(x) if squares else F.cross_entropy(y, labels)
        loss.backward()
        sgd.step()
        return loss.item()

    return call


def step():
    from torch_zhang import Zhang

    run, x, labels = training(Zhang(), True), torch.tensor(real_ours.numbers(50, 1, 28, 28)), torch.arange(50) % 10
    return lambda: run(x, labels)


def small():
    """The products stay NumPy's."""
    arrays = [(torch.tensor(x), torch.tensor(w), a, b) for x, w, a, b in real_ours.small_arrays()]

    def call():
        with torch.inference_mode():
            for x, w, a, b in arrays:
                F.max_pool2d(F.conv2d(x, w), 2)
                a @ b

    return call


def jpeg():
    parts = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()]
    run = training(nn.Sequential(*parts, nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(10)), False)
    paths = real_ours.pictures()
    labels = torch.tensor(np.arange(real_ours.PICTURES) % 10)
    run(torch.zeros(len(paths), *real_ours.IMAGE), labels)  # the linear layer learns its size

    def call():
        run(torch.from_numpy(real_ours.data.read_images(paths, real_ours.IMAGE)), labels)

    return call
