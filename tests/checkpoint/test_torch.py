"""Files of PyTorch, read without it: stored ones that PyTorch 2.13 wrote, and ones that no PyTorch would write.

The stored files hold `fc`, a Linear(4, 3), and `bn`, a BatchNorm1d(3), with the numbers of `expected`.
"""

import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from torch_files import THREE, state, tensor, text, written

from fastconv import Network, sequential
from fastconv.checkpoint import CheckpointError, Mismatch, load, metadata
from fastconv.checkpoint.kinds import open_weights
from fastconv.layers import BatchNorm, Linear

FILES = Path(__file__).parent / "files"


def network(dtype="float32"):
    return Network(sequential(Linear(3, name="fc"), BatchNorm(name="bn")), (4,), dtype, seed=1)


def expected():
    three = np.arange(3.0)
    return {
        "fc.weight": np.arange(12.0).reshape(3, 4) / 8,
        "fc.bias": three - 1,
        "bn.weight": three + 2,
        "bn.bias": three * 3,
        "bn.running_mean": three + 4,
        "bn.running_var": three + 5,
        "bn.num_batches_tracked": np.array(7),
    }


def assert_as_expected(arrays):
    assert arrays.keys() == expected().keys()
    for name, array in expected().items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        *("plain", "legacy", "protocol4", "legacy_protocol4", "half", "bfloat16", "double", "parameters", "parallel"),
        *("views", "legacy_views", "checkpoint", "legacy_checkpoint", "nested", "namespace", "settings", "averaged"),
        "buffers",
    ],
)
def test_a_state_dict_loads_as_pytorch_wrote_it(name, dtype):
    """Alone or in a checkpoint, of any width, views and slices of shared storages, transposed, of any protocol.

    Settings, paths and times beside the weights are passed over, and so is the counter of an average of weights.
    """
    read = network(dtype)
    assert read.load(FILES / f"{name}.pth") == {}
    assert_as_expected(read.arrays())
    assert metadata(FILES / f"{name}.pth") == {}


def test_pytorch_is_not_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    read = network()
    read.load(FILES / "plain.pth")
    assert_as_expected(read.arrays())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("whole_model.pth", r"a whole model saved by PyTorch \(torch.nn.modules.container.Sequential\).*state_dict"),
        ("torchscript.pt", r"is a TorchScript program, not a state dict; .*torch.save\(model.state_dict\(\)"),
        ("two.pth", r"several dicts of tensors \('generator', 'discriminator'\)"),
        ("tensor.pth", "holds a single tensor, not a dict of named tensors"),
        ("list.pth", "holds a list, not a dict of named tensors"),
        ("nothing.pth", "holds no tensors"),
        ("sparse.pth", r"1 unknown: a; nothing fits"),
        ("quantized.pth", r"fc.weight is \(\) no tensor but a quantized tensor, .*write x.dequantize\(\)"),
        ("legacy_quantized.pth", r"fc.weight is \(\) no tensor but a quantized tensor, .*write x.dequantize\(\)"),
        ("meta.pth", r"fc.weight is \(\) no tensor but a tensor of the meta device, which has no numbers"),
    ],
)
def test_what_is_no_state_dict_says_what_it_is_and_what_to_do(name, says):
    read = network()
    before = read.parameters.flat.copy()
    with pytest.raises(CheckpointError, match=says):
        read.load(FILES / name)
    np.testing.assert_array_equal(read.parameters.flat, before)


