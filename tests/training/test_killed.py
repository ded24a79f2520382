"""A training that is killed again and again, at any moment, also while a file is written, loses nothing but time."""

import random
import time

import child
import numpy as np

PROGRAM = """
import sys
import numpy as np
from fastconv import Adam, Network, data, fit, layers, schedules, sequential
from fastconv.callbacks import Checkpoint, WeightAverage
from fastconv.data import transforms

rng = np.random.default_rng(0)
pictures = data.ArrayData(rng.integers(0, 256, (90, 3, 12, 12), dtype=np.uint8), rng.integers(0, 4, 90))
changes = [transforms.random_crop(12, padding=2), transforms.random_flip(), transforms.to_float()]
model = sequential(
    layers.Conv2D(8, 3), layers.BatchNorm(), layers.ReLU(), layers.Dropout(0.2), layers.Flatten(), layers.Linear(4)
)
network = Network(model, (3, 12, 12), seed=0)
fit(
    network,
    data.Loader(pictures, batch_size=10, transforms=changes),
    epochs=100,
    optimizer=Adam(0.01),
    schedule=schedules.one_cycle(),
    validation=0.2,
    callbacks=[WeightAverage(0.9), Checkpoint(sys.argv[1], steps=2)],
    resume=True,
    progress=False,
)
np.savez(sys.argv[2], **network.arrays())
"""
KILLS = 8


def start(folder, name):
    return child.begin("-c", PROGRAM, folder / f"{name}.npz", folder / f"{name}-end.npz")


def test_the_weights_are_those_of_a_run_without_a_break(tmp_path):
    assert start(tmp_path, "whole").wait() == 0
    rng, kills = random.Random(0), 0
    while True:
        running = start(tmp_path, "parts")
        while kills < KILLS and running.poll() is None and not (tmp_path / "parts.npz").exists():
            time.sleep(0.01)
        if kills < KILLS:
            seen = (tmp_path / "parts.npz").stat().st_mtime_ns
            while running.poll() is None and (tmp_path / "parts.npz").stat().st_mtime_ns == seen:
                time.sleep(0.001)  # it has begun to go on
            time.sleep(rng.uniform(0, 0.05))
            running.kill()
            kills += 1
        if running.wait() == 0:
            break
    assert kills == KILLS
    whole, parts = (np.load(tmp_path / f"{name}-end.npz") for name in ("whole", "parts"))
    assert whole.files
    for name in whole.files:
        np.testing.assert_array_equal(whole[name], parts[name], err_msg=name)
