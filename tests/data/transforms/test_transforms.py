"""Transforms beside loops over pixels, for arrays and lists, bytes and floating-point numbers."""

import colorsys
import pickle

import numpy as np
import pytest

from fastconv.data import Draws, transforms

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 3, 8, 10), np.uint8)
FLOATS = RNG.random((6, 3, 8, 10), np.float32)
DRAWS = (3, 1, range(6))
FACTORIES = {
    "resize": transforms.resize(6),
    "center_crop": transforms.center_crop((5, 9)),
    "random_crop": transforms.random_crop(7, padding=2),
    "reflected_crop": transforms.random_crop(7, padding=2, fill="reflect"),
    "random_resized_crop": transforms.random_resized_crop(5),
    "random_flip": transforms.random_flip(),
    "vertical_flip": transforms.random_flip(vertical=True),
    "random_rotation": transforms.random_rotation(30),
    "color_jitter": transforms.color_jitter(0.4, 0.4, 0.4, 0.1),
    "random_erasing": transforms.random_erasing(0.7),
    "to_float": transforms.to_float(),
    "normalize": transforms.normalize(),
}
each = pytest.mark.parametrize("name", FACTORIES)
both = pytest.mark.parametrize("images", [BYTES, FLOATS], ids=["bytes", "floats"])


@each
@both
def test_a_list_gives_the_same_as_an_array_and_the_input_stays(name, images):
    before = images.copy()
    y = FACTORIES[name](images, Draws(*DRAWS))
    assert (FACTORIES[name](list(images), Draws(*DRAWS)) == y).all()
    assert (images == before).all()
    assert y.dtype == (np.float32 if name in ("to_float", "normalize") else images.dtype)


@each
@both
def test_an_image_alone_has_the_bits_that_it_has_in_a_batch(name, images):
    y = FACTORIES[name](images, Draws(*DRAWS))
    for n in range(6):
        assert (FACTORIES[name](images[n : n + 1], Draws(3, 1, [n]))[0] == y[n]).all()


@each
def test_arrays_that_are_read_only_or_not_contiguous_are_taken(name):
    strided = np.repeat(BYTES, 2, axis=3)[..., ::2]
    strided.flags.writeable = False
    assert (FACTORIES[name](strided, Draws(*DRAWS)) == FACTORIES[name](BYTES, Draws(*DRAWS))).all()


@each
def test_no_images_give_no_images(name):
    assert len(FACTORIES[name](BYTES[:0], Draws(0, 0, []))) == 0


@each
def test_processes_can_take_a_transform(name):
    again = pickle.loads(pickle.dumps(FACTORIES[name]))
    assert (again(BYTES, Draws(*DRAWS)) == FACTORIES[name](BYTES, Draws(*DRAWS))).all()


@each
@pytest.mark.parametrize(
    "images", [BYTES[0], BYTES.astype(int), "pictures", [BYTES]], ids=["image", "integers", "text", "batches"]
)
def test_what_is_no_batch_is_refused(name, images):
    with pytest.raises((TypeError, ValueError), match=r"images? (of a list )?must be"):
        FACTORIES[name](images, Draws(*DRAWS))


def test_a_shorter_side_is_resized_in_proportion_and_shrinking_averages():
    assert transforms.resize(4)(BYTES, Draws(*DRAWS)).shape == (6, 3, 4, 5)
    assert transforms.resize((3, 7))(BYTES, Draws(*DRAWS)).shape == (6, 3, 3, 7)
    stripes = np.zeros((1, 1, 64, 64), np.float32)
    stripes[..., ::2] = 1
    small = transforms.resize(8)(stripes, Draws(0, 0, [0]))
    assert np.abs(small[..., 1:-1] - 0.5).max() < 0.05


def test_images_of_different_sizes_become_one_array_when_sizes_agree():
    images = [BYTES[0], BYTES[1, :, :5]]
    assert isinstance(transforms.random_flip()(images, Draws(0, 0, [0, 1])), list)
    assert transforms.center_crop(4)(images, Draws(0, 0, [0, 1])).shape == (2, 3, 4, 4)


