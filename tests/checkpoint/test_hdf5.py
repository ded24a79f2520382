"""Files of Keras: stored ones that Keras 3.15 wrote, and ones that no Keras would write.

The stored files hold `fc`, a Dense(3) of four inputs, and `bn`, a BatchNormalization, after a step of training.
"""

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastconv import Network, checkpoint, sequential
from fastconv.checkpoint import CheckpointError
from fastconv.layers import BatchNorm, Linear

h5py = pytest.importorskip("h5py")
FILES = Path(__file__).parent / "files"
NAMES = {"fc.weight": "fc/kernel", "fc.bias": "fc/bias", "bn.weight": "bn/gamma", "bn.bias": "bn/beta"}
NAMES |= {"bn.running_mean": "bn/moving_mean", "bn.running_var": "bn/moving_variance"}
STORED = ("keras2.h5", "keras3.h5", "keras3.keras")


def short(name):
    """The layer and the array."""
    return "/".join(name.split("/")[-2:])


def expected():
    """The arrays as `numpy.savez` of the same model wrote them."""
    with np.load(FILES / "keras.npz") as arrays:
        return {short(name): arrays[name] for name in arrays.files}


def written(path, make, **options):
    with h5py.File(path, "w", **options) as file:
        make(file)
    return path


@pytest.mark.parametrize("name", STORED)
def test_all_kinds_of_files_hold_the_arrays_that_keras_had(name):
    found = {short(key): value for key, value in checkpoint.everything(FILES / name).arrays.items()}
    assert set(found) == set(expected()) == set(NAMES.values())
    for key, value in expected().items():
        np.testing.assert_array_equal(found[key], value)
    assert checkpoint.metadata(FILES / name) == {}


@pytest.mark.parametrize("name", STORED)
def test_a_network_loads_them(name):
    network = Network(sequential(Linear(3, name="fc"), BatchNorm(name="bn")), (4,), seed=1)
    back = {theirs: ours for ours, theirs in NAMES.items()}
    arrays = {back[short(key)]: value for key, value in checkpoint.everything(FILES / name).arrays.items()}
    network.load({key: value.T for key, value in arrays.items()})
    np.testing.assert_array_equal(network.parameters["fc.weight"], expected()["fc/kernel"].T)


def test_names_of_layers_of_keras_3_stay_numbers_where_the_order_is_not_known(tmp_path):
    def make(file):
        for kind, name, count in (("conv2d_3", "a", 2), ("batch_normalization", "b", 3), ("other", "c", 1)):
            group = file.create_group(f"layers/{kind}/vars")
            group.attrs["name"] = name
            for number in range(count):
                group[str(number)] = np.ones(2)
        file["layers/dense/vars/0"] = np.ones(3)
        file["optimizer/vars/0"] = np.ones(3)

    found = checkpoint.everything(written(tmp_path / "a.h5", make)).arrays
    assert set(found) == {"a/kernel", "a/bias", "b/0", "b/1", "b/2", "c/0", "layers/dense/vars/0"}


@pytest.mark.parametrize("dtype", [">f4", "<f8", ">f8", "<f2", ">i8", "u1", "bool"])
def test_any_byte_order(tmp_path, dtype):
    values = np.arange(6).reshape(2, 3).astype(dtype)
    found = checkpoint.everything(written(tmp_path / "a.h5", lambda file: file.create_dataset("w", data=values)))
    assert found.arrays["w"].shape == (2, 3)
    np.testing.assert_array_equal(found.arrays["w"], values)


def test_empty_arrays_and_scalars(tmp_path):
    def make(file):
        file["none"], file["one"] = np.zeros((0, 3), "f4"), np.float32(7)

    found = checkpoint.everything(written(tmp_path / "a.h5", make)).arrays
    assert found["none"].shape == (0, 3)
    assert found["one"].shape == ()
    assert found["one"] == 7


def test_what_is_no_number_is_left_out_by_name(tmp_path):
    def make(file):
        file["text"], file["pair"], file["w"] = "abc", np.zeros(2, "f4,i4"), np.ones(2)

    found = checkpoint.everything(written(tmp_path / "a.h5", make))
    assert set(found.arrays) == {"w"}
    assert set(found.left_out) == {"text", "pair"}


def compressed(file):
    file.create_dataset("w", data=np.zeros((1000, 1000)), compression="gzip")


def in_pieces(file):
    file.create_dataset("w", data=np.zeros((10, 10)), chunks=(5, 5))


def never_written(file):
    file.create_dataset("w", shape=(1 << 20, 1 << 20), dtype="f8")


def elsewhere(file):
    file.create_dataset("w", shape=(4,), dtype="u1", external=[("/etc/hostname", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "w", shape=(4,))
    file.create_virtual_dataset("w", layout)


def soft(file):
    file["w"], file["x"] = np.ones(2), h5py.SoftLink("/w")


def to_a_file(file):
    file["x"] = h5py.ExternalLink("/etc/hostname", "/w")


def cycle(file):
    group = file.create_group("a/b")
    group["c"] = file["a"]


def to_the_root(file):
    file.create_group("a")["b"] = file["/"]


def without_shape(file):
    file.create_dataset("w", data=h5py.Empty("f4"))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (compressed, "w is compressed, in pieces or in another file; in Keras, write model.save_weights"),
        (in_pieces, "w is compressed, in pieces or in another file"),
        (elsewhere, "w is compressed, in pieces or in another file"),
        (virtual, "w is compressed, in pieces or in another file"),
        (never_written, "is damaged: w reaches beyond its end"),
        (soft, "x is a link to another place or file"),
        (to_a_file, "x is a link to another place or file"),
        (cycle, "its groups lie in each other"),
        (to_the_root, "its groups lie in each other"),
        (without_shape, "w has no shape"),
    ],
)
def test_what_a_file_may_not_hold(tmp_path, make, says):
    path = written(tmp_path / "a.h5", make)
    with pytest.raises(CheckpointError, match=rf"a.h5\b.*{says}"):
        checkpoint.everything(path)


def test_files_that_end_early(tmp_path):
    good, path = (FILES / "keras3.h5").read_bytes(), tmp_path / "a.h5"
    for length in (9, 100, 1000, 5000, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(CheckpointError):
            checkpoint.everything(path)


def test_a_compressed_keras_file_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", (FILES / "keras3.h5").read_bytes())
    with pytest.raises(CheckpointError, match=r"model.weights.h5 is compressed, or larger than the file"):
        checkpoint.everything(tmp_path / "a.keras")


def test_without_h5py_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CheckpointError, match=r"keras3.h5 needs the package h5py, .*: pip install h5py"):
        checkpoint.everything(FILES / "keras3.h5")
