"""Runs the processes that `real.py` measures: in turns, beside others that spin, or several at once."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

PROCESS = Path(__file__).parent / "real_process.py"
SPIN = """
import os, sys
while os.getppid() == int(sys.argv[1]):  # ends with the one that started it, however that ends
    for _ in range(1_000_000):
        pass
"""
CONTENDERS = {  # name -> (what the process is told, its further environment variables)
    "ours": ({"library": "ours"}, {}),
    "one thread": ({"library": "ours", "threads": 1}, {}),
    "fixed": ({"library": "ours"}, {"FASTCONV_THREADS": "fixed"}),
    "torch": ({"library": "torch"}, {}),
    "theirs": ({"library": "theirs"}, {}),
    "OMP_NUM_THREADS=8": ({"library": "ours"}, {"OMP_NUM_THREADS": "8"}),
}


@contextmanager
def spinning(count):
    """`count` other processes take a processor each."""
    started = [subprocess.Popen([sys.executable, "-c", SPIN, str(os.getpid())]) for _ in range(count)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


class Failed(Exception):
    """A process that ended without a result."""


class Measured:
    """A process of its own, warmed up and waiting, then measuring."""

    def __init__(self, program, contender, seconds):
        order, variables = CONTENDERS[contender]
        command = [sys.executable, str(PROCESS), json.dumps(order | {"program": program, "seconds": seconds})]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(command, env=os.environ | variables, text=True, **pipes)

    def ready(self):
        if self.process.stdout.readline() != "ready\n":
            raise Failed(self.process.communicate()[1].strip().rpartition("\n")[2] or "no message")

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def result(self):
        output, errors = self.process.communicate()
        if self.process.returncode:
            raise Failed(errors.strip().rpartition("\n")[2] or "no message")
        return json.loads(output)

    def end(self):
        self.process.kill()
        self.process.communicate()


def together(program, contender, seconds, count=1):
    """The results of `count` processes that measure at the same time."""
    processes = [Measured(program, contender, seconds) for _ in range(count)]
    try:
        for process in processes:
            process.ready()
        for process in processes:
            process.go()
        return [process.result() for process in processes]
    finally:
        for process in processes:
            if process.process.returncode is None:
                process.end()


def in_turns(program, contenders, repeats, seconds, count=1):
    """contender -> the results of its `repeats` turns, and contender -> why it failed; the first one changes."""
    names, results, failed = list(contenders), {name: [] for name in contenders}, {}
    for turn in range(repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            if name in failed:
                continue
            try:
                results[name].append(together(program, name, seconds, count))
            except Failed as why:
                failed[name] = str(why)
    return {name: turns for name, turns in results.items() if name not in failed}, failed
