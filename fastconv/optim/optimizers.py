"""SGD, Adam and AdamW.

Numbers in brackets refer to docs/references.md.
"""

from collections.abc import Mapping
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
    groups : mapping str -> mapping, default None
        Settings for the parameters whose names fit a pattern, such as ``{"layer4.*": {"lr": 0.01}}``: see
        `optim.Optimizer`.
    decay_biases_and_norms : bool, default True
        False: no weight decay for arrays of less than two axes, whatever `groups` says.

    Attributes
    ----------
    lr, momentum, weight_decay, nesterov, groups, decay_biases_and_norms
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

    def __init__(
        self,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        decay_biases_and_norms: bool = True,
    ) -> None:
        own = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__(groups=groups, decay_biases_and_norms=decay_biases_and_norms, **own)

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
    groups : mapping str -> mapping, default None
        Settings for the parameters whose names fit a pattern, such as ``{"layer4.*": {"lr": 0.01}}``: see
        `optim.Optimizer`.
    decay_biases_and_norms : bool, default True
        False: no weight decay for arrays of less than two axes, whatever `groups` says.

    Attributes
    ----------
    lr, betas, eps, weight_decay, groups, decay_biases_and_norms
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
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        decay_biases_and_norms: bool = True,
    ) -> None:
        own = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(groups=groups, decay_biases_and_norms=decay_biases_and_norms, **own)

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
    groups : mapping str -> mapping, default None
        Settings for the parameters whose names fit a pattern, such as ``{"layer4.*": {"lr": 0.01}}``: see
        `optim.Optimizer`.
    decay_biases_and_norms : bool, default True
        False: no weight decay for arrays of less than two axes, whatever `groups` says.

    Attributes
    ----------
    lr, betas, eps, weight_decay, groups, decay_biases_and_norms
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
        self,
        lr: float = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        decay_biases_and_norms: bool = True,
    ) -> None:
        super().__init__(lr, betas, eps, weight_decay, groups=groups, decay_biases_and_norms=decay_biases_and_norms)
