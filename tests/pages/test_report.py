"""The page about a network: what is on it, that names cannot break it, and what is refused."""

import re
import threading
import time
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest

import fastconv
from fastconv import Network, layers, models, sequential
from fastconv.pages import report
from fastconv.pages.pictures import picture
from fastconv.system.extras import MissingPackage

EMPTY = {"meta", "img"}  # elements without an end


class Document(HTMLParser):
    """Elements in their order, as (name, attributes, the words inside)."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open = [], []
        self.feed(page)
        self.close()
        assert not self.open, "elements stay open"

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])
        if tag not in EMPTY:
            self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, text):
        for element in self.open:
            element[2] += text

    def all(self, *tags):
        return [(attributes, text) for tag, attributes, text in self.found if tag in tags]


@pytest.fixture(scope="module")
def document(page):
    return Document(page)


def headings(page):
    return [text for _, text in Document(page).all("h2")]


def test_all_parts_are_there_with_images(page):
    assert headings(page) == [
        "What it is",
        "How it learned",
        "How good it is",
        "What it has learned to see",
        "What it looks at",
        "What it is made of",
        "How to run it again",
    ]
    assert "left out" not in page


def test_without_images_one_line_says_how_to_have_them(run):
    page = report(run)
    assert headings(page) == [
        "What it is",
        "How it learned",
        "What it has learned to see",
        "What it is made of",
        "How to run it again",
    ]
    (note,) = [text for attributes, text in Document(page).all("p") if attributes.get("class") == "note"]
    assert note.startswith("The parts that need images are left out; to have them, add --data <b>here</b> to the com")


def test_the_result_is_one_sentence_with_the_accuracy_and_its_interval(document, run, images):
    (result,) = [text for attributes, text in document.all("p") if attributes.get("class") == "result"]
    y = fastconv.load(run).predict(images.batch(np.arange(30))[0])
    share = 100 * np.mean(y.argmax(1) == images.labels)
    assert result.startswith(
        f"lenet5 names the right class for {share:.2f}\N{NO-BREAK SPACE}% of 30 images of <i>there"
    )
    assert "95 % confidence interval" in result


def test_names_of_classes_and_places_stay_text(page, document):
    for tag in ("script", "b", "i"):
        assert document.all(tag) == []
    assert "<script" not in page
    cells = [text for _, text in document.all("th")]
    assert "<script>alert(1)</script>" in cells
    assert "fastconv train --data '<b>here</b>'" in [text for _, text in document.all("code")]


def test_every_picture_is_in_the_page_and_has_words(document):
    pictures = document.all("img")
    assert len(pictures) >= 10
    for attributes, _ in pictures:
        assert re.match(r"data:image/(png|svg\+xml);base64,", attributes["src"])
        assert len(attributes["alt"]) > 20
    assert len(document.all("figcaption")) == len(document.all("figure")) == len(pictures)


def test_nothing_comes_from_elsewhere(page, document):
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert policy in [attributes.get("content") for attributes, _ in document.all("meta")]
    for tag, attributes, _ in document.found:
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("data:image/", "#"))
    assert "url(" not in page
    assert "@import" not in page
    assert len(page) < 3_000_000


def test_headings_tables_and_links_say_what_they_are(document):
    levels = [tag for tag, _, _ in document.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == "h1"
    assert levels[1] == "h2"
    assert set(levels[1:]) == {"h2", "h3"}
    assert document.all("html")[0][0]["lang"] == "en"
    assert len(document.all("caption")) == len(document.all("table"))
    assert all("scope" in attributes for attributes, _ in document.all("th"))
    names = {attributes["id"] for _, attributes, _ in document.found if "id" in attributes}
    assert {attributes["href"].removeprefix("#") for attributes, _ in document.all("a")} == names


def test_the_page_is_the_same_each_time(run, images, page):
    assert report(run, images, place="<i>there</i>") == page


def test_the_curves_are_those_of_the_file_or_of_the_history_that_is_given(run, tmp_path):
    network = Network(models.lenet5(3), (1, 28, 28), seed=0)
    fastconv.save(tmp_path / "a.npz", network)
    page = report(tmp_path / "a.npz")
    assert "No history of its training is known" in page
    x, labels = np.zeros((4, 1, 28, 28), "float32"), [0, 1, 2, 0]
    history = fastconv.fit(network, x, labels, epochs=2, progress=False)
    page = report(tmp_path / "a.npz", history=history)
    rows = [text for _, text in Document(page).all("tr")]
    assert f"loss{history[-1].loss:.4g}" in rows
    assert "epoch2" in rows


STRANGE = (
    ["a"],
    {"history": 3, "data": 3, "settings": 3, "versions": 3, "date": 3, "command": 3, "optimizer": [3], "threads": {}},
    {"history": [{"epoch": 1}], "data": {"place": 3, "images": 3}, "settings": {"batch-size": -1}, "date": "soon"},
    {"command": "x" * 100_000, "optimizer": "y" * 100_000, "data": {"place": "</pre><script>"}, "date": "\ud7ff\x00"},
)


@pytest.mark.parametrize("metadata", STRANGE, ids=range(len(STRANGE)))
def test_whatever_a_strangers_file_says_the_page_stays_whole(metadata, tmp_path):
    network = Network(models.lenet5(3), (1, 28, 28), seed=0)
    fastconv.save(tmp_path / "a.npz", network, metadata=metadata)
    page = report(tmp_path / "a.npz")
    assert "<script" not in page
    assert headings(page)[0] == "What it is"
    assert "y" * 1000 not in page


OWN = {
    "without a convolution": sequential(layers.Flatten(), layers.Linear(3)),
    "of values": sequential(layers.Flatten(), layers.Linear(1)),
    "of maps": sequential(layers.Conv2D(3, 3, padding=1)),
}


@pytest.mark.parametrize("name", OWN)
def test_networks_of_ones_own_have_what_can_be_said_of_them(name, images):
    network = Network(OWN[name], (1, 28, 28), seed=0)
    page = report(network, (images.images / np.float32(255), images.labels), examples=1)
    assert "a model of its own" in page
    assert ("How good it is" in headings(page)) == (name == "without a convolution")
    assert ("gives values, no classes" in page) == (name != "without a convolution")


def test_a_page_is_written_and_no_file_is_replaced_unless_told(run, tmp_path):
    path = tmp_path / "page.html"
    page = report(run, path=path)
    assert path.read_text(encoding="utf-8") == page
    with pytest.raises(ValueError, match=r"page.html exists; write overwrite=True to replace it"):
        report(run, path=path, title="again")
    assert path.read_text(encoding="utf-8") == page
    report(run, path=path, title="again", overwrite=True)
    assert "<h1>again</h1>" in path.read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"run": "missing.npz"}, OSError, "missing.npz"),
        ({"run": 3}, TypeError, "run must be the path of a saved network"),
        ({"path": "page.npz"}, ValueError, "path must end with .html, got page.npz"),
        ({"path": "missing/page.html"}, OSError, "missing"),
        ({"path": 3}, TypeError, "path must be text"),
        ({"examples": 0}, ValueError, "examples must be >= 1"),
        ({"examples": "3"}, TypeError, "examples must be an integer"),
        ({"data": "sample"}, TypeError, "data must be a data set"),
        ({"history": 3}, TypeError, "history must be what fit returned"),
        ({"title": 3}, TypeError, "title must be text"),
        ({"place": 3}, TypeError, "place must be text"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(options, error, says, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        report(**{"run": run, **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_one_line(package, run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingPackage, match=f"needs the package {package}, which is not installed: pip install"):
        report(run)


def test_pictures_are_saved_by_one_thread_at_a_time():
    inside, most = [], []

    class Figure:
        """Saves slowly, and says how many are being saved."""

        def savefig(self, file, **_):
            inside.append(self)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

        def get_size_inches(self):
            return 1, 1

        def get_label(self):
            return "a figure"

    before = list(warnings.filters)
    threads = [threading.Thread(target=picture, args=(Figure(), "")) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert warnings.filters == before
