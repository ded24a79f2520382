"""What reading pictures costs a training: epochs from JPEG files beside those on the same images in memory."""

import os

import numpy as np

from fastconv import SGD, Network, data, fit, models
from fastconv.data import transforms
from learning.cifar import CHANGES
from learning.common import Timed, say, use_threads

BATCH, ROUNDS = 128, 3


def run(options):
    """Seconds of an epoch from files, kept and decoded again, from memory, and on ready arrays."""
    options.alone = True
    use_threads(options)
    files = data.image_folder(os.path.join(options.data, "train"))
    decoded_again = data.image_folder(os.path.join(options.data, "train"), keep=0)
    images, labels = files.batch(np.arange(len(files)))
    ready = transforms.apply(CHANGES, images, data.Draws(0, 0, np.arange(len(images))))
    ready = np.ascontiguousarray(ready, "float32")
    network = Network(models.resnet20(num_classes=len(files.classes)), images.shape[1:], seed=0)
    sources = {
        "ready": (ready, labels),
        "memory": (loader(data.ArrayData(images, labels)),),
        "files": (loader(files),),
        "files, decoded again": (loader(decoded_again, workers=2),),
    }
    times = {name: [] for name in sources}
    for _ in range(ROUNDS):
        for name, source in sources.items():
            timed = Timed()
            with timed:
                fit(network, *source, batch_size=BATCH, optimizer=SGD(0.01, momentum=0.9), progress=False)
            times[name].append(timed.seconds)
    least = {name: min(found) for name, found in times.items()}
    for name, seconds in least.items():
        say(f"{name:20} {seconds:6.2f} s an epoch, {seconds / least['ready']:.3f} of ready arrays")
    return times


def loader(source, workers=1):
    return data.Loader(source, batch_size=BATCH, transforms=CHANGES, workers=workers)
