"""Zhang's network in PyTorch, with fastconv's names of the weights."""

import torch
from torch import nn
from torch.nn import functional as F


class Zhang(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.fc = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 12, 5), nn.Linear(192, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            turned = conv.weight.flip(2, 3)  # the true convolution of the source
            x = F.avg_pool2d(torch.sigmoid(F.conv2d(x, turned, conv.bias)), 2)
        return torch.sigmoid(self.fc(x.transpose(2, 3).flatten(1)))
