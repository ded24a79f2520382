"""Loading in part, prefixes, other names: what fits is loaded, all is reported, and what is refused changes nothing."""

import numpy as np
import pytest
import safetensors.numpy

from fastconv import Network, layers, losses, scope, sequential
from fastconv.checkpoint import CheckpointError, Loaded, Mismatch, load, save


def model(classes=10):
    return sequential(
        layers.Conv2D(4, 3, name="conv"),
        layers.BatchNorm(name="bn"),
        layers.Flatten(),
        layers.Dropout(0.5, name="drop"),
        layers.Linear(classes, name="head"),
    )


def network(classes=10, seed=0):
    made = Network(model(classes), (1, 6, 6), seed=seed)
    made.gradients(np.ones((3, 1, 6, 6), "float32"), [0, 1, 2], losses.CrossEntropy())  # buffers and counters move
    return made


def contents(network):
    return {name: array.copy() for name, array in network.arrays().items()}


def assert_same(arrays, others):
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name)


@pytest.fixture(params=["npz", "safetensors"])
def path(tmp_path, request):
    return tmp_path / f"a.{request.param}"


def write(path, arrays):
    """As another program writes them."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        safetensors.numpy.save_file(dict(arrays), path)


def test_another_number_of_classes_is_told_by_the_name_of_the_head(path):
    network(10).save(path)
    other = network(3, seed=1)
    before = contents(other)
    with pytest.raises(Mismatch) as caught:
        other.load(path)
    text = str(caught.value)
    assert "2 of another shape or dtype: head.weight is (10, 64) float32, must be (3, 64) float32, head.bias" in text
    assert "load(path, strict=False) loads the 8 that fit" in text
    assert_same(other.arrays(), before)


def test_what_fits_is_loaded_and_the_rest_is_left_and_reported(path):
    trained, other = network(10), network(3, seed=1)
    trained.save(path, {"epoch": 4})
    before = contents(other)
    result = other.load(path, strict=False)
    assert isinstance(result, Loaded)
    assert result.metadata == {"epoch": 4}
    assert list(result.misshapen) == ["head.weight", "head.bias"]
    assert result.misshapen["head.bias"] == "is (10,) float32, must be (3,) float32"
    assert (result.missing, result.unknown, result.rounded) == ([], [], [])
    assert set(result.loaded) == set(before) - {"head.weight", "head.bias"}
    for name, array in other.arrays().items():
        np.testing.assert_array_equal(array, trained.arrays()[name] if name in result.loaded else before[name])
    assert str(result).startswith("8 loaded; 2 of another shape or dtype: head.weight is (10, 64)")


def test_all_that_fits_is_all(path):
    trained, other = network(), network(seed=1)
    trained.save(path)
    result = other.load(path, strict=False)
    assert_same(other.arrays(), trained.arrays())
    assert str(result) == "10 loaded"


def test_missing_and_unknown_names(path):
    """A part of a network, with what an optimizer keeps beside it."""
    trained, other = network(), network(seed=1)
    saved = contents(trained)
    saved = {name: saved[name] for name in ("conv.weight", "bn.running_mean")} | {"optimizer.step": np.array(3)}
    write(path, saved)
    before = contents(other)
    with pytest.raises(Mismatch, match=r"6 missing: conv.bias, bn.weight.*1 unknown: optimizer.step; load.* 2 that"):
        other.load(path)
    assert_same(other.arrays(), before)
    result = other.load(path, strict=False)
    assert set(result.loaded) == {"conv.weight", "bn.running_mean"}
    assert set(result.missing) == {"conv.bias", "bn.weight", "bn.bias", "bn.running_var", "head.weight", "head.bias"}
    assert result.unknown == ["optimizer.step"]
    assert_same(other.arrays(), before | {name: saved[name] for name in result.loaded})


def test_where_nothing_fits_there_is_an_error_also_when_not_strict(path):
    write(path, {"a": np.ones(3), "head.bias": np.ones(7)})
    other = network()
    before = contents(other)
    for strict in (True, False):
        with pytest.raises(Mismatch, match="nothing fits, so strict=False loads nothing either; rename="):
            other.load(path, strict=strict)
    write(path, {"head.bias": np.full(10, 1e300)})  # the only one that fits would become infinite
    with pytest.raises(Mismatch, match="beyond float32; nothing fits"):
        other.load(path, strict=False)
    assert_same(other.arrays(), before)


def test_what_is_damaged_changes_nothing_also_when_not_strict(tmp_path):
    trained, other = network(), network(seed=1)
    trained.save(tmp_path / "a.npz")
    data = trained.parameters["head.bias"].tobytes()
    content = (tmp_path / "a.npz").read_bytes()
    assert content.count(data) == 1
    (tmp_path / "a.npz").write_bytes(content.replace(data, data[:-1] + bytes([data[-1] ^ 1])))
    before = contents(other)
    with pytest.raises(CheckpointError, match="damaged"):
        other.load(tmp_path / "a.npz", strict=False)
    assert_same(other.arrays(), before)


PREFIXES = ["module.", "model.", "_orig_mod.", "state_dict.", "module._orig_mod.", "_orig_mod.module.", "model.module."]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_of_wrappers_are_taken_off(path, prefix, strict):
    trained, other = network(), network(seed=1)
    write(path, {prefix + name: array for name, array in contents(trained).items()})
    other.load(path, strict=strict)
    assert_same(other.arrays(), trained.arrays())


def test_a_prefix_and_another_number_of_classes(path):
    write(path, {f"module.{name}": array for name, array in contents(network()).items()})
    other = network(3, seed=1)
    with pytest.raises(Mismatch, match=r"2 of another shape or dtype: head.weight is \(10, 64\)"):
        other.load(path)
    assert list(other.load(path, strict=False).misshapen) == ["head.weight", "head.bias"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda name: name if name == "head.bias" else f"module.{name}", "not all names have it"),
        (lambda name: f"module{name}", "no dot"),
        (lambda name: f"module.{name}s", "then no name fits"),
    ],
)
def test_what_is_no_prefix_stays(path, change, why):
    write(path, {change(name): array for name, array in contents(network()).items()})
    with pytest.raises(Mismatch, match=r"8 missing|7 missing") as caught:
        network().load(path)
    assert all(change("conv.weight")[:6] in name for name in caught.value.unknown), why


@pytest.mark.parametrize("prefix", ["net.", "encoder.", "module.encoder.", "a.b.c."])
def test_any_prefix_is_taken_off_where_the_whole_network_is_behind_it(path, prefix):
    """As a field of a module of Lightning has it; what is not behind it is unknown."""
    trained, other = network(), network(seed=1)
    arrays = {prefix + name: array for name, array in contents(trained).items()}
    write(path, arrays)
    other.load(path)
    assert_same(other.arrays(), trained.arrays())
    other = network(seed=1)
    write(path, arrays | {"criterion.weight": np.ones(3)})
    with pytest.raises(Mismatch, match=r"network: 1 unknown: criterion.weight; load.* loads the 10 that fit"):
        other.load(path)
    assert other.load(path, strict=False).unknown == ["criterion.weight"]
    assert_same(other.arrays(), trained.arrays())


def test_one_of_several_prefixes_is_never_guessed(path):
    """But "model." is that of the weights, beside an average of them."""
    trained, other = network(), network(seed=1)
    before = contents(other)
    arrays = contents(trained)
    write(path, {f"{part}.{name}": array for part in ("teacher", "student") for name, array in arrays.items()})
    with pytest.raises(Mismatch, match="nothing fits"):
        other.load(path, strict=False)
    assert_same(other.arrays(), before)
    average = {f"ema.{name}": np.zeros_like(array) for name, array in arrays.items()}
    write(path, average | {f"model.{name}": array for name, array in arrays.items()})
    assert len(other.load(path, strict=False).unknown) == 10
    assert_same(other.arrays(), trained.arrays())


def test_the_rest_of_a_network_behind_a_prefix_is_not_taken_for_it(path):
    arrays = {f"net.{name}": array for name, array in contents(network()).items() if name != "conv.bias"}
    write(path, arrays)
    with pytest.raises(Mismatch, match="nothing fits"):
        network().load(path)


@pytest.mark.parametrize("prefix", ["model.", "module."])
def test_a_prefix_of_the_networks_own_is_never_taken_off(path, prefix):
    def scoped(x):
        with scope(prefix[:-1]):
            return layers.Linear(2, name="fc")(x)

    made = Network(scoped, (3,), seed=0)
    assert list(made.parameters) == [f"{prefix}fc.weight", f"{prefix}fc.bias"]
    made.save(path)
    other = Network(scoped, (3,), seed=1)
    other.load(path)
    assert_same(other.arrays(), made.arrays())
    write(path, {prefix + name: array for name, array in made.arrays().items()})
    with pytest.raises(Mismatch, match="2 missing"):
        other.load(path)
    write(path, {name.removeprefix(prefix): array for name, array in made.arrays().items()})
    with pytest.raises(Mismatch, match="2 missing"):  # nor is it put before names that lack it
        other.load(path)
    write(path, {f"_orig_mod.{name}": array for name, array in made.arrays().items()})
    other.load(path)


def test_rename_by_dict_and_by_function(path):
    trained = network()
    kept = {name: array for name, array in contents(trained).items() if array.dtype == "float32"}
    write(path, {name.replace("head.", "classifier."): array for name, array in kept.items()})
    for rename in (
        {"classifier.weight": "head.weight", "classifier.bias": "head.bias"},
        lambda name: name.replace("classifier.", "head."),
    ):
        other = network(seed=1)
        assert other.load(path, rename=rename) == {}
        assert_same(other.parameters, trained.parameters)
    other = network(3, seed=1)
    result = other.load(path, strict=False, rename=lambda name: None if name.startswith("class") else name)
    assert (result.missing, result.unknown) == (["head.weight", "head.bias"], [])


@pytest.mark.parametrize(
    ("rename", "error", "says"),
    [
        ({"none": "head.bias"}, ValueError, "rename must have names of the file as keys, got 'none'"),
        ({"conv.bias": "head.bias"}, ValueError, "rename must give different names, got 'head.bias' for "),
        (lambda name: "x", ValueError, "rename must give different names, got 'x'"),
        (lambda name: 3, TypeError, "rename must give a name or None, got 3"),
        ("head", TypeError, "rename must be a dict or a function"),
        ([("a", "b")], TypeError, "rename must be a dict or a function"),
        (lambda name: 1 / 0, ZeroDivisionError, "division"),
    ],
)
def test_wrong_ways_to_rename_change_nothing(path, rename, error, says):
    trained, other = network(), network(seed=1)
    trained.save(path)
    before = contents(other)
    with pytest.raises(error, match=says):
        other.load(path, strict=False, rename=rename)
    assert_same(other.arrays(), before)


@pytest.mark.parametrize("strict", ["no", 1, None])
def test_strict_is_true_or_false(path, strict):
    network().save(path)
    with pytest.raises(TypeError, match="strict must be True or False, got"):
        network().load(path, strict=strict)


def test_arrays_without_a_network(path):
    save(path, {"w": np.ones(2), "v": np.zeros(3)}, "text")
    target = {"w": np.zeros(2), "u": np.zeros(3)}
    assert load(path, target, strict=False) == ("text", ["w"], ["u"], ["v"], {}, [])
    assert target["w"].tolist() == [1, 1]


def test_the_example_for_a_prefix_works(tmp_path):
    arrays = {"conv.weight": np.ones(3), "conv.bias": np.ones(2)}
    save(tmp_path / "a.npz", {"net.conv.weight": 2 * arrays["conv.weight"]})
    with pytest.raises(Mismatch, match="for example rename=") as caught:
        load(tmp_path / "a.npz", arrays)
    load(tmp_path / "a.npz", arrays, False, rename=eval(str(caught.value).split("rename=")[-1]))
    np.testing.assert_array_equal(arrays["conv.weight"], [2, 2, 2])


@pytest.mark.parametrize("strict", [True, False])
def test_a_read_only_array_is_found_before_any_other_changes(tmp_path, strict):
    network = Network(sequential(layers.Linear(3), layers.Linear(2)), (4,), seed=0)
    network.save(tmp_path / "w.npz")
    other = Network(sequential(layers.Linear(3), layers.Linear(2)), (4,), seed=1)
    before = other.parameters.flat.tobytes()
    other.parameters["linear2.weight"].setflags(write=False)
    with pytest.raises(ValueError, match=r"linear2\.weight must be writable, got a read-only array"):
        other.load(tmp_path / "w.npz", strict=strict)
    assert other.parameters.flat.tobytes() == before


def test_arrays_of_a_training_run_are_left_out_silently(tmp_path):
    """In strict loads and others, with a prefix of all other names and without."""
    own = {"fc.weight": np.ones((3, 4), "float32"), "fc.bias": np.ones(3, "float32")}
    run = {"run/optimizer/velocity/fc.weight": np.zeros((3, 4), "float32"), "run/step": np.array(5)}
    for prefix in ("", "module."):
        arrays = {f"{prefix}{name}": array for name, array in own.items()} | run
        save(tmp_path / "a.npz", arrays, {"epoch": 2})
        net = Network(layers.Linear(3, name="fc"), (4,), seed=0)
        assert net.load(tmp_path / "a.npz") == {"epoch": 2}
        np.testing.assert_array_equal(net.parameters["fc.weight"], own["fc.weight"])
        report = net.load(tmp_path / "a.npz", strict=False)
        assert (report.metadata, report.unknown, report.missing) == ({"epoch": 2}, [], [])
