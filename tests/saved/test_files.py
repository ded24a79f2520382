"""Files that hold a whole network, and files that do not."""

import json
import os
import zipfile

import numpy as np
import pytest

import fastconv
from fastconv import CheckpointError, Network, checkpoint, layers, models
from fastconv.data import transforms


def network(num_classes=3, **options):
    return Network(models.lenet5(num_classes=num_classes), (1, 28, 28), seed=0, **options)


RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (4, 1, 28, 28), dtype=np.uint8)
STEPS = [transforms.resize(32), transforms.center_crop((28, 28)), transforms.normalize(0.5, 0.25)]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(tmp_path, suffix, dtype):
    net, path = network(dtype=dtype), tmp_path / f"net{suffix}"
    fastconv.save(path, net, ["a", "b", "c"], STEPS, {"epoch": 3})
    saved = fastconv.load(path)
    assert saved.classes == ("a", "b", "c")
    assert saved.metadata == {"epoch": 3}
    assert [transforms.described(step) for step in saved.preprocessing] == [
        transforms.described(step) for step in STEPS
    ]
    assert saved.network.dtype == dtype
    for name, array in net.arrays().items():
        np.testing.assert_array_equal(saved.network.arrays()[name], array)


@pytest.mark.parametrize("name", ["zhang2016", "nielsen-l2", "chain", "lenet5"])
def test_files_with_the_name_of_a_model_alone(tmp_path, name):
    """What `fastconv train` wrote before files held arguments."""
    net, path = Network(models.known[name].build(), (1, 28, 28), seed=1), tmp_path / "net.npz"
    net.save(path, {"model": name, "input_shape": [1, 28, 28], "classes": None, "background": 0.1})
    saved = fastconv.load(path)
    x = (BYTES / np.float32(255)).astype("float32")
    np.testing.assert_array_equal(saved.predict(BYTES), net.predict(x))
    assert saved.classes is None
    assert saved.classify(BYTES[0])[0][0][0] in map(str, range(10))


def test_a_model_of_ones_own_is_given_again(tmp_path):
    def model(x):
        return fastconv.sequential(layers.Flatten(), layers.Linear(2))(x)

    net, path = Network(model, (3, 4, 4), seed=0), tmp_path / "net.npz"
    fastconv.save(path, net, ["a", "b"])
    with pytest.raises(CheckpointError, match=r"a function of somebody's own: write fastconv.load\(path, model"):
        fastconv.load(path)
    saved = fastconv.load(path, model)
    np.testing.assert_array_equal(saved.network.parameters.flat, net.parameters.flat)
    with pytest.raises(CheckpointError):
        fastconv.load(path, layers.Flatten())


def changed(path, new, **metadata):
    """A copy of a file with other metadata."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(new, "w") as copy:
        for name in old.namelist():
            content = old.read(name)
            if name == "metadata.json":
                about = json.loads(content)
                about["metadata"] |= metadata
                about["tuples"] = []
                content = json.dumps(about).encode()
            copy.writestr(name, content)
    return new


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"model": {"name": "resnet"}}, "fastconv.models has no 'resnet'; did you mean 'resnet"),
        ({"model": {"name": "__class__"}}, "fastconv.models has no '__class__'"),
        ({"model": {"name": "build"}}, "fastconv.models has no 'build'"),
        ({"model": {"name": "lenet5", "arguments": {"colour": 1}}}, "lenet5 takes no colour"),
        ({"model": {"name": "lenet5", "arguments": {"num_classes": 10**9}}}, "too small"),
        ({"model": {"name": "lenet5", "arguments": {"num_classes": "three"}}}, "num_classes"),
        ({"model": {"name": "chain", "arguments": {"maps": [1] * 5000}}}, "a dict of a few numbers"),
        ({"model": 3}, "a model is described as"),
        ({"model": None}, "its model is a function of somebody's own"),
        ({"input_shape": None}, "it holds weights alone"),
        ({"input_shape": [1, 28]}, "its input_shape is"),
        ({"input_shape": [1, 28, 28.0]}, "its input_shape is"),
        ({"input_shape": [1, 1 << 20, 1 << 20]}, "its input_shape is"),
        ({"input_shape": [1, 32, 32]}, "does not fit"),
        ({"dtype": "int8"}, "its dtype is"),
        ({"classes": ["a"]}, "classes must be 3 texts"),
        ({"classes": [1, 2, 3]}, "classes must be 3 texts"),
        ({"preprocessing": [{"name": "exec"}]}, "makes no 'exec'"),
        ({"preprocessing": [{"name": "resize", "arguments": {"size": -1}}]}, "resize: "),
        ({"preprocessing": [3]}, "a transform is described as"),
    ],
    ids=str,
)
def test_metadata_that_do_not_fit(tmp_path, metadata, says):
    path = tmp_path / "net.npz"
    fastconv.save(path, network(), ["a", "b", "c"])
    with pytest.raises(CheckpointError, match=says) as caught:
        fastconv.load(changed(path, tmp_path / "changed.npz", **metadata))
    assert "changed.npz" in str(caught.value)


def test_what_a_file_cannot_hold_is_refused_and_nothing_written(tmp_path):
    path = tmp_path / "net.npz"
    for given, error, says in (
        ({"network": 3}, TypeError, "network must be a Network"),
        ({"classes": ["a"]}, ValueError, "classes must be 3 texts, one for each output of the network"),
        ({"classes": "abc"}, ValueError, "classes must be 3 texts"),
        ({"preprocessing": [lambda images, draws: images]}, ValueError, "preprocessing must be transforms of fastconv"),
        ({"metadata": {1, 2}}, TypeError, "must be what JSON can hold"),
    ):
        with pytest.raises(error, match=says):
            fastconv.save(path, **{"network": network(), **given})
        assert not os.path.exists(path)


def test_weights_alone_and_files_that_are_missing(tmp_path):
    path = tmp_path / "weights.npz"
    network().save(path)
    with pytest.raises(CheckpointError, match=r"it holds weights alone, .*: write network.load"):
        fastconv.load(path)
    with pytest.raises(FileNotFoundError):
        fastconv.load(tmp_path / "missing.npz")
    checkpoint.save(path, {}, {"input_shape": [1, 28, 28], "model": {"name": "lenet5"}})
    with pytest.raises(CheckpointError, match="too small"):
        fastconv.load(path)
