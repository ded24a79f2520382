"""RMSprop.

Numbers in brackets refer to docs/references.md.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..arguments.signatures import explained_class
from ..arguments.training import settings
from ..typing import Array, Call
from .base import Optimizer


@explained_class("RMSprop(lr=0.01)", settings("RMSprop(lr=0.01)"))
class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient (Tieleman and Hinton 2012 [36]).

    With g = dw + weight_decay w:

        s <- alpha s + (1 - alpha) g^2
        u = g / (sqrt(s) + eps);  centered: a <- a + (1 - alpha) (g - a), u = g / (sqrt(max(0, s - a^2)) + eps)
        w <- w - lr u;  with momentum m: v <- m v + u, w <- w - lr v

    s, a and v are 0 at first. Steps without momentum do not change v, and steps that are not centered do not change a.

    Parameters
    ----------
    lr : float >= 0, default 0.01
        Learning rate.
    alpha : float, 0 <= alpha < 1, default 0.99
        Decay rate of the running means s and a.
    eps : float > 0, default 1e-8
        Added to the denominator, so that an element whose gradients have all been 0 does not become NaN.
    weight_decay : float >= 0, default 0
        Factor of w in g: L2 regularisation.
    momentum : float, 0 <= momentum < 1, default 0
        Share of v that is kept in each step; 0 for no momentum.
    centered : bool, default False
        Divide by a running standard deviation: subtract the square of the running mean a.
    groups : mapping str -> mapping, default None
        Settings for the parameters whose names fit a pattern, such as ``{"layer4.*": {"lr": 0.01}}``: see
        `optim.Optimizer`.
    decay_biases_and_norms : bool, default True
        False: no weight decay for arrays of less than two axes, whatever `groups` says.

    Attributes
    ----------
    lr, alpha, eps, weight_decay, momentum, centered, groups, decay_biases_and_norms
        The parameters, checked whenever they are set.

    Raises
    ------
    TypeError
        If a parameter is not a number, or not a bool.
    ValueError
        If a number is out of its range, or beyond float32.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> RMSprop(lr=0.5, alpha=0.75, eps=1e-12).step(w, {"w": np.array([3.0, -0.1])})
    >>> w["w"].round(6)
    array([0., 3.])
    """

    lr: float
    alpha: float
    eps: float
    weight_decay: float
    momentum: float
    centered: bool

    def __init__(
        self,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        decay_biases_and_norms: bool = True,
    ) -> None:
        own = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay}
        own |= {"momentum": momentum, "centered": centered}
        super().__init__(groups=groups, decay_biases_and_norms=decay_biases_and_norms, **own)

    @property
    def remembers(self) -> tuple[str, ...]:  # type: ignore[override]  # other rules have a class attribute
        """s, with momentum also v, if centered also a."""
        return ("squares", *(("velocity",) if self.momentum else ()), *(("mean",) if self.centered else ()))

    def prepare(self, kernel: Any, w: Array, dw: Array, t: int, *kept: Array) -> Call:
        """The call that makes one step; `kept` has the vectors that `remembers` names."""
        state = dict(zip(self.remembers, kept, strict=True))
        numbers = (self.lr, self.alpha, self.eps, self.weight_decay, self.momentum)
        return partial(kernel.rmsprop, w, dw, state["squares"], state.get("velocity"), state.get("mean"), *numbers)
