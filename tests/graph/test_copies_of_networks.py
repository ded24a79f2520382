"""Networks of every layer and of every family of models: their copies predict, train and describe themselves alike."""

import copy
import pickle

import numpy as np
import pytest

from fastconv import SGD, CrossEntropy, Network, graph, layers, losses, models, sequential, train_step
from fastconv.models.blocks import MAKERS


def joblib_file(network, folder):
    joblib = pytest.importorskip("joblib")
    return joblib.load(joblib.dump(network, folder / "network.joblib")[0])


WAYS = {
    "deepcopy": lambda network, folder: copy.deepcopy(network),
    "pickle": lambda network, folder: pickle.loads(pickle.dumps(network)),
    "joblib": joblib_file,
}
every_way = pytest.mark.parametrize("way", WAYS)
OPTIONS = {  # of layers that cannot be made without
    **{name: (4, 3) for name in ("Conv2D", "ConvTranspose2D", "SeparableConv2D")},
    **{name: (4, 3) for name in ("Conv1D", "ConvTranspose1D")},
    **{name: (2,) for name in ("AdaptiveAvgPool1D", "AdaptiveMaxPool1D", "AvgPool1D", "MaxPool1D")},
    **{name: (3,) for name in ("DepthwiseConv2D", "Dense", "Linear")},
    **{name: (2,) for name in ("AdaptiveAvgPool2D", "AdaptiveMaxPool2D", "AvgPool2D", "MaxPool2D", "LpPool2D")},
    **{name: (2,) for name in ("GroupNorm", "LocalResponseNorm", "Upsample", "MainHead")},
    **{name: (2,) for name in ("PixelShuffle", "ChannelShuffle")},
    "PixelUnshuffle": (1,),
    **{name: (1,) for name in ("ReflectionPad2D", "ReplicationPad2D", "ZeroPad2D")},
    **{name: (0.5,) for name in ("Dropout", "StochasticDepth")},
    "Permute": ((2, 0, 1),),
    "Reshape": ((7, -1),),
    "Threshold": (0.5, -1.0),
}
VECTORS = {"Dense", "Linear", "MainHead"}


