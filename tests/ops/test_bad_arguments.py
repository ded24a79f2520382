"""What cannot be is refused at once, naming the argument, its value and the rule; nothing is allocated before.

No test here uses a bare assert where the library must do the checking: the module also runs under `python -O`.
"""

import re
import sys
import tracemalloc

import child
import numpy as np
import pytest

import fastconv

X, W, B, DY = (np.ones(shape, "float32") for shape in ((2, 4, 6, 6), (8, 4, 3, 3), (8,), (2, 8, 4, 4)))
WT, DYT = np.ones((4, 8, 3, 3), "float32"), np.ones((2, 8, 8, 8), "float32")

CALLS = {
    "conv2d": lambda **k: fastconv.conv2d(X, W, B, **k),
    "conv2d_backward_input": lambda **k: fastconv.conv2d_backward_input(DY, W, X.shape, **k),
    "conv2d_backward_weight": lambda **k: fastconv.conv2d_backward_weight(DY, X, W.shape, **k),
    "conv_transpose2d": lambda **k: fastconv.conv_transpose2d(X, WT, B, **k),
    "conv_transpose2d_backward_input": lambda **k: fastconv.conv_transpose2d_backward_input(DYT, WT, X.shape, **k),
    "conv_transpose2d_backward_weight": lambda **k: fastconv.conv_transpose2d_backward_weight(DYT, X, WT.shape, **k),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def refused(error, said, call, **arguments):
    """The error comes with this message, and no large block was asked for on the way."""
    tracemalloc.start()
    try:
        with pytest.raises(error, match=said):
            call(**arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    if peak > 1 << 20:
        pytest.fail(f"{peak} bytes were allocated before the error")


def test_these_calls_are_right_otherwise():
    for call in CALLS.values():
        call()


@every_call
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("stride", 0),
        ("stride", -1),
        ("stride", (1, 0)),
        ("stride", 2**31),
        ("stride", 2**64),
        ("padding", -1),
        ("padding", (0, -1)),
        ("padding", ((0, 0), (-1, 0))),
        ("padding", ((0, 0), (0, -(2**62)))),
        ("padding", 2**62),
        ("padding", "sam"),
        ("padding", "reflect"),
        ("dilation", 0),
        ("dilation", -1),
        ("dilation", 2**62),
        ("groups", 0),
        ("groups", -1),
        ("groups", 3),
        ("groups", 5),
        ("groups", 2**31),
        ("groups", 2**63 - 1),
        ("groups", 2**64),
    ],
)
def test_numbers_out_of_range(call, argument, value):
    refused(ValueError, argument, call, **{argument: value})


@every_call
@pytest.mark.parametrize("argument", ["stride", "padding", "dilation", "groups"])
@pytest.mark.parametrize("value", [1.0, None, "x", (1, 2, 3), (), (1.0, 1), True, np.nan, {1: 1}, np.float32(1), 1j])
def test_numbers_of_another_type(call, argument, value):
    refused((TypeError, ValueError) if value == "x" else TypeError, argument, call, **{argument: value})


@pytest.mark.parametrize(
    ("argument", "value"), [("stride", (0, 1)), ("padding", -1), ("dilation", -7), ("groups", -3), ("groups", 3)]
)
def test_the_message_names_argument_value_and_rule(argument, value):
    said = re.escape(argument) + r".*(>= [01]|divide).*" + re.escape(str(value))
    refused(ValueError, said, CALLS["conv2d"], **{argument: value})


@pytest.mark.parametrize("value", [-1, 1, (0, 3), 2**62, 2**63])
def test_output_padding_out_of_range(value):
    refused(ValueError, "output_padding", CALLS["conv_transpose2d"], output_padding=value)


@pytest.mark.parametrize("value", [1.0, "1", None, (1,), True])
def test_output_padding_of_another_type(value):
    refused(TypeError, "output_padding", CALLS["conv_transpose2d"], output_padding=value)


