"""ResNet-8 on MNIST: 75,002 parameters, small random shifts and rotations, a one-cycle schedule."""

from fastconv import SGD, CrossEntropy, Network, data, fit, models, schedules
from fastconv.callbacks import WeightAverage
from fastconv.data import transforms
from learning.common import Timed, say, use_threads

EPOCHS, BATCH, RATE = 10, 100, 0.2
CHANGES = (transforms.random_rotation(8), transforms.random_crop(28, padding=2), transforms.to_float())


def run(options):
    """The accuracy on the test images and the seconds, data and validation included."""
    options.alone = True
    use_threads(options)
    time = Timed()
    with time:
        train, test, _ = data.load(options.data)
        images = (train.images * 255).round().astype("uint8")
        network = Network(models.resnet8(), (1, 28, 28), seed=0)
        batches = data.Loader(data.ArrayData(images, train.labels), batch_size=BATCH, transforms=CHANGES, seed=0)
        history = fit(
            network,
            batches,
            epochs=options.epochs or EPOCHS,
            optimizer=SGD(RATE, momentum=0.9, nesterov=True, weight_decay=5e-4),
            loss=CrossEntropy(label_smoothing=0.05),
            schedule=schedules.one_cycle(),
            validation=test,
            callbacks=[WeightAverage(0.999)],
        )
    accuracy = history[-1].validation_accuracy
    say(f"test accuracy {100 * accuracy:.2f} % in {time.seconds:.0f} s, {network.summary().parameters:,} parameters")
    return {"accuracy": accuracy, "seconds": time.seconds, "history": [epoch._asdict() for epoch in history]}
