"""Files are strangers': what is damaged, hostile or too large is refused with OnnxError, before memory is taken."""

import os
import random
import warnings

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import images, model_of, node, reference

from fastconv.onnx import OnnxError, load, read

MUTATED = int(os.environ.get("FASTCONV_MUTATED_FILES", 60))


def weight(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def ints(*values):
    return np.array(values, np.int64)


def network_file():
    """Convolution, norm, pool, shape arithmetic and a head."""
    arrays = {"c.weight": weight(4, 3, 3, 3), "h.weight": weight(5, 16), "rest": ints(-1), "zero": ints(0)}
    arrays |= {name: np.abs(weight(4)) for name in ("s", "b", "m", "v")}
    nodes = [
        node("Conv", "x c.weight", "a", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("BatchNormalization", "a s b m v", "n"),
        node("MaxPool", "n", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Shape", "p", "shape"),
        node("Gather", "shape zero", "count"),
        node("Concat", "count rest", "target", axis=0),
        node("Reshape", "p target", "f"),
        node("Gemm", "f h.weight", transB=1),
    ]
    return model_of(nodes, (3, 8, 8), arrays)


def outside(folder, location="weights.bin", offset=0, length=None, data=None):
    """A file whose weight lies in another file."""
    array = weight(4, 4)
    model = model_of([node("Gemm", "x w")], (4,), {"w": array})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": offset, "length": length or array.nbytes}.items():
        tensor.external_data.add(key=key, value=str(value))
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    (folder / "weights.bin").write_bytes(array.tobytes() if data is None else data)
    return path, array


def test_arrays_beside_the_file_are_read(tmp_path):
    path, array = outside(tmp_path)
    assert np.array_equal(load(path).parameters["Gemm_y.weight"], array.T)
    assert np.array_equal(load(str(path)).parameters["Gemm_y.weight"], array.T)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"location": "../weights.bin"}, "not in the folder"),
        ({"location": "/etc/hostname"}, "not in the folder"),
        ({"location": "link.bin"}, "not in the folder"),
        ({"location": "none.bin"}, "which is not there"),
        ({"location": ""}, "no name of a file"),
        ({"location": "a\0b"}, "no name of a file"),
        ({"location": "."}, "which is not there"),
        ({"offset": 4}, "takes 64 bytes"),
        ({"offset": -4}, "takes 64 bytes"),
        ({"length": 2**40}, "takes 64 bytes"),
        ({"offset": "x"}, "not given in numbers"),
        ({"data": b""}, "takes 64 bytes"),
    ],
    ids=str,
)
def test_the_place_of_an_array_must_be_inside_the_folder_and_the_file(tmp_path, change, rule):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(64))
    (inner / "link.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(OnnxError, match=rule):
        load(outside(inner, **change)[0])


def test_a_place_that_is_no_text_is_refused(tmp_path):
    path, _ = outside(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"weights.bin", b"weights\xff\xfebi"))
    with pytest.raises(OnnxError, match="no name of a file"):
        load(path)


def test_inputs_of_bytes_must_become_floats_first():
    to_floats = [node("Cast", "x", "f", to=TensorProto.FLOAT), node("Mul", "f f")]
    model = model_of(to_floats, (4,), dtype=TensorProto.UINT8)
    assert read(model.SerializeToString()).reads_bytes
    assert np.array_equal(load(model.SerializeToString()).predict(np.full((1, 4), 20, "float32")), np.full((1, 4), 400))
    to_bytes = [node("Cast", "x", "f", to=TensorProto.UINT8), node("Mul", "f f")]
    for nodes in ([node("Mul", "x x")], to_bytes, [*to_floats[:1], node("Mul", "f x")]):
        with pytest.raises(OnnxError, match="an array of floats, or of bytes that become floats"):
            load(model_of(nodes, (4,), dtype=TensorProto.UINT8).SerializeToString())


def test_bytes_have_no_folder(tmp_path):
    with pytest.raises(OnnxError, match="give a path, not bytes"):
        load(outside(tmp_path)[0].read_bytes())


def test_what_is_no_path_and_no_bytes_is_refused(tmp_path):
    with pytest.raises(TypeError, match="source must be a path or the bytes of a file, got int"):
        load(3)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.onnx")
    with pytest.raises(OnnxError, match="is no file"):
        load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"PK\x03\x04 something else", bytes(1000)], ids=len)
def test_other_files_are_no_files_of_onnx(data):
    with pytest.raises(OnnxError, match="is no file of ONNX"):
        load(data)


def test_the_declared_shape_is_compared_with_the_data_first():
    model = network_file()
    model.graph.initializer[0].dims[0] = 2**40
    with pytest.raises(OnnxError, match=r"'c.weight' of shape .* must hold .* bytes, it has 432"):
        load(model.SerializeToString())
    model.graph.initializer[0].dims[0] = -1
    with pytest.raises(OnnxError, match="impossible shape"):
        load(model.SerializeToString())
    model.graph.initializer[0].dims[0] = 4
    model.graph.initializer[0].data_type = TensorProto.STRING
    with pytest.raises(OnnxError, match="are STRING, not numbers"):
        load(model.SerializeToString())


