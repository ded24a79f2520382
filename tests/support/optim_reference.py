"""Optimizers one parameter at a time in float64 NumPy: memory has names, each parameter its own count."""

import numpy as np


class Parameter:
    """w and what a rule remembers of it. Settings are read from the optimizer under test, so they may change."""

    def __init__(self, w):
        self.w, self.t, self.kept = w.astype("float64"), 0, {}

    def zeros(self, name):
        return self.kept.setdefault(name, np.zeros_like(self.w))

    def step(self, g, rule, p):
        """One step of the rule of this name."""
        self.t += 1
        if rule == "AdamW":
            self.w = self.w - p.lr * p.weight_decay * self.w
        else:
            g = g + p.weight_decay * self.w
        self.w = self.w - getattr(self, rule)(g, p)

    def SGD(self, g, p):
        if not p.momentum:
            return p.lr * g
        v = self.kept["velocity"] = p.momentum * self.zeros("velocity") + g
        return p.lr * (g + p.momentum * v if p.nesterov else v)

    def Adam(self, g, p):
        b1, b2 = p.betas
        m = self.kept["first"] = b1 * self.zeros("first") + (1 - b1) * g
        s = self.kept["second"] = b2 * self.zeros("second") + (1 - b2) * g**2
        return p.lr * m / (1 - b1**self.t) / (np.sqrt(s / (1 - b2**self.t)) + p.eps)

    AdamW = Adam

    def RMSprop(self, g, p):
        s = self.kept["squares"] = p.alpha * self.zeros("squares") + (1 - p.alpha) * g**2
        if p.centered:
            a = self.kept["mean"] = p.alpha * self.zeros("mean") + (1 - p.alpha) * g
            s = s - a**2
        u = g / (np.sqrt(s) + p.eps)
        if p.momentum:
            u = self.kept["velocity"] = p.momentum * self.zeros("velocity") + u
        return p.lr * u
