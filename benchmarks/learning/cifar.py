"""ResNet-20 on pictures of 32 x 32 in class folders: crops, flips, a one-cycle schedule; and PyTorch, same start."""

import os

import numpy as np

from fastconv import SGD, Network, data, fit, models, schedules
from fastconv.data import transforms
from fastconv.schedules import Moment
from learning.common import Timed, say, use_threads

EPOCHS, BATCH, RATE = 55, 128, 0.2
MEAN, STD = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)
CHANGES = (transforms.random_crop(32, padding=4), transforms.random_flip(), transforms.normalize(MEAN, STD))
DECAY, MOMENTUM = 5e-4, 0.9


def run(options):
    """Both curves: loss and test accuracy of each epoch."""
    torch = use_threads(options)
    epochs = options.epochs or EPOCHS
    training, test = (data.image_folder(os.path.join(options.data, part)) for part in ("train", "test"))
    network = Network(models.resnet20(num_classes=len(training.classes)), (3, 32, 32), seed=0)
    weights = {name: array.copy() for name, array in network.arrays().items()}
    time = Timed()
    with time:
        history = fit(
            network,
            batches(training),
            epochs=epochs,
            optimizer=SGD(RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY),
            schedule=schedules.one_cycle(),
            validation=test,
        )
    say(f"fastconv: test accuracy {100 * history[-1].validation_accuracy:.2f} % in {time.seconds:.0f} s")
    theirs = [] if torch is None else peer(torch, weights, training, test, epochs)
    return {"seconds": time.seconds, "ours": [epoch._asdict() for epoch in history], "torch": theirs}


def batches(training):
    return data.Loader(training, batch_size=BATCH, transforms=CHANGES, seed=0)


def peer(torch, weights, training, test, epochs):
    """(loss, test accuracy, seconds so far) of each epoch of PyTorch on the same batches."""
    from torch_models import resnet20

    network = resnet20(len(training.classes))
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
    cycle, loader, time, curve = schedules.one_cycle(), batches(training), Timed(), []
    images, labels = test.batch(np.arange(len(test)))
    x = transforms.normalize(MEAN, STD)(images, None)
    for number in range(epochs):
        total = 0.0
        with time:
            network.train()
            for step, (images, targets) in enumerate(loader.epoch(number), number * len(loader)):
                moment = Moment(step, epochs * len(loader), step / len(loader), epochs)
                optimizer.param_groups[0]["lr"] = RATE * cycle(moment)
                total += len(images) * step_of(torch, network, optimizer, images, targets)
            network.eval()
            with torch.no_grad():
                y = torch.cat([network(torch.from_numpy(x[i : i + 256])) for i in range(0, len(x), 256)]).numpy()
        curve.append((total / len(training), float((y.argmax(1) == labels).mean()), time.seconds))
        say("PyTorch: epoch {}  loss {:.4f}  test accuracy {:.4f}  {:.0f} s".format(number + 1, *curve[-1]))
    return curve


def step_of(torch, network, optimizer, images, targets):
    """One step; returns the loss."""
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(targets))
    loss.backward()
    optimizer.step()
    return loss.item()