HUGE = ints(2**20, 2**20)
HOSTILE = {  # what would be made -> nodes, arrays
    "ConstantOfShape": ([node("ConstantOfShape", "n", "c")], {"n": HUGE}),
    "Expand": ([node("Expand", "o n", "c")], {"n": HUGE, "o": weight(1, 1)}),
    "Tile": ([node("Tile", "o n", "c")], {"n": HUGE, "o": weight(1, 1)}),
    "Range": ([node("Range", "a b d", "c")], {name: np.array(v) for name, v in (("a", 0), ("b", 2**50), ("d", 1))}),
    "Add": ([node("Add", "p q", "c")], {"p": weight(1, 2**14), "q": weight(2**14, 1)}),
    "Gather": ([node("Gather", "p i", "c", axis=0)], {"p": weight(1, 2**14), "i": np.zeros(2**14, np.int64)}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_constants_are_not_made_larger_than_a_limit(kind):
    nodes, arrays = HOSTILE[kind]
    with pytest.raises(OnnxError, match="would make a constant of"):
        load(model_of([*nodes, node("Add", "x c")], (4,), arrays).SerializeToString())


HUGE = {
    "Pad": ([node("Pad", "x n")], {"n": ints(0, 0, 0, 0, 0, 0, 10**14, 0)}),
    "Resize": ([node("Resize", "x   n", mode="nearest")], {"n": ints(1, 1, 10**7, 10**7)}),
    "scales": ([node("Resize", "x  n", mode="linear")], {"n": np.array([1, 1, 1e7, 1e7], "float32")}),
    "channels": ([node("Expand", "x n")], {"n": ints(1, 10**9, 8, 8)}),
    "Gather": ([node("Gather", "x i", axis=2)], {"i": np.zeros(1 << 17, np.int64)}),
    "Split": ([node("Split", "x", "y", axis=2, num_outputs=10**12)], {}),
}


@pytest.mark.parametrize("kind", HUGE)
def test_images_are_not_made_larger_than_a_limit(kind):
    nodes, arrays = HUGE[kind]
    with pytest.raises(OnnxError, match=r"at most (2\*\*40|2\*\*24|65,536) |num_outputs must be from 1 to 8"):
        load(model_of(nodes, (1, 8, 8), arrays).SerializeToString())
    with pytest.raises(OnnxError, match="input has 100000000000000 elements"):
        load(model_of([node("Relu", "x")], (1, 10**7, 10**7)).SerializeToString())


def test_a_chain_of_doublings_ends():
    nodes = [node("Concat", f"c{i} c{i}", f"c{i + 1}", axis=0) for i in range(80)]
    with pytest.raises(OnnxError, match="would make a constant of"):
        load(model_of([*nodes, node("Add", "x c80")], (4,), {"c0": weight(4)}).SerializeToString())


def test_cycles_and_gaps_are_refused():
    for nodes, rule in (
        ([node("Relu", "b", "a"), node("Relu", "a", "b"), node("Add", "x b")], "depends on its own result"),
        ([node("Add", "x z")], "nothing makes 'z'"),
        ([node("Relu", "x", "z")], "nothing makes the output 'y'"),
        ([node("Relu", "x"), node("Tanh", "x")], "'y' is made twice"),
    ):
        with pytest.raises(OnnxError, match=rule):
            load(model_of(nodes, (4,)).SerializeToString())


def test_a_chain_of_thousands_of_operations_is_translated_in_any_order():
    nodes = [node("Relu", f"v{i}" if i else "x", f"v{i + 1}") for i in range(3000)]
    model = model_of([node("Relu", "v3000"), *reversed(nodes)], (4,))
    x = images(2, 4)
    assert np.array_equal(load(model.SerializeToString()).predict(x), np.maximum(x, 0))


def test_older_opsets_are_refused():
    with pytest.raises(OnnxError, match="opset 6; fastconv reads 7 and later"):
        load(model_of([node("Relu", "x")], (4,), opset=6).SerializeToString())


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE"])
def test_other_precisions_become_that_of_the_network(kind):
    exact = np.array([[1.5, -2], [0.25, 4]], "float32")
    tensor = helper.make_tensor("w", getattr(TensorProto, kind), (2, 2), exact.reshape(-1))
    model = model_of([node("Gemm", "x w")], (2,))
    model.graph.initializer.append(tensor)
    network = load(model.SerializeToString())
    assert network.parameters["Gemm_y.weight"].dtype == "float32"
    assert np.array_equal(network.parameters["Gemm_y.weight"], exact.T)


def mutated(data, rng):
    """The bytes with some flipped, cut, repeated or inserted."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        place, kind = rng.randrange(len(data)), rng.randrange(4)
        if kind == 0:
            data[place] = rng.randrange(256)
        elif kind == 1:
            del data[place : place + rng.choice((1, 7, 200))]
        elif kind == 2:
            data[place:place] = data[place : place + rng.choice((2, 30))]
        else:
            data[place:place] = rng.choice((b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x10", b"\0"))
        data = data or bytearray(b"\0")
    return bytes(data)


def test_mutated_files_are_read_or_refused():
    good = network_file()
    data, rng, outcomes = good.SerializeToString(), random.Random(0), {True: 0, False: 0}
    x = images(1, 3, 8, 8)
    assert np.allclose(load(data).predict(x), reference(good, x), atol=1e-5)
    head = data.index(b"Gemm")  # flips of weights alone are no test
    for number in range(MUTATED):
        damaged = mutated(data[: head + 40], rng) + data[head + 40 :] if number % 3 else mutated(data, rng)
        try:
            network = read(damaged).network()
        except OnnxError:
            outcomes[False] += 1
            continue
        outcomes[True] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about NaN
            assert network.predict(np.ones((1, *network.input_shape), "float32")) is not None
    assert min(outcomes.values()) > 0


def test_a_model_of_the_package_and_its_bytes_are_one(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(network_file(), path)
    x = images(2, 3, 8, 8)
    assert np.array_equal(load(path).predict(x), load(path.read_bytes()).predict(x))
    assert numpy_helper.to_array(onnx.load(path).graph.initializer[0]).shape == (4, 3, 3, 3)
