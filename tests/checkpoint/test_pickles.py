"""Pickles that are programs: nothing in them is run, and those that would take for ever end at once."""

import os
import pickle
import struct
from pathlib import Path

import pytest
from torch_files import written

from fastconv import Network, sequential
from fastconv.checkpoint import CheckpointError, metadata
from fastconv.layers import BatchNorm, Linear

FILES = Path(__file__).parent / "files"


def network():
    return Network(sequential(Linear(3, name="fc"), BatchNorm(name="bn")), (4,), seed=1)


class Evil:
    def __init__(self, *calls):
        self.calls = calls

    def __reduce__(self):
        return self.calls


def calls(module, name, argument):
    """The instructions that reach a function or a class, and that would call it."""
    text = argument.encode()
    push = b"X" + struct.pack("<I", len(text)) + text
    short = [b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name)]
    named = f"c{module}\n{name}\n".encode()
    return {
        "GLOBAL REDUCE": b"\x80\x02" + named + push + b"\x85R.",
        "STACK_GLOBAL REDUCE": b"\x80\x04" + short[0] + short[1] + b"\x93" + push + b"\x85R.",
        "INST": b"(" + push + f"i{module}\n{name}\n.".encode(),
        "OBJ": b"(" + named + push + b"o.",
        "NEWOBJ": b"\x80\x02" + named + push + b"\x85\x81.",
        "NEWOBJ_EX": b"\x80\x04" + named + push + b"\x85}\x92.",
        "BUILD": b"\x80\x02}" + named + push + b"\x85R" + b"b.",
        "EXT1": b"\x80\x02\x82\x01" + push + b"\x85R.",
        "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
        "in a dict": b"\x80\x02}X\x01\x00\x00\x00a" + named + push + b"\x85Rs.",
        "never called": b"\x80\x02" + named + b".",
        "under a list": b"\x80\x02](" + named + push + b"\x85Re.",
    }


@pytest.mark.parametrize("wrapped", ["zip", "legacy", "alone"])
@pytest.mark.parametrize("way", calls("os", "system", ""))
def test_no_pickle_runs_anything(tmp_path, way, wrapped):
    """Whatever instruction would call os.system: refused by name, and nothing is called."""
    mark = tmp_path / "called"
    program = calls("os", "system", f"touch {mark}")[way]
    path = tmp_path / "evil.pth"
    if wrapped == "zip":
        written(path, program)
    else:
        start = (FILES / "legacy.pth").read_bytes()[:137] if wrapped == "legacy" else b""
        path.write_bytes(start + program)
    for strict in (True, False):
        with pytest.raises(CheckpointError, match=r"os\.system|INST|EXT|pickle"):
            network().load(path, strict=strict)
    with pytest.raises(CheckpointError):
        metadata(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "function",
    [
        *("builtins.eval", "builtins.getattr", "builtins.exec", "posix.system", "subprocess.Popen", "os.popen"),
        *("torch.load", "torch.hub.load", "torch.storage._load_from_bytes", "argparse.ArgumentParser"),
        *("numpy.load", "numpy.core.multiarray.fromfile", "collections.namedtuple", "copyreg._reconstructor"),
        *("pickle.loads", "importlib.import_module", "torch.FloatStorage.from_file", "runpy._run_code"),
    ],
)
def test_only_the_names_that_a_state_dict_needs_are_known(tmp_path, function):
    module, name = function.rsplit(".", 1)
    written(tmp_path / "a.pth", calls(module, name, "x")["STACK_GLOBAL REDUCE"])
    with pytest.raises(CheckpointError, match=function):
        network().load(tmp_path / "a.pth")


def test_what_python_pickles_is_refused_too(tmp_path):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        program = pickle.dumps({"a": Evil(os.getenv, ("HOME",))}, protocol)
        with pytest.raises(CheckpointError):
            network().load(written(tmp_path / "a.pth", program))
        (tmp_path / "a.pkl").write_bytes(program)
        with pytest.raises(CheckpointError, match=r"pickle|unknown kind"):
            network().load(tmp_path / "a.pkl")


