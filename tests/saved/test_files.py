"""Whole networks in files: what is saved comes back, what could not come back is refused, and strangers' files too."""

import os
import warnings

import numpy as np
import pytest

import fastconv
from fastconv import Network, checkpoint, models
from fastconv.checkpoint import CheckpointError
from fastconv.data import transforms
from fastconv.layers import Flatten, Linear
from fastconv.saved import SavedNetwork, described

STEPS = [transforms.resize(36), transforms.center_crop(32), transforms.normalize()]


def lenet(classes=3, **options):
    return Network(models.lenet5(classes), (1, 28, 28), seed=0, **options)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_everything_comes_back(suffix, tmp_path):
    network = Network(models.resnet20(3), (3, 32, 32), seed=0)
    fastconv.save(tmp_path / f"a{suffix}", network, ("a", "b", "c"), STEPS, {"epochs": (1, 2)})
    saved = fastconv.load(tmp_path / f"a{suffix}")
    assert isinstance(saved, SavedNetwork)
    assert saved.classes == ("a", "b", "c")
    assert saved.metadata == {"epochs": (1, 2)}
    assert [transforms.described(t) for t in saved.preprocessing] == [transforms.described(t) for t in STEPS]
    assert saved.network.model == network.model
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(saved.network.arrays()[name], array)
    x = np.random.default_rng(0).random((2, 3, 32, 32), "float32")
    np.testing.assert_array_equal(saved.network.predict(x), network.predict(x))


def test_without_names_preprocessing_and_metadata_there_are_none(tmp_path):
    fastconv.save(tmp_path / "a.npz", lenet())
    saved = fastconv.load(tmp_path / "a.npz")
    assert (saved.classes, saved.preprocessing, saved.metadata) == (None, None, {})


def test_dtype_and_precision_come_back(tmp_path):
    network = lenet(dtype="float64", precise=True)
    fastconv.save(tmp_path / "a.npz", network)
    again = fastconv.load(tmp_path / "a.npz").network
    assert again.dtype == np.float64
    assert again.output.graph.precise


def test_what_was_loaded_saves_again(tmp_path):
    fastconv.save(tmp_path / "a.npz", lenet(), ["a", "b", "c"], [transforms.to_float()])
    saved = fastconv.load(tmp_path / "a.npz")
    fastconv.save(tmp_path / "b.npz", saved.network, saved.classes, saved.preprocessing, saved.metadata)
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()


def test_the_file_is_one_of_weights_too(tmp_path):
    fastconv.save(tmp_path / "a.npz", lenet(), ["a", "b", "c"])
    other = Network(models.lenet5(3), (1, 28, 28), seed=1)
    assert other.load(tmp_path / "a.npz")["classes"] == ["a", "b", "c"]
    np.testing.assert_array_equal(other.parameters["fc3.weight"], lenet().parameters["fc3.weight"])


