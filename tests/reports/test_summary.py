"""The table of a network: what is counted, and what is not."""

from fastconv import Network, models, sequential
from fastconv.layers import BatchNorm, Conv2D, Flatten, Linear, LocalResponseNorm, PReLU


def test_counts_of_one_network():
    model = sequential(
        Conv2D(4, 3, name="c"), BatchNorm(name="bn"), PReLU(), LocalResponseNorm(3), Flatten(), Linear(5, name="fc")
    )
    summary = Network(model, (2, 6, 6)).summary()
    rows = {row.name: row for row in summary.rows}
    assert [row.name for row in summary.rows] == ["input", "c", "bn", "prelu1", "norm1", "flatten1", "fc"]
    assert rows["c"][3:] == (4 * 18 + 4, 4 * 16, 4 * 16 * 18)
    assert rows["fc"][3:] == (64 * 5 + 5, 5, 64 * 5)
    # scales and slopes are parameters, but no neurons
    assert [(rows[name].parameters, rows[name].neurons) for name in ("bn", "prelu1", "norm1")] == [
        (8, 0),
        (1, 0),
        (0, 0),
    ]
    assert summary.parameters == sum(p.size for p in Network(model, (2, 6, 6)).parameters.values()) == 410
    assert summary.neurons == 69
    assert summary.multiply_adds == sum(row.multiply_adds for row in summary.rows)


def test_shared_parameters_count_once():
    layer = Conv2D(3, 3, padding=1, name="c")
    summary = Network(lambda x: layer(layer(x)), (3, 5, 5)).summary()
    assert summary.parameters == 3 * 27 + 3
    assert summary.neurons == 2 * 75


def test_the_table():
    lines = str(Network(models.lenet5(), (1, 28, 28)).summary()).splitlines()
    assert lines[0].split() == ["name", "layer", "output", "parameters", "neurons", "multiply-adds"]
    assert lines[3].split() == ["conv1", "Conv2D", "6", "x", "28", "x", "28", "156", "4,704", "117,600"]
    assert lines[-1].split() == ["total", "61,706", "6,518", "416,520"]
    assert len({len(line) for line in lines[:2]}) == 1


def test_memory_of_a_batch_is_told_on_request():
    network = Network(models.lenet5(), (1, 28, 28))
    plain, more = str(network.summary()).splitlines(), str(network.summary(8)).splitlines()
    assert more[: len(plain)] == plain
    told = [f"prediction of 8: {network.memory(8)}", f"training step of 8: {network.memory(8, training=True)}"]
    assert " ".join(more[len(plain) :]) == " ".join(told)


def test_what_is_frozen_is_counted_and_said_below_the_table():
    network = Network(models.lenet5(), (1, 28, 28))
    assert network.summary().trained == 61_706
    assert "frozen" not in str(network.summary())
    network.set_trainable("conv*", False)
    summary = network.summary()
    assert (summary.parameters, summary.trained) == (61_706, 61_706 - 156 - 2_416)
    assert str(summary).endswith("\ntrained: 59,134 of 61,706 parameters, the others are frozen")
