"""The page in a browser: as wide as a phone and as a desk, light and dark, without a fault and without a request."""

import re

import chromium
import pytest

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def shown(page, tmp_path_factory):
    """The browser, and the file of the page."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page, encoding="utf-8")
    with chromium.browser() as browser:
        yield browser, path


@pytest.mark.parametrize(("width", "mobile", "dark"), [(1280, False, False), (360, True, False), (360, True, True)])
def test_the_page_fits_its_window_without_a_fault_or_a_request(shown, width, mobile, dark):
    browser, path = shown
    browser.open(path, width, mobile=mobile, dark=dark)
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.faults() == []
    assert set(browser.requests()) == {path.as_uri(), "data"}
    assert browser.value("[...document.images].every(each => each.complete && each.naturalWidth > 0 && each.alt)")
    assert browser.value("document.images.length") >= 10
    ground = re.findall(r"\d+", browser.value("getComputedStyle(document.body).backgroundColor"))
    assert sum(map(int, ground)) in (range(150) if dark else range(700, 766))


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_their_ground(shown, dark):
    """The contrast of WCAG 2, (L1 + 0.05) / (L2 + 0.05), is at least 4.5 for all text."""
    browser, path = shown
    browser.open(path, 1280, dark=dark)
    found = browser.value(CONTRAST)
    assert found["count"] > 100
    assert found["least"] >= 4.5, found


CONTRAST = """
(() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = element => {
    const colour = rgb(getComputedStyle(element).backgroundColor);
    return colour.length == 4 && colour[3] == 0 ? ground(element.parentElement) : colour;
  };
  const found = {count: 0, least: 21, where: ""};
  for (const element of document.querySelectorAll("body *")) {
    if (![...element.childNodes].some(node => node.nodeType == 3 && node.data.trim())) continue;
    const pair = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    found.count += 1;
    if (contrast < found.least) [found.least, found.where] = [contrast, element.outerHTML.slice(0, 100)];
  }
  return found;
})()
"""
