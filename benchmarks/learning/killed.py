"""`fastconv train` killed at random moments and resumed, until it ends: the weights beside those of a whole run."""

import os
import random
import subprocess
import sys
import tempfile
import time

import numpy as np

import fastconv
from learning.common import say

KILLS, EPOCHS = 20, 30
LONGEST = 7.0  # seconds before a kill
OPTIONS = (
    *("--model", "resnet20", "--augment", "crop,flip", "--normalize", "data", "--batch-size", "64", "--lr", "0.05"),
    *("--momentum", "0.9", "--schedule", "one-cycle", "--validation", "0.1", "--ema", "0.9"),
)


def run(options):
    """How many kills there were, and how many arrays differ."""
    with tempfile.TemporaryDirectory() as folder:
        epochs = str(options.epochs or EPOCHS)
        common = ["--data", os.path.join(options.data, "test"), "--epochs", epochs, *OPTIONS]
        whole, parts = (os.path.join(folder, name) for name in ("whole.npz", "parts.npz"))
        command(*common, "--out", whole).wait()
        kills = 0
        while not os.path.exists(parts):
            checkpoint = os.path.join(folder, "run.npz")
            resume = ["--resume", checkpoint] if os.path.exists(checkpoint) else []
            child = command(*common, "--checkpoint", checkpoint, "--out", parts, *resume)
            if kills < KILLS:
                time.sleep(random.uniform(0, LONGEST))
                kills += child.poll() is None
                child.kill()
            child.wait()
        a, b = np.load(whole), np.load(parts)
        names = [name for name in a.files if name != "metadata.json"]
        different = [name for name in names if not np.array_equal(a[name], b[name])]
    say(f"{kills} kills; {len(different)} of {len(names)} arrays differ from those of a run without a break")
    return {"kills": kills, "different": different}


def command(*arguments):
    path = os.path.dirname(os.path.dirname(fastconv.__file__))
    environment = {**os.environ, "PYTHONPATH": path}
    quiet = {"stdout": subprocess.DEVNULL, "env": environment}
    return subprocess.Popen([sys.executable, "-m", "fastconv", "train", *arguments], **quiet)
