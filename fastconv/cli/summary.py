"""The command ``fastconv summary``: the layers of a network, their shapes, parameters and work."""

from argparse import ArgumentParser, Namespace

from .documents import as_json
from .flags import add_json, add_network, option
from .networks import network_of
from .streams import Stream, escaped
from .values import positive

__all__ = ["add_options", "summary"]


def add_options(command: ArgumentParser) -> None:
    """Add the arguments of `fastconv summary`."""
    command.set_defaults(run=summary)
    add_network(command)
    option(command)("--batch-size", "N", positive, "show the memory of so many images (default: %(default)s)", 1)
    add_json(command, "one JSON object")


def summary(options: Namespace, output: Stream) -> int:
    """Print a row for each layer, and the totals; returns the exit code."""
    network = network_of(options)
    shown = network.summary(options.batch_size)
    if not options.json:
        print(escaped(repr(network)), str(shown), sep="\n")
        return 0
    document = {
        "input_shape": network.input_shape,
        "output_shape": network.output_shape,
        "dtype": str(network.dtype),
        "parameters": shown.parameters,
        "neurons": shown.neurons,
        "multiply_adds": shown.multiply_adds,
        "batch_size": options.batch_size,
        "bytes_of_prediction": network.memory(options.batch_size).total,
        "bytes_of_training_step": network.memory(options.batch_size, training=True).total,
        "layers": [row._asdict() for row in shown.rows],
    }
    print(as_json(document, indent=2))
    return 0
