"""Arrays beside the file, and what the file says about classes and preprocessing."""

import json
import os

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference

import fastconv.onnx
from fastconv import Network, layers, models, sequential
from fastconv.data import transforms
from fastconv.onnx import OnnxError
from fastconv.onnx.writing import files


@pytest.fixture
def network():
    return Network(models.resnet8(), (3, 16, 16), seed=0)


X = np.random.default_rng(0).standard_normal((2, 3, 16, 16)).astype("float32")


def test_arrays_lie_beside_the_file_on_request(network, tmp_path):
    path = tmp_path / "network.onnx"
    fastconv.onnx.save(network, path, external_data=True)
    assert sorted(os.listdir(tmp_path)) == ["network.onnx", "network.onnx.data"]
    assert path.stat().st_size < 20_000 < (tmp_path / "network.onnx.data").stat().st_size
    onnx.checker.check_model(str(path), full_check=True)
    stored = onnx.load(path, load_external_data=False).graph.initializer
    places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in stored]
    assert {place["location"] for place in places} == {"network.onnx.data"}
    assert all(int(place["offset"]) % 4096 == 0 for place in places)
    assert fastconv.onnx.load(path).predict(X).tobytes() == network.predict(X).tobytes()
    inside = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    assert all(np.array_equal(array, network.arrays()[name]) for name, array in inside.items())
    np.testing.assert_allclose(onnx_reference.run(path, X), network.predict(X), rtol=1e-4, atol=1e-5)


def test_a_scalar_and_an_empty_array_lie_beside_the_file_too(tmp_path):
    model = onnx.helper.make_model(onnx.helper.make_graph([], "graph", [], []))
    arrays = {"scalar": np.array(3, "f4"), "empty": np.zeros((0, 4), "f4"), "last": np.arange(5, dtype="f4")[::2]}
    files.write(str(tmp_path / "a.onnx"), model, arrays, True)
    read = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(tmp_path / "a.onnx").graph.initializer}
    assert all(np.array_equal(read[name], array) and read[name].shape == array.shape for name, array in arrays.items())


def test_more_than_one_file_holds_lies_beside_it(network, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    with pytest.raises(OnnxError, match="less than 2 GB for external_data=False"):
        fastconv.onnx.save(network, tmp_path / "a.onnx", external_data=False)
    assert os.listdir(tmp_path) == []
    fastconv.onnx.save(network, tmp_path / "a.onnx")
    assert sorted(os.listdir(tmp_path)) == ["a.onnx", "a.onnx.data"]


def test_a_place_for_the_arrays_that_cannot_be_written_leaves_the_old_file(network, tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"old")
    (tmp_path / "a.onnx.data").mkdir()
    with pytest.raises(OnnxError, match="a folder"):
        fastconv.onnx.save(network, tmp_path / "a.onnx", external_data=True)
    assert (tmp_path / "a.onnx").read_bytes() == b"old"


def test_a_small_file_passes_the_full_check_as_it_is(network, tmp_path):
    fastconv.onnx.save(network, tmp_path / "a.onnx")
    onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)
    assert os.listdir(tmp_path) == ["a.onnx"]


def test_classes_and_sizes_are_among_the_metadata(network, tmp_path):
    steps = [transforms.resize(20), transforms.center_crop(16), transforms.normalize(0.5, 0.25)]
    names = [f"class {k}" for k in range(10)]
    fastconv.onnx.save(network, tmp_path / "a.onnx", classes=names, preprocessing=steps)
    about = {entry.key: json.loads(entry.value) for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert about["fastconv.classes"] == names
    assert [step["name"] for step in about["fastconv.preprocessing"]] == ["resize", "center_crop"]
    model = fastconv.onnx.read(tmp_path / "a.onnx")
    assert {key: json.loads(value) for key, value in model.metadata.items()} == about


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ("ab", TypeError, "classes must be a list of names"),
        ([1, 2], TypeError, "classes must be a list of names"),
        (["a"], ValueError, "as many names as the network has classes, got 1"),
    ],
)
def test_other_classes_are_refused(classes, error, message, network, tmp_path):
    with pytest.raises(error, match=message):
        fastconv.onnx.save(network, tmp_path / "a.onnx", classes=classes)
    pixels = Network(sequential(layers.Conv2D(2, 1)), (3, 4, 4))
    with pytest.raises((TypeError, ValueError), match="classes must be"):
        fastconv.onnx.save(pixels, tmp_path / "a.onnx", classes=["a"])
    assert os.listdir(tmp_path) == []


def test_a_file_that_reads_bytes_comes_back_as_a_network_of_the_same_numbers(network, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 16, 16), np.uint8)
    steps = [transforms.to_float(), transforms.normalize((0.4, 0.5, 0.6), 0.25)]
    fastconv.onnx.save(network, tmp_path / "a.onnx", preprocessing=steps)
    model = fastconv.onnx.read(tmp_path / "a.onnx")
    assert model.reads_bytes
    found = model.network().predict(images.astype("float32"))
    np.testing.assert_allclose(found, onnx_reference.run(tmp_path / "a.onnx", images), rtol=1e-4, atol=1e-4)
