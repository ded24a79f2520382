"""The memory of a training step, measured in a process of its own."""

import resource

import numpy as np
from network_peers import IMAGE, MOMENTUM, RATE, SIZES, as_torch

from fastconv import SGD, Network, models, train_step


def peak(of, model, n, threads):
    """{of: MB above the imports} of a process that does two training steps of a case."""
    before = None
    if of == "torch":
        import torch
        from torch_models import torchvision_models

        torch.set_num_threads(threads)
        torchvision_models()
        before = high()
        module = as_torch(model, None).train()
        module = module.to(memory_format=torch.channels_last)
        shape = SIZES.get(model, IMAGE)
        x = torch.zeros((n, *shape)).contiguous(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(module.parameters(), lr=RATE, momentum=MOMENTUM)
        for _ in range(2):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(module(x), torch.zeros(n, dtype=torch.long)).backward()
            optimizer.step()
        return {of: high() - before}
    before, lean = high(), of == "lean"
    network = Network(getattr(models, model)(), SIZES.get(model, IMAGE), seed=0, recompute=lean)
    x, sgd = np.zeros((n, *network.input_shape), "float32"), SGD(RATE, MOMENTUM)
    for _ in range(2):
        train_step(network, x, np.zeros(n, int), sgd, lean=lean)
    return {of: high() - before, f"{of} planned": network.memory(n, training=True, lean=lean).total / 2**20}


def high():
    """Most memory the process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
