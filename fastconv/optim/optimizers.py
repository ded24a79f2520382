"""The rules of the optimizers.

Numbers in brackets refer to docs/references.md.
"""

from functools import partial
from math import sqrt
from typing import Any

from ..arguments.signatures import explained_class
from ..arguments.training import settings
from ..typing import Array, Call
from .base import Optimizer


@explained_class("SGD(lr=0.1)", settings("SGD(lr=0.1)"))
class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - lr dw (Zhang 2016 [1], eqs. 65 to 70), with momentum and weight decay.

    With g = dw + weight_decay w and momentum m (Polyak 1964 [34]):

        v <- m v + g  (v = 0 at first, so v = g after the first step with momentum)
        w <- w - lr v,  or, with nesterov (Sutskever et al. 2013 [35]),  w <- w - lr (g + m v)

    Steps without momentum leave v unchanged.

    Parameters
    ----------
    lr : float >= 0
        Learning rate: usually 0.1 to 0.01; ten times smaller where the loss grows or becomes NaN.
    momentum : float, 0 <= momentum < 1, default 0
        Share of v that is kept in each step, usually 0.9; 0 for no momentum.
    weight_decay : float >= 0, default 0
        Factor of w in g: L2 regularisation, usually 1e-4.
    nesterov : bool, default False
        Nesterov's momentum; it needs momentum > 0.

    Attributes
    ----------
    lr, momentum, weight_decay, nesterov
        The parameters, checked whenever they are set.

    Raises
    ------
    TypeError
        If a parameter is not a number, or not a bool.
    ValueError
        If a number is out of its range, or beyond float32; if nesterov is set without momentum.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> SGD(lr=0.5).step(w, {"w": np.array([1.0, 1.0])})
    >>> w["w"]
    array([0.5, 1.5])
    """

    lr: float
    momentum: float
    weight_decay: float
    nesterov: bool

    def __init__(self, lr: float, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    def agree(self, momentum: float = 0.0, nesterov: bool = False, **others: Any) -> None:
        """ValueError for Nesterov's momentum without momentum."""
        if nesterov and not momentum > 0:
            raise ValueError(f"nesterov needs momentum > 0, got momentum={momentum}")

    @property
    def remembers(self) -> tuple[str, ...]:  # type: ignore[override]  # other rules have a class attribute
        """The velocity, if there is momentum."""
        return ("velocity",) if self.momentum else ()

    def prepare(self, kernel: Any, w: Array, dw: Array, t: int, *kept: Array) -> Call:
        """The call that makes one step; `kept` is the velocity, if there is momentum."""
        velocity = kept[0] if kept else None
        return partial(kernel.sgd, w, dw, velocity, self.lr, self.momentum, self.weight_decay, self.nesterov)


@explained_class("Adam(lr=0.001)", settings("Adam(lr=0.001)"))
class Adam(Optimizer):
    """Steps of about lr, by running means of gradients and of their squares (Kingma and Ba 2015 [37], algorithm 1).

    With g = dw + weight_decay w, in step t:

        m <- m + (1 - beta1) (g - m)
        v <- beta2 v + (1 - beta2) g^2
        w <- w - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

    m and v are 0 at first.

    Parameters
    ----------
    lr : float >= 0, default 1e-3
        Learning rate: about the size of a step, whatever the size of the gradients.
    betas : (float, float), each >= 0 and < 1, default (0.9, 0.999)
        Decay rates beta1 and beta2 of the running means.
    eps : float > 0, default 1e-8
        Added to the denominator, so that an element whose gradients have all been 0 does not become NaN.
    weight_decay : float >= 0, default 0
        Factor of w in g: L2 regularisation. `AdamW` is usual where it is not 0.

    Attributes
    ----------
    lr, betas, eps, weight_decay
        The parameters, checked whenever they are set.

    Raises
    ------
    TypeError
        If a parameter is not a number, or betas is not a pair of numbers.
    ValueError
        If a number is out of its range, or beyond float32.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> Adam(lr=0.5, eps=1e-12).step(w, {"w": np.array([1.0, -100.0])})
    >>> w["w"]
    array([0.5, 2.5])
    """

    lr: float
    betas: tuple[float, float]
    eps: float
    weight_decay: float

    remembers = ("first", "second")
    decoupled = False  # True in AdamW: the decay acts on w, not through the means

    def __init__(
        self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def prepare(self, kernel: Any, w: Array, dw: Array, t: int, *kept: Array) -> Call:
        """The call of the t-th step; `kept` is m and v."""
        first, second = kept
        beta1, beta2 = self.betas
        decay, keep = (0.0, 1 - self.lr * self.weight_decay) if self.decoupled else (self.weight_decay, 1.0)
        corrections = (1 - beta1**t, sqrt(1 - beta2**t))
        return partial(kernel.adam, w, dw, first, second, self.lr, beta1, beta2, self.eps, decay, keep, *corrections)


@explained_class("AdamW(lr=0.001)", settings("AdamW(lr=0.001)"))
class AdamW(Adam):
    """Adam whose weight decay acts on the weights themselves (Loshchilov and Hutter 2019 [38], algorithm 2).

        w <- (1 - lr weight_decay) w, then the step of `Adam` with g = dw

    Parameters
    ----------
    lr : float >= 0, default 1e-3
        Learning rate.
    betas : (float, float), each >= 0 and < 1, default (0.9, 0.999)
        Decay rates beta1 and beta2 of the running means.
    eps : float > 0, default 1e-8
        Added to the denominator, as in `Adam`.
    weight_decay : float >= 0, default 0.01
        Share of w, times lr, that each step takes away.

    Attributes
    ----------
    lr, betas, eps, weight_decay
        The parameters, checked whenever they are set.

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> AdamW(lr=0.5, weight_decay=0.1).step(w, {"w": np.zeros(2)})
    >>> w["w"]
    array([0.95, 1.9 ])
    """

    decoupled = True

    def __init__(
        self, lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.01
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay)


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

    Attributes
    ----------
    lr, alpha, eps, weight_decay, momentum, centered
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
    ) -> None:
        super().__init__(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered)

    @property
    def remembers(self) -> tuple[str, ...]:  # type: ignore[override]  # other rules have a class attribute
        """s, with momentum also v, if centered also a."""
        return ("squares", *(("velocity",) if self.momentum else ()), *(("mean",) if self.centered else ()))

    def prepare(self, kernel: Any, w: Array, dw: Array, t: int, *kept: Array) -> Call:
        """The call that makes one step; `kept` has the vectors that `remembers` names."""
        state = dict(zip(self.remembers, kept, strict=True))
        numbers = (self.lr, self.alpha, self.eps, self.weight_decay, self.momentum)
        return partial(kernel.rmsprop, w, dw, state["squares"], state.get("velocity"), state.get("mean"), *numbers)
