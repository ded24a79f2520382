"""Metadata: what `save` takes, `load` gives back equal; what would not is refused, and the old file stays."""

import collections
import enum
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors

from fastconv import Network, layers, models
from fastconv.checkpoint import load, metadata, save
from fastconv.cli import parser

FILES = Path(__file__).parent / "files"
SUFFIXES = ("npz", "safetensors")
Point = collections.namedtuple("Point", "x y")


class Colour(enum.StrEnum):
    RED = "red"


def nested(levels, inner=None):
    for _ in range(levels):
        inner = [inner]
    return inner


GIVEN_BACK = {
    "text": "epoch 3",
    "empty text": "",
    "number": 3.25,
    "integer": 7,
    "zero": 0,
    "True": True,
    "False": False,
    "None": None,
    "list": [1, "two", None],
    "empty list": [],
    "empty dict": {},
    "dict": {"a": {"b": [1, {"c": None}]}},
    "tuple": (1, 2),
    "empty tuple": (),
    "tuples in lists in tuples": ([(1, (2,))], ((),)),
    "tuples in a dict": {"shape": (1, 28, 28), "list": [(1,), [2]], "a.b": {"": (0,)}},
    "named tuple": {"point": Point(1, 2)},
    "dicts of other classes": collections.OrderedDict(b=1, a=collections.Counter("aab")),
    "text of an enum": Colour.RED,
    "float64": np.float64(0.1),
    "smallest and largest": [5e-324, 1.7976931348623157e308, -0.0],
    "infinity": [float("inf"), float("-inf")],
    "huge integer": [10**4000, -(10**4000)],
    "letters of the world": "äß\u4e16\U0001f600",
    "control characters": "\0\n\t\x7f\"\\'",
    "half of a character": "\ud83d, \ude00",
    "keys of every kind": {"": 1, " ": 2, "ä": 3, "__proto__": 4, "format": 5, "metadata": 6, "tuples": [[]]},
    "like our own": {"format": "fastconv 1", "metadata": {}, "counters": {}},
    "deep": nested(190),
    "nearly a megabyte": "x" * ((1 << 20) - 200),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", GIVEN_BACK)
def test_what_save_takes_load_gives_back(tmp_path, name, suffix):
    path, given = tmp_path / f"a.{suffix}", GIVEN_BACK[name]
    save(path, {"w": np.ones(2)}, given)
    for found in (metadata(path), load(path, {"w": np.zeros(2)})):
        assert found == given
        assert type(found) is type(given) or isinstance(given, dict | str | float)
        assert json.dumps(found) == json.dumps(given)  # 1 == 1.0 == True


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nan_comes_back(tmp_path, suffix):
    save(tmp_path / f"a.{suffix}", {}, {"loss": [float("nan")]})
    assert np.isnan(metadata(tmp_path / f"a.{suffix}")["loss"][0])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "given", [np.int64(3), np.uint8(255), np.float32(0.1), np.float16(0.5), np.float64(0.1), np.True_, np.False_]
)
def test_numbers_of_numpy_come_back_as_those_of_python(tmp_path, given, suffix):
    save(tmp_path / f"a.{suffix}", {}, {"rate": given, "list": [given], "tuple": (given,)})
    found = metadata(tmp_path / f"a.{suffix}")
    assert found == {"rate": given, "list": [given], "tuple": (given,)}
    assert type(found["rate"]) in (int, float, bool)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_none_given_is_an_empty_dict(tmp_path, suffix):
    network = Network(layers.Linear(2), (3,))
    network.save(tmp_path / f"a.{suffix}")
    assert network.load(tmp_path / f"a.{suffix}") == {}


def within_itself():
    value = []
    value.append(value)
    return value


