"""What `fit` calls while it trains.

    fit(network, images, labels, callbacks=[EarlyStopping(patience=5)])

    Callback                    the base, for callbacks of your own
    Run                         what they are given: the training under way
"""

from .base import Callback, Run

__all__ = ["Callback", "Run"]