SHAPES = [  # function, shapes of the arrays, other arguments, what the message names
    ("conv2d", [(6, 6), (8, 4, 3, 3)], (), "x must have"),
    ("conv2d", [(1, 2, 4, 6, 6), (8, 4, 3, 3)], (), "x must have"),
    ("conv2d", [(2, 4, 6, 6), (4, 3, 3)], (), "weight must have 4 dimensions"),
    ("conv2d", [(2, 4, 6, 6), (8, 3, 3, 3)], (), r"weight must have shape.*\(2, 4, 6, 6\).*\(8, 3, 3, 3\)"),
    ("conv2d", [(2, 4, 6, 6), (8, 4, 3, 3), (4,)], (), r"bias must have shape \(8,\)"),
    ("conv2d", [(2, 4, 6, 6), (8, 4, 3, 3), (8, 1)], (), "bias must have 1 dimensions"),
    ("conv2d", [(2, 4, 6, 6), (8, 4, 3, 3), ()], (), "bias must have 1 dimensions"),
    (
        "conv2d",
        [(2, 4, 6, 6), (8, 4, 7, 3)],
        (),
        "weight must fit .* kernel_size 7 .* height of 7, .* is 6",
    ),
    ("conv2d", [(2, 4, 6, 6), (8, 4, 3, 0)], (), "weight must have a kernel of at least 1 x 1"),
    ("conv2d", [(2, 4, 6, 6), (0, 4, 3, 3)], (), "must have channels"),
    ("conv2d", [(2, 0, 6, 6), (8, 0, 3, 3)], (), "must have channels"),
    ("conv2d", [(2, 4, 0, 6), (8, 4, 3, 3)], (None, 1, 3), "weight must fit into the padded image"),
    ("conv2d_backward_input", [(2, 8, 4, 4), (8, 4, 3, 3)], ((2, 4, 6, 7),), r"dy must have shape \(2, 8, 4, 5\)"),
    ("conv2d_backward_input", [(2, 8, 4, 4), (8, 4, 3, 3)], ((3, 4, 6, 6),), r"dy must have shape \(3, 8, 4, 4\)"),
    ("conv2d_backward_input", [(2, 8, 4, 4), (8, 4, 3, 3)], ((4, 6, 6),), "input_shape"),
    ("conv2d_backward_input", [(8, 4, 4), (8, 4, 3, 3)], ((2, 4, 6, 6),), "input_shape"),
    ("conv2d_backward_input", [(2, 8, 4, 4), (8, 4, 3, 3)], ((2, 4, 6, -6),), "input_shape"),
    ("conv2d_backward_weight", [(2, 8, 4, 4), (2, 4, 6, 6)], ((8, 4, 3),), "weight_shape"),
    ("conv2d_backward_weight", [(2, 8, 4, 4), (2, 4, 6, 6)], ((8, 4, 3, 2),), "dy must have shape"),
    ("conv2d_backward_weight", [(2, 8, 4, 4), (3, 4, 6, 6)], ((8, 4, 3, 3),), "dy must have shape"),
    ("conv2d_backward_weight", [(8, 4, 4), (2, 4, 6, 6)], ((8, 4, 3, 3),), "dy must have shape"),
    ("conv2d_backward_bias", [(8, 4)], (), "dy must have"),
    ("conv_transpose2d", [(2, 4, 6, 6), (8, 4, 3, 3)], (), "weight must have shape"),
    ("conv_transpose2d", [(2, 4, 6, 6), (4, 8, 3, 3), (4,)], (), r"bias must have shape \(8,\)"),
    ("conv_transpose2d", [(2, 4, 0, 6), (4, 8, 3, 3)], (), "x must not be empty"),
    ("conv_transpose2d_backward_input", [(2, 8, 8, 7), (4, 8, 3, 3)], ((2, 4, 6, 6),), "dy must have shape"),
    ("conv_transpose2d_backward_weight", [(2, 8, 8, 7), (2, 4, 6, 6)], ((4, 8, 3, 3),), "dy must have shape"),
    ("conv_transpose2d_backward_bias", [(8, 4)], (), "dy must have"),
]


@pytest.mark.parametrize(("function", "shapes", "others", "said"), SHAPES)
def test_shapes_that_do_not_agree(function, shapes, others, said):
    arrays = [np.ones(shape, "float32") for shape in shapes]
    refused(ValueError, said, lambda: getattr(fastconv, function)(*arrays, *others))


@pytest.mark.parametrize("value", [None, 4, "abcd", (2, 4, 6.0, 6), 1.5])
def test_shapes_of_another_type(value):
    refused(TypeError, "input_shape", lambda: fastconv.conv2d_backward_input(DY, W, value))
    refused(TypeError, "weight_shape", lambda: fastconv.conv2d_backward_weight(DY, X, value))


