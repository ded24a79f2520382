"""Reads mutated files of weights in a process of its own: `python mutated_files.py KIND SEED COUNT FILE...`.

A file is one of the good FILEs with bytes changed, removed, repeated or cut, sizes made huge, or instructions of its
pickle replaced; where a zip archive has sums, every second one has sums that agree again. Whatever it is, three calls
read it, and each must either read it or raise CheckpointError, within SECONDS, with at most MOST times the memory of
the file beside BASE, and without running a program, opening another file or importing what the good files do not.
The process ends with 0 and prints how many files were read and how many refused; else it prints what went wrong.
"""

import io
import os
import signal
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np

from fastconv import checkpoint
from fastconv.checkpoint import translation

SECONDS = 20
BASE, MOST = 8 << 20, 64
OPCODES = b"().0125NIQRXabceqtuo}]\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x92\x93\x94\x95ghijlprs\x00\xff"
HUGE = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)
PROGRAMS = (
    *("os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.remove", "os.rename", "os.mkdir"),
    *("subprocess.", "pty.", "ctypes.", "socket.", "shutil.", "exec", "pickle.find_class", "import"),
)
EVENTS: list = []
watched = []


def watch(event, arguments):
    """The audit hook: programs, imports and opened files while a file is read; encodings of Python are loaded."""
    first = getattr(arguments[0], "co_filename", arguments[0]) if arguments else ""
    if not watched or (isinstance(first, str) and ("encodings" in first or first == "unicodedata")):
        return
    if event == "open" and isinstance(first, str | bytes):
        if os.fspath(first) != watched[0] and not str(first).startswith("/proc/self/fd"):
            EVENTS.append((event, first))
    elif event.startswith(PROGRAMS):
        EVENTS.append((event, first))


def changed(good, rng):
    """The bytes with one to three mutations."""
    data = bytearray(good)
    for _ in range(rng.integers(1, 4)):
        kind, at = rng.integers(8), int(rng.integers(max(len(data), 1)))
        at = at if rng.integers(2) else at % 2000 % max(len(data), 1)  # what describes the arrays is in front
        if not data:
            break
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = int(rng.integers(256))
        elif kind == 2:
            del data[at : at + int(rng.integers(1, 17))]
        elif kind == 3:
            data[at:at] = data[at : at + int(rng.integers(1, 65))]
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            data[at] = int(rng.choice(list(OPCODES)))
        elif kind == 6:
            size = int(rng.choice([1, 2, 4, 8]))
            data[at : at + size] = struct.pack("<Q", int(HUGE[rng.integers(len(HUGE))]))[:size]
        else:
            digit = [place for place, byte in enumerate(data) if 48 <= byte <= 57][:400]
            if digit:
                place = int(rng.choice(digit))
                data[place : place + 1] = str(HUGE[rng.integers(len(HUGE))]).encode()
    return bytes(data)


def changed_inside(good, rng):
    """A zip archive, one of whose entries is changed, with sums that agree; sometimes it is compressed."""
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    names = list(entries)
    first = [name for name in names if name.endswith((".pkl", ".json"))]
    name = first[0] if first and rng.integers(2) else names[rng.integers(len(names))]
    entries[name] = changed(entries[name], rng)
    if rng.integers(8) == 0:
        entries[f"{name}x"] = entries.pop(name)
    result = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if rng.integers(4) == 0 else zipfile.ZIP_STORED
    with zipfile.ZipFile(result, "w", how) as archive:
        for key, data in entries.items():
            archive.writestr(key, data)
    return result.getvalue()


def attempts(path, arrays):
    """The three calls; each result is read or refused."""
    for call in (
        lambda: checkpoint.load(path, arrays, strict=False),
        lambda: checkpoint.everything(path),
        lambda: checkpoint.metadata(path),
    ):
        watched.append(path)
        try:
            call()
            yield "read"
        except checkpoint.CheckpointError:
            yield "refused"
        finally:
            watched.clear()


def main(seed, count, names):
    """Mutate and read; returns the line that says how it went."""
    files = [(Path(name).suffix, Path(name).read_bytes()) for name in names]
    folder = Path(os.environ["MUTATED"])
    arrays = {}
    for name in names:
        arrays |= {key: np.zeros(array.shape, array.dtype) for key, array in checkpoint.everything(name).arrays.items()}
    for name in names:  # so that all imports are done
        list(attempts(name, arrays))
    list(translation.tables())
    tracemalloc.start()
    sys.addaudithook(watch)
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(SystemExit("too slow")))
    told = {"read": 0, "refused": 0}
    for number in range(seed, seed + count):
        rng = np.random.default_rng(number)
        suffix, good = files[number % len(files)]
        inside = good[:2] == b"PK" and number // len(files) % 2
        bad = changed_inside(good, rng) if inside else changed(good, rng)
        path = str(folder / f"{number}{suffix}")
        Path(path).write_bytes(bad)
        EVENTS.clear()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        signal.alarm(SECONDS)
        try:
            outcomes = list(attempts(path, arrays))
        except BaseException as error:
            raise SystemExit(f"{path}: {type(error).__name__}: {error}") from error
        signal.alarm(0)
        peak = tracemalloc.get_traced_memory()[1] - before
        if peak > BASE + MOST * len(bad):
            raise SystemExit(f"{path}: {len(bad):,} bytes took {peak:,}")
        if EVENTS:
            raise SystemExit(f"{path}: {EVENTS[:3]}")
        for outcome in outcomes:
            told[outcome] += 1
        os.unlink(path)
    return f"{told['read']} read, {told['refused']} refused"


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
