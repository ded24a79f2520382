"""Which equation, and which loops, belong to which layer; and the nearest equations of Zhang 2016."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ... import layers
from ...typing import Array, Shape
from . import elementwise, windows

__all__ = ["Rule", "rule_of"]

Loops = Callable[[Any, Array, dict[str, Array], Shape], Array]  # (layer, x, parameters and buffers, shape of y)


@dataclass
class Rule:
    """One kind of layer; equations have {x}, {y}, {w}, {b} for its letters and {d...} for their gradients."""

    equation: str
    cites: str
    back: str  # the equation of the gradient of x
    back_cites: str
    loops: Loops | None = None
    params: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> equation of its gradient, cites


ELSEWHERE = Rule("{y} = f({x})", "not in the paper", "{dx} = {dL}/∂{x}", "as (25)")


def index(letter: str, tap: str, step: int, inside: int, before: int) -> str:
    """The row that output row `letter` reads with tap `tap`: 2i+3u−1."""
    first = f"{step}{letter}" if step > 1 else letter
    last = f"{inside}{tap}" if inside > 1 else tap
    return f"{first}+{last}" + (f"−{before}" if before > 0 else "")


def place(g: Any) -> str:
    """(2i+u−1, 2j+v−1)"""
    return f"({index('i', 'u', g.sh, g.dh, g.top)}, {index('j', 'v', g.sw, g.dw, g.left)})"


def pair(vertical: object, horizontal: object) -> str:
    """One number where both are the same, else 2×3."""
    return f"{vertical}" if vertical == horizontal else f"{vertical}×{horizontal}"


def around(g: Any) -> str:
    """1, 1×2, or (0, 1)×(2, 0) where two sides differ."""
    if (g.top, g.left) == (g.bottom, g.right):
        return pair(g.top, g.left)
    return pair((g.top, g.bottom), (g.left, g.right))


def differs(layer: Any, g: Any) -> str:
    """', stride 2, padding 1', as far as the settings are not the paper's."""
    rotated = getattr(layer, "rotate", True)
    found = [
        f"stride {pair(g.sh, g.sw)}" if (g.sh, g.sw) != (1, 1) else "",
        f"padding {around(g)}" if any((g.top, g.bottom, g.left, g.right)) else "",
        f"dilation {pair(g.dh, g.dw)}" if (g.dh, g.dw) != (1, 1) else "",
        f"{g.groups} groups" if getattr(g, "groups", 1) > 1 else "",
        "" if rotated else "without the rotation",
    ]
    return "".join(f", {each}" for each in found if each)


def conv_rule(layer: Any, x_shape: Shape) -> Rule:
    """A convolution of any stride, padding, dilation and groups."""
    g = layer.geometry((1, *x_shape))
    turned = f"({g.kh - 1}−u, {g.kw - 1}−v)" if layer.rotate else "(u,v)"
    over = f"Σ_p Σ_{{u=0}}^{{{g.kh - 1}}} Σ_{{v=0}}^{{{g.kw - 1}}}"
    read, how = place(g), differs(layer, g)
    bias = " + {b}_q" if layer.bias else ""
    scope = ",  p in the group of q" if g.groups > 1 else ""
    over = over.replace("{", "{{").replace("}", "}}")
    equation = "{y}_q(i,j) = " + over + " {x}_p" + read + " · {w}_{{q,p}}" + turned + bias + scope
    params = {
        "weight": ("{dw}_{{q,p}}" + turned + " = Σ_i Σ_j {dy}_q(i,j) · {x}_p" + read, f"as (39){how}"),
        "bias": ("{db}_q = Σ_i Σ_j {dy}_q(i,j)", "as (45)"),
    }
    at = read.replace("i", "i′").replace("j", "j′")
    back = "{dx}_p(i,j) = Σ_q Σ {dy}_q(i′,j′) · {w}_{{q,p}}" + turned + " over all " + at + " = (i,j)"
    return Rule(equation, f"as (38){how}", back, f"as (49){how}", windows.conv, params)


def pool_rule(layer: Any, x_shape: Shape) -> Rule:
    """Mean, max and L_p pooling."""
    g = layer.geometry((1, *x_shape))
    read, size = place(g), f", windows of {g.kh}×{g.kw}" if (g.kh, g.kw) != (2, 2) else ""
    steps = f", stride {pair(g.sh, g.sw)}" if (g.sh, g.sw) != (g.kh, g.kw) else ""
    over = f"Σ_{{{{u=0}}}}^{{{{{g.kh - 1}}}}} Σ_{{{{v=0}}}}^{{{{{g.kw - 1}}}}}"
    how = size + steps
    if isinstance(layer, layers.MaxPool2D):
        equation = "{y}_p(i,j) = max_{{u,v}} {x}_p" + read
        back = "{dx}_p(i,j) = Σ {dy}_p over the windows whose first largest is (i,j)"
        return Rule(equation, f"as (6), the largest{how}", back, f"as (32), to the largest{how}", windows.most)
    if isinstance(layer, layers.LpPool2D):
        p = f"{layer.norm_type:g}"
        equation = "{y}_p(i,j) = (" + over + " |{x}_p" + read + "|^{{" + p + "}})^{{1/" + p + "}}"
        back = r"{dx} = Σ {dy} · sign({x}) · (\frac{{|{x}|}}{{{y}}})^{{" + f"{layer.norm_type - 1:g}" + "}}"
        name = f"as (6), the L{p} norm{how}"
        return Rule(equation, name, back, f"as (32), of the L{p} norm{how}", windows.lp)
    m = str(layer.divisor_override or (g.kh * g.kw if layer.count_include_pad else "m"))
    equation = r"{y}_p(i,j) = \frac{{1}}{{" + m + "}} " + over + " {x}_p" + read
    back = r"{dx}_p(i,j) = \frac{{1}}{{" + m + "}} Σ {dy}_p over the windows that hold (i,j)"
    return Rule(equation, f"as (6){how}", back, f"as (32){how}", windows.mean)


