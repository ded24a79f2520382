"""Networks with several inputs and outputs as ONNX."""

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
import onnx_reference

import fastconv.onnx
from fastconv import Network, layers
from fastconv.data import transforms

SHAPES = {"image": (3, 6, 6), "scalars": (4,)}


def in_dicts(x):
    """An output from both inputs, and one that also lies inside."""
    seen = layers.GlobalAvgPool2D()(layers.Conv2D(4, 3, name="conv")(x["image"]))
    return {"product": layers.Linear(2)(seen * x["scalars"]), "seen": seen}


def in_tuples(x):
    """An input as an output; the same value twice; an output that is read again."""
    y = layers.ReLU()(x[0])
    return y, layers.Flatten()(y), y, x[1]


def arrays(shapes, n=3):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((n, *shape)).astype("float32") for shape in shapes]


def check(results, expected):
    assert len(results) == len(expected)
    for result, right in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("freeze", [False, True])
def test_dicts_keep_their_names(freeze, tmp_path):
    network = Network(in_dicts, SHAPES, seed=0)
    fastconv.onnx.save(network, tmp_path / "several.onnx", freeze=freeze)
    graph = onnx.load(tmp_path / "several.onnx").graph
    assert [value.name for value in graph.input] == ["image", "scalars"]
    assert [value.name for value in graph.output] == ["product", "seen"]
    x = arrays(SHAPES.values())
    check(
        onnx_reference.run(tmp_path / "several.onnx", *x), network.predict(dict(zip(SHAPES, x, strict=True))).values()
    )


def test_tuples_are_numbered(tmp_path):
    network = Network(in_tuples, [(2, 4, 4), (3,)], seed=0)
    fastconv.onnx.save(network, tmp_path / "several.onnx")
    graph = onnx.load(tmp_path / "several.onnx").graph
    assert [value.name for value in graph.input] == ["input0", "input1"]
    assert [value.name for value in graph.output] == ["output0", "output1", "output2", "output3"]
    x = arrays([(2, 4, 4), (3,)])
    check(onnx_reference.run(tmp_path / "several.onnx", *x), network.predict(tuple(x)))


def test_names_are_given_for_all_in_their_order(tmp_path):
    network = Network(in_dicts, SHAPES, seed=0)
    names = {"input_names": ["a", "b"], "output_names": ["c", "d"]}
    fastconv.onnx.save(network, tmp_path / "several.onnx", **names)
    graph = onnx.load(tmp_path / "several.onnx").graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["a", "b", "c", "d"]


def test_what_cannot_be_is_refused(tmp_path):
    path = tmp_path / "several.onnx"
    network = Network(in_dicts, SHAPES, seed=0)
    with pytest.raises(ValueError, match="output_names must be 2 different names"):
        fastconv.onnx.save(network, path, output_names=["only"])
    with pytest.raises(ValueError, match="preprocessing must be left out for a network of several inputs"):
        fastconv.onnx.save(network, path, preprocessing=[transforms.to_float()])
    network = Network(lambda x: {"image": layers.ReLU()(x["image"])}, SHAPES)
    with pytest.raises(ValueError, match=r"got 'image' twice; write input_names=\[...\]"):
        fastconv.onnx.save(network, path)
    assert not path.exists()
