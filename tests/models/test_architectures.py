"""The architectures: torchvision's names and shapes, the papers' counts, any size, and what is special to each.

Digests are of torchvision 0.29's state dicts: sha256 of the sorted lines "name shape".
"""

import hashlib
from functools import partial
from math import prod

import numpy as np
import pytest

from fastconv import Network, graph, losses, models, sequential
from fastconv.graph.graph import declared
from fastconv.layers import DepthwiseConv2D
from fastconv.models.resnet_cifar import Shortcut
from fastconv.ops.activation import softmax
from fastconv.optim import SGD
from fastconv.reports.summary import Summary

TORCHVISION = {  # parameters, digest
    "alexnet": (61_100_840, "935c1ea73a7869ee"),
    "vgg11": (132_863_336, "b11acd4f90d9643f"),
    "vgg13": (133_047_848, "79ca8fd7a1480aa7"),
    "vgg16": (138_357_544, "ba63c2556d912509"),
    "vgg19": (143_667_240, "393fac8b08b63fbe"),
    "vgg11_bn": (132_868_840, "56ed5816909a8132"),
    "vgg13_bn": (133_053_736, "e4f52ce016e5e82f"),
    "vgg16_bn": (138_365_992, "86bad13b66635552"),
    "vgg19_bn": (143_678_248, "faf0fdbb92f698c6"),
    "googlenet": (6_624_904, "545eb1baab91f5d8"),
    "googlenet_aux": (13_004_888, "de3745733576b3b1"),
    "resnet18": (11_689_512, "5191d63ec3989592"),
    "resnet34": (21_797_672, "f8de2a1812ef85e4"),
    "resnet50": (25_557_032, "a87e91cd6bd1f939"),
    "resnet101": (44_549_160, "dbc3ca74fffafc72"),
    "resnet152": (60_192_808, "7d486dbdc941506e"),
    "densenet121": (7_978_856, "9c659ec278435e95"),
    "densenet161": (28_681_000, "96e788964c2c431f"),
    "densenet169": (14_149_480, "03a0accd6e99d8d0"),
    "densenet201": (20_013_928, "ebf13d018b02ad9d"),
    "mobilenet_v2": (3_504_872, "e3eb10f890f74c6e"),
    "mnasnet0_5": (2_218_512, "72cf09c9982e190a"),
    "mnasnet0_75": (3_170_208, "1f2d2d3d193e1dca"),
    "mnasnet1_0": (4_383_312, "f0fbbc4775bb6490"),
    "mnasnet1_3": (6_282_256, "b98f2e1684d8e3ee"),
    "regnet_x_400mf": (5_495_976, "a0716cff8eed709d"),
    "regnet_x_800mf": (7_259_656, "2f9c207dbdac036d"),
    "regnet_x_1_6gf": (9_190_136, "ca36bf1cd20cfcfc"),
    "regnet_x_3_2gf": (15_296_552, "fdbb0814dab9ac2f"),
    "resnext50_32x4d": (25_028_904, "20929ac81dfcc94f"),
    "wide_resnet50_2": (68_883_240, "03413d59409d9728"),
    "inception_v3": (23_834_568, "fafa341565705812"),
    "inception_v3_aux": (27_161_264, "4c9e13f64584de74"),
    "squeezenet1_0": (1_248_424, "142983e4c19c76ad"),
    "squeezenet1_1": (1_235_496, "3fbd2a746421cada"),
}
OTHERS = {
    "lenet5": (models.lenet5(), (1, 28, 28), 61_706),
    "lenet5 on 32 x 32": (models.lenet5(padding=0), (1, 32, 32), 61_706),
    "alexnet of 2012": (models.alexnet(original=True), (3, 224, 224), 60_965_224),
    "googlenet of 2014": (models.googlenet(original=True), (3, 224, 224), 6_998_552),
    "googlenet of 2014 with heads": (models.googlenet(original=True, aux_logits=True), (3, 224, 224), 13_378_280),
    "resnet20": (models.resnet20(), (3, 32, 32), 269_722),
    "resnet32": (models.resnet32(), (3, 32, 32), 464_154),
    "resnet56": (models.resnet56(), (3, 32, 32), 853_018),
    "resnet110": (models.resnet110(), (3, 32, 32), 1_727_962),
    "unet": (models.unet(), (1, 64, 64), 31_036_546),
    "unet of the paper's depth and classes, for colours": (models.unet(21), (3, 32, 32), 31_038_933),
    "autoencoder": (models.autoencoder(), (1, 28, 28), 2_633),
    "mobilenet_v1": (models.mobilenet_v1(), (3, 224, 224), 4_231_976),
}


def outline(model, input_shape):
    """The nodes, and names with shapes of all parameters and buffers; no memory is taken."""
    nodes = graph.ancestors(graph.build(model, input_shape, "float32"))
    params, states = declared(nodes)
    shapes = {name: entry.shape for name, entry in {**params, **states}.items() if not name.endswith(".counter")}
    return nodes, shapes, sum(prod(p.shape) for p in params.values())


