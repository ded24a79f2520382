"""Pictures unlike the training images: `fastconv predict` says so and what to do, and the advice works."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from fastconv import checkpoint, data, models
from fastconv.cli import likeness, parser
from fastconv.network import Network


@pytest.fixture
def images(folder):
    """Three images of the test set, (3, 28, 28)."""
    return data.load(folder).test.images[4:7, 0]


def said(capsys, trained, *arguments):
    """(classes, warnings without `fastconv: warning: `) of predictions that go well."""
    assert parser.main(["predict", str(trained), *map(str, arguments)]) == 0
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert all(line.startswith("fastconv: warning: ") for line in lines)
    rows = [line.split("\t")[1] for line in printed.out.splitlines()]
    return rows, [line.removeprefix("fastconv: warning: ") for line in lines]


def saved_picture(path, image):
    Image.fromarray((image * 255).astype(np.uint8)).resize((56, 56)).save(path)
    return path


def test_the_background_is_the_mean_of_the_border():
    images = np.random.default_rng(0).random((3, 1, 9, 7), np.float32)
    border = np.ones((9, 7), bool)
    border[2:7, 2:5] = False
    assert likeness.background(images) == pytest.approx(images[:, 0][:, border].mean(dtype=float))
    assert likeness.background(np.ones((2, 1, 3, 3), np.float32)) == 1


def test_pictures_like_the_training_images_are_read_without_a_word(trained, tmp_path, capsys, images):
    np.save(tmp_path / "x.npy", images)
    pictures = [saved_picture(tmp_path / f"{k}.png", image) for k, image in enumerate(images)]
    assert said(capsys, trained, tmp_path / "x.npy", *pictures) == (["4", "5", "6"] * 2, [])


def test_dark_on_bright_is_noticed_and_the_advice_works(trained, tmp_path, capsys, images):
    path = saved_picture(tmp_path / "a.png", 1 - images[0])
    _, (line,) = said(capsys, trained, path)
    assert line.startswith(f"{path} has a border of brightness 0.9")
    assert line.endswith(": for dark on bright add --invert")
    assert said(capsys, trained, path, "--invert") == (["4"], [])
    assert said(capsys, trained, "--invert", path) == (["4"], [])


def test_many_files_with_one_fault_are_one_line(trained, tmp_path, capsys, images):
    for k, image in enumerate(images):
        saved_picture(tmp_path / f"{k}.png", 1 - image)
    _, (line,) = said(capsys, trained, tmp_path)
    assert line.startswith(f"{tmp_path / '0.png'} and 2 more files have a border of brightness 0.9")
    _, (line,) = said(capsys, trained, tmp_path / "0.png", tmp_path / "1.png")
    assert line.startswith(f"{tmp_path / '0.png'} and 1 more file have a border of ")


def test_invert_where_it_is_wrong_is_noticed(trained, tmp_path, capsys, images):
    path = saved_picture(tmp_path / "a.png", images[0])
    _, (line,) = said(capsys, trained, "--invert", path)
    assert line.endswith(": leave out --invert")


class Gone(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_where_nobody_reads_the_results_there_is_no_warning(trained, tmp_path, capsys, images, monkeypatch):
    path = saved_picture(tmp_path / "a.png", 1 - images[0])
    monkeypatch.setattr(sys, "stdout", Gone())
    assert parser.main(["predict", str(trained), str(path)]) == 1
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("white", [255, 65535])
def test_arrays_that_are_not_divided_by_white_are_noticed_and_the_advice_works(
    trained, tmp_path, capsys, images, white
):
    np.save(tmp_path / "x.npy", images * white)
    _, (line,) = said(capsys, trained, tmp_path / "x.npy")
    assert f"x.npy has values from 0 to {white * images.max():.4g}, the training images from 0 to 1" in line
    assert line.endswith(f": save x / {white} in place of x")
    np.save(tmp_path / "x.npy", np.load(tmp_path / "x.npy") / white)
    assert said(capsys, trained, tmp_path / "x.npy") == (["4", "5", "6"], [])


def test_arrays_that_were_standardised_are_noticed(trained, tmp_path, capsys, images):
    np.save(tmp_path / "x.npy", (images - images.mean()) / images.std())
    _, (line,) = said(capsys, trained, tmp_path / "x.npy")
    assert line.endswith(", the training images from 0 to 1: scale them as the training images were")


def test_a_picture_in_black_on_a_transparent_ground_is_noticed_and_the_advice_works(trained, tmp_path, capsys, images):
    ink = np.zeros((28, 28, 4), np.uint8)
    ink[..., 3] = images[0] * 255
    drawing = Image.fromarray(ink)
    drawing.save(tmp_path / "a.png")
    _, (line,) = said(capsys, trained, tmp_path / "a.png")
    assert "a.png has one value alone, 0, in every pixel: " in line
    assert line.endswith("put it on white, and add --invert")
    Image.alpha_composite(Image.new("RGBA", drawing.size, "white"), drawing).save(tmp_path / "a.png")
    assert said(capsys, trained, "--invert", tmp_path / "a.png") == (["4"], [])


@pytest.mark.parametrize("background", [None, "0.1", True, [0.1], {}, float("nan"), -1, 2])
def test_a_file_that_does_not_know_its_training_images_finds_only_arrays_of_bytes(tmp_path, capsys, images, background):
    metadata = {"model": "nielsen", "input_shape": [1, 28, 28]}
    Network(models.nielsen(), (1, 28, 28), seed=0).save(tmp_path / "a.npz", metadata | {"background": background})
    np.save(tmp_path / "x.npy", 1 - images)
    np.save(tmp_path / "standardised.npy", (images - images.mean()) / images.std())
    assert said(capsys, tmp_path / "a.npz", tmp_path / "x.npy", tmp_path / "standardised.npy")[1] == []
    np.save(tmp_path / "x.npy", images * 255)
    _, (line,) = said(capsys, tmp_path / "a.npz", tmp_path / "x.npy")
    assert line.endswith("x.npy has values from 0 to 250, pictures from 0 to 1: save x / 255 in place of x")
    np.save(tmp_path / "x.npy", images)
    Network(models.nielsen(), (1, 28, 28), seed=0).save(tmp_path / "a.npz", metadata)
    assert said(capsys, tmp_path / "a.npz", tmp_path / "x.npy")[1] == []


def photo(image, paper, ink):
    """A photograph of the image, drawn with ink on paper whose corners lie in shadow."""
    rows, columns = np.mgrid[-1:1:28j, -1:1:28j]
    shade = 1 - 0.1 * (rows**2 + columns**2)
    return (paper + (ink - paper) * (image > 0.5)) * shade


@pytest.mark.parametrize(("paper", "ink"), [(0.8, 0.2), (0.7, 0.15), (0.35, 0.05), (0.5, 0.1)])
def test_a_photograph_of_a_drawing_is_noticed_and_the_advice_works(trained, tmp_path, capsys, images, paper, ink):
    taken = photo(images[0], paper, ink)
    path = saved_picture(tmp_path / "a.png", taken)
    whiter = "raise the contrast of the picture until its background is white"
    _, (line,) = said(capsys, trained, path)
    assert line.endswith(f": for dark on bright add --invert, and {whiter}")
    _, (line,) = said(capsys, trained, "--invert", path)
    assert line.endswith(f": {whiter}")
    saved_picture(path, np.clip((taken - ink) / (0.8 * paper - ink), 0, 1))
    assert said(capsys, trained, "--invert", path) == (["4"], [])


def test_chalk_on_a_grey_board_is_noticed_and_not_inverted(trained, tmp_path, capsys, images):
    path = saved_picture(tmp_path / "a.png", photo(images[0], 0.6, 1))
    darker = "raise the contrast of the picture until its background is black"
    assert said(capsys, trained, path)[1][0].endswith(f": {darker}")
    assert said(capsys, trained, "--invert", path)[1][0].endswith(f": leave out --invert, and {darker}")


def test_a_picture_of_one_colour_shows_nothing(trained, tmp_path, capsys):
    path = saved_picture(tmp_path / "a.png", np.ones((28, 28)))
    assert said(capsys, trained, path)[1] == [f"{path} has one value alone, 1, in every pixel: nothing is to be seen"]


@pytest.mark.parametrize("invert", [False, True])
def test_no_test_image_of_the_sample_is_taken_for_a_photograph(invert):
    sample = data.load("sample")
    compared = likeness.Likeness(likeness.background(sample.train.images), invert)
    for k, image in enumerate(sample.test.images):
        compared.look(k, 1 - image[None] if invert else image[None])
    assert compared.faults == {}


def test_of_the_sample_no_image_is_called_negative_and_nearly_all_negatives_are():
    sample = data.load("sample")
    trained = likeness.background(sample.train.images)
    assert 0.05 < trained < 0.1
    compared = likeness.Likeness(trained, False)
    borders = [likeness.background(image[None]) for image in sample.test.images]
    assert not any(compared.is_negative(border) for border in borders)
    assert np.mean([compared.is_negative(1 - border) for border in borders]) > 0.99


def test_where_training_images_have_no_background_of_their_own_nothing_is_negative():
    compared = likeness.Likeness(0.48, False)
    assert not any(compared.is_negative(border) for border in np.linspace(0, 1, 11))


def test_training_on_bright_grounds_takes_dark_ones_for_negatives():
    compared = likeness.Likeness(0.9, False)
    assert compared.is_negative(0.1)
    assert not compared.is_negative(0.9)


def test_train_writes_the_background_of_its_images(folder, trained):
    background = checkpoint.metadata(trained)["background"]
    assert background == pytest.approx(likeness.background(data.load(folder).train.images), abs=1e-4)


def test_nan_is_reported_once_and_not_as_a_fault_of_range(trained, tmp_path, capsys, images):
    images = images.copy()
    images[1, 0, 0] = np.nan
    np.save(tmp_path / "x.npy", images)
    assert parser.main(["predict", str(trained), str(tmp_path / "x.npy")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