def changed():
    model = models.lenet5(3)
    model[0].kernel_size = 3
    return Network(model, (1, 28, 28), seed=0)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (lambda: ["a.npz"], TypeError, "path comes before network: write fastconv.save('a.npz', network)"),
        (lambda: [SavedNetwork(lenet())], TypeError, "write fastconv.save(path, saved.network)"),
        (lambda: [lenet().freeze()], TypeError, "write the network that it was frozen from"),
        (lambda: [models.lenet5()], TypeError, "network must be a Network, got "),
        (lambda: [Network(Linear(3), (4,))], ValueError, "for a file holds no code; write network.save(path, "),
        (lambda: [changed()], ValueError, "network has other arrays than a new lenet5: layers were changed; "),
        (lambda: [lenet(), "abc"], TypeError, "classes must be a list of names, got 'abc'"),
        (lambda: [lenet(), {"a": 1}.keys()], TypeError, "write list(classes)"),
        (lambda: [lenet(), [0, 1, 2]], TypeError, "write classes=[str(name) for name in classes]"),
        (lambda: [lenet(), ["a", "b"]], ValueError, "classes must be 3 names, as many as the network has classes, got"),
        (lambda: [lenet(), None, transforms.to_float()], TypeError, "write preprocessing=[transform]"),
        (lambda: [lenet(), None, [transforms.random_flip()]], ValueError, "transforms.unchanging(list)"),
        (lambda: [lenet(), None, [lambda x, d: x]], TypeError, "preprocessing[0] must be made by fastconv.data.tra"),
        (lambda: [lenet(), None, None, {"a": {1}}], TypeError, "metadata['a'] must be what JSON can hold"),
    ],
)
def test_what_could_not_be_loaded_again_is_refused_and_the_old_file_stays(arguments, error, says, tmp_path):
    path = tmp_path / "a.npz"
    fastconv.save(path, lenet())
    before = path.read_bytes()
    given = arguments()
    with pytest.raises(error) as caught:
        fastconv.save(*([lenet(), path] if given == ["a.npz"] else [path, *given]))
    assert says in str(caught.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.npz"]


def test_what_the_error_about_a_model_of_ones_own_says_works(tmp_path):
    def model():
        return fastconv.sequential(Flatten(), Linear(3))

    network, path = Network(model(), (1, 4, 4), seed=0), tmp_path / "a.npz"
    with pytest.raises(ValueError) as caught:
        fastconv.save(path, network)
    line = str(caught.value).partition("write ")[2].partition(", and later ")
    eval(line[0], {"network": network, "path": path})
    saved = eval(line[2].partition(", with")[0], {"fastconv": fastconv, "path": path, "model": model()})
    x = np.ones((2, 1, 4, 4), "float32")
    np.testing.assert_array_equal(saved.predict(x), network.predict(x))


def test_parts_of_ones_own_are_asked_for(tmp_path):
    def double(images, draws):
        return images * 2

    model = fastconv.sequential(Flatten(), Linear(3))
    network, path = Network(model, (1, 4, 4), seed=0), tmp_path / "a.npz"
    network.save(path, described(network, ["a", "b", "c"], [double]))
    with pytest.raises(CheckpointError, match="its metadata names no model"):
        fastconv.load(path)
    with pytest.raises(ValueError, match=r"write fastconv.load\(path, preprocessing="):
        fastconv.load(path, model).predict(np.ones((2, 1, 4, 4), "float32"))
    saved = fastconv.load(path, model, preprocessing=[double])
    assert saved.classes == ("a", "b", "c")
    x = np.ones((2, 1, 4, 4), "float32")
    np.testing.assert_array_equal(saved.predict(x), network.predict(2 * x))


def test_names_that_are_not_as_many_as_the_outputs_are_left_out_of_a_description():
    assert described(lenet(), ["a"])["classes"] is None


def test_arguments_of_load_come_before_what_the_file_says(tmp_path):
    fastconv.save(tmp_path / "a.npz", lenet(), ["a", "b", "c"], [transforms.to_float()])
    saved = fastconv.load(tmp_path / "a.npz", models.lenet5(3, padding=0), input_shape=(1, 32, 32), classes=["x"] * 3)
    assert saved.network.input_shape == (1, 32, 32)
    assert saved.classes == ("x", "x", "x")
    assert fastconv.load(tmp_path / "a.npz", preprocessing=[]).preprocessing == []


def test_a_checkpoint_of_a_training_is_a_whole_network_too(tmp_path):
    network = lenet()
    arrays = network.arrays() | {"run/optimizer/velocity/conv1.weight": np.ones(3, "float32")}
    checkpoint.save(tmp_path / "a.npz", arrays, described(network) | {"run": {"epoch": 3}})
    np.testing.assert_array_equal(
        fastconv.load(tmp_path / "a.npz").network.parameters["fc3.bias"], network.parameters["fc3.bias"]
    )


def test_files_that_name_a_model_by_text_are_read(tmp_path):
    network = Network(models.nielsen("l2"), (1, 28, 28), seed=0)
    about = {"model": "nielsen-l2", "input_shape": [1, 28, 28], "classes": None, "background": 0.1}
    network.save(tmp_path / "a.npz", about)
    saved = fastconv.load(tmp_path / "a.npz")
    assert saved.network.model == network.model
    assert saved.metadata == {"background": 0.1}


def test_weights_alone_say_which_model_they_fit(tmp_path):
    lenet(10).save(tmp_path / "a.npz")
    with pytest.raises(CheckpointError) as caught:
        fastconv.load(tmp_path / "a.npz")
    assert "it has no metadata; write saved = " in str(caught.value)
    line = str(caught.value).partition("write ")[2].partition("; ")[0]
    found = {"fastconv": fastconv}
    exec(line, found)
    assert found["saved"].network.model["name"] == "lenet5"


OK = {"model": {"name": "zhang2016", "arguments": {}}, "input_shape": [1, 28, 28]}


def chain(**arguments):
    return {"name": "chain", "arguments": arguments}


STRANGE = [
    *({"model": model} for model in (5, [], {}, {"name": "known"}, {"name": "build"}, "__init__", {"name": ["a"]})),
    *({"model": {"name": "resnet20", "arguments": given}} for given in (5, {"a": 1}, {"num_classes": 10**4000})),
    {"model": {"name": "mobilenet_v1", "arguments": {"width_mult": float("inf")}}},
    {"model": {"name": "resnet152", "arguments": {}}},
    *({"model": chain(maps=maps)} for maps in ([1] * 5000, [10**12], ["a"], 5, None)),
    {"model": chain(maps=[1], padding=20_000, pool_size=40_000)},
    {"model": chain(maps=[1], kernel_size=10**9)},
    *({"input_shape": shape} for shape in (None, [28, 28], [1, 28, True], [1, 2, 2], [0, 1, 1], [1, 1 << 11, 1 << 11])),
    *({"dtype": dtype} for dtype in ("float16", 5, None, ["float32"])),
    *({"classes": classes} for classes in (5, "0123456789", ["a"] * 9, [1] * 10)),
    *({"preprocessing": steps} for steps in (5, "ab", [None], [5], [{"name": "to_float"}] * 101, [{"name": "nix"}])),
    *(
        {"preprocessing": [{"name": name, "arguments": given}]}
        for name, given in (
            ("random_flip", {}),
            ("resize", {"size": 10**9}),
            ("resize", {"size": True}),
            ("center_crop", {"size": [10**5, 10**5]}),
            ("normalize", {"std": 0}),
        )
    ),
]


@pytest.mark.parametrize("change", STRANGE, ids=lambda change: str(change)[:60])
def test_a_strangers_file_is_refused_in_a_few_words(change, tmp_path, monkeypatch):
    Network(models.zhang2016(), (1, 28, 28), seed=0).save(tmp_path / "a.npz", OK | change)
    if "model" in change or "input_shape" in change:  # nothing is allocated
        monkeypatch.setattr("fastconv.saved.files.Network", None)
    with pytest.raises(CheckpointError) as caught:
        fastconv.load(tmp_path / "a.npz")
    assert str(caught.value).startswith(f"{tmp_path / 'a.npz'}")
    assert len(str(caught.value)) < 1200


@pytest.mark.parametrize("about", [5, [1], "a", None, [], {"epoch": 3}])
def test_metadata_that_say_nothing_of_a_network(about, tmp_path):
    Network(models.zhang2016(), (1, 28, 28), seed=0).save(tmp_path / "a.npz", about)
    with pytest.raises(CheckpointError, match="does not say which network it holds"):
        fastconv.load(tmp_path / "a.npz")


def test_a_file_that_holds_another_network_than_it_says(tmp_path):
    lenet(10).save(tmp_path / "a.npz", OK)
    with pytest.raises(checkpoint.Mismatch):
        fastconv.load(tmp_path / "a.npz")


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        fastconv.load(tmp_path / "a.npz")


def test_rounded_weights_are_warned_of_once(tmp_path):
    lenet(dtype="float64").save(tmp_path / "a.npz", described(lenet()))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fastconv.load(tmp_path / "a.npz")
    assert len(said) == 1


def test_a_network_of_several_outputs_has_no_classes(tmp_path):
    def model(x):
        return (x["a"], x["b"])

    shapes = {"a": (2,), "b": (3,)}
    fastconv.Network(model, shapes).save(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="a network with classes has one output, this one has 2"):
        fastconv.load(tmp_path / "a.npz", model, input_shape=shapes)