REFUSED = {
    "keys that are integers": ({1: "a"}, TypeError, "metadata has the key 1, but keys must be text"),
    "keys that become the same": ({"1": "a", 1: "b"}, TypeError, "key 1"),
    "keys None and True": ({"a": {None: 1}}, TypeError, r"metadata\['a'\] has the key None"),
    "keys that are tuples": ({(1, 2): 1}, TypeError, r"key \(1, 2\)"),
    "a complex number of NumPy": ({"a": [np.complex64(1)]}, TypeError, r"metadata\['a'\]\[0\] .* complex"),
    "a wide number of NumPy": ({"a": np.longdouble(1)}, TypeError, r"metadata\['a'\] .* longdouble; write float\(x\)"),
    "a range": ({"classes": range(3)}, TypeError, r"metadata\['classes'\] .* range; write list\(x\)"),
    "the keys of a dict": ({"a": {}.keys()}, TypeError, r"dict_keys; write list\(x\)"),
    "an array": ({"a": np.zeros(3)}, TypeError, r"ndarray; write x.tolist\(\)"),
    "bytes": ({"a": b"x"}, TypeError, r"bytes; write x.hex\(\)"),
    "a set": ({"a": {1}}, TypeError, r"set; write sorted\(x\)"),
    "a path": ({"a": Path("x")}, TypeError, r"Path; write str\(x\)"),
    "a complex number": (1j, TypeError, "complex"),
    "an object": (object(), TypeError, "object"),
    "a generator": ((n for n in range(3)), TypeError, "generator"),
    "a function": ([print], TypeError, "builtin_function"),
    "an integer too long to be read": ({"a": 10**5000}, ValueError, r"metadata\['a'\] is too large a number"),
    "two halves of a character": (["\ud83d\ude00"], ValueError, r"metadata\[0\] is not valid Unicode"),
    "halves in a key": ({"\ud83d\ude00": 1}, ValueError, "not valid Unicode"),
    "too deep": (nested(250), ValueError, "at most 200 levels deep"),
    "much too deep": (nested(100_000), ValueError, "at most 200 levels deep"),
    "within itself": (within_itself(), ValueError, "must not contain itself"),
    "more than a megabyte": ("x" * (1 << 20), ValueError, "at most 1048576 bytes of JSON"),
    "more bytes than characters": ("ä" * (1 << 18), ValueError, "at most 1048576 bytes of JSON"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_come_back_equal_is_refused_and_the_old_file_stays(tmp_path, name, suffix):
    value, error, says = REFUSED[name]
    path = tmp_path / f"a.{suffix}"
    save(path, {"w": np.ones(2)}, "old")
    old = path.read_bytes()
    with pytest.raises(error, match=says):
        save(path, {"w": np.zeros(2)}, value)
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_before_are_read(suffix):
    """Written by the version before tuples came back, as version 0.1.0 was: they are lists."""
    target = {"w": np.zeros((2, 3), "float32"), "steps": np.array(0), "counter": np.zeros(2, "uint64")}
    assert load(FILES / f"before.{suffix}", target) == {"shape": [1, 2], "text": "ä", "list": [1, None]}
    assert target["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert target["steps"] == 7
    assert target["counter"].tolist() == [3, 2**63]


def test_a_reader_of_before_finds_dicts_where_they_were(tmp_path):
    """{"format": "fastconv 1", "metadata": a dict without tuples, ...}"""
    given = {"shape": (1, 2), "text": "ä"}
    for suffix in SUFFIXES:
        save(tmp_path / f"a.{suffix}", {}, given)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        texts = [archive.read("metadata.json")]
    with safetensors.safe_open(tmp_path / "a.safetensors", framework="numpy") as file:
        texts.append(file.metadata()["fastconv"])
    for text in texts:
        content = json.loads(text)
        assert content["format"] == "fastconv 1"
        assert content["metadata"] == {"shape": [1, 2], "text": "ä"}


@pytest.mark.parametrize("given", ["text", [1], None, 3, {"model": "nielsen", "input_shape": "1"}])
def test_the_command_line_refuses_metadata_that_names_no_network(tmp_path, given, capsys):
    Network(layers.Linear(2), (3,)).save(tmp_path / "a.npz", given)
    assert parser.main(["predict", str(tmp_path / "a.npz"), "x.png"]) == 1
    assert "does not say which network it holds" in capsys.readouterr().err


def test_the_command_line_reads_a_shape_that_is_a_tuple(tmp_path, capsys):
    network = Network(models.known["nielsen"].build(), (1, 28, 28), seed=0)
    network.save(tmp_path / "a.npz", {"model": "nielsen", "input_shape": network.input_shape})
    np.save(tmp_path / "x.npy", np.zeros((28, 28), np.uint8))
    assert parser.main(["predict", str(tmp_path / "a.npz"), str(tmp_path / "x.npy")]) == 0
    capsys.readouterr()
