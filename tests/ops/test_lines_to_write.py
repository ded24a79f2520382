"""Calls from the habits of NumPy, SciPy and PyTorch: the error says what to write, and that works."""

import re

import numpy as np
import pytest
from scipy import ndimage, signal

import fastconv
from fastconv import convolve2d

RNG = np.random.default_rng(0)
PLANE, KERNEL, IMAGES = RNG.random((7, 6)), RNG.random((3, 3)), RNG.random((2, 3, 7, 6))
WEIGHT = RNG.random((4, 3, 3, 3))


def refused(call, line, **names):
    """The call, whose error ends in the line to write."""
    names |= {"numpy": np, "fastconv": fastconv, "convolve2d": convolve2d}
    with pytest.raises((TypeError, ValueError), match=re.escape(line) + "$"):
        eval(call, names)


@pytest.mark.parametrize(
    ("border", "mode"), [("reflect", "symmetric"), ("mirror", "reflect"), ("nearest", "edge"), ("wrap", "wrap")]
)
def test_the_borders_of_scipy_are_those_of_pad(border, mode):
    refused(
        "convolve2d(x, k, border)",
        f"zeros are around x; for another border write x = numpy.pad(x, 1, mode={mode!r}) and mode='valid'",
        x=PLANE,
        k=KERNEL,
        border=border,
    )
    y = convolve2d(np.pad(PLANE, 1, mode=mode), KERNEL, mode="valid")
    np.testing.assert_allclose(y, ndimage.convolve(PLANE, KERNEL, mode=border))


def test_a_kernel_larger_than_the_image_is_exchanged_with_it_in_scipy():
    refused("convolve2d(x, k, 'valid')", "write convolve2d(k, x, 'valid')", x=KERNEL, k=PLANE)
    np.testing.assert_allclose(convolve2d(PLANE, KERNEL, "valid"), signal.convolve2d(KERNEL, PLANE, "valid"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_of_integers_is_told_the_dtype_of_the_image(dtype):
    x, k = PLANE.astype(dtype), np.array([[1, 2, 1]])
    refused("convolve2d(x, k)", f"k must be float32 or float64, got int64; write k.astype('{dtype}')", x=x, k=k)
    assert convolve2d(x, k.astype(dtype)).dtype == dtype


def test_rows_and_one_kernel_for_all_planes():
    refused("convolve2d(x, k)", "for one row write x[None]", x=PLANE[0], k=KERNEL[0])
    refused("convolve2d(x, k)", "write k[None] for a row, k[:, None] for a column", x=PLANE, k=KERNEL[0])
    y = convolve2d(PLANE[:1], KERNEL[:1])
    np.testing.assert_allclose(y[0], np.convolve(PLANE[0], KERNEL[0]))
    refused("convolve2d(x, k)", "write x.reshape(-1, 1, *x.shape[-2:]) and k[None, None]", x=IMAGES, k=KERNEL)
    y = convolve2d(IMAGES.reshape(-1, 1, *IMAGES.shape[-2:]), KERNEL[None, None], "same")
    want = [signal.convolve2d(plane, KERNEL, "same") for plane in IMAGES.reshape(-1, 7, 6)]
    np.testing.assert_allclose(y[:, 0], want)


def test_padding_of_numpy_and_of_torch():
    refused("fastconv.pad(x, ((1, 2), (3, 0)))", "write padding=(3, 0, 1, 2)", x=IMAGES)
    want = np.pad(IMAGES, ((0, 0), (0, 0), (1, 2), (3, 0)))
    np.testing.assert_array_equal(fastconv.pad(IMAGES, (3, 0, 1, 2)), want)
    line = "for (left, right, top, bottom) write padding=((1, 2), (3, 0))"
    refused("fastconv.conv2d(x, w, padding=(3, 0, 1, 2))", line, x=IMAGES, w=WEIGHT)
    y = fastconv.conv2d(IMAGES, WEIGHT, padding=((1, 2), (3, 0)))
    np.testing.assert_allclose(y, fastconv.conv2d(want, WEIGHT))


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("ReLU", "write activation='relu'"),
        ("tanh", "write y = fastconv.tanh(y) after it"),
        ("linear", "leave it out for none"),
        ("foo", "got 'foo'"),
    ],
)
def test_activations_of_a_convolution(given, line):
    refused("fastconv.conv2d(x, w, activation=name)", line, x=IMAGES, w=WEIGHT, name=given)


