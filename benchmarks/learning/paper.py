"""Zhang's network on MNIST: batches of 50, learning rate 1, the sum of squares, as in the paper's section 4."""

import numpy as np
from torch_zhang import Zhang

from fastconv import MSE, SGD, Network, data, evaluate, fit, models
from learning.common import Timed, say, use_threads

TURN = 10  # epochs of one of them before the other goes on


def run(options):
    """Errors after one epoch and at the end, and the times of both."""
    torch = use_threads(options)
    train, test, _ = data.load(options.data)
    epochs = options.epochs or 100
    network = Network(models.zhang2016(), (1, 28, 28), seed=0)
    peer = None if torch is None else Peer(torch, network, train)
    ours, theirs, errors = Timed(), Timed(), {}
    for first in range(0, epochs, TURN):
        count = min(TURN, epochs - first)
        for part in [1, count - 1] if first == 0 and count > 1 else [count]:
            with ours:
                fit(network, *train, epochs=part, batch_size=50, optimizer=SGD(1.0), loss=MSE(), progress=False,
                    seed=first + part)  # fmt: skip
            number = first + (part if first == 0 and part == 1 else count)
            errors[number] = 1 - evaluate(network, *test, loss=MSE())[1]
            say(f"epoch {number}: test error {100 * errors[number]:.2f} %, {ours.seconds:.1f} s")
        if peer is not None:
            with theirs:
                peer.train(count)
            say(f"          PyTorch {100 * peer.error(test):.2f} %, {theirs.seconds:.1f} s")
    if peer is not None:
        say(f"PyTorch / fastconv: {theirs.seconds / ours.seconds:.2f}")
    return {"errors": errors, "seconds": ours.seconds, "torch_seconds": theirs.seconds}


class Peer:
    """The same network, from the same start, in PyTorch's eager mode."""

    def __init__(self, torch, network, train):
        self.torch, self.network = torch, Zhang()
        weights = {name: torch.from_numpy(np.array(array)) for name, array in network.parameters.items()}
        self.network.load_state_dict(weights)
        self.images = torch.from_numpy(train.images)
        self.targets = torch.nn.functional.one_hot(torch.from_numpy(train.labels), 10).float()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1.0)
        self.rng = np.random.default_rng(0)

    def train(self, epochs):
        """The usual loop."""
        torch = self.torch
        for _ in range(epochs):
            order = torch.from_numpy(self.rng.permutation(len(self.images)))
            for start in range(0, len(order), 50):
                batch = order[start : start + 50]
                self.optimizer.zero_grad()
                y = self.network(self.images[batch])
                loss = ((y - self.targets[batch]) ** 2).sum() / (2 * len(batch))
                loss.backward()
                self.optimizer.step()

    def error(self, test):
        """The share of wrong test images."""
        with self.torch.no_grad():
            y = self.network(self.torch.from_numpy(test.images)).numpy()
        return float((y.argmax(1) != test.labels).mean())
