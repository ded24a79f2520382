"""Fine-tuning: PyTorch's ResNet-18 of five classes of pictures, on the other five, beside training from scratch.

PyTorch trains the network for a few epochs, `safetensors` stores it. Ours loads everything but the head, trains the
head alone, then all at a tenth of the rate. From scratch it has the same time.
"""

import math
import os
import tempfile
import time

from fastconv import SGD, Network, data, fit, models, schedules
from fastconv.data import transforms
from learning.common import say, use_threads

PRETRAINING, HEAD, THAWED = 10, 1, 2  # epochs
BATCH, RATE = 64, 0.1
PEER_RATE = 0.02
MEAN, STD = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)
CHANGES = (transforms.random_crop(32, padding=4), transforms.random_flip(), transforms.normalize(MEAN, STD))


def run(options):
    """Test accuracies of both, and the seconds they had."""
    torch = use_threads(options)
    if torch is None:
        raise SystemExit("tune needs PyTorch and torchvision, which train the first network")
    names = sorted(os.listdir(os.path.join(options.data, "train")))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "five.safetensors")
        pretrain(torch, part(options.data, "train", names[:5]), path, options.epochs or PRETRAINING)
        training, test = (part(options.data, which, names[5:]) for which in ("train", "test"))
        tuned, seconds, of_an_epoch = tune(path, training, test)
    scratch = from_scratch(training, test, seconds, of_an_epoch)
    say(f"fine-tuned {100 * tuned:.2f} %, from scratch in the same {seconds:.0f} s {100 * scratch:.2f} %")
    return {"tuned": tuned, "scratch": scratch, "seconds": seconds}


def part(folder, which, names):
    """The pictures of these classes alone."""
    folders = {name: os.path.join(folder, which, name) for name in names}
    files = [(os.path.join(path, file), name) for name, path in folders.items() for file in sorted(os.listdir(path))]
    return data.image_list(files, classes=names)


def batches(training, seed):
    return data.Loader(training, batch_size=BATCH, transforms=CHANGES, seed=seed)


def pretrain(torch, training, path, epochs):
    """PyTorch's usual loop, on batches of ours."""
    from safetensors.torch import save_file
    from torch_models import build

    torch.manual_seed(0)
    network, loader = build("resnet18", num_classes=5), batches(training, 0)
    optimizer = torch.optim.SGD(network.parameters(), PEER_RATE, momentum=0.9, nesterov=True, weight_decay=5e-4)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEER_RATE, total_steps=epochs * len(loader))
    for number in range(epochs):
        for images, targets in loader.epoch(number):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(targets))
            loss.backward()
            optimizer.step()
            rates.step()
        say(f"PyTorch, five classes: epoch {number + 1}, loss {loss.item():.3f}")
    save_file(network.state_dict(), path)


def network_of(classes, seed):
    return Network(models.resnet18(num_classes=classes), (3, 32, 32), seed=seed)


def tune(path, training, test):
    """(test accuracy, seconds, seconds of an epoch): the head alone, then all at a tenth of the rate."""
    began = time.perf_counter()
    network = network_of(len(training.classes), 1)
    report = network.load(path, strict=False, rename=lambda name: None if name.startswith("fc.") else name)
    say(report)
    network.set_trainable("*", False)
    network.set_trainable("fc.*")
    fit(network, batches(training, 1), epochs=HEAD, optimizer=sgd(RATE), validation=test)
    network.set_trainable("*")
    history = fit(network, batches(training, 2), epochs=THAWED, optimizer=sgd(RATE / 10), validation=test,
                  schedule=schedules.one_cycle())  # fmt: skip
    return history[-1].validation_accuracy, time.perf_counter() - began, min(epoch.seconds for epoch in history)


def from_scratch(training, test, seconds, of_an_epoch):
    """The test accuracy after a whole cycle of at least as much time."""
    history = fit(network_of(len(training.classes), 1), batches(training, 1), epochs=math.ceil(seconds / of_an_epoch),
                  optimizer=sgd(PEER_RATE), schedule=schedules.one_cycle(), validation=test)  # fmt: skip
    return history[-1].validation_accuracy


def sgd(rate):
    return SGD(rate, momentum=0.9, weight_decay=5e-4)
