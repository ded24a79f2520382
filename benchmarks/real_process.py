"""One measurement of `real.py`, in a process of its own.

    python benchmarks/real_process.py '{"program": "conv", "library": "ours", "threads": 1, "seconds": 1.0}'

Warms up, writes "ready", waits for a line, calls the program for so many seconds, and writes a line of JSON. `library`
is "ours" or "torch"; for a client "ours" or "theirs".
"""

import json
import sys
import time
from importlib import import_module
from statistics import median

LEAST = 3  # calls, however long they take
WARM = 1 / 3  # of the seconds


def repeated(call, seconds):
    """The seconds of every call until they add up to `seconds`."""
    times, total = [], 0.0
    while total < seconds or len(times) < LEAST:
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
        total += times[-1]
    return times


def client(name, library):
    """(call of a client, what is said of its result)."""
    import clients

    chosen = clients.load(name)
    call = chosen.program()
    if library == "theirs":
        return call, {}
    expected = call()
    chosen.replace()
    return call, {"error": clients.error(call(), expected), "tolerance": chosen.TOLERANCE}


def prepared(program, library):
    """(call, what is said of its result)."""
    kind, _, name = program.rpartition(":")
    if kind:
        return client(name, library)
    return getattr(import_module(f"real_{library}"), name)(), {}


def main():
    order = json.loads(sys.argv[1])
    import fastconv

    threads = order.get("threads") or (1 if order["library"] == "torch" else 0)  # ours stays out of PyTorch's way
    if threads:
        fastconv.set_num_threads(threads)
    call, said = prepared(order["program"], order["library"])
    repeated(call, order["seconds"] * WARM)
    print("ready", flush=True)
    sys.stdin.readline()
    times = repeated(call, order["seconds"])
    # A mean, for the calls that stall count.
    print(
        json.dumps(said | {"mean": sum(times) / len(times), "median": median(times), "calls": len(times)}), flush=True
    )


if __name__ == "__main__":
    main()
