"""Backpropagation derived step by step, with the numbers of one image.

    derive(network, image, label)   the steps, each with its equation, its
                                    values and its checks
    Derivation                      what it returns: text, a notebook's
                                    view, a page of HTML

Equations are those of Zhang 2016. The files, in reading order:

    records.py   a step and its checks
    run.py       the network in float64: values and gradients
    slopes.py    gradients compared with central differences
    paper/       the paper's network, equations 4 to 70
    general/     any other sequential network
    derive.py    the function, and what it refuses
    result.py    what it returns
    notation.py  equations as text and as MathML
    numbers.py, terminal.py, page.py, style.py, picture.py
                 how it is shown
"""

from .derive import derive
from .records import Check, Step
from .result import Derivation

__all__ = ["Check", "Derivation", "Step", "derive"]
