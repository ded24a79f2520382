"""Names of other libraries and misspelt names: the error says what to write, and that runs."""

import sys
import types

import child
import numpy as np
import pytest
from scipy import ndimage, signal

import fastconv
from fastconv.arguments import names

ROOMS = ("layers", "losses", "models", "ops", "optim", "data", "init")


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """What the reader of an error has: a model, a network, arrays, a file, two nodes."""
    kept = []

    def model(x):
        kept[:] = [x, fastconv.ReLU()(x)]
        return fastconv.sequential(fastconv.Flatten(), fastconv.Linear(3))(kept[1])

    network = fastconv.Network(model, (1, 6, 6), seed=0)
    x, labels, loss = np.ones((4, 1, 6, 6), "float32"), np.arange(4) % 3, fastconv.CrossEntropy()
    path = tmp_path_factory.mktemp("names") / "network.npz"
    network.save(path)
    found = {"fastconv": fastconv, "np": np, "model": model, "network": network, "x": x, "labels": labels}
    found |= {"image": np.ones((6, 6), "float32"), "kernel": np.ones((3, 3), "float32")}
    gradients = network.gradients(x, labels, loss)[1]
    found |= {"loss": loss, "path": path, "a": kept[0], "b": kept[1], "gradients": gradients}
    return found | {"input_shape": (1, 6, 6)}


@pytest.mark.parametrize("name", names.EXPRESSIONS)
def test_what_is_written_for_a_name_of_another_library_runs(name, there):
    with pytest.raises(AttributeError, match=f"^module 'fastconv' has no attribute '{name}'; write ") as caught:
        getattr(fastconv, name)
    line, _, note = names.EXPRESSIONS[name].partition("; ")
    assert line in str(caught.value)
    assert note in str(caught.value)
    before = fastconv.get_num_threads()
    try:
        eval(line, there)
    finally:
        fastconv.set_num_threads(before)


@pytest.mark.parametrize("name", names.SENTENCES)
def test_what_is_said_where_there_is_nothing_of_the_kind(name):
    with pytest.raises(AttributeError, match=f"^module 'fastconv' has no attribute '{name}'; ") as caught:
        getattr(fastconv, name)
    assert names.SENTENCES[name] in str(caught.value)


def test_no_name_of_the_tables_is_a_name_of_fastconv():
    for name in {**names.EXPRESSIONS, **names.SENTENCES}:
        assert not hasattr(fastconv, name), name


@pytest.mark.parametrize(
    ("room", "name", "says"),
    [
        ("fastconv", "conv2D", "did you mean fastconv.Conv2D (the layer) or fastconv.conv2d (the function on arrays)?"),
        ("fastconv", "Relu", "did you mean fastconv.ReLU (the layer) or fastconv.relu (the function on arrays)?"),
        ("fastconv", "SGd", "did you mean fastconv.SGD?"),
        ("fastconv", "Resnet18", "did you mean fastconv.models.resnet18()?"),
        ("fastconv", "resnet18", "did you mean fastconv.models.resnet18()?"),
        ("fastconv", "he_normal", "did you mean fastconv.init.he_normal (first values)?"),
        ("fastconv", "Optimizer", "did you mean fastconv.optim.Optimizer?"),
        ("fastconv", "netwrok", "did you mean fastconv.Network?"),
        ("fastconv", "clip_gradient", "did you mean fastconv.clip_gradients?"),
        ("fastconv", "avg_pool", "did you mean fastconv.AvgPool2D (the layer), fastconv.avg_pool2d (the function on"),
        ("fastconv.layers", "conv2d", "did you mean fastconv.Conv2D (the layer) or fastconv.conv2d"),
        ("fastconv.layers", "Conv2d", "write fastconv.Conv2D(16, 3, padding=1)"),
        ("fastconv.layers", "MaxPooling2D", "write fastconv.MaxPool2D(2)"),
        ("fastconv.ops", "ReLU", "did you mean fastconv.relu (the function on arrays) or fastconv.ReLU (the layer)?"),
        ("fastconv.losses", "cross_entropy", "did you mean fastconv.CrossEntropy"),
        ("fastconv.losses", "MSELoss", "write fastconv.MSE(reduction='mean')"),
        ("fastconv.optim", "sgd", "did you mean fastconv.SGD?"),
        ("fastconv.optim", "Adagrad", "there are SGD, Adam, AdamW and RMSprop"),
        ("fastconv.models", "ResNet18", "did you mean fastconv.models.resnet18()?"),
        ("fastconv.models", "vgg", "did you mean fastconv.models.vgg11(), fastconv.models.vgg13()"),
        ("fastconv.data", "read_image", "did you mean fastconv.data.read_images?"),
        ("fastconv.init", "xavier_normal", "write fastconv.init.glorot_normal"),
        ("fastconv.init", "kaiming_normal", "write fastconv.init.he_normal"),
        ("fastconv.optim", "SDG", "did you mean fastconv.SGD?"),
        ("fastconv.models", "vit_b_16", "write fastconv.models.resnet18() (there are lenet5, alexnet, vgg11 to"),
        ("fastconv.models", "efficientnet_b0", "write fastconv.models.resnet18() (there are lenet5"),
        ("fastconv.models", "EfficientNetB0", "write fastconv.models.resnet18() (there are lenet5"),
        ("fastconv.models", "get_model", "inception_v3, unet and autoencoder)"),
        ("fastconv", "utils", "write fastconv.fit(network, x, labels, batch_size=32) (it cuts the arrays itself"),
        ("fastconv", "Rescaling", "such as x.astype('float32') / 255"),
        ("fastconv", "BCELoss", "fastconv.losses.BCEWithLogits(), without Sigmoid; the function on arrays is"),
        ("fastconv", "L1Loss", "losses of differences are fastconv.losses.L1(), fastconv.losses.Huber()"),
        ("fastconv.init", "Zeros", "did you mean fastconv.init.zeros (first values)?"),
    ],
)
def test_a_name_that_is_nearly_right(room, name, says, monkeypatch):
    if room == "fastconv.models":
        monkeypatch.delattr(fastconv.models, name, raising=False)  # the module vgg, which is no function
    with pytest.raises(AttributeError) as caught:
        getattr(sys.modules[room], name)
    assert str(caught.value).startswith(f"module {room!r} has no attribute {name!r}; ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("correlate2d", signal.correlate2d),
        ("uniform_filter", lambda image, kernel: ndimage.uniform_filter(image, 3, mode="constant")),
        ("maximum_filter", lambda image, kernel: ndimage.maximum_filter(image, 3)),
        ("minimum_filter", lambda image, kernel: ndimage.minimum_filter(image, 3)),
        ("zoom", lambda image, kernel: ndimage.zoom(image, 2, order=0, mode="grid-constant", grid_mode=True)),
    ],
)
def test_what_is_written_for_filters_of_scipy_gives_the_same(name, function):
    rng = np.random.default_rng(0)
    image, kernel = rng.random((7, 6)), rng.random((3, 3))
    y = eval(names.EXPRESSIONS[name].partition("; ")[0], {"fastconv": fastconv, "image": image, "kernel": kernel})
    np.testing.assert_allclose(y, function(image, kernel))


