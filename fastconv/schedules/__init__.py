"""Schedules: what the learning rate is multiplied with, step by step.

    fit(network, x, y, epochs=30, optimizer=SGD(0.1), schedule=cosine())

    constant(factor)              always the same
    step(every, factor)           times `factor` after each `every` epochs
    multi_step(epochs, factor)    times `factor` at each of these epochs
    exponential(factor)           times `factor` over each epoch
    cosine(final)                 half a cosine, over the whole training
    cosine_restarts(first, ...)   the same again and again
    one_cycle(rise, ...)          up, then down, over the whole training
    warm_up(epochs, schedule)     a straight line up, then another schedule
    plateau(factor, patience)     times `factor` where the loss stays

A schedule is any function of a `Moment` (step, steps, epoch, epochs) that
returns a number >= 0; its optimizer's learning rate is the number times the
rate that it had at the beginning. Numbers in brackets refer to
docs/references.md. In a loop of your own:

>>> from fastconv import SGD, schedules
>>> optimizer, steps, rates = SGD(0.1), 4, []
>>> schedule = schedules.cosine()
>>> for step in range(steps):
...     moment = schedules.Moment(step, steps, epoch=step / 2, epochs=2)
...     optimizer.lr = 0.1 * schedule(moment)
...     rates.append(round(optimizer.lr, 4))  # and a train_step
>>> rates
[0.1, 0.0854, 0.05, 0.0146]
"""

from .falling import constant, cosine, cosine_restarts, exponential, multi_step, step
from .moment import Moment, Schedule
from .observing import Plateau, plateau
from .rising import one_cycle, warm_up

__all__ = [
    "Moment",
    "Plateau",
    "Schedule",
    "constant",
    "cosine",
    "cosine_restarts",
    "exponential",
    "multi_step",
    "one_cycle",
    "plateau",
    "step",
    "warm_up",
]
