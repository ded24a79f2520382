"""A forked child goes on, whatever other threads of its parent held or were in the middle of."""

import os

import child
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

HEAD = """
import os, signal, threading, time, warnings
import numpy as np
from fastconv.system import interrupt
from fastconv import SGD, Network, fit, layers, sequential, train_step
warnings.simplefilter("ignore", DeprecationWarning)  # Python's word on fork in a process with threads

network = Network(sequential(layers.Conv2D(8, 3), layers.BatchNorm(), layers.Flatten(), layers.Linear(3)), (3, 8, 8))
frozen, x, targets = network.freeze(), np.ones((2, 3, 8, 8), "float32"), [0, 1]
y, z = network.predict(x), frozen.predict(x)

def forked(work):
    "How a child that does this work ends: 0, or 1 after an error, or that it hangs."
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    for _ in range(1000):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hangs"

def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def same():
    np.testing.assert_array_equal(network.predict(x), y)
    np.testing.assert_array_equal(frozen.predict(x), z)

def train():
    train_step(network, x, targets, SGD(0.1))
    train_step(network, x, targets, SGD(0.1), lean=True)
"""

CASES = {
    "locks that another thread holds": """
held, done = threading.Event(), threading.Event()
def hold():
    with network.executor.lock, network.training():
        held.set()
        done.wait(60)
thread = threading.Thread(target=hold)
thread.start()
held.wait()
works = {"predict": same, "train": train, "freeze": network.freeze, "grandchild": lambda: os._exit(forked(same))}
results = {name: forked(work) for name, work in works.items()}
done.set()
thread.join()
assert results == dict.fromkeys(works, 0), results
same()  # the parent's own locks are as they were
""",
    "plans and values that another thread is at work with": """
def spoil():
    "What a half-done plan may have left."
    network.executor.arena[...] = 255
    for plan in (network.executor.bound_plan(2), *frozen.idle.plans):
        plan.run = lambda: None
in_a_thread(spoil)
assert forked(same) == 0
""",
    "a fork by the thread that trains": """
def in_training():
    with network.training():
        code = forked(lambda: (same(), train()))
    train()
    return code
assert in_training() == 0
parent = os.getpid()
def on_epoch(epoch):
    if epoch.epoch == 1 and os.fork() == 0:
        return False
    if os.getpid() == parent and epoch.epoch == 1:
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
history = fit(network, x, targets, epochs=3, progress=False, on_epoch=on_epoch)
assert len(history) == 3
train()
if os.getpid() != parent:
    os._exit(0)
""",
    "a fork inside an optimizer's step": """
class Forking(SGD):
    def step(self, parameters, gradients):
        super().step(parameters, gradients)
        self.code = forked(lambda: (network.predict(x), train()))
optimizer = Forking(0.1)
train_step(network, x, targets, optimizer)
assert optimizer.code == 0
""",
    "an interrupt that another thread holds back": """
def interrupted():
    try:
        signal.raise_signal(signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        os._exit(8)
codes = []
with interrupt.held_back():
    in_a_thread(lambda: codes.append(forked(interrupted)))
    codes.append(forked(lambda: signal.raise_signal(signal.SIGINT)))  # the thread that holds it back: after the block
assert codes == [8, 0], codes
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
""",
}


@pytest.mark.parametrize("case", CASES)
def test_a_child_is_not_stopped_by(case):
    child.run("-c", HEAD + CASES[case])


def test_a_network_that_is_gone_is_not_renewed():
    child.run(
        "-c",
        "import gc, os\nfrom fastconv import Network, layers\nfrom fastconv.system import fork\nn = len(fork.holders)\n"
        "network = Network(layers.Linear(2), (3,))\nfrozen = network.freeze()\nassert len(fork.holders) == n + 2\n"
        "del network, frozen\ngc.collect()\nassert len(fork.holders) == n\n",
    )