@pytest.mark.parametrize("dtype", ["float16", "int32", "uint8", "bool", "complex64", "object", "S4"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_dtypes_that_are_refused(dtype, position):
    arrays = [X, W, B]
    arrays[position] = arrays[position].astype(dtype)
    name = ("x", "weight", "bias")[position]
    said = rf"{name} must be float32 or float64.*{name}(\.real)?\.astype\('float32'\)"
    refused(TypeError, said, lambda: fastconv.conv2d(*arrays))


@pytest.mark.parametrize(
    ("function", "arrays", "others", "names"),
    [
        ("conv2d", (X.astype("float64"), W), (), "x and weight"),
        ("conv2d", (X, W, B.astype("float64")), (), "x and bias"),
        ("conv2d_backward_input", (DY.astype("float64"), W), (X.shape,), "dy and weight"),
        ("conv2d_backward_weight", (DY, X.astype("float64")), (W.shape,), "dy and x"),
        ("conv_transpose2d", (X, WT.astype("float64")), (), "x and weight"),
        ("conv_transpose2d_backward_input", (DYT.astype("float64"), WT), (X.shape,), "dy and weight"),
        ("conv_transpose2d_backward_weight", (DYT, X.astype("float64")), (WT.shape,), "dy and x"),
    ],
)
def test_dtypes_that_differ_name_both_and_the_cure(function, arrays, others, names):
    said = names + r" must have the same dtype, got (float32 and float64|float64 and float32).*\.astype\("
    refused(TypeError, said, lambda: getattr(fastconv, function)(*arrays, *others))


@pytest.mark.parametrize("value", [None, "image", object(), {}, [[["a"]]], [[[None]]]])
def test_what_is_no_array(value):
    must = "must be float32 or float64, got [^;]*$" if isinstance(value, list) else "must be an array, got"
    refused(TypeError, f"^x {must}", lambda: fastconv.conv2d(value, W))
    refused(TypeError, f"^weight {must}", lambda: fastconv.conv2d(X, value))


def zero_stride(*shape):
    """An array of any extent that takes no memory."""
    return np.broadcast_to(np.float32(1), shape)


def unit_row(*shape):
    """The same with unit stride along W, so that it need not be copied."""
    return np.broadcast_to(np.ones(shape[-1], "float32"), shape)


GIANTS = {
    "kernel and dilation of 2**40": lambda: fastconv.conv2d(X, zero_stride(8, 4, 2**20, 2**20), dilation=2**40),
    "kernel of 2**31": lambda: fastconv.conv2d(X, zero_stride(1, 4, 1, 2**31)),
    "kernel of 2**39 in a shape": lambda: fastconv.conv2d_backward_weight(DY, X, (8, 4, 2**40, 2**40)),
    "input of 2**62 pixels": lambda: fastconv.conv2d_backward_input(DY, W, (2, 4, 2**31, 2**31)),
    "padding of 2**31 - 1": lambda: fastconv.conv2d(X, W, padding=2**31 - 1),
    "padding of 2**30, strided": lambda: fastconv.conv2d(X, W, padding=2**30, stride=3),
    "full padding of dilation 2**30": lambda: fastconv.conv2d(X, W, padding="full", dilation=2**30),
    "transposed, stride 2**31 - 1": lambda: fastconv.conv_transpose2d(X, WT, stride=2**31 - 1),
    "transposed, dilation 2**31 - 1": lambda: fastconv.conv_transpose2d(X, WT, dilation=2**31 - 1),
    "transposed, output padding": lambda: fastconv.conv_transpose2d(X, WT, stride=2**30, output_padding=2**30 - 1),
    "image of 2**62 pixels": lambda: fastconv.conv2d(zero_stride(1, 1, 2**31, 2**31), zero_stride(1, 1, 1, 1)),
    "image of 2**42 pixels": lambda: fastconv.conv2d(unit_row(1, 1, 2**21, 2**21), zero_stride(1, 1, 1, 1)),
    "image of 2**38 pixels": lambda: fastconv.conv2d(zero_stride(1, 1, 2**19, 2**19), zero_stride(1, 1, 1, 1)),
    "image of 2**38 pixels, strided": lambda: fastconv.conv2d(
        zero_stride(1, 1, 2**19, 2**19), zero_stride(1, 1, 1, 1), stride=2**19
    ),
    "batch of 2**40 samples": lambda: fastconv.conv2d(zero_stride(2**40, 1, 1, 1), zero_stride(1, 1, 1, 1)),
    "2**35 filters": lambda: fastconv.conv2d(X, zero_stride(2**35, 4, 3, 3)),
    "2**38 channels": lambda: fastconv.conv2d(zero_stride(1, 2**38, 1, 1), zero_stride(1, 2**38, 1, 1)),
    "2**40 groups": lambda: fastconv.conv2d(zero_stride(1, 2**40, 1, 1), zero_stride(2**40, 1, 1, 1), groups=2**40),
    "dy of 2**41 pixels": lambda: fastconv.conv2d_backward_bias(zero_stride(2, 2**20, 2**10, 2**10)),
    "linear of 2**39 values": lambda: fastconv.linear(zero_stride(2**20, 2**19), zero_stride(2**19, 2**19)),
    "true convolution": lambda: fastconv.convolve2d(zero_stride(2**19, 2**19), zero_stride(3, 3)),
    "byte-swapped giant": lambda: fastconv.conv2d(
        np.broadcast_to(np.array(1, ">f4"), (1, 1, 2**19, 2**19)), zero_stride(1, 1, 1, 1)
    ),
}


def refuse_giants():
    """In a process that may not take more than 4 GB, so that nothing is really allocated."""
    import resource
    import time

    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    failures = []
    for name, call in GIANTS.items():
        start = time.monotonic()
        try:
            call()
        except (ValueError, MemoryError, OverflowError):
            outcome = ""
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        else:
            outcome = "no error"
        seconds = time.monotonic() - start
        if outcome or seconds > 2:
            failures.append(f"{name}: {outcome or 'refused'} after {seconds:.1f} s")
    if failures:
        sys.exit("\n".join(failures))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on memory")
@pytest.mark.parametrize("options", [(), ("-O",)])
def test_giants_are_refused(options):
    """Sizes that overflow, zero-stride arrays of any extent: an error within two seconds, and no memory taken."""
    child.run(*options, __file__)


def test_all_this_under_optimisation():
    """`python -O` strips asserts: checks are code (cumo#307)."""
    options = ["-O", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-W", "ignore", "-k"]
    child.run(*options, "not optimisation and not giants", __file__)


if __name__ == "__main__":
    refuse_giants()