def maker(name):
    """The function of a row; "_aux" stands for its auxiliary classifiers."""
    short = name.removesuffix("_aux")
    return getattr(models, short) if short == name else partial(getattr(models, short), aux_logits=True)


@pytest.mark.parametrize("name", TORCHVISION)
def test_names_shapes_and_counts_are_torchvisions(name):
    nodes, shapes, count = outline(maker(name)(), (3, 299, 299))
    lines = "\n".join(sorted(f"{key} {shape}" for key, shape in shapes.items()))
    assert (count, hashlib.sha256(lines.encode()).hexdigest()[:16]) == TORCHVISION[name]
    assert nodes[-1].shape == ({"googlenet_aux": 3000, "inception_v3_aux": 2000}.get(name, 1000),)


@pytest.mark.parametrize(("model", "shape", "count"), OTHERS.values(), ids=OTHERS)
def test_counts_of_the_others(model, shape, count):
    assert outline(model, shape)[2] == count


@pytest.mark.parametrize("name", TORCHVISION)
def test_size_and_classes_are_free(name):
    make = getattr(models, name.removesuffix("_aux"))
    shapes = {shape: outline(make(num_classes=7), shape)[1] for shape in ((3, 96, 130), (3, 224, 224))}
    assert shapes[3, 96, 130] == shapes[3, 224, 224]
    assert outline(make(num_classes=7), (3, 96, 130))[0][-1].shape == (7,)


def test_the_alexnet_of_the_notes():
    """60 million parameters and 650,000 neurons, five convolutions, three dense layers, two groups."""
    nodes, shapes, _ = outline(models.alexnet(original=True), (3, 224, 224))
    summary = Summary(nodes)
    assert (summary.parameters, summary.neurons) == (60_965_224, 659_272)
    assert "60,965,224" in str(summary)
    assert "659,272" in str(summary)
    maps = [row.shape for row in summary.rows if row.neurons]
    assert maps == [(96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13), (4096,), (4096,), (1000,)]
    assert shapes["conv2.weight"] == (256, 48, 5, 5)
    kinds = [row.kind for row in summary.rows]
    assert kinds[1:9] == ["Conv2D", "ReLU", "LocalResponseNorm", "MaxPool2D"] * 2


def test_the_googlenet_of_the_paper():
    nodes, shapes, _ = outline(models.googlenet(original=True), (3, 224, 224))
    assert sum(type(node.layer).__name__ == "LocalResponseNorm" for node in nodes) == 2
    assert shapes["inception3a.branch3.1.conv.weight"] == (32, 16, 5, 5)
    assert "inception3a.branch3.1.conv.bias" in shapes
    maps = [node.shape for node in nodes if node.kind == "concat"]
    assert maps == [(c, 28, 28) for c in (256, 480)] + [(c, 14, 14) for c in (512, 512, 512, 528, 832)] + [
        (c, 7, 7) for c in (832, 1024)
    ]


def images(n, shape, seed=0):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype("float32")


def test_auxiliary_heads_are_trained_and_do_not_predict():
    network = Network(models.googlenet(5, aux_logits=True, dropout=0, dropout_aux=0), (3, 32, 32), seed=0)
    x, classes = images(2, (3, 32, 32)), np.arange(2)
    rule, values = SGD(0.02, 0.9), []
    for _ in range(3):
        value, gradients = network.gradients(x, classes, losses.AuxiliaryCrossEntropy())
        rule.step(network.parameters, gradients)
        values.append(value)
    assert values[-1] < values[0]
    for head in ("aux1", "aux2"):
        assert np.abs(gradients[f"{head}.fc2.weight"]).max() > 0
    y = network.predict(x)
    assert y.shape == (2, 15)
    assert np.isfinite(y[:, :5]).all()
    assert (y[:, 5:] == -np.inf).all()
    assert np.abs(softmax(y)[:, :5].sum(1) - 1).max() < 1e-6
    alone = Network(models.googlenet(5), (3, 32, 32))
    for name, array in alone.arrays().items():
        if not name.endswith("counter"):
            array[...] = network.arrays()[name]
    np.testing.assert_array_equal(alone.predict(x), y[:, :5])


def test_the_main_head_counts_whatever_its_logits():
    """-inf for a logit leaves an auxiliary head out of the loss, and not the main one."""
    rule, value = losses.AuxiliaryCrossEntropy((1.0, 0.3)), np.zeros(())
    y = np.array([[-np.inf, 0.0, 0.0, 0.0]])
    for targets, expected in (([1], 0.3 * np.log(2)), ([0], np.inf)):
        rule.bind(y, np.array(targets), value, None)()
        assert value == pytest.approx(expected)
    rule.bind(np.array([[0.0, 0.0, -np.inf, -np.inf]]), np.array([1]), value, None)()
    assert value == pytest.approx(np.log(2))


