"""`fastconv derive`: text, a page, JSON; which network, image and class; what is refused."""

import json

import numpy as np
import pytest
from commands import failure

import fastconv
from fastconv import Network, layers, losses, models
from fastconv.cli import parser
from fastconv.data import transforms
from fastconv.derivation import derive


def printed(capsys, *arguments):
    assert parser.main(["derive", *map(str, arguments)]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def test_it_prints_the_derivation_of_the_paper(capsys):
    network = Network(models.zhang2016(), (1, 28, 28), seed=4)
    assert printed(capsys, "--seed", "4", "--values", "3") == f"{derive(network, seed=4, values=3)}\n"


def test_json_has_every_equation(capsys):
    found = json.loads(printed(capsys, "--json", "--lr", "0.5", "--label", "2"))
    assert [step["number"] for step in found["steps"]] == list(range(4, 71))
    assert found["passed"] is True
    assert found["about"]["learning rate α"] == "0.5"
    assert found["about"]["target y"] == "class 2"


def test_a_page_in_place_of_text(capsys, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("an old page")
    said = printed(capsys, "--html", page)
    assert said == f"{page}: All 81 checks of 67 steps passed.\n"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "(70)" in page.read_text(encoding="utf-8")


def test_another_model_with_its_own_loss(capsys):
    found = json.loads(printed(capsys, "--model", "lenet5", "--json"))
    assert found["passed"] is True
    assert found["about"]["network"].startswith("lenet5")
    assert found["about"]["loss"] == "CrossEntropy()"


def test_a_saved_network_and_an_image_of_a_folder(trained, folder, capsys):
    found = json.loads(printed(capsys, "--model", trained, "--data", folder, "--index", "13", "--json"))
    assert found["passed"] is True
    assert found["about"]["target y"] == "class 3"
    assert found["about"]["image"] == f"test image 13 of {folder}: 3"
    other = json.loads(printed(capsys, "--data", folder, "--label", "7", "--json"))
    assert other["about"]["image"] == f"test image 7 of {folder}: 7"


def test_an_image_in_a_file(capsys, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    np.save(tmp_path / "a.npy", image)
    found = json.loads(printed(capsys, "--image", tmp_path / "a.npy", "--label", "5", "--json"))
    assert found["about"]["image"] == str(tmp_path / "a.npy")
    expected = derive(Network(models.zhang2016(), (1, 28, 28), seed=0), (image / np.float32(255)).astype("float32"), 5)
    assert found["loss"] == pytest.approx(expected.losses[0], rel=1e-12)


def test_the_exit_code_is_1_where_a_check_fails(capsys, monkeypatch):
    original = layers.AvgPool2D.backward_input
    monkeypatch.setattr(
        layers.AvgPool2D,
        "backward_input",
        lambda self, b: [*original(self, b), lambda: np.multiply(b.dx, 2, b.dx)],
    )
    assert parser.main(["derive"]) == 1
    shown = capsys.readouterr()
    assert "✗ differs from" in shown.out
    assert shown.err.startswith("fastconv: ")
    assert "the first is (32)" in shown.err


def test_what_is_refused(capsys, tmp_path, folder):
    np.save(tmp_path / "two.npy", np.zeros((2, 28, 28), np.uint8))
    cases = {
        ("--model", "resnet8"): "network must be sequential, one layer after another, but ",
        ("--model", "nothing"): "nothing: is neither a file nor a model of fastconv.models",
        ("--model", "zhang2016", "--model-args", "width=3"): "--model-args",
        ("--image", tmp_path / "two.npy"): f"--image {tmp_path / 'two.npy'} must hold one image, got 2",
        ("--image", tmp_path / "no.png"): "no.png: ",
        ("--image", tmp_path / "two.npy", "--index", "1"): "--image is one image; leave out --data and --index",
        ("--data", folder, "--index", "100"): "--index must be below 100, the test images of ",
        ("--data", tmp_path / "none"): "no such folder",
        ("--label", "10"): "label, as the targets of a batch of one image: ",
        ("--html", tmp_path / "none" / "page.html"): "No such file or directory",
        ("--html", tmp_path): "",
    }
    for arguments, words in cases.items():
        assert words in failure(capsys, "derive", *arguments), arguments


def test_the_loss_can_be_chosen(capsys):
    found = json.loads(printed(capsys, "--loss", "cross-entropy", "--model", "nielsen", "--json"))
    assert found["about"]["loss"] == repr(losses.CrossEntropy())
    assert found["passed"] is True


@pytest.mark.parametrize("given", [["--image", "seven.npy"], []])
def test_the_image_passes_through_the_preprocessing_of_the_file(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    network = Network(models.lenet5(), (1, 28, 28), seed=0)
    fastconv.save("mine.npz", network, preprocessing=[transforms.to_float(), transforms.normalize((0.5,), (0.1,))])
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    np.save("seven.npy", image)
    raw = image[None] / np.float32(255) if given else fastconv.data.load().test.images[0]
    found = json.loads(printed(capsys, "--model", "mine.npz", *given, "--json"))
    ready = (raw.astype("float32") - np.float32(0.5)) / np.float32(0.1)
    label = None if given else int(fastconv.data.load().test.labels[0])
    assert found["loss"] == pytest.approx(derive(network, ready, label).losses[0], rel=1e-5)
    assert found["about"]["image"].endswith(", after the preprocessing of mine.npz")


def test_a_warning_is_a_line(capsys):
    assert parser.main(["derive", "--loss", "cross-entropy", "--json"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("fastconv: warning: the network ends with Sigmoid") for line in lines)