def test_the_middle_is_cut_out_and_padded_where_the_image_is_smaller():
    y = transforms.center_crop((10, 4))(BYTES, Draws(*DRAWS))
    assert (y[:, :, 1:9] == BYTES[:, :, :, 3:7]).all()
    assert (y[:, :, [0, 9]] == 0).all()


@pytest.mark.parametrize(("fill", "mode"), [("zeros", "constant"), ("reflect", "reflect")])
def test_a_random_crop_is_a_window_of_the_padded_image_at_every_place(fill, mode):
    images = BYTES[:1].repeat(400, axis=0)
    y = transforms.random_crop(8, padding=2, fill=fill)(images, Draws(0, 0, range(400)))
    padded = np.pad(BYTES[0], ((0, 0), (2, 2), (2, 2)), mode)
    windows = {padded[:, i : i + 8, j : j + 8].tobytes(): (i, j) for i in range(5) for j in range(7)}
    assert {windows[crop.tobytes()] for crop in y} == set(windows.values())


def test_a_flip_flips_whole_images_as_often_as_asked():
    images = BYTES[:1].repeat(1000, axis=0)
    y = transforms.random_flip(0.3)(images, Draws(0, 0, range(1000)))
    flipped = (y == BYTES[0, :, :, ::-1]).all(axis=(1, 2, 3))
    assert 240 < flipped.sum() < 360
    assert (y[~flipped] == BYTES[0]).all()
    assert (transforms.random_flip(1, vertical=True)(BYTES, Draws(*DRAWS)) == BYTES[:, :, ::-1]).all()


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_rotation_by_right_angles_moves_pixels(turns):
    square = BYTES[..., :8]
    y = transforms.random_rotation((90 * turns, 90 * turns))(square, Draws(*DRAWS))
    assert (y == np.rot90(square, turns, axes=(2, 3))).all()


def test_a_rotation_takes_the_nearest_pixel():
    y = transforms.random_rotation((30, 30))(FLOATS, Draws(*DRAWS))
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    for i in range(8):
        for j in range(10):
            dy, dx = i + 0.5 - 4, j + 0.5 - 5
            i2, j2 = int(np.floor(sin * dx + cos * dy + 4)), int(np.floor(cos * dx - sin * dy + 5))
            inside = 0 <= i2 < 8 and 0 <= j2 < 10
            assert (y[:, :, i, j] == (FLOATS[:, :, i2, j2] if inside else 0)).all()


def grey(x):
    return 0.299 * x[0] + 0.587 * x[1] + 0.114 * x[2]


@pytest.mark.parametrize(
    ("name", "amount", "expected"),
    [
        ("brightness", 1.5, lambda x: x * 1.5),
        ("contrast", 0.5, lambda x: 0.5 * x + 0.5 * grey(x).mean()),
        ("saturation", 2.0, lambda x: 2 * x - grey(x)),
    ],
)
def test_a_change_of_colour_follows_its_equation(name, amount, expected):
    change = transforms.color_jitter(**{name: (amount, amount)})
    y, rounded = change(FLOATS, Draws(*DRAWS)), change(BYTES, Draws(*DRAWS))
    for n in range(6):
        assert np.allclose(y[n], np.clip(expected(FLOATS[n].astype(float)), 0, 1), atol=1e-6)
        assert np.abs(rounded[n] - 255 * np.clip(expected(BYTES[n] / 255), 0, 1)).max() < 0.51


def test_a_turn_of_the_hue_agrees_with_colorsys():
    y = transforms.color_jitter(hue=(0.2, 0.2))(FLOATS, Draws(*DRAWS))
    for n, i, j in np.ndindex(6, 8, 10):
        h, s, v = colorsys.rgb_to_hsv(*FLOATS[n, :, i, j].tolist())
        assert np.allclose(y[n, :, i, j], colorsys.hsv_to_rgb((h + 0.2) % 1, s, v), atol=1e-5)


