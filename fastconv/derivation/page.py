"""A derivation as HTML: a part of a notebook, or a page of its own. Built as a tree, so that all text is escaped."""

from xml.etree.ElementTree import Element, SubElement, tostring

from .notation import mathml
from .numbers import head_and_tail
from .picture import picture
from .records import Check, Step
from .result import Derivation
from .style import STYLE
from .terminal import SECTIONS, size, verdict

__all__ = ["document", "fragment"]

TITLE = "Backpropagation, step by step"


def document(derivation: Derivation, count: int) -> str:
    """A page of its own."""
    page = Element("html", lang="en")
    head, body = SubElement(page, "head"), SubElement(page, "body")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "title").text = TITLE
    SubElement(head, "link", rel="icon", href="data:,")
    SubElement(head, "style").text = STYLE
    body.append(article(derivation, count))
    return "<!DOCTYPE html>\n" + tostring(page, "unicode", "html") + "\n"


def fragment(derivation: Derivation, count: int) -> str:
    """A part of a notebook, with its style."""
    part = Element("div")
    SubElement(part, "style").text = STYLE
    part.append(article(derivation, count))
    return tostring(part, "unicode", "html")


def article(derivation: Derivation, count: int) -> Element:
    """The derivation itself."""
    root = Element("article")
    root.set("class", "derivation")
    SubElement(root, "h1").text = TITLE
    about(root, derivation)
    summary = SubElement(root, "p")
    summary.set("class", "passed" if derivation.passed else "failed")
    summary.text = derivation.summary()
    direction = ""
    for step in derivation.steps:
        if step.direction != direction:
            direction = step.direction
            SubElement(root, "h2").text = SECTIONS[direction]
        root.append(section(step, count))
    return root


def about(root: Element, derivation: Derivation) -> None:
    """The image, and what was computed with what."""
    head = SubElement(root, "div")
    head.set("class", "about")
    shown = picture(derivation.image, derivation.about["image"])
    if shown is not None:
        head.append(shown)
    table = SubElement(head, "dl")
    for name, value in derivation.about.items():
        SubElement(table, "dt").text = name
        SubElement(table, "dd").text = value


def section(step: Step, count: int) -> Element:
    """One step."""
    part = Element("section")
    if step.number is not None:
        part.set("id", f"eq{step.number}")
    head = SubElement(part, "h3")
    cites = SubElement(head, "span")
    cites.text, cites.tail = step.cites, " " + step.title
    if step.number is None:
        head.text, cites.tail = step.title + " ", ""
    equation = SubElement(part, "div")
    equation.attrib.update({"class": "equation", "tabindex": "0", "role": "math", "aria-label": step.equation})
    equation.append(mathml(step.source))
    values = SubElement(part, "p")
    values.set("class", "values")
    symbol = mathml(step.symbol)
    symbol.set("display", "inline")
    values.append(symbol)
    symbol.tail = f": {size(step, count)}"
    SubElement(part, "pre").text = head_and_tail(step.values, count)
    if step.note:
        note = SubElement(part, "p")
        note.set("class", "note")
        note.text = step.note
    for check in step.checks:
        part.append(line(check))
    return part


def line(check: Check) -> Element:
    """One check."""
    part = Element("p")
    part.set("class", "passed" if check.passed else "failed")
    part.text = verdict(check)
    return part
