r"""Equations written once, shown as text in a terminal and as MathML in a page.

    source   ΔW(i,j) = \frac{∂L}{∂W(i,j)}      C^2_{q,σ}(i,j) = Σ_{p=1}^{6} S^1_p * k^2_{p,q}
    text     ΔW(i,j) = ∂L/∂W(i,j)              C²_{q,σ}(i,j) = Σ_{p=1..6} S¹_p * k²_{p,q}

`_` and `^` take the next sign, or what stands in braces. Σ with both is a sum from ... to; Greek letters and signs are
written as they are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree.ElementTree import Element, SubElement

__all__ = ["mathml", "text"]

TOKEN = re.compile(r"\\frac|[ΔΣσ]|[A-Za-z]+\d*|\d+(?:\.\d+)?|\s+|.")
MINUS = "−"
RAISED = str.maketrans("0123456789T−+", "⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ⁻⁺")
OPERATORS = set("=·×*+−<>≥≤∈←⟹→,;:|/√")
FENCES = set("()[]{}⌈⌉⌊⌋")


@dataclass
class Sign:
    """A letter, a word, a number or an operator."""

    text: str


@dataclass
class Scripts:
    """Something with a part below, above, or both."""

    base: "Part"
    below: "Row | None" = None
    above: "Row | None" = None


@dataclass
class Fraction:
    """One row over another."""

    above: "Row"
    below: "Row"


Part: TypeAlias = Sign | Scripts | Fraction
Row: TypeAlias = list[Part]


def parsed(source: str) -> Row:
    """The parts of an equation."""
    return row(TOKEN.findall(source.replace("-", MINUS))[::-1])


def row(left: list[str], end: str = "") -> Row:
    """Parts up to the sign `end`; `left` holds the signs that are still to be read, the next one last."""
    parts: Row = []
    while left:
        sign = left.pop()
        if sign == end:
            break
        if sign in "_^":
            base = parts.pop()
            scripts = base if isinstance(base, Scripts) else Scripts(base)
            setattr(scripts, "below" if sign == "_" else "above", argument(left))
            parts.append(scripts)
        else:
            parts.append(Fraction(argument(left), argument(left)) if sign == r"\frac" else Sign(sign))
    return parts


def argument(left: list[str]) -> Row:
    """What `_`, `^` or a fraction applies to: the next sign, or what stands in braces."""
    sign = left.pop()
    return row(left, "}") if sign == "{" else [Sign(sign)]


def text(source: str) -> str:
    """The equation in one line of plain text."""
    return line(parsed(source))


def line(parts: Row) -> str:
    """Parts as plain text."""
    return "".join(map(plain, parts))


def plain(part: Part) -> str:
    """One part as plain text."""
    if isinstance(part, Sign):
        return part.text
    if isinstance(part, Fraction):
        return f"{in_fraction(part.above)}/{in_fraction(part.below)}"
    base, below, above = plain(part.base), line(part.below or []), line(part.above or [])
    if base == "Σ" and above:
        return f"Σ_{{{below}..{above}}}"
    raised = above.translate(RAISED)
    shown = base + (raised if not set(raised) & set(above) else f"^{above}" if len(above) == 1 else f"^({above})")
    return shown + (f"_{below}" if len(below) == 1 else f"_{{{below}}}" if below else "")


def in_fraction(parts: Row) -> str:
    """A numerator or denominator, in parentheses where it has several terms."""
    shown = line(parts)
    return f"({shown})" if " " in re.sub(r"\([^()]*\)", "", shown) else shown


def mathml(source: str) -> Element:
    """The equation as an element `math`, which browsers show without a script."""
    math = Element("math", display="block")
    fill(math, parsed(source))
    return math


def fill(parent: Element, parts: Sequence[Part]) -> None:
    """Append the parts to an element; a minus after nothing, or after a parenthesis or =, is a sign."""
    before = ""
    for part in parts:
        append(parent, part)
        shown = part.text if isinstance(part, Sign) else "x"
        if shown == MINUS and before in ("", "(", "=", ","):
            parent[-1].set("form", "prefix")
        before = before if shown.isspace() else shown


def append(parent: Element, part: Part) -> None:
    """Append one part to an element."""
    if isinstance(part, Fraction):
        fraction = SubElement(parent, "mfrac")
        grouped(fraction, part.above)
        grouped(fraction, part.below)
    elif isinstance(part, Scripts):
        sum_ = isinstance(part.base, Sign) and part.base.text == "Σ"
        names = ("munder", "mover", "munderover") if sum_ else ("msub", "msup", "msubsup")
        scripts = SubElement(parent, names[2 if part.below and part.above else 1 if part.above else 0])
        append(scripts, part.base)
        for each in filter(None, (part.below, part.above)):
            grouped(scripts, each)
    elif part.text.isspace():
        if len(part.text) > 1:  # between two equations
            SubElement(parent, "mspace", width="2em")
    else:
        sign(parent, part.text)


def grouped(parent: Element, parts: Row) -> None:
    """Append the parts as one."""
    fill(SubElement(parent, "mrow"), parts)


def sign(parent: Element, shown: str) -> None:
    """Append a letter, number or operator."""
    if shown == "Σ":
        SubElement(parent, "mo", largeop="true", movablelimits="false").text = "∑"
    elif shown in FENCES:
        SubElement(parent, "mo", stretchy="false").text = shown
    elif shown in OPERATORS:
        SubElement(parent, "mo").text = "∗" if shown == "*" else shown
    else:
        SubElement(parent, "mn" if shown[0].isdigit() else "mi").text = shown
