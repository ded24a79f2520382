"""Optimizers: `step(parameters, gradients)` changes parameters in place.

Both are mappings name -> array with the same names, as `network.parameters` and the result of `network.gradients`.
"""

from collections import deque
from functools import partial
from operator import call

import numpy as np

from .ops import check


class SGD:
    """Stochastic gradient descent: w <- w - lr dw (Zhang 2016, eqs. 65 to 70), with the usual additions.

    With g = dw + weight_decay w and momentum m:

        v <- m v + g  (at the first step v <- g)
        w <- w - lr v,  or, with nesterov,  w <- w - lr (g + m v)

    `lr` may be changed between steps.

    Examples
    --------
    >>> import numpy as np
    >>> w = {"w": np.array([1.0, 2.0])}
    >>> SGD(lr=0.5).step(w, {"w": np.array([1.0, 1.0])})
    >>> w["w"]
    array([0.5, 1.5])
    """

    def __init__(self, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.lr = check.number(lr, "lr")
        self.momentum = check.number(momentum, "momentum")
        self.weight_decay = check.number(weight_decay, "weight_decay")
        self.nesterov = bool(nesterov)
        for name in ("lr", "momentum", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}")
        if self.nesterov and not self.momentum > 0:
            raise ValueError(f"nesterov needs momentum > 0, got momentum={self.momentum}")
        self.memory = {}

    def step(self, parameters, gradients):
        """One update. An interrupt (Ctrl-C) finds all of it done or none of it."""
        flat, dflat = getattr(parameters, "flat", None), getattr(gradients, "flat", None)
        if flat is not None and dflat is not None and flat.size == dflat.size:
            # One vector holds all parameters, one all gradients: a few calls, however many layers there are.
            calls = self.update("all parameters", flat, dflat)
        else:
            check_names(parameters, gradients)
            calls = [c for name in parameters for c in self.update(name, parameters[name], gradients[name])]
        uninterrupted(calls)

    def update(self, name, w, dw):
        """The calls that update one array."""
        if w.shape != dw.shape or w.dtype != dw.dtype:
            raise ValueError(f"{name}: parameter {w.shape} {w.dtype} and gradient {dw.shape} {dw.dtype} must agree")
        step, look, v = self.memory_of(name, w)
        calls, g = [], dw
        if self.weight_decay:
            calls += [partial(np.multiply, w, self.weight_decay, step), partial(np.add, step, dw, step)]
            g = step
        if self.momentum:
            calls += [partial(np.multiply, v, self.momentum, v), partial(np.add, v, g, v)]
        if self.nesterov:
            calls += [partial(np.multiply, v, self.momentum, look), partial(np.add, g, look, step)]
            g = step
        elif self.momentum:
            g = v
        return [*calls, partial(np.multiply, g, self.lr, step), partial(np.subtract, w, step, w)]

    def memory_of(self, name, w):
        """Two arrays for passing results (the second with nesterov only), and the velocity."""
        known = self.memory.get(name)
        if known is None or known[0].shape != w.shape or known[0].dtype != w.dtype:
            look = np.empty_like(w) if self.nesterov else None
            velocity = np.zeros_like(w) if self.momentum else None
            known = self.memory[name] = (np.empty_like(w), look, velocity)
        return known


def check_names(parameters, gradients):
    if parameters.keys() != gradients.keys():
        missing, extra = parameters.keys() - gradients.keys(), gradients.keys() - parameters.keys()
        raise ValueError(
            f"gradients must have the names of parameters; missing {sorted(missing)}, unknown {sorted(extra)}"
        )


def uninterrupted(calls):
    """Run all calls from C: Python looks for signals between bytecodes, and here there are none in between."""
    deque(map(call, calls), maxlen=0)