def after_a_step(network, loss, targets):
    """All arrays after a training step on images by a formula, and what the network then predicts."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((len(targets), *network.input_shape)).astype("float32")
    found = [train_step(network, x, targets, SGD(1e-4, momentum=0.9), loss), network.predict(x).tobytes()]
    return found + [(name, array.tobytes()) for name, array in network.arrays().items()]


def agree(network, way, folder, loss, targets):
    """The copy is made after a step, when running means and counters are no longer those of the beginning."""
    after_a_step(network, loss, targets)
    other = WAYS[way](network, folder)
    assert str(other.summary()) == str(network.summary())
    assert other.model == network.model
    first, second = (after_a_step(each, loss, targets) for each in (network, other))
    assert first == second
    assert not any(
        np.shares_memory(a, b) for a, b in zip(network.arrays().values(), other.arrays().values(), strict=True)
    )


@every_way
@pytest.mark.parametrize("name", layers.__all__)
def test_a_network_of_each_layer(name, way, tmp_path):
    layer = getattr(layers, name)(*OPTIONS.get(name, ()))
    first = layers.Linear(6) if name in VECTORS else layers.Conv2D(4, 3)
    if name.endswith("1D"):
        first = layers.Conv1D(4, 3)
    shape = (5,) if name in VECTORS else (2, 9) if name.endswith("1D") else (2, 9, 8)
    between = [layers.Exp()] if name in ("Sqrt", "Reciprocal") else []  # their values are above 0
    network = Network(sequential(first, *between, layer), shape, seed=0)
    targets = np.random.default_rng(1).standard_normal((3, *network.output_shape)).astype("float32")
    agree(network, way, tmp_path, losses.MSE("mean"), targets)


FAMILIES = {
    "zhang2016": (models.zhang2016, (1, 28, 28)),
    "nielsen": (models.nielsen, (1, 12, 12)),
    "chain": (lambda: models.chain((4, 6), 3, 1), (1, 12, 12)),
    "lenet5": (models.lenet5, (1, 28, 28)),
    "googlenet": (lambda: models.googlenet(num_classes=10, aux_logits=True), (3, 40, 40)),
    "resnet18": (lambda: models.resnet18(10), (3, 32, 32)),
    "resnet8": (models.resnet8, (3, 16, 16)),
    "squeezenet1_1": (lambda: models.squeezenet1_1(10), (3, 40, 40)),
    "densenet121": (lambda: models.densenet121(10), (3, 40, 40)),
    "mobilenet_v1": (lambda: models.mobilenet_v1(10, 0.25), (3, 40, 40)),
    "mnasnet0_5": (lambda: models.mnasnet0_5(10), (3, 32, 32)),
    "regnet_x_400mf": (lambda: models.regnet_x_400mf(10), (3, 64, 64)),
    "mobilenet_v3_small": (lambda: models.mobilenet_v3_small(10), (3, 32, 32)),
    "efficientnet_b0": (lambda: models.efficientnet_b0(10), (3, 32, 32)),
    "convnext_tiny": (lambda: models.convnext_tiny(10), (3, 32, 32)),
    "shufflenet_v2_x0_5": (lambda: models.shufflenet_v2_x0_5(10), (3, 64, 64)),
    "fcn_resnet50": (lambda: models.fcn_resnet50(3), (3, 16, 17)),
    "inception_v3": (lambda: models.inception_v3(10), (3, 75, 75)),
    "unet": (lambda: models.unet(2, 2, 4), (1, 10, 11)),
    "autoencoder": (models.autoencoder, (1, 10, 11)),
    "mobilenet_v2": (lambda: models.mobilenet_v2(10, 0.35), (3, 40, 40)),
}
LARGE = {"alexnet": models.alexnet, "vgg11_bn": models.vgg11_bn}  # hundreds of megabytes: their models alone


def test_every_family_of_models_is_here():
    """A family is a file of `fastconv.models`."""
    files = {make.__module__ for make in MAKERS.values()}
    assert {MAKERS[name].__module__ for name in [*FAMILIES, *LARGE]} == files


@pytest.mark.parametrize("name", FAMILIES)
def test_a_network_of_each_family_of_models(name, tmp_path):
    make, shape = FAMILIES[name]
    network = Network(make(), shape, seed=0)
    squares = dict.fromkeys(("zhang2016", "autoencoder"), losses.MSE())
    loss = (squares | {"googlenet": losses.AuxiliaryCrossEntropy()}).get(name, CrossEntropy())
    K, *pixels = network.output_shape
    targets = np.resize(np.arange(3), (3, *pixels)[::-1]).T % K
    agree(network, "pickle", tmp_path, loss, np.zeros((3, K, *pixels), "float32") if name == "autoencoder" else targets)


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
@pytest.mark.parametrize("name", LARGE)
def test_a_large_model_builds_the_same_graph_after_a_copy(name, way):
    model = LARGE[name](10)
    shapes = []
    for each in (model, WAYS[way](model, None)):
        declared = graph.declared(graph.ancestors(graph.build(each, (3, 64, 64), "float32", False)))
        shapes.append([{key: value.shape for key, value in part.items()} for part in declared])
    assert shapes[0] == shapes[1]
    assert len(shapes[0][0]) > 10


@pytest.mark.parametrize("way", ["pickle", "joblib"])
def test_a_class_inside_a_function_is_named_with_what_to_do(way, tmp_path):
    class Inside(layers.ReLU):
        pass

    network = Network(sequential(layers.Linear(2), Inside(name="inside")), (3,), seed=0)
    with pytest.raises(pickle.PicklingError, match=r"inside \(Inside\) cannot be pickled: .*top of a module.*save"):
        WAYS[way](network, tmp_path)