KINDS = {
    "int8": ([-128, 0, 127], "int64"),
    "int32": ([-5, 0, 2**31 - 1], "int64"),
    "uint16": ([1, 2, 65535], "uint64"),
    "bool": ([True, False, True], "bool"),
    "expanded": ([2.5, 2.5, 2.5], "float32"),
    "strided": ([1, 4, 7], "float64"),
    "empty": (np.zeros((0, 3)), "float32"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_of_every_kind(kind):
    values, dtype = KINDS[kind]
    target = np.ones_like(np.array(values), dtype)
    load(FILES / "kinds.pth", {kind: target}, strict=False)
    np.testing.assert_array_equal(target, values)


@pytest.mark.parametrize("kind", ["float8", "complex", "conjugate", "negative"])
def test_tensors_of_no_kind_of_ours_are_refused_by_name(kind):
    target = {kind: np.ones(3)}
    with pytest.raises(Mismatch, match=kind.replace("conjugate", "lazily conj").replace("negative", "lazily neg")):
        load(FILES / "kinds.pth", target, strict=False)
    assert target[kind].tolist() == [1, 1, 1]


@pytest.mark.parametrize("kind", ["conjugate", "negative"])
def test_what_to_do_about_tensors_whose_numbers_are_not_those_of_their_storage(kind):
    """x.float() would leave the negative ones as they are."""
    with pytest.raises(Mismatch, match=r"write x.resolve_conj\(\).resolve_neg\(\)"):
        load(FILES / "kinds.pth", {kind: np.ones(3)}, strict=False)


# Files that are not what they say.


def test_a_file_made_by_hand_is_read(tmp_path):
    """So that the damaged ones below are refused for what is wrong with them."""
    w, v = np.zeros(3, "float32"), np.zeros((2, 2), "float32")
    made = written(tmp_path / "a", state(w=tensor(), v=tensor(offset=1, shape=(2, 2), strides=(1, 0))), {"0": THREE})
    load(made, {"w": w, "v": v})
    assert w.tolist() == [1, 2, 3]
    assert v.tolist() == [[2, 2], [3, 3]]


def test_a_file_that_is_cut_while_it_is_read_is_damaged(tmp_path):
    """Views reach no memory beyond what was read."""
    path = tmp_path / "a.pth"
    good = (FILES / "legacy.pth").read_bytes()
    for length in (0, 4):
        path.write_bytes(good)
        with open_weights(path) as file:
            start, _ = file.places[file.tensors["fc.weight"].storage.key]
            os.truncate(path, start + length)
            with pytest.raises(CheckpointError, match=f"a storage has {length} bytes"):
                file.read("fc.weight")


def test_big_endian_files(tmp_path):
    w = np.zeros(3, "float32")
    load(written(tmp_path / "a", state(w=tensor()), {"0": np.arange(3, dtype=">f4").tobytes()}, b"big"), {"w": w})
    assert w.tolist() == [0, 1, 2]
    bits = (np.array([1.5, -2, 0], "float32").view("uint32") >> 16).astype(">u2").tobytes()
    load(written(tmp_path / "a", state(w=tensor("BFloat16Storage")), {"0": bits}, b"big"), {"w": w})
    assert w.tolist() == [1.5, -2, 0]


DAMAGED = {
    "offset past the end": (tensor(offset=1), THREE),
    "stride past the end": (tensor(strides=(2,)), THREE),
    "shape past the end": (tensor(shape=(4,)), THREE),
    "shape far past the end": (tensor(shape=(2**62, 2**62), strides=(2**62, 1)), THREE),
    "offset of 2^70": (tensor(offset=2**70), THREE),
    "negative offset": (tensor(offset=-1), THREE),
    "negative shape": (tensor(shape=(-3,)), THREE),
    "negative stride": (tensor(offset=2, strides=(-1,)), THREE),
    "fewer strides than axes": (tensor(shape=(3, 1)), THREE),
    "bools for sizes": (tensor().replace(b"I3\nt(", b"I01\nt("), THREE),
    "storage of fewer bytes": (tensor(), THREE[:-1]),
    "storage of more bytes": (tensor(), THREE + b"1234"),
    "storage of another width": (tensor("DoubleStorage"), THREE),
    "storage of a negative size": (tensor(numel=-3), THREE),
    "no storage": (tensor(key="1"), THREE),
    "a storage of another place": (tensor(key="../data.pkl"), THREE),
    "an unknown kind of storage": (tensor("EvilStorage"), THREE),
    "no storage but text": (tensor().replace(b"Q", b"0" + text("x")), THREE),
    "text for a shape": (tensor().replace(b"(I3\nt", text("3"), 1), THREE),
}


@pytest.mark.parametrize("fault", DAMAGED)
def test_tensors_that_their_storage_does_not_hold(tmp_path, fault):
    made, data = DAMAGED[fault]
    w = np.full(3, 7, "float32")
    for strict in (True, False):
        with pytest.raises(CheckpointError):
            load(written(tmp_path / "a", state(w=made), {"0": data}), {"w": w}, strict)
        assert w.tolist() == [7, 7, 7]


def test_one_storage_of_two_sizes(tmp_path):
    made = state(w=tensor(), v=tensor("DoubleStorage"))
    with pytest.raises(CheckpointError, match="two sizes"):
        load(written(tmp_path / "a", made, {"0": THREE}), {"w": np.zeros(3, "float32")}, False)


def test_a_huge_expanded_tensor_is_not_allocated(tmp_path):
    """One number, which a stride of 0 makes 2^60: it is another shape."""
    made = state(w=tensor(numel=1, shape=(2**60,), strides=(0,)))
    with pytest.raises(Mismatch, match=str(2**60)):
        load(written(tmp_path / "a", made, {"0": THREE[:4]}), {"w": np.zeros(3, "float32")})


def test_compressed_storages_are_refused_before_they_are_inflated(tmp_path):
    made = state(w=tensor(numel=1 << 22, shape=(1 << 22,)))
    path = written(tmp_path / "a", made, {"0": bytes(1 << 24)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="is compressed"):
        load(path, {"w": np.zeros(1 << 22, "float32")})


@pytest.mark.parametrize("order", [b"", b"middle", b"little" * 100])
def test_an_unknown_byte_order(tmp_path, order):
    with pytest.raises(CheckpointError):
        load(written(tmp_path / "a", state(w=tensor()), {"0": THREE}, order), {"w": np.zeros(3, "float32")})


def test_entries_of_the_pickle_that_are_no_tensors(tmp_path):
    made = state(w=tensor(), extra=text("words"), none=b"N")
    w = np.zeros(3, "float32")
    result = load(written(tmp_path / "a", made, {"0": THREE}), {"w": w}, strict=False)
    assert (result.loaded, result.unknown) == (["w"], ["extra"])
    with pytest.raises(CheckpointError, match="not a name: 3"):
        load(written(tmp_path / "a", b"\x80\x02}K\x03" + tensor() + b"s.", {"0": THREE}), {"w": w})


@pytest.mark.parametrize("module", ["builtins", "__builtin__", "collections"])
def test_plain_values_beside_the_tensors_are_passed_over(tmp_path, module):
    """As the Counter of a MultiStepLR, whose state is saved with the weights."""
    made = b"\x80\x02}" + text("model") + state(w=tensor())[2:-1] + b"s"
    for name in ("Counter",) if module == "collections" else ("set", "frozenset", "bytearray", "complex"):
        made += text(name) + f"c{module}\n{name}\n".encode() + b"}\x85Rs"
    w = np.zeros(3, "float32")
    load(written(tmp_path / "a", made + b".", {"0": THREE}), {"w": w})
    assert w.tolist() == [1, 2, 3]


def test_a_dict_of_weights_beside_a_tensor_or_two(tmp_path):
    """{"mine": {"w": ..., "v": ...}, "loss": ...}: it is not the outer dict that is the state dict."""
    inner = state(w=tensor(), v=tensor())[2:-1]
    outer = b"\x80\x02}" + text("loss") + tensor() + b"s" + text("mine") + inner + b"s"
    w, v = np.zeros((2, 3), "float32")
    load(written(tmp_path / "a", outer + b".", {"0": THREE}), {"w": w, "v": v})
    assert w.tolist() == v.tolist() == [1, 2, 3]
    two = outer + text("other") + inner + b"s."
    with pytest.raises(CheckpointError, match=r"several dicts of tensors \('mine', 'other'\)"):
        load(written(tmp_path / "a", two, {"0": THREE}), {"w": w, "v": v})


def test_a_state_dict_that_holds_a_smaller_dict_of_tensors_is_itself_one(tmp_path):
    """As the extra state of a module."""
    made = state(w=tensor(), v=tensor())[:-1] + text("x._extra_state") + state(scale=tensor())[2:-1] + b"s."
    w, v = np.zeros((2, 3), "float32")
    result = load(written(tmp_path / "a", made, {"0": THREE}), {"w": w, "v": v}, strict=False)
    assert (result.loaded, result.unknown) == (["w", "v"], ["x._extra_state"])


def test_pickles_of_python_2_give_the_dict_as_pairs(tmp_path):
    """OrderedDict([["w", tensor]]), with text in bytes."""
    made = b"\x80\x02ccollections\nOrderedDict\n]](U\x01w" + tensor() + b"ea\x85R."
    w = np.zeros(3, "float32")
    load(written(tmp_path / "a", made, {"0": THREE}), {"w": w})
    assert w.tolist() == [1, 2, 3]
