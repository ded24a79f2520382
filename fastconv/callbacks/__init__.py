"""What `fit` calls while it trains.

fit(network, images, labels, callbacks=[EarlyStopping(patience=5)])

EarlyStopping               stops when it no longer improves; best weights
WeightAverage               the running mean of the weights (EMA)
Checkpoint                  files from which a training goes on
CSVLog, JSONLog             a file with a row per epoch
TensorBoard                 curves for TensorBoard
Callback                    the base, for callbacks of your own
Run                         what they are given: the training under way

Write WeightAverage before EarlyStopping: the best weights are then those
of the mean. Checkpoint comes last by itself.
"""

from .base import Callback, Run
from .checkpoint import Checkpoint
from .early_stopping import EarlyStopping
from .logs import CSVLog, JSONLog
from .tensorboard import TensorBoard
from .weight_average import WeightAverage

__all__ = ["CSVLog", "Callback", "Checkpoint", "EarlyStopping", "JSONLog", "Run", "TensorBoard", "WeightAverage"]