def adaptive_rule(layer: Any, x_shape: Shape) -> Rule:
    """Pooling to a given size, or over whole planes."""
    if isinstance(layer, layers.AdaptiveMaxPool2D):
        back = "{dx}_p(i,j) = Σ {dy}_p over the windows whose first largest is (i,j)"
        name, loops = "as (6), the largest", windows.adaptive_most
        return Rule("{y}_p = max of {x}_p over each window", name, back, "as (32), to the largest", loops)
    back = r"{dx}_p(i,j) = Σ \frac{{1}}{{m}} {dy}_p over the windows that hold (i,j)"
    equation, loops = r"{y}_p = \frac{{1}}{{m}} Σ {x}_p over each window", windows.adaptive_mean
    return Rule(equation, "as (6), other windows", back, "as (32), other windows", loops)


def linear_rule(layer: Any, x_shape: Shape) -> Rule:
    """A matrix and perhaps a bias."""
    equation = "{y} = {w} × {x}" + (" + {b}" if layer.bias else "")
    params = {"weight": ("{dw} = {dy} × ({x})^T", "as (19)"), "bias": ("{db} = {dy}", "as (24)")}
    return Rule(equation, "as (12), before σ", "{dx} = ({w})^T × {dy}", "as (30)", elementwise.linear, params)


def norm_rule(layer: Any, x_shape: Shape) -> Rule:
    """Batch norm, as in prediction."""
    z = r"\frac{{{x}_p − μ_p}}{{√(s_p + ε)}}"
    equation = "{y}_p = {w}_p · z_p + {b}_p,  z_p = " + z if layer.affine else "{y}_p = " + z
    params = {"weight": ("{dw}_p = Σ_i Σ_j {dy}_p · z_p", "as (39)"), "bias": ("{db}_p = Σ_i Σ_j {dy}_p", "as (45)")}
    scale = "{w}_p" if layer.affine else "1"
    back = r"{dx}_p = \frac{{" + scale + r"}}{{√(s_p + ε)}} · {dy}_p"
    said = "not in the paper: running mean μ and variance s"
    return Rule(equation, said, back, "as (37), a factor per channel", elementwise.batch_norm, params)


def rule_of(layer: Any, x_shape: Shape) -> Rule:
    """The Rule of a layer; a layer that is not known here has no loops."""
    kind = type(layer)
    if kind in KINDS:
        return KINDS[kind](layer, x_shape)
    if kind.__module__.startswith("fastconv.layers") and kind.__name__ in elementwise.ACTIVATIONS:
        function, equation = elementwise.ACTIVATIONS[kind.__name__]
        name = "" if kind is layers.Sigmoid else f", {kind.__name__} in place of σ"
        back = r"{dx} = {dy} · \frac{{∂{y}}}{{∂{x}}}"
        loops: Loops = lambda layer, x, params, shape: function(layer, x)  # noqa: E731
        return Rule(equation, f"as (4){name}", back, f"as (37){name}", loops)
    return next((rule(layer, x_shape) for base, rule in KINDS.items() if isinstance(layer, base)), ELSEWHERE)


def known(equation: str, cites: str, back: str, back_cites: str, loops: Loops) -> Callable[[Any, Shape], Rule]:
    """A rule that does not depend on settings."""
    return lambda layer, x_shape: Rule(equation, cites, back, back_cites, loops)


def prelu_rule(layer: Any, x_shape: Shape) -> Rule:
    """Leaky ReLU with a trained slope."""
    params = {"weight": ("{dw} = Σ {dy} · {x} where {x} ≤ 0", "as (39)")}
    name = ", PReLU in place of σ"
    equation, back = "{y} = {x} where {x} > 0, else {w} · {x}", "{dx} = {dy} where {x} > 0, else {w} · {dy}"
    return Rule(equation, f"as (4){name}", back, f"as (37){name}", elementwise.prelu, params)


PASSED = known("{y} = {x}  in prediction", "not in the paper", "{dx} = {dy}", "not in the paper", elementwise.same)
FLAT = known("{y} = F({x})", "as (10)", "{dx} = F^{{-1}}({dy})", "as (31)", elementwise.flatten)
PAD = known(
    "{y} = {x} within zeros", "not in the paper", "{dx} = {dy} without the border", "as (31)", elementwise.zero_pad
)
KINDS: dict[Any, Callable[[Any, Shape], Rule]] = {
    layers.Conv2D: conv_rule,
    layers.DepthwiseConv2D: conv_rule,
    layers.MaxPool2D: pool_rule,
    layers.AvgPool2D: pool_rule,
    layers.LpPool2D: pool_rule,
    layers.AdaptiveAvgPool2D: adaptive_rule,
    layers.AdaptiveMaxPool2D: adaptive_rule,
    layers.Linear: linear_rule,
    layers.BatchNorm: norm_rule,
    layers.PReLU: prelu_rule,
    layers.Dropout: PASSED,
    layers.StochasticDepth: PASSED,
    layers.Flatten: FLAT,
    layers.ZeroPad2D: PAD,
}