def test_erasing_replaces_one_rectangle_by_the_value():
    images = np.full((200, 3, 20, 30), 9, np.uint8)
    y = transforms.random_erasing(0.5, scale=(0.1, 0.2), value=(1, 2, 3))(images, Draws(0, 0, range(200)))
    erased = [n for n in range(200) if (y[n] != 9).any()]
    assert 70 < len(erased) < 130
    for n in erased:
        rows, columns = np.nonzero(y[n, 0] != 9)
        box = y[n, :, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (box == np.array([1, 2, 3])[:, None, None]).all()
        assert box[0].size == len(rows)
        assert 0.08 < box[0].size / 600 < 0.23


def test_parts_of_a_random_resized_crop_have_the_share_and_ratio_asked_for():
    ramp = np.empty((300, 2, 40, 60), np.float32)
    ramp[:, 0], ramp[:, 1] = np.arange(40)[:, None], np.arange(60)
    y = transforms.random_resized_crop(64, scale=(0.2, 0.5), method="nearest")(ramp, Draws(0, 0, range(300)))
    height, width = (np.ptp(y[:, k], axis=(1, 2)) + 1 for k in (0, 1))
    assert (height * width / 2400 > 0.17).all()
    assert (height * width / 2400 < 0.54).all()
    assert (width / height > 0.68).all()
    assert (width / height < 1.45).all()


def test_normalising_divides_bytes_by_255_first():
    mean, std = np.array([0.485, 0.456, 0.406])[:, None, None], np.array([0.229, 0.224, 0.225])[:, None, None]
    assert np.allclose(transforms.normalize()(BYTES, Draws(*DRAWS)), (BYTES / 255 - mean) / std, atol=1e-5)
    assert np.allclose(transforms.normalize()(FLOATS, Draws(*DRAWS)), (FLOATS - mean) / std, atol=1e-5)


@pytest.mark.parametrize("name", ["center_crop", "random_crop", "random_flip", "to_float", "normalize", "color_jitter"])
def test_nan_stays(name):
    assert np.isnan(FACTORIES[name](np.full((6, 3, 8, 10), np.nan, np.float32), Draws(*DRAWS))).any()


def test_mixup_mixes_images_and_targets_by_one_share():
    images, targets = np.zeros((4, 1, 2, 2), np.float32), np.array([0, 1, 2, 0])
    images[:] = np.array([0, 1, 2, 4])[:, None, None, None]
    x, soft = transforms.mixup(1.0, classes=3)(images, targets, Draws(*DRAWS).of(0))
    m = 1 - x[0, 0, 0, 0] / 4
    assert 0 < m < 1
    assert np.allclose(x, m * images + (1 - m) * images[::-1])
    assert np.allclose(soft, m * np.eye(3)[targets] + (1 - m) * np.eye(3)[targets[::-1]])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: transforms.resize(0), "size must be >= 1"),
        (lambda: transforms.resize(4, "cubic"), "method must be one of"),
        (lambda: transforms.random_flip(1.5), "p must be from 0 to 1"),
        (lambda: transforms.random_crop(4, fill="wrap"), "fill must be one of"),
        (lambda: transforms.random_crop(99)(BYTES, Draws(*DRAWS)), "does not fit into an image of 8 x 10"),
        (lambda: transforms.random_rotation("a"), "degrees must be"),
        (lambda: transforms.color_jitter(hue=0.6), "hue must be from 0 to 0.5"),
        (lambda: transforms.color_jitter(brightness=-1), "brightness must be >= 0"),
        (lambda: transforms.random_erasing(value=300)(BYTES, Draws(*DRAWS)), "value must be from 0 to 255"),
        (lambda: transforms.random_resized_crop(4, scale=(1, 0.5)), "scale must be"),
        (lambda: transforms.normalize(std=0), "std must be > 0"),
        (lambda: transforms.normalize(mean=127)(BYTES, Draws(*DRAWS)), "scale from 0 to 1"),
        (lambda: transforms.normalize((1, 2))(FLOATS, Draws(*DRAWS)), "one for each of 3 channels"),
        (lambda: transforms.mixup(0, 3), "alpha must be"),
        (lambda: transforms.mixup(1, 2)(FLOATS, np.arange(6), Draws(*DRAWS)), "targets must be from 0 to 1"),
    ],
)
def test_bad_arguments_are_refused(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_mixup_refuses_targets_of_another_number():
    images = np.ones((3, 1, 4, 4), np.float32)
    with pytest.raises(ValueError, match=r"mixup takes one target for each image, 3, got shape \(2,\)"):
        transforms.mixup(0.2, classes=2)(images, np.array([0, 1]), Draws(0, 0, range(3)))