@pytest.mark.parametrize("channels", [5, 20])
def test_shortcut_without_parameters(channels):
    """Every second pixel, zeros for the further channels; and its adjoint."""
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 6))
    y = Network(Shortcut(channels, 2), (4, 5, 6), "float64").predict(x)
    np.testing.assert_array_equal(y[:, :4], x[:, :, ::2, ::2])
    assert y.shape == (2, channels, 3, 3)
    assert not y[:, 4:].any()
    # below a convolution of 1, whose gradient of a plane then is sum dy x
    network = Network(sequential(DepthwiseConv2D(1, name="c"), Shortcut(channels, 2)), (4, 5, 6), "float64")
    _, gradients = network.gradients(x, np.ones((2, channels, 3, 3)), losses.MSE("sum"))
    z = x * network.parameters["c.weight"].reshape(1, 4, 1, 1) + network.parameters["c.bias"].reshape(1, 4, 1, 1)
    expected = (2 * (z - 1) * x)[:, :, ::2, ::2].sum((0, 2, 3))
    np.testing.assert_allclose(gradients["c.weight"].ravel(), expected, rtol=1e-12)
    with pytest.raises(ValueError, match="channels must be >= 4, got 3"):
        Network(Shortcut(3, 2), (4, 5, 6))


@pytest.mark.parametrize("depth", [8, 19, 2, 21])
def test_depths_of_the_cifar_networks(depth):
    build = models.resnet_cifar.resnet_cifar
    if depth == 8:
        _, shapes, _ = outline(build(8), (3, 32, 32))
        assert sum(name.endswith(("weight", "conv")) and len(shape) > 1 for name, shape in shapes.items()) == 8
    else:
        with pytest.raises(ValueError, match="depth must be 6 n"):
            build(depth)


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2", "squeezenet1_1", "densenet121"])
def test_first_weights_keep_the_scale(name):
    """Outputs of order 1 for inputs of order 1, in a step of training: neither vanished nor exploded."""
    network = Network(getattr(models, name)(num_classes=10), (3, 32, 32), seed=0)
    value, gradients = network.gradients(images(4, (3, 32, 32)), np.arange(4), losses.CrossEntropy())
    assert 0.5 < value / np.log(10) < 3
    assert all(np.isfinite(g).all() for g in gradients.values())
    assert 1e-4 < np.abs(gradients.flat).max() < 1e4


def test_weights_of_torchvision_load_as_they_are(tmp_path):
    """A state dict, as torch.save would hold it, in both files; fastconv's counters of dropout are not among it."""
    import safetensors.numpy

    _, shapes, _ = outline(models.squeezenet1_1(num_classes=4), (3, 64, 64))
    rng = np.random.default_rng(1)
    state = {name: rng.standard_normal(shape).astype("float32") for name, shape in shapes.items()}
    safetensors.numpy.save_file(state, tmp_path / "w.safetensors", {"format": "pt"})
    np.savez(tmp_path / "w.npz", **state)
    for file in ("w.safetensors", "w.npz"):
        network = Network(models.squeezenet1_1(num_classes=4), (3, 64, 64))
        network.load(tmp_path / file)
        for name, array in state.items():
            np.testing.assert_array_equal(network.arrays()[name], array)


def test_what_is_saved_is_a_state_dict_of_torchvisions(tmp_path):
    import safetensors.numpy

    network = Network(models.mobilenet_v2(num_classes=4), (3, 32, 32), seed=3)
    network.save(tmp_path / "w.safetensors", {"classes": ["a"]})
    saved = safetensors.numpy.load_file(tmp_path / "w.safetensors")
    assert {name: array.shape for name, array in saved.items()} == outline(
        models.mobilenet_v2(num_classes=4), (3, 32, 32)
    )[1]
    assert saved["features.0.1.num_batches_tracked"].dtype == np.int64
    other = Network(models.mobilenet_v2(num_classes=4), (3, 32, 32), seed=4)
    assert other.load(tmp_path / "w.safetensors") == {"classes": ["a"]}
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(other.arrays()[name], array)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", "fc"),
        ("mobilenet_v2", "classifier.1"),
        ("squeezenet1_1", "classifier.1"),
        ("densenet121", "classifier"),
    ],
)
def test_weights_for_other_classes_load_but_for_the_head_in_one_call(name, head):
    trained, network = (Network(getattr(models, name)(classes), (3, 64, 64), seed=classes) for classes in (5, 3))
    before = network.parameters[f"{head}.weight"].copy()
    report = network.load(dict(trained.arrays()), strict=False)
    assert sorted(report.misshapen) == [f"{head}.bias", f"{head}.weight"]
    assert (report.missing, report.unknown) == ([], [])
    assert len(report.loaded) == len(network.arrays()) - 2
    np.testing.assert_array_equal(network.parameters[f"{head}.weight"], before)
    for each in report.loaded:
        np.testing.assert_array_equal(network.arrays()[each], trained.arrays()[each])
    assert str(report).startswith(f"{len(report.loaded)} loaded; 2 of another shape or dtype: {head}.")
