"""Reads mutated files of ONNX in a process of its own: `python mutated_onnx.py SEED COUNT FOLDER`.

A file is a good one, with its bytes changed, or fields of its protobuf: numbers made huge or negative, names exchanged,
entries repeated, removed or exchanged, subgraphs nested, arrays said to lie in other files (beside the folder, behind
links, in devices). Whatever it is, it is read, and predicts, or is refused with OnnxError: within SECONDS, with at most
BASE and MOST times the memory of the file, and without opening a file outside of its folder.
"""

import os
import random
import signal
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor as Field
from mutated_files import changed
from onnx import TensorProto

import fastconv.onnx
from fastconv import Network, layers, models, sequential
from fastconv.data import transforms

SECONDS, BASE, MOST = 20, 64 << 20, 64
NUMBERS = (0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**40, 2**62, 2**63 - 1, -(2**63))
PLACES = ("../secret.bin", "/etc/hostname", "/dev/zero", "link.bin", "../folder/../secret.bin", "", ".", "a\0b", "pipe")
opened = []


def good_files(folder):
    """Networks of many operators, one with its arrays beside it."""
    wide = sequential(layers.Conv2D(4, 3), layers.GroupNorm(2), layers.GELU(), layers.Upsample(size=(9, 7)))
    deep = sequential(layers.ChannelShuffle(2), layers.LpPool2D(2), layers.Flatten(), layers.Linear(3))
    fastconv.onnx.save(Network(sequential(wide, deep), (3, 12, 12), seed=0), folder / "a.onnx")
    small = Network(models.resnet8(num_classes=3), (3, 8, 8), seed=0)
    steps = [transforms.normalize((0.4, 0.5, 0.6), 0.25)]
    fastconv.onnx.save(small, folder / "b.onnx", preprocessing=steps, opset=13, classes=["a", "b", "c"])
    fastconv.onnx.save(small, folder / "c.onnx", free_size=True, external_data=True, batch=2)
    return [onnx.load(folder / name, load_external_data=False) for name in ("a.onnx", "b.onnx", "c.onnx")]


def messages(message, depth=0):
    """The message and all in it."""
    yield message
    for field, value in message.ListFields():
        if field.type == Field.TYPE_MESSAGE and depth < 8:
            for each in value if field.is_repeated else [value]:
                yield from messages(each, depth + 1)


def with_fields_changed(good, rng):
    """The model with one to four fields changed."""
    model = onnx.ModelProto()
    model.CopyFrom(good)
    for _ in range(rng.choice((1, 1, 2, 4))):
        kind = rng.randrange(8)
        if kind == 0 and model.graph.initializer:
            elsewhere(rng.choice(model.graph.initializer), rng)
        elif kind == 1 and model.graph.node:
            nested(model.graph, rng)
        else:
            change(rng.choice([each for each in messages(model) if each.ListFields()]), model, rng)
    return model.SerializeToString()


def elsewhere(tensor, rng):
    """The array is said to lie in another file."""
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in (("location", rng.choice(PLACES)), ("offset", rng.choice(NUMBERS)), ("length", 36)):
        if rng.randrange(4):
            tensor.external_data.add(key=key, value=str(value))


def nested(graph, rng):
    """A node with a graph inside a graph inside a graph ..."""
    node = rng.choice(graph.node)
    for _ in range(rng.choice((1, 5, 90))):
        attribute = node.attribute.add(name="body", type=onnx.AttributeProto.GRAPH)
        node = attribute.g.node.add(op_type="If", name="inner", output=["inside"])


def change(message, model, rng):
    """One field of the message."""
    field, value = rng.choice(message.ListFields())
    if field.is_repeated:
        place = rng.randrange(len(value))
        kind = rng.randrange(3)
        if kind == 0:
            del value[place]
        elif kind == 1:
            value.extend([value[place]] * rng.choice((1, 40)))
        elif field.type == Field.TYPE_MESSAGE:
            value[place].CopyFrom(rng.choice(value))
        else:
            value[place] = other(field, value[place], model, rng)
    elif field.type != Field.TYPE_MESSAGE and rng.randrange(4):
        setattr(message, field.name, other(field, value, model, rng))
    else:
        message.ClearField(field.name)


def other(field, value, model, rng):
    """Another value of the field's type."""
    if field.type == Field.TYPE_STRING or field.type == Field.TYPE_BYTES:
        names = [name for node in model.graph.node for name in (*node.input, *node.output, node.op_type)]
        text = rng.choice([*names, "", "x" * 5000, "N"])
        return text if field.type == Field.TYPE_STRING and isinstance(value, str) else text.encode()
    if field.type in (Field.TYPE_FLOAT, Field.TYPE_DOUBLE):
        return rng.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    if field.type in (Field.TYPE_INT32, Field.TYPE_ENUM):
        return rng.choice((*field.enum_type.values_by_number,) if field.enum_type else NUMBERS[:8])
    return rng.choice(NUMBERS if field.type == Field.TYPE_INT64 else [n for n in NUMBERS if n >= 0])


def attempt(path):
    """Whether the file was read; where it was, its network predicts."""
    try:
        model = fastconv.onnx.read(path)
        shapes = {one.name: tuple(n or 8 for n in (one.shape or (1, 3, 8, 8))[1:]) for one in model.inputs}
        network = model.network(shapes)
    except fastconv.onnx.OnnxError:
        return False
    if max(np.prod(node.shape, dtype=float) for node in network.nodes) < 1e6 and not isinstance(
        network.input_shape, dict
    ):
        network.predict(np.ones((2, *network.input_shape), "float32"))
    return True


def main(seed, count, folder):
    """Mutate and read; the line that says how it went."""
    (folder / "folder").mkdir()
    (folder / "secret.bin").write_bytes(bytes(100_000))
    inside = folder / "folder"
    (inside / "link.bin").symlink_to(folder / "secret.bin")
    os.mkfifo(inside / "pipe")
    files, path = good_files(inside), inside / "bad.onnx"
    warnings.simplefilter("ignore")  # about NaN
    for name in ("a.onnx", "b.onnx", "c.onnx"):
        assert attempt(inside / name), name
    sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(SystemExit("too slow")))
    tracemalloc.start()
    told = {True: 0, False: 0}
    for number in range(seed, seed + count):
        rng = random.Random(number)
        good = files[number % len(files)]
        if rng.randrange(3):
            path.write_bytes(with_fields_changed(good, rng))
        else:
            path.write_bytes(changed(good.SerializeToString(), np.random.default_rng(number)))
        opened.clear()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        signal.alarm(SECONDS)
        try:
            told[attempt(path)] += 1
        except BaseException as error:
            raise SystemExit(f"{number}: {type(error).__name__}: {error}") from error
        signal.alarm(0)
        peak = tracemalloc.get_traced_memory()[1] - before
        if peak > BASE + MOST * path.stat().st_size:
            raise SystemExit(f"{number}: {path.stat().st_size:,} bytes took {peak:,}")
        strange = [name for name in opened if not name.startswith(str(inside)) and not name.endswith((".py", ".pyc"))]
        if strange:
            raise SystemExit(f"{number}: opened {strange[:3]}")
    return f"{told[True]} read, {told[False]} refused"


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
