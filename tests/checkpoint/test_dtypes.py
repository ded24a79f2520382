"""Numbers of other kinds become the network's where that loses nothing, or are refused by name."""

import io
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from fastconv import Network, layers, sequential
from fastconv.checkpoint import CheckpointError, Mismatch, load, save

SUFFIXES = ("npz", "safetensors")
FLOATS = ("float16", "float32", "float64")
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
CODES = {"bool": "BOOL"} | {name: name[0].upper() + name.lstrip("uintflo") for name in (*FLOATS, *INTEGERS)}


def write(path, **arrays):
    """By NumPy or by the library of safetensors, not by us."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        safetensors.numpy.save_file(arrays, path)
    return path


def raw(path, code, shape, data):
    """A .safetensors of one array w of any dtype."""
    header = json.dumps({"w": {"dtype": code, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.fixture(params=SUFFIXES)
def path(tmp_path, request):
    return tmp_path / f"a.{request.param}"


@pytest.mark.parametrize("wanted", ["float32", "float64"])
@pytest.mark.parametrize("stored", FLOATS)
def test_floats_of_every_width_fill_a_network(path, stored, wanted):
    """Widening is exact, and so is narrowing of what float32 holds; without a warning."""
    model = sequential(layers.Linear(3), layers.BatchNorm(), layers.Dropout(0.5))
    network = Network(model, (4,), wanted, seed=0)
    saved = {name: array.astype(stored) for name, array in network.parameters.items()}
    write(path, **saved)
    other = Network(model, (4,), wanted, seed=1)
    result = other.load(path, strict=False)
    for name, array in saved.items():
        assert other.parameters[name].dtype == wanted
        np.testing.assert_array_equal(other.parameters[name], array.astype(wanted))
    assert not result.rounded or (stored, wanted) == ("float64", "float32")


@pytest.mark.parametrize("values", [[0.5, -2, 0], [np.inf, -np.inf, np.nan], [65504, -0.0, 6e-8]])
def test_widening_keeps_special_values(path, values):
    half = np.array(values, "float16")
    target = {"w": np.zeros(3, "float32")}
    load(write(path, w=half), target)
    np.testing.assert_array_equal(target["w"], half.astype("float32"))
    np.testing.assert_array_equal(np.signbit(target["w"]), np.signbit(half))


@pytest.mark.parametrize("wanted", ["float32", "float64"])
def test_bfloat16_is_the_upper_half_of_float32(tmp_path, wanted):
    """Every one of the 65,536, by arithmetic on sign, exponent and fraction."""
    bits = np.arange(1 << 16, dtype="<u2")
    sign, exponent, fraction = 1.0 - 2.0 * (bits >> 15), (bits >> 7 & 255).astype(int), bits & 127
    values = np.where(
        exponent, sign * np.ldexp(1 + fraction / 128, exponent - 127), sign * np.ldexp(fraction / 128, -126)
    )
    values = np.where(exponent == 255, np.where(fraction, np.nan, sign * np.inf), values)
    target = {"w": np.zeros(1 << 16, wanted)}
    load(raw(tmp_path / "a", "BF16", [1 << 16], bits.tobytes()), target)
    np.testing.assert_array_equal(target["w"], values)


def test_float64_is_rounded_to_float32_and_that_is_said(path):
    values = np.array([1 / 3, 1e-60, 0.5])
    write(path, w=values, v=np.ones(2))
    target = {"w": np.zeros(3, "float32"), "v": np.zeros(2, "float32")}
    with pytest.warns(UserWarning, match="rounded to the network's dtype: w$"):
        load(path, target)
    np.testing.assert_array_equal(target["w"], values.astype("float32"))
    assert load(path, target, strict=False).rounded == ["w"]


def test_where_warnings_are_errors_nothing_changes(path):
    target = {"w": np.full(1, 7, "float32")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            load(write(path, w=np.array([1 / 3])), target)
    assert target["w"] == 7


def test_a_finite_number_never_becomes_infinite(path):
    target = {"w": np.full(3, 7, "float32"), "v": np.full(2, 7, "float32")}
    write(path, w=np.array([1.0, -1e39, np.inf]), v=np.ones(2, "float32"))
    with pytest.raises(Mismatch, match=r"w holds numbers of up to 1e\+39, beyond float32.*loads the 1 that fit"):
        load(path, target)
    assert target["v"].tolist() == [7, 7]
    result = load(path, target, strict=False)
    assert (result.loaded, list(result.misshapen)) == (["v"], ["w"])
    assert target["w"].tolist() == [7, 7, 7]


def test_infinities_that_were_saved_come_back(path):
    target = {"w": np.zeros(3, "float32")}
    load(write(path, w=np.array([np.inf, -np.inf, np.nan])), target)
    np.testing.assert_array_equal(target["w"], [np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("wanted", ["int64", "uint64", "int32", "uint8"])
@pytest.mark.parametrize("stored", [*INTEGERS, *FLOATS])
def test_counters_of_every_kind(path, stored, wanted):
    target = {"num_batches_tracked": np.array(0, wanted)}
    load(write(path, num_batches_tracked=np.array(117, stored)), target)
    assert target["num_batches_tracked"] == 117


@pytest.mark.parametrize("shapes", [((), (1,)), ((1,), ())])
def test_a_counter_may_be_a_number_or_an_array_of_one(path, shapes):
    target = {"steps": np.zeros(shapes[1], "int64")}
    load(write(path, steps=np.full(shapes[0], 9, "int32")), target)
    assert target["steps"].reshape(()) == 9
    with pytest.raises(Mismatch, match="must be"):
        load(write(path, steps=np.ones(shapes[0])), {"steps": np.zeros(shapes[1])})  # weights are another matter


@pytest.mark.parametrize(
    ("stored", "value", "wanted"),
    [
        ("int64", -1, "uint64"),
        ("uint64", 2**63, "int64"),
        ("uint64", 2**64 - 1, "int64"),
        ("int64", 2**31, "int32"),
        ("int16", 256, "uint8"),
        ("float64", -1, "uint64"),
        ("float32", 7.5, "int64"),
        ("float64", np.nan, "int64"),
        ("float64", np.inf, "int64"),
        ("float16", np.inf, "uint64"),
        ("float64", 1e300, "int64"),
        ("float64", 2.0**54, "int64"),
        ("float32", 2.0**25, "int64"),
        ("float16", 2.0**12, "int64"),
    ],
)
def test_counters_that_would_change_are_refused(path, stored, value, wanted):
    target = {"steps": np.array(3, wanted)}
    with pytest.raises(Mismatch, match=f"steps holds {stored} numbers"):
        load(write(path, steps=np.array(value, stored)), target)
    assert target["steps"] == 3


@pytest.mark.parametrize(("value", "right"), [(256.0, True), (384.0, False), (0.5, False)])
def test_bfloat16_counts_to_256(tmp_path, value, right):
    bits = struct.pack("<f", value)[2:]
    target = {"w": np.array(0)}
    if right:
        load(raw(tmp_path / "a", "BF16", [], bits), target)
        assert target["w"] == value
    else:
        with pytest.raises(Mismatch, match="bfloat16 numbers that are no counters"):
            load(raw(tmp_path / "a", "BF16", [], bits), target)


@pytest.mark.parametrize("stored", [*INTEGERS, "bool"])
def test_integers_are_no_weights(path, stored):
    """Quantised weights mean something else than their integers."""
    target = {"w": np.full(2, 7, "float32")}
    with pytest.raises(Mismatch, match=rf"w is \(2,\) {stored}, must be \(2,\) float32 .*x.astype\('float32'\)"):
        load(write(path, w=np.ones(2, stored)), target)
    assert target["w"].tolist() == [7, 7]


@pytest.mark.parametrize("code", ["F8_E4M3", "F8_E5M2"])
def test_other_dtypes_of_safetensors_are_refused_by_name(tmp_path, code):
    with pytest.raises(Mismatch, match=rf"w is \(8,\) {code}, must be \(8,\) float32 .*x.float\(\)"):
        load(raw(tmp_path / "a", code, [8], bytes(8)), {"w": np.zeros(8, "float32")})


@pytest.mark.parametrize("code", ["F128", "float32"])
def test_dtypes_that_safetensors_does_not_know_are_refused_by_name(tmp_path, code):
    with pytest.raises(CheckpointError, match=rf"not a safetensors file, or damaged: .*{code}"):
        load(raw(tmp_path / "a", code, [8], bytes(8)), {"w": np.zeros(8, "float32")})


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(3, "complex64"), "complex64"),
        (np.zeros(3, "longdouble"), "float128|longdouble"),
        (np.array(["a", "b", "c"]), "<U1"),
        (np.array([b"a", b"b", b"c"]), "S1"),
        (np.zeros(3, [("a", "f4")]), r"\('a', '<f4'\)"),
        (np.zeros(3, "M8[s]"), "datetime64"),
        (np.array([None, 1, {}], object), "object.*Python objects, which only a pickle can hold"),
        (np.zeros(3, "V2"), r"\|V2.*bfloat16 and float8 of ml_dtypes like this: write x.astype\('float32'\)"),
        (np.zeros(3, "V1"), r"\|V1.*bfloat16 and float8"),
    ],
)
def test_other_dtypes_of_numpy_are_refused_by_name(tmp_path, array, says):
    np.savez(tmp_path / "a.npz", w=array, v=np.ones(2))
    target = {"w": np.full(3, 7, "float32"), "v": np.zeros(2)}
    with pytest.raises(Mismatch, match=rf"w is \(3,\) .*({says})"):
        load(tmp_path / "a.npz", target)
    assert load(tmp_path / "a.npz", target, strict=False).loaded == ["v"]  # the rest is read
    assert target["w"].tolist() == [7, 7, 7]


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_arrays_of_either_byte_order(tmp_path, dtype, order):
    values = np.array([[1.5, -2], [3, 0.25]]).astype(order + dtype)
    target = {"w": np.zeros((2, 2), "float32"), "steps": np.array(0)}
    np.savez(tmp_path / "a.npz", w=values, steps=np.array(2**40, order + "i8"))
    load(tmp_path / "a.npz", target)
    np.testing.assert_array_equal(target["w"], [[1.5, -2], [3, 0.25]])
    assert target["steps"] == 2**40


@pytest.mark.parametrize("layout", ["swapped", "fortran", "reversed", "broadcast", "read-only"])
def test_arrays_of_any_layout_are_saved_as_what_they_hold(path, layout):
    values = np.arange(6.0).reshape(2, 3)
    array = {
        "swapped": values.astype(">f8"),
        "fortran": np.asfortranarray(values),
        "reversed": values[::-1, ::-1].copy()[::-1, ::-1],
        "broadcast": np.broadcast_to(values[:1], (2, 3)),
        "read-only": np.frombuffer(values.tobytes()).reshape(2, 3),
    }[layout]
    save(path, {"w": array})
    target = {"w": np.zeros((2, 3))}
    load(path, target)
    np.testing.assert_array_equal(target["w"], array)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 0), (2, 3), (17,)])
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS, "bool"])
def test_every_dtype_that_save_takes_load_gives_back(path, dtype, shape):
    """States of layers may have any; safetensors keeps random counters (uint64) apart."""
    array = (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype)
    save(path, {"w": array, "v": np.ones(3, "float32")})
    target = {"w": np.full(shape, 1, dtype), "v": np.zeros(3, "float32")}
    load(path, target)
    np.testing.assert_array_equal(target["w"], array, strict=True)
    if path.suffix == ".safetensors":
        read = safetensors.numpy.load_file(path)
        np.testing.assert_array_equal(read["v"], [1, 1, 1])
        assert ("w" in read) == (dtype != "uint64" or len(shape) != 1 or shape[0] > 16)


@pytest.mark.parametrize("dtype", ["complex128", "longdouble", "U3", "M8[s]", "V2", "object"])
def test_save_refuses_what_load_would(path, dtype):
    save(path, {"w": np.ones(2)})
    old = path.read_bytes()
    with pytest.raises(ValueError, match="bad has the dtype"):
        save(path, {"w": np.zeros(2), "bad": np.zeros(3, dtype)})
    assert path.read_bytes() == old


@pytest.mark.parametrize(
    "name", ["", "a\0b", "\ud800", "__metadata__", "x" * 70_000, "ä" * 30_001], ids=lambda name: ascii(name)[:20]
)
def test_names_that_a_format_cannot_hold_are_refused(path, name):
    with pytest.raises(ValueError, match="an array's name must be text"):
        save(path, {name: np.zeros(2)})


@pytest.mark.parametrize(
    "name", ["a/b", "metadata.json", "x.npy", "ä", "../up", " ", "a\nb", "\\", "x" * 60_000], ids=lambda name: name[:20]
)
def test_other_names_come_back(path, name):
    save(path, {name: np.ones(2)})
    target = {name: np.zeros(2)}
    load(path, target)
    assert target[name].tolist() == [1, 1]


def test_a_header_that_numpy_wrote_for_python_2_or_a_newer_version_is_an_error_of_the_one_class(tmp_path):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros(3), version=(2, 0))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("w.npy", stream.getvalue())
    with pytest.raises(CheckpointError, match="unknown version"):
        load(tmp_path / "a.npz", {"w": np.zeros(3)})
