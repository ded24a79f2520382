"""How a derivation is shown: text of 80 columns, MathML, a page of its own, JSON."""

import json
import re
import shutil
import struct
import subprocess
import zlib
from base64 import b64decode
from xml.etree.ElementTree import fromstring, tostring

import numpy as np
import pytest

from fastconv import Network, layers, sequential
from fastconv.derivation import derive, notation
from fastconv.derivation.numbers import head_and_tail, one, statistics


@pytest.fixture(scope="module")
def paper():
    return derive()


@pytest.fixture(scope="module")
def other():
    model = sequential(
        layers.Conv2D(4, 3, stride=2, padding=1, name="<b>&'"), layers.ReLU(), layers.Flatten(), layers.Linear(3)
    )
    return derive(Network(model, (3, 9, 9), seed=0))


EQUATIONS = {
    r"ΔW(i,j) = \frac{∂L}{∂W(i,j)}": "ΔW(i,j) = ∂L/∂W(i,j)",
    "C^2_{q,σ}(i,j) = Σ_{p=1}^{6} S^1_p * k^2_{p,q}": "C²_{q,σ}(i,j) = Σ_{p=1..6} S¹_p * k²_{p,q}",
    r"\frac{1}{1 + exp(-x)}": "1/(1 + exp(−x))",
    r"\frac{∂C(i+u, j)}{∂S}": "∂C(i+u, j)/∂S",
    "F^{-1}(f^T)": "F⁻¹(fᵀ)",
    "x^{1/2} + max_{u,v} a": "x^(1/2) + max_{u,v} a",
    "S_{rot180}": "S_{rot180}",
}


@pytest.mark.parametrize("source", EQUATIONS)
def test_equations_as_text(source):
    assert notation.text(source) == EQUATIONS[source]


def test_equations_as_mathml():
    shown = tostring(notation.mathml(r"a_p^2 = \frac{1}{4} Σ_{u=0}^{1} C"), "unicode")
    assert "<msubsup><mi>a</mi><mrow><mi>p</mi></mrow><mrow><mn>2</mn></mrow></msubsup>" in shown
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>4</mn></mrow></mfrac>" in shown
    assert re.search(r"<munderover><mo[^>]*>∑</mo><mrow>.*</mrow><mrow><mn>1</mn></mrow></munderover>", shown)
    assert 'form="prefix"' in tostring(notation.mathml("exp(-x)"), "unicode")
    assert 'form="prefix"' not in tostring(notation.mathml("i-x"), "unicode")


def test_every_equation_has_the_same_letters_in_text_and_in_mathml(paper, other):
    for step in (*paper.steps, *other.steps):
        letters = sorted(re.findall("[A-Za-z]", "".join(notation.mathml(step.source).itertext())))
        assert letters == sorted(re.findall("[A-Za-z]", step.source.replace(r"\frac", ""))), step.source
        plain = step.equation.replace("ᵀ", "T")
        assert sorted(re.findall("[A-Za-z]", plain)) == letters


def test_values_are_short():
    assert head_and_tail(np.arange(4.0), 2) == "0  1  2  3"
    assert head_and_tail(np.arange(9.0), 3) == "0  1  …  8"
    assert head_and_tail(np.arange(9.0), 1) == "0  …"
    assert statistics(np.array([-1.5, 1, 2, 4]), 1) == "from −1.5 to 4, mean 1.375"
    assert statistics(np.arange(4.0), 2) == ""
    assert head_and_tail(np.array(2.5), 1) == one(2.5) == "2.5"


def test_text_fits_80_columns(paper, other):
    for derivation in (paper, other):
        lines = str(derivation).splitlines()
        assert [line for line in lines if len(line) > 80] == []
        assert "Forward" in lines
        assert lines[-1] == derivation.summary()


def test_text_shows_number_equation_shape_values_and_check_of_each_step(paper):
    text = str(paper)
    for number in range(4, 71):
        assert re.search(rf"^\({number}\) ", text, re.MULTILINE)
    first = text.index("(17) "), text.index("(18) ")
    part = " ".join(text[slice(*first)].split())
    assert "= (ŷ(i) − y(i)) · ŷ(i) (1 − ŷ(i)) · f(j)" in part
    assert "ΔW: 10 × 192, from " in part
    assert "✓ agrees with the line above to " in part


def test_the_page_asks_for_nothing_from_elsewhere(paper, other):
    for derivation in (paper, other):
        page = derivation.html()
        assert "<script" not in page
        assert re.findall(r'(?:src|href)="(?!data:)', page) == []
        assert "http" not in page.replace("http-equiv", "")
        assert "url(" not in page
        assert "@import" not in page
        assert page.count("<math") == 2 * len(derivation.steps)
        assert len(page) < 200_000


def test_names_are_escaped(other):
    assert "<b>" not in other.html()
    assert "&lt;b&gt;&amp;'" in other.html()
    assert "<b>" not in other._repr_html_()


def test_a_notebook_gets_a_part_and_not_a_page(paper):
    part = paper._repr_html_()
    assert part.startswith("<div>")
    assert "<html" not in part
    assert part.count("<section") == len(paper.steps)


def test_the_picture_is_the_image(paper):
    source, words = re.search(r'<img src="data:image/png;base64,([^"]*)" alt="([^"]*)"', paper.html()).groups()
    assert "Ankle boot" in words
    raw = b64decode(source)
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", raw[16:24]) == (28, 28)
    start = raw.index(b"IDAT")
    (length,) = struct.unpack(">I", raw[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(raw[start + 4 : start + 4 + length]), np.uint8).reshape(28, 29)
    np.testing.assert_array_equal(rows[:, 1:], np.round(paper.image[0] * 255))


def test_json_holds_everything(other):
    found = json.loads(json.dumps(other.to_dict()))
    assert found["passed"] is True
    assert len(found["steps"]) == len(other.steps)
    for step, held in zip(other.steps, found["steps"], strict=True):
        np.testing.assert_array_equal(np.array(held["values"]), step.values)
        assert held["equation"] == step.equation
        assert held["shape"] == list(step.values.shape)
    assert len(other.check) == len(other.steps)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [360, 1280])
def test_chromium_shows_the_page_without_an_error(paper, tmp_path, width):
    (tmp_path / "page.html").write_text(paper.html(), encoding="utf-8")
    frame = f'<iframe id="f" src="page.html" width="{width}" height="900"></iframe>'
    measure = "const d = document.getElementById('f').contentDocument.documentElement;"
    script = f"<script>onload = () => {{ {measure} document.title = d.scrollWidth + ' ' + d.clientWidth; }}</script>"
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html>{frame}{script}", encoding="utf-8")
    options = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --allow-file-access-from-files"
    quiet = "--disable-background-networking --disable-component-update --disable-sync --enable-logging=stderr"
    command = [shutil.which("chromium"), *options.split(), *quiet.split(), f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run(
        [*command, "--dump-dom", (tmp_path / "frame.html").as_uri()], capture_output=True, text=True, timeout=120
    )
    whole, seen = map(int, re.search(r"<title>(\d+) (\d+)</title>", shown.stdout).groups())
    assert whole == seen  # long equations scroll by themselves, not the page
    assert "CONSOLE" not in shown.stderr


def test_the_page_is_well_formed(paper):
    fromstring(
        paper._repr_html_().replace("<br>", "").replace("&nbsp;", " ").replace('height="112">', 'height="112"/>')
    )
