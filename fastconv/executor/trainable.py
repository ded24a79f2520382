"""Which parameters of a network are trained: chosen by name, and given to optimizers."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from ..arguments.signatures import explained
from ..graph import Node
from ..ops import check
from ..parameters import Arrays, Named
from .executor import Executor
from .frozen_parameters import as_patterns, fitting, freezable

LINE = "network.set_trainable('conv1.*', False)"
WORDS = {  # arguments of other libraries -> the name here
    **dict.fromkeys(("pattern", "name", "names", "layer", "layers", "parameters", "params"), "patterns"),
    **dict.fromkeys(("trainable", "requires_grad", "value", "mode"), "flag"),
}


class Trainable:
    """Base of classes with `nodes`, `parameters`, an `executor` and `training()`."""

    nodes: Sequence[Node]
    parameters: Arrays
    executor: Executor

    def training(self) -> AbstractContextManager[None]:
        """Held while the network is trained."""
        raise NotImplementedError

    @explained("set_trainable", LINE, WORDS)
    def set_trainable(self, patterns: str | Iterable[str], flag: bool = True) -> None:
        """Freeze parameters by name, or train them again; at first all are trained.

        Training leaves frozen parameters as they are, and computes no gradient of them: the backward pass ends where
        nothing below is trained. A batch norm whose parameters are all frozen works with its running statistics, as
        in prediction, and training does not change them; so does one without parameters (``affine=False``), if a
        pattern fits the names of its buffers. Dropout still drops values.

        Parameters
        ----------
        patterns : str or several
            Names of parameters; ``*`` stands for any text, ``?`` for one character: "fc.weight", "layer1.*",
            "*.bias".
        flag : bool
            True: train them from now on; False: freeze them.

        Raises
        ------
        TypeError
            For what is no text.
        ValueError
            If a pattern fits no parameter; nothing changes.
        RuntimeError
            If another thread is training the network.

        Notes
        -----
        In a loop of your own write ``optimizer.step(network.trained, gradients)``. Copies and pickles of the network
        know what is frozen; files of weights do not. `Network.freeze` is something else: it makes a network that only
        predicts.

        In layers of your own see `optional_gradients` of `fastconv.Layer`, and `two_modes` for those with buffers.

        Examples
        --------
        A new last layer is trained first, then all layers:

        >>> from fastconv import Network, layers, sequential
        >>> network = Network(sequential(layers.Conv2D(4, 3), layers.Flatten(), layers.Linear(10)), (1, 8, 8))
        >>> network.set_trainable("*", False)
        >>> network.set_trainable("linear1.*")
        >>> network.trainable
        ('linear1.weight', 'linear1.bias')
        >>> network.set_trainable("*")
        """
        patterns, flag = as_patterns(patterns), check.flag(flag, "flag")
        names = fitting(patterns, freezable(self.nodes))
        with self.training():
            frozen = self.executor.frozen
            self.executor.freeze(frozen - names if flag else frozen | names)

    @property
    def trainable(self) -> tuple[str, ...]:
        """The names of the parameters that are trained, in the order of the model; see `set_trainable`."""
        return self.executor.trained

    @property
    def trained(self) -> Named:
        """name -> live array of the parameters that are trained.

        They have the names of the gradients, for loops: ``optimizer.step(network.trained, gradients)``.
        """
        if len(self.trainable) == len(self.parameters):
            return self.parameters
        found = Named({name: self.parameters[name] for name in self.trainable})
        found.called = "network.trained"
        return found