def test_what_is_written_for_a_confusion_matrix_counts_each_pair_of_classes():
    class Network:
        def predict(self, x):
            return np.eye(10)[x]

    labels, x = np.array([0, 0, 3, 9]), np.array([0, 2, 3, 1])
    line = names.EXPRESSIONS["confusion_matrix"].partition("; ")[0]
    matrix = eval(line, {"fastconv": fastconv, "network": Network(), "x": x, "labels": labels})
    want = np.zeros((10, 10))
    want[[0, 0, 3, 9], [0, 2, 3, 1]] = 1
    np.testing.assert_array_equal(matrix, want)


def test_the_models_that_are_listed_exist():
    listed = names.MODELS.partition("there are ")[2].replace(" to ", ", ").replace(" and ", ", ").split(", ")
    assert len(listed) == 21
    assert set(listed) <= set(dir(fastconv.models))


@pytest.mark.parametrize("name", ["xyzzy", "_private", "__wrapped__", "__path_hooks__"])
def test_a_name_that_means_nothing(name):
    with pytest.raises(AttributeError, match=f"^module 'fastconv' has no attribute '{name}'$"):
        getattr(fastconv, name)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("from fastconv import Conv2d", r"^cannot import name 'Conv2d' from 'fastconv'; write fastconv.Conv2D\(16, 3"),
        ("from fastconv import Linear, MaxPool2d", r"'MaxPool2d' from 'fastconv'; write fastconv.MaxPool2D\(2\)"),
        ("from fastconv.layers import BatchNorm2d", r"from 'fastconv.layers'; write fastconv.BatchNorm\(\)"),
        ("from fastconv.models import ResNet18", r"did you mean fastconv.models.resnet18\(\)"),
        ("from fastconv import xyzzy", "^cannot import name 'xyzzy' from 'fastconv'$"),
    ],
)
def test_an_import_says_the_same(line, says):
    with pytest.raises(ImportError, match=says):
        exec(line)


def test_modules_are_imported_as_ever():
    exec("from fastconv import cli, graph, training, frozen; import fastconv.reports.table as t")


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_shows_only_what_people_use(room):
    module = getattr(fastconv, room)
    for name in dir(module):
        value = getattr(module, name)
        assert name[0] != "_"
        assert not isinstance(value, types.ModuleType)
    assert set(dir(module)) >= set(getattr(module, "__all__", ()))


def test_the_rules_of_init_are_shown():
    with pytest.raises(ValueError, match="one of") as caught:
        fastconv.init.named("?")
    told = str(caught.value).partition("one of ")[2].partition(", got")[0].split(", ")
    assert set(dir(fastconv.init)) - {"Init", "constant", "normal"} == set(told)


def test_the_tables_wait_until_a_name_is_missing():
    program = """
import sys, pydoc, pickle, fastconv
from fastconv import *
from fastconv import cli
assert pickle.loads(pickle.dumps(fastconv.relu)) is fastconv.relu
for module in (fastconv, fastconv.layers, fastconv.models):
    pydoc.render_doc(module)
    dir(module)
print([name for name in ("difflib", "fastconv.arguments.names") if name in sys.modules])
hasattr(fastconv, "netwok")
print([name for name in ("difflib", "fastconv.arguments.names") if name in sys.modules])
"""
    assert child.run("-c", program).split("\n")[:2] == ["[]", "['difflib', 'fastconv.arguments.names']"]
