"""Files of ONNX on the command line: written and read by `convert`, and taken where a saved network is."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference
from PIL import Image

import fastconv
import fastconv.onnx
from fastconv import Network, layers, models, sequential
from fastconv.cli import parser
from fastconv.data import transforms

NAMES = ["cat", "dog", "horse"]


def run(capsys, *words):
    """(exit code, lines on standard output, text on standard error)"""
    code = parser.main([*map(str, words)])
    said = capsys.readouterr()
    return code, said.out.splitlines(), said.err


def refused(capsys, *words):
    """The one line that says why."""
    code, lines, error = run(capsys, *words)
    assert (code, lines, error.count("\n")) == (1, [], 1), error
    return error


@pytest.fixture
def network():
    return Network(models.resnet8(num_classes=3), (3, 16, 16), seed=0)


@pytest.fixture
def saved(network, tmp_path):
    """A file of `fastconv.save`, with classes and preprocessing."""
    steps = [transforms.resize(20), transforms.center_crop(16), transforms.to_float(), transforms.normalize(0.4, 0.2)]
    fastconv.save(tmp_path / "a.npz", network, NAMES, steps)
    return tmp_path / "a.npz"


def picture(folder, size=(16, 16)):
    """A picture, and its bytes (C, H, W)."""
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    return folder / "photo.png", pixels.transpose(2, 0, 1)


def best(capsys, model, photo):
    """Name -> probability."""
    code, lines, _ = run(capsys, "predict", model, photo, "--top", 3, "--json")
    assert code == 0
    return {each["class"]: each["probability"] for each in json.loads(lines[0])["top"]}


def softmax(y):
    shares = np.exp(y - y.max())
    return shares / shares.sum()


def test_a_network_with_preprocessing_becomes_one_that_reads_bytes(network, tmp_path, capsys):
    fastconv.save(tmp_path / "a.npz", network, NAMES, [transforms.to_float(), transforms.normalize(0.4, 0.2)])
    code, lines, _ = run(capsys, "convert", tmp_path / "a.npz", tmp_path / "a.onnx", "--opset", 18)
    assert code == 0
    assert lines[-1].endswith("it reads bytes, which it scales and normalises")
    assert onnx.load(tmp_path / "a.onnx").opset_import[0].version == 18
    photo, pixels = picture(tmp_path)
    elsewhere = softmax(onnx_reference.run(tmp_path / "a.onnx", pixels[None])[0])
    for model in ("a.npz", "a.onnx"):
        found = best(capsys, tmp_path / model, photo)
        np.testing.assert_allclose([found[name] for name in NAMES], elsewhere, atol=1e-5)


def test_pictures_of_other_sizes_are_brought_to_size_as_before(saved, tmp_path, capsys):
    assert run(capsys, "convert", saved, tmp_path / "a.onnx")[0] == 0
    photo, _ = picture(tmp_path, (40, 30))
    found, expected = (best(capsys, path, photo) for path in (tmp_path / "a.onnx", saved))
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[name] for name in expected], [*expected.values()], atol=1e-5)


def test_weights_and_a_model_become_a_network(network, tmp_path, capsys):
    network.save(tmp_path / "weights.npz")
    words = ["--model", "resnet8", "--classes", 3, "--input", "3x16x16"]
    code, lines, _ = run(capsys, "convert", tmp_path / "weights.npz", tmp_path / "a.onnx", *words)
    assert code == 0
    assert lines[-1].endswith("it reads floats")
    x = np.random.default_rng(0).standard_normal((2, 3, 16, 16)).astype("float32")
    assert fastconv.onnx.load(tmp_path / "a.onnx").predict(x).tobytes() == network.predict(x).tobytes()


@pytest.mark.parametrize("words", [[], ["--model", "resnet8", "--classes", 3, "--input", "3x16x16"]])
def test_a_file_of_onnx_becomes_weights(words, network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "a.onnx")
    code, lines, _ = run(capsys, "convert", tmp_path / "a.onnx", tmp_path / "b.safetensors", *words)
    assert code == 0
    assert lines[0].startswith(f"read      {tmp_path}/a.onnx: ")
    again = Network(models.resnet8(num_classes=3), (3, 16, 16), seed=1)
    again.load(tmp_path / "b.safetensors")
    for name, array in network.parameters.items():
        assert array.tobytes() == again.parameters[name].tobytes()


def test_h_and_w_are_free_on_request(network, tmp_path, capsys):
    fastconv.save(tmp_path / "a.npz", network)
    assert run(capsys, "convert", tmp_path / "a.npz", tmp_path / "a.onnx", "--free-size")[0] == 0
    assert fastconv.onnx.read(tmp_path / "a.onnx").inputs[0].shape == (None, 3, None, None)
    code, lines, _ = run(capsys, "summary", tmp_path / "a.onnx", "--input", "3x24x24")
    assert code == 0
    assert "(3, 24, 24)" in lines[0]


def test_images_of_one_size_give_a_free_one(network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "a.onnx", free_size=True, classes=NAMES)
    photo, pixels = picture(tmp_path, (20, 24))
    found = best(capsys, tmp_path / "a.onnx", photo)
    whole = fastconv.onnx.load(tmp_path / "a.onnx", (3, 20, 24))
    expected = softmax(whole.predict(pixels[None].astype("float32") / 255)[0])
    np.testing.assert_allclose([found[name] for name in NAMES], expected, atol=1e-5)
    np.save(tmp_path / "more.npy", np.stack([pixels, pixels]))
    code, lines, _ = run(capsys, "predict", tmp_path / "a.onnx", tmp_path / "more.npy", tmp_path, "--csv")
    assert (code, len(lines)) == (0, 4)
    code, lines, error = run(capsys, "predict", tmp_path / "a.onnx", tmp_path / "none.png", photo)
    assert (code, len(lines), error.count("\n")) == (1, 1, 1)  # the size of those that are there


def test_images_of_several_sizes_need_one(network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "a.onnx", free_size=True, classes=NAMES)
    photo, _ = picture(tmp_path, (20, 24))
    Image.new("RGB", (30, 20)).save(tmp_path / "other.png")
    error = refused(capsys, "predict", tmp_path / "a.onnx", tmp_path)
    assert (
        "its input 'input' (free, 3, free, free) has free extents, and there are images of 20 x 30 and 20 x 24" in error
    )
    assert "add --input CxHxW" in error
    code, lines, _ = run(capsys, "predict", tmp_path / "a.onnx", tmp_path, "--input", "3x20x24")
    assert (code, len(lines)) == (0, 2)
    assert "has free extents; add --input" in refused(capsys, "predict", tmp_path / "a.onnx", tmp_path / "none.png")
    assert "must fit the input" in refused(capsys, "predict", tmp_path / "a.onnx", photo, "--input", "1x20x20")
    fastconv.save(tmp_path / "a.npz", network)
    assert "leave out --input" in refused(capsys, "predict", tmp_path / "a.npz", photo, "--input", "3x16x16")


def test_a_free_size_is_that_of_the_preprocessing(network, tmp_path, capsys):
    steps = [transforms.resize(20), transforms.center_crop(16), transforms.to_float(), transforms.normalize(0.4, 0.2)]
    fastconv.save(tmp_path / "a.npz", network, NAMES, steps)
    assert run(capsys, "convert", tmp_path / "a.npz", tmp_path / "a.onnx", "--free-size")[0] == 0
    photo, _ = picture(tmp_path, (40, 30))
    found, expected = (best(capsys, tmp_path / name, photo) for name in ("a.onnx", "a.npz"))
    np.testing.assert_allclose([found[name] for name in expected], [*expected.values()], atol=1e-5)


def test_eval_takes_the_size_from_its_option(network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "a.onnx", free_size=True, classes=NAMES)
    rng = np.random.default_rng(0)
    for name in NAMES:
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(tmp_path / "data" / name / "a.png")
    words = ["eval", tmp_path / "a.onnx", "--data", tmp_path / "data", "--json"]
    assert "has free extents; add --input" in refused(capsys, *words)
    code, lines, _ = run(capsys, *words, "--input", "3x20x24")
    assert (code, json.loads("".join(lines))["images"]) == (0, 3)


def test_a_file_of_onnx_is_written_again(network, tmp_path, capsys):
    names = {"input_names": ["picture"], "output_names": ["scores"]}
    fastconv.onnx.save(network, tmp_path / "a.onnx", classes=NAMES, free_size=True, opset=13, **names)
    error = refused(capsys, "convert", tmp_path / "a.onnx", tmp_path / "b.onnx", "--opset", 18)
    assert "add --input CxHxW" in error
    assert "--free-size to leave them free in OUT" in error
    words = ["--opset", 18, "--input", "3x16x16", "--free-size"]
    code, lines, _ = run(capsys, "convert", tmp_path / "a.onnx", tmp_path / "b.onnx", *words)
    assert (code, len(lines)) == (0, 1)
    model = onnx.load(tmp_path / "b.onnx")
    assert model.opset_import[0].version == 18
    assert [each.name for each in (*model.graph.input, *model.graph.output)] == ["picture", "scores"]
    x = np.random.default_rng(0).standard_normal((2, 3, 16, 16)).astype("float32")
    both = [fastconv.onnx.load(tmp_path / f"{name}.onnx", (3, 16, 16)).predict(x).tobytes() for name in "ab"]
    assert both[0] == both[1]
    photo, _ = picture(tmp_path)
    assert best(capsys, tmp_path / "b.onnx", photo) == best(capsys, tmp_path / "a.onnx", photo)
    fastconv.onnx.save(network, tmp_path / "bytes.onnx", preprocessing=[transforms.to_float()])
    assert "reads bytes" in refused(capsys, "convert", tmp_path / "bytes.onnx", tmp_path / "c.onnx")
    assert not (tmp_path / "c.onnx").exists()


def test_what_cannot_be_converted_is_refused_and_nothing_is_written(saved, network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "in.onnx")
    out = tmp_path / "out.onnx"
    assert "in float32 and float64" in refused(capsys, "convert", saved, out, "--dtype", "float16")
    assert "exists; add --overwrite" in refused(capsys, "convert", saved, tmp_path / "in.onnx")
    for word in (["--opset", 17], ["--free-size"]):
        assert f"{word[0]} is for an OUT" in refused(capsys, "convert", saved, tmp_path / "b.npz", *word)
    assert "opset must be from 13" in refused(capsys, "convert", saved, out, "--opset", 5)
    network.save(tmp_path / "bare.npz")
    assert "add --model NAME" in refused(capsys, "convert", tmp_path / "bare.npz", out)
    (tmp_path / "broken.onnx").write_bytes(b"\xff" * 50)
    assert "is no file of ONNX" in refused(capsys, "convert", tmp_path / "broken.onnx", tmp_path / "b.npz")
    assert "is no file of ONNX" in refused(capsys, "predict", tmp_path / "broken.onnx", tmp_path / "broken.onnx")
    assert not out.exists()
    assert not (tmp_path / "b.npz").exists()


def test_networks_of_others_are_predicted_and_evaluated(folder, tmp_path, capsys):
    """A file without names of classes, that reads numbers from 0 to 1."""
    network = Network(models.nielsen(), (1, 28, 28), seed=0)
    fastconv.onnx.save(network, tmp_path / "a.onnx")
    fastconv.save(tmp_path / "a.npz", network)
    for words in (["eval", "--data", folder, "--json"], ["predict", folder / "t10k-images-idx3-ubyte.gz"]):
        results = [run(capsys, words[0], tmp_path / f"a.{suffix}", *words[1:])[:2] for suffix in ("onnx", "npz")]
        assert results[0] == results[1]
        assert results[0][0] == 0


@pytest.mark.parametrize(
    "words", [["summary"], ["profile", "--batch-size", 2, "--repeats", 1], ["bench", "--seconds", 0.01]]
)
def test_it_is_described_and_measured(words, network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "a.onnx")
    code, lines, _ = run(capsys, words[0], tmp_path / "a.onnx", *words[1:])
    assert code == 0
    assert len(lines) > 2


def test_a_free_size_is_given_with_input(network, tmp_path, capsys):
    model, weights = tmp_path / "a.onnx", tmp_path / "a.npz"
    fastconv.onnx.save(network, model, free_size=True)
    for words in (["summary"], ["profile"], ["bench"], ["convert", weights]):
        error = refused(capsys, words[0], model, *words[1:])
        assert error.endswith("has free extents; add --input CxHxW, such as --input 3x224x224\n")
    assert "3 x 24 x 20" in "".join(run(capsys, "summary", model, "--input", "3x24x20")[1])
    for words in (["--input", "3x24x20"], ["--model", "resnet8", "--classes", 3, "--input", "3x24x20", "--overwrite"]):
        assert run(capsys, "convert", model, weights, *words)[0] == 0
        np.testing.assert_array_equal(np.load(weights)["fc.weight"], network.parameters["fc.weight"])
    assert "--classes describes a model" in refused(capsys, "convert", model, weights, "--classes", 3)


def test_a_network_without_classes_of_pictures_is_described_alone(tmp_path, capsys):
    fastconv.onnx.save(Network(sequential(layers.Linear(2)), (5,), seed=0), tmp_path / "a.onnx")
    assert run(capsys, "summary", tmp_path / "a.onnx")[0] == 0
    assert "gives no classes of pictures" in refused(capsys, "predict", tmp_path / "a.onnx", tmp_path / "a.png")


@pytest.mark.parametrize("said", ["[", "3", '["a"]', '["a", "b", 3]', "[" * 9999])
def test_names_of_classes_that_do_not_fit_are_refused_or_passed_over(said, network, tmp_path, capsys):
    fastconv.onnx.save(network, tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    model.metadata_props.add(key="fastconv.classes", value=said)
    onnx.save(model, tmp_path / "a.onnx")
    code, _, error = run(capsys, "predict", tmp_path / "a.onnx", picture(tmp_path)[0])
    assert code == (0 if said.startswith("[") and not said.endswith("]") else 1)
    assert code == 0 or "classes that are not 3 strings" in error


def test_a_file_that_is_missing_is_made_by_a_line_that_works(saved, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "; fastconv convert network.npz nope.onnx makes it" in refused(capsys, "predict", "nope.onnx", "x.png")
    (tmp_path / "network.npz").write_bytes(saved.read_bytes())
    assert run(capsys, "convert", "network.npz", "nope.onnx")[0] == 0