BOMBS = {
    "deep tuples": b"\x80\x02N" + b"\x85" * 100_000 + b".",
    "deep lists": b"\x80\x02" + b"](" * 50_000 + b"e" * 50_000 + b".",
    "doubled tuples": b"\x80\x02N" + b"2\x86" * 100_000 + b".",
    "a doubled tuple as a key": b"\x80\x02}N" + b"2\x86" * 100 + b"Ns.",
    "a dict in itself": b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.",
    "a list in itself": b"\x80\x02]q\x00h\x00a.",
    "a long list copied often": b"\x80\x02ccollections\nOrderedDict\nq\x00]("
    + b"N" * 200_000
    + b"eq\x01\x85q\x020"
    + b"h\x00h\x02R" * 1_000
    + b".",
    "a long shape checked often": b"\x80\x02ctorch\nSize\nq\x00("
    + b"K\x01" * 200_000
    + b"tq\x01\x85q\x020"
    + b"h\x00h\x02R" * 100_000
    + b".",
    "a number of a million digits": b"\x80\x02I" + b"9" * 1_000_000 + b"\n.",
    "a number of two gigabytes": b"\x80\x02\x8b\xff\xff\xff\x7f" + bytes(100),
    "a number of eight million bits": b"\x80\x02\x8b" + struct.pack("<i", 1 << 20) + b"\1" * (1 << 20) + b".",
    "text of four gigabytes": b"\x80\x02X\xff\xff\xff\xff" + b"a" * 100,
    "text of 2^63 bytes": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f" + b"a" * 100,
    "bytes of 2^63 bytes": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f" + b"a" * 100,
    "a long key": b"\x80\x02}X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"Ns.",
    "a place of the memo far away": b"\x80\x02Nr\xff\xff\xff\xff.",
    "an empty place of the memo": b"\x80\x02h\x07.",
    "a frame of 2^63 bytes": b"\x80\x04\x95" + b"\xff" * 7 + b"\x7f.",
    "an empty stack": b"\x80\x02.",
    "no STOP": b"\x80\x02N",
    "no mark": b"\x80\x02Nt.",
    "half a pair": b"\x80\x02}(Nu.",
    "an unknown instruction": b"\x80\x02\xff.",
    "nothing": b"",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_end_at_once(tmp_path, bomb):
    written(tmp_path / "a.pth", BOMBS[bomb])
    with pytest.raises(CheckpointError):
        network().load(tmp_path / "a.pth")


def test_settings_are_never_made(tmp_path):
    """A Namespace, a path and a default dict stay names: their classes are not called, nor their factory."""
    name = b"\x80\x02}X\x01\x00\x00\x00a"
    for program in (
        b"cargparse\nNamespace\n)\x81}X\x04\x00\x00\x00seedK\x01sb",
        b"cpathlib\nPosixPath\nX\x04\x00\x00\x00/tmp\x85R",
        b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R",
    ):
        with pytest.raises(CheckpointError, match="holds no tensors"):
            network().load(written(tmp_path / "a.pth", name + program + b"s."))


@pytest.mark.parametrize(
    "arguments",
    [
        b"(cos\nsystem\n",
        b"(ctorch._tensor\n_rebuild_from_type_v2\nctorch\nTensor\n(t}t",
        b"(ctorch\nTensor\nctorch\nTensor\n(t}t",
        b"(X\x01\x00\x00\x00actorch\nTensor\n(t}t",
        b"(ctorch\nSize\nctorch\nTensor\nN}t",
        b"(t",
    ],
)
def test_tensors_of_a_class_are_made_by_known_functions_alone(tmp_path, arguments):
    made = b"\x80\x02}X\x01\x00\x00\x00actorch._tensor\n_rebuild_from_type_v2\n" + arguments + b"Rs."
    with pytest.raises(CheckpointError, match=r"os\.system|a call of torch|damaged"):
        network().load(written(tmp_path / "a.pth", made))