@pytest.mark.parametrize("name", ["huber_loss", "huber_loss_backward"])
def test_a_number_in_the_place_of_the_reduction_is_delta(name):
    refused(f"fastconv.{name}(x, x, 0.5)", "got 0.5; write delta=0.5", x=PLANE)
    getattr(fastconv, name)(PLANE, PLANE, delta=0.5)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_classes_counted_from_1_are_told_so(name):
    logits, targets = PLANE[:, :3], np.array([1, 2, 3, 1, -100, 3, 2])
    refused(f"fastconv.{name}(logits, t)", "classes are counted from 0: write targets - 1", logits=logits, t=targets)
    refused(f"fastconv.{name}(logits, t)", "(ignored), got 4", logits=logits, t=targets + (targets > 2))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize("mark", [-1, 255])
def test_a_mark_for_rows_without_a_class_is_told_to_ignore_index(name, mark):
    logits, targets = PLANE[:, :3], np.array([1, 2, 0, 1, mark, 0, 2])
    loss = getattr(fastconv, name)
    refused(f"fastconv.{name}(logits, t)", f"write ignore_index={mark}", logits=logits, t=targets)
    kept = targets != mark
    assert loss(logits, targets, ignore_index=mark) == pytest.approx(loss(logits[kept], targets[kept]))


def test_names_of_classes_are_numbered():
    logits, targets = PLANE[:3, :3], np.array(["b", "a", "c"])
    line = "names, targets = numpy.unique(targets, return_inverse=True)"
    refused("fastconv.cross_entropy(logits, targets)", line, logits=logits, targets=targets)
    known = {"numpy": np, "targets": targets}
    exec(line, known)
    assert fastconv.cross_entropy(logits, known["targets"]) == fastconv.cross_entropy(logits, [1, 0, 2])


@pytest.mark.parametrize(
    ("stride", "line"),
    [("SAME", "padding='same'"), ((1, 2, 3, 1), "stride=(2, 3)"), ([1, 1, 2, 3], "stride=(2, 3)"), ("2", "got '2'")],
)
def test_strides_of_other_libraries(stride, line):
    for call in ("conv2d(x, w, stride=stride)", "max_pool2d(x, 3, stride)"):
        refused(f"fastconv.{call}", line, x=IMAGES, w=WEIGHT, stride=stride)
    if line.startswith("stride"):
        assert fastconv.max_pool2d(IMAGES, 3, stride=eval(line[7:])).shape == (2, 3, 3, 2)


@pytest.mark.parametrize("switch", [fastconv.use_path, fastconv.use_rewrite])
@pytest.mark.parametrize("enabled", ["off", "False", 0, None])
def test_a_switch_is_turned_by_bools_alone(switch, enabled):
    name = "winograd" if switch is fastconv.use_path else "norm"
    before = switch(name, True)
    try:
        with pytest.raises(TypeError, match=f"enabled must be True or False, got {enabled!r}"):
            switch(name, enabled)
        assert switch(name, np.bool_(True)) is True
    finally:
        switch(name, before)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_classes_of_pixels_along_the_last_axis(name):
    logits, targets = IMAGES.transpose(0, 2, 3, 1), np.arange(84).reshape(2, 7, 6) % 3
    first = "logits" if name == "cross_entropy" else "x"
    line = f"classes are axis 1: write {first}.transpose(0, 3, 1, 2)"
    refused(f"fastconv.{name}(logits, t)", line, logits=logits, t=targets)
    assert np.isfinite(getattr(fastconv, name)(logits.transpose(0, 3, 1, 2), targets))
