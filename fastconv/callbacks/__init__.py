"""What `fit` calls while it trains.

fit(network, images, labels, callbacks=[Checkpoint("run.npz")])

Checkpoint                  files from which a training goes on
Callback                    the base, for callbacks of your own
Run                         what they are given: the training under way
"""

from .base import Callback, Run
from .checkpoint import Checkpoint

__all__ = ["Callback", "Checkpoint", "Run"]
