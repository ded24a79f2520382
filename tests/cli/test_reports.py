"""`fastconv summary`, `profile` and `bench`: what they print of a model by name and of a saved network."""

import json

import numpy as np
import pytest
from commands import failure

from fastconv import Network, layers, models
from fastconv.cli import architectures, bench, parser


def printed(capsys, *arguments):
    assert parser.main([str(argument) for argument in arguments]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out


def test_summary_counts_as_the_network_itself_does(capsys):
    shown = json.loads(printed(capsys, "summary", "mobilenet_v2", "--classes", "7", "--input", "3x64x48", "--json"))
    network = Network(models.mobilenet_v2(num_classes=7), (3, 64, 48))
    assert shown["parameters"] == sum(array.size for array in network.parameters.values())
    assert (shown["input_shape"], shown["output_shape"]) == ([3, 64, 48], [7])
    assert [layer["name"] for layer in shown["layers"]] == [node.name for node in network.nodes]
    assert shown["bytes_of_training_step"] == network.memory(1, training=True).total


def test_summary_prints_the_table_and_the_memory_of_a_batch(capsys):
    text = printed(capsys, "summary", "zhang2016", "--batch-size", "50")
    assert text.startswith("<Network (1, 28, 28) -> (10,), 3,898 parameters, float32>\n")
    assert "prediction of 50: " in text
    assert str(Network(models.zhang2016(), (1, 28, 28)).summary(50)) in text


@pytest.mark.parametrize("name", architectures.names())
def test_every_model_has_a_usual_shape_of_images(name):
    network = Network(architectures.model(name), architectures.usual_input(name))
    of_pixels = {"autoencoder": 3, "fcn_resnet50": 21, "unet": 2}  # their channels, for each pixel
    if name in of_pixels:
        assert network.output_shape == (of_pixels[name], *network.input_shape[1:])
    else:
        assert network.output_shape in ((10,), (1000,))


def test_arguments_of_a_model(capsys):
    narrow = json.loads(printed(capsys, "summary", "mobilenet_v1", "--model-args", "width_mult=0.25", "--json"))
    expected = Network(models.mobilenet_v1(width_mult=0.25), (3, 224, 224))
    assert narrow["parameters"] == sum(array.size for array in expected.parameters.values())
    several = json.loads(printed(capsys, "summary", "chain", "--model-args", "maps=3,4,5", "pool_size=1", "--json"))
    assert [layer["shape"][0] for layer in several["layers"] if layer["kind"] == "Conv2D"] == [3, 4, 5]


def test_a_saved_network_is_shown(trained, capsys):
    shown = json.loads(printed(capsys, "summary", trained, "--json"))
    assert shown["parameters"] == sum(
        array.size for array in Network(models.nielsen(), (1, 28, 28)).parameters.values()
    )


@pytest.mark.parametrize("more", [[], ["--training"]])
def test_profile_has_the_steps_of_the_plan(capsys, more):
    shown = json.loads(printed(capsys, "profile", "lenet5", "--batch-size", "4", "--repeats", "1", "--json", *more))
    network = Network(models.lenet5(), (1, 28, 28), seed=0)
    x = np.zeros((4, 1, 28, 28), np.float32)
    from fastconv import losses

    t, loss = (np.zeros(4, int), losses.CrossEntropy()) if more else (None, None)
    assert [row["step"] for row in shown["steps"]] == [row.step for row in network.profile(x, t, loss, 1).rows]
    assert shown["milliseconds"] == pytest.approx(sum(row["milliseconds"] for row in shown["steps"]))
    assert "prediction of 1 image, " in printed(capsys, "profile", "lenet5", "--batch-size", "1", "--repeats", "1")


def test_profile_draws_a_picture_or_says_what_is_missing(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    line = failure(capsys, "profile", "lenet5", "--picture", tmp_path / "a.png", "--repeats", "1")
    assert line.endswith("a.png: Profile.save needs matplotlib: pip install matplotlib")


def test_bench_measures_each_batch_size_on_each_number_of_threads(capsys):
    arguments = ("bench", "lenet5", "--batch-size", "1,3", "--threads", "1,2", "--seconds", "0", "--json")
    rows = [json.loads(line) for line in printed(capsys, *arguments).splitlines()]
    measured = [(row["work"], row["batch_size"], row["threads"]) for row in rows]
    assert measured == [(w, n, t) for t in (1, 2) for n in (1, 3) for w in ("predict", "train step")]
    for row in rows:
        assert row["images_per_second"] == pytest.approx(1e3 * row["batch_size"] / row["milliseconds"])
    table = printed(capsys, "bench", "zhang2016", "--batch-size", "2", "--seconds", "0").splitlines()
    assert table[1] == bench.HEAD
    assert [line.split("  ")[0] for line in table[2:]] == ["predict", "train step"]


def test_the_median_time_is_that_of_the_calls(monkeypatch):
    times = iter([0.0, 1.0, 3.0, 3.5, 10.0, 20.0, 21.0, 30.0, 30.0])  # begins; each call's start and end; the clock
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(times))
    calls = []
    assert bench.median_seconds(lambda: calls.append(1), 0.0) == 2.0
    assert len(calls) == 1 + bench.FEWEST


def test_the_last_layer_decides_the_loss_of_a_measured_step():
    from fastconv import losses
    from fastconv.cli import random_images

    for name, wanted in (("zhang2016", losses.MSE()), ("lenet5", losses.CrossEntropy())):
        assert random_images.loss_for(Network(architectures.model(name), (1, 28, 28))) == wanted


SEVERAL = {
    "a map": (lambda x: layers.Conv2D(2, 1)(x), (3, 4, 5)),
    "two outputs": (lambda x: (layers.Linear(3)(x), layers.Linear(1)(x)), (4,)),
    "a dict": (
        lambda x: {"a": layers.Conv2D(2, 1)(x["image"]), "b": layers.Linear(1)(x["row"])},
        {"image": (3, 4, 5), "row": (4,)},
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_networks_of_all_inputs_and_outputs_are_measured(name):
    network = Network(*SEVERAL[name], seed=0)
    work = bench.works(network, 2)
    y = work["predict"]()
    outputs = list(y.values()) if isinstance(y, dict) else list(y) if isinstance(y, tuple) else [y]
    wanted = sum(np.square(each, dtype="float64").mean() for each in outputs)  # zeros are the targets
    np.testing.assert_allclose(work["train step"](), wanted, rtol=1e-5)


FAULTS = {
    "summary resnt20": "resnt20: is neither a file nor a model of fastconv.models; did you mean resnet20?",
    "summary none/a.npz": "none/a.npz: No such file or directory",
    "summary vgg16 --input 3x2x2": "vgg16 for images of 3x2x2: ",
    "summary zhang2016 --classes 7": "zhang2016 has always 10 outputs, not 7; choose another --model",
    "summary resnet18 --model-args width=2": "--model-args: resnet18 has no argument 'width'; it has num_classes",
    "summary mobilenet_v2 --model-args width_mul=2": "no argument 'width_mul'; did you mean width_mult?",
    "summary resnet18 --classes 7 --model-args num_classes=3": "num_classes=3 among --model-args are not the 7 classes",
    "bench lenet5 --threads 5000 --seconds 0": "--threads must be between 1 and 1024, got 5000",
}


@pytest.mark.parametrize("typed", FAULTS)
def test_what_is_no_network_is_one_line(typed, capsys):
    assert FAULTS[typed] in failure(capsys, *typed.split())


def test_a_saved_network_takes_no_other_shape(trained, capsys):
    line = failure(capsys, "bench", trained, "--input", "1x32x32", "--classes", "3")
    assert line.endswith("is a saved network, which says itself what it is; leave out --input --classes")


USAGE = {
    "summary": "argument",
    "summary lenet5 --input 28": "the shape of an image, got '28'; write CHANNELSxHEIGHTxWIDTH, such as 3x32x32",
    "summary lenet5 --input 3x0x9": "must be the shape of an image, got '3x0x9'",
    "summary lenet5 --model-args what": "must be NAME=VALUE, such as width_mult=0.5, got 'what'",
    "bench lenet5 --batch-size 1,x": "--batch-size: must be a whole number >= 1, got 'x'",
    "bench lenet5 --seconds -1": "--seconds: must be a number >= 0, such as 0.5, got '-1'",
    "profile lenet5 --batch 3": "--batch; did you mean --batch-size?",
}


@pytest.mark.parametrize("typed", USAGE)
def test_what_is_not_understood_is_one_line_and_exit_status_2(typed, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.main(typed.split())
    assert stop.value.code == 2
    assert USAGE[typed] in capsys.readouterr().err.splitlines()[-1]
