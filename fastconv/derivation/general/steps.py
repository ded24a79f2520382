"""The steps of any sequential network: forward layer by layer, back in the opposite order, and the update."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...typing import Array, Generator
from ..records import Check, Step, same
from ..run import Run
from ..slopes import compared
from .losses import equation_of
from .rules import Rule, rule_of

__all__ = ["steps"]

LOOPS = "loops in float64 NumPy"
SUMS = 1e-11  # of the largest value: sums over thousands of products in another order
KINK = "No derivative exists at a kink or a tie; the library gives one of those on its two sides."


def steps(run: Run, seed: int) -> Iterator[Step]:
    """All steps."""
    rules = [rule_of(node.layer, node.inputs[0].shape) for node in run.nodes]
    yield from forward(run, rules)
    yield from backward(run, rules, np.random.default_rng(seed))
    yield from update(run)


def letters(k: int) -> dict[str, str]:
    """What stands for {x}, {y} and the rest in the equations of layer k."""
    x, y, w, b = f"x^{{{k - 1}}}", f"x^{{{k}}}", f"w^{{{k}}}", f"b^{{{k}}}"
    found = {"x": x, "y": y, "w": w, "b": b}
    return {**found, **{f"d{letter}": f"Δ{shown}" for letter, shown in found.items()}, "dL": "∂L"}


def title_of(node: Any) -> str:
    """``conv1: Conv2D(6, 5)``"""
    return f"{node.name}: {node.layer!r}"


def forward(run: Run, rules: list[Rule]) -> Iterator[Step]:
    """The output of each layer, and the loss."""
    for k, (node, rule) in enumerate(zip(run.nodes, rules, strict=True), 1):
        arrays = {name.rpartition(".")[2]: a for name, a in run.arrays.items() if name.rpartition(".")[0] == node.owner}
        values, checks, note = run.values[k], [], ""
        if rule.loops is None:
            note = "This layer has no loops of its own here; its gradients below are compared."
        else:
            arrays = {name: np.array(array, "float64") for name, array in arrays.items()}
            checks = [same(values, rule.loops(node.layer, run.values[k - 1], arrays, node.shape), LOOPS, SUMS)]
        source = rule.equation.format(**letters(k))
        symbol = letters(k)["y"]
        yield Step(None, rule.cites, title_of(node), "forward", source, symbol, values, tuple(checks), note)
    output = run.values[-1]
    equation, cites, formula = equation_of(run.loss_object, output)
    checks = [same(run.loss, formula(output, run.target[0]), LOOPS, SUMS)] if formula else []
    source = equation.format(y=letters(len(run.nodes))["y"])
    title = f"Loss: {run.loss_object!r}"
    yield Step(None, cites, title, "forward", source, "L", np.array(run.loss), tuple(checks))


def backward(run: Run, rules: list[Rule], rng: Generator) -> Iterator[Step]:
    """The error of each value from the last, and the gradients of each layer's parameters."""
    last = len(run.nodes)
    output = letters(last)["y"]
    yield error(run, last, "The error of the output", rf"Δ{output} = \frac{{∂L}}{{∂{output}}}", "as (15)", rng)
    for k in range(last, 0, -1):
        node, rule = run.nodes[k - 1], rules[k - 1]
        for name in node.spec.params if is_first_use(run, k) else ():
            yield gradient(run, k, name, rule, rng)
        if k > 1:
            source = rule.back.format(**letters(k))
            yield error(run, k - 1, f"Back through {title_of(node)}", source, rule.back_cites, rng)


def is_first_use(run: Run, k: int) -> bool:
    """Whether no earlier layer has the same parameters."""
    return all(node.owner != run.nodes[k - 1].owner for node in run.nodes[: k - 1])


def error(run: Run, k: int, title: str, source: str, cites: str, rng: Generator) -> Step:
    """The gradient of value k."""
    values = run.value_gradients[k]
    check = compared(values, run.loss_of_values(k), run.values[k], rng)
    symbol = f"Δx^{{{k}}}"
    return Step(None, cites, title, "backward", source, symbol, values, (check,), about(check))


def gradient(run: Run, k: int, own: str, rule: Rule, rng: Generator) -> Step:
    """The gradient of a parameter of layer k."""
    node = run.nodes[k - 1]
    name = f"{node.owner}.{own}"
    symbol = symbol_of(own, k)
    usual = rf"Δ{symbol} = \frac{{∂L}}{{∂{symbol}}}"
    equation, cites = rule.params.get(own, (usual.replace("{", "{{").replace("}", "}}"), "as (33)"))
    values = run.gradients[name]
    check = compared(values, run.loss_of_parameter(name), run.parameter(name), rng)
    source = equation.format(**letters(k))
    return Step(None, cites, f"Gradient of {name}", "backward", source, f"Δ{symbol}", values, (check,), about(check))


def symbol_of(own: str, k: int) -> str:
    """w^k, b^k, or the name of another parameter of layer k."""
    return {"weight": "w", "bias": "b"}.get(own, own.replace("_", "")) + f"^{{{k}}}"


def about(check: Check) -> str:
    """A sentence where some entries are at a kink."""
    return KINK if check.kinks else ""


def update(run: Run) -> Iterator[Step]:
    """One step of gradient descent for each parameter."""
    for k, node in enumerate(run.nodes, 1):
        for own in node.spec.params if is_first_use(run, k) else ():
            yield updated(run, k, own, node)


def updated(run: Run, k: int, own: str, node: Any) -> Step:
    """The new values of a parameter."""
    name, symbol = f"{node.owner}.{own}", symbol_of(own, k)
    new: Array = run.updated[name]
    expected = run.parameter(name) - run.learning_rate * run.gradients[name]
    matrix = len(node.shape) == 1
    cites = f"as ({(70 if matrix else 66) if own == 'bias' else (69 if matrix else 65)})"
    check = same(new, expected, f"{name} − α · gradient in NumPy")
    source = f"{symbol} ← {symbol} − α · Δ{symbol}"
    return Step(None, cites, f"Update of {name}", "update", source, symbol, new, (check,))
