"""Where files are written and read: what is no file is left alone, errors name the path that was typed."""

import os
import pathlib
import signal
import socket
import stat
import subprocess
import tempfile
import threading

import child
import numpy as np
import pytest

from fastconv import Network, layers
from fastconv.checkpoint import CheckpointError, check_path, load, metadata, save
from fastconv.cli import parser
from fastconv.data import DataError, read_idx
from fastconv.system import files

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices, mounts, and becomes somebody else")
ACTIONS = {
    "save": lambda path: save(path, {"w": np.ones(2)}),
    "check_path": check_path,
    "load": lambda path: load(path, {"w": np.ones(2)}),
    "load in part": lambda path: load(path, {"w": np.ones(2)}, strict=False),
    "metadata": metadata,
    "Network.save": lambda path: Network(layers.Linear(2), (3,)).save(path),
    "Network.load": lambda path: Network(layers.Linear(2), (3,)).load(path),
}
WRITING = ("save", "check_path", "Network.save")


@pytest.fixture(autouse=True)
def never_waits():
    """What waits for ever is stopped after ten seconds, and fails."""

    def stop(*_):
        raise TimeoutError("waits for ever")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def bound(path):
    made = socket.socket(socket.AF_UNIX)
    made.bind(os.path.relpath(path))  # names of sockets are short
    made.close()


NODES = {
    "a pipe": os.mkfifo,
    "a folder": os.mkdir,
    "a socket": bound,
    "a device": lambda path: os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
    "a disk": lambda path: os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(240, 0)),
}


@pytest.fixture(params=NODES)
def node(tmp_path, request):
    if request.param in ("a device", "a disk") and os.geteuid() != 0:
        pytest.skip("only root makes devices")
    path = tmp_path / "node.npz"
    NODES[request.param](path)
    return path, request.param.replace("disk", "device")


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_no_file_is_refused_at_once_and_stays(node, action, linked):
    path, what = node
    before = os.lstat(path)
    typed = path.with_name("link.npz") if linked else path
    if linked:
        typed.symlink_to(path)
    cure = "" if action not in WRITING else ", and stays as it is: choose the name of a file"
    with pytest.raises(CheckpointError, match=f"{typed} is not a regular file but {what}{cure}"):
        ACTIONS[action](typed)
    after = os.lstat(path)
    assert (after.st_ino, after.st_mode, after.st_rdev) == (before.st_ino, before.st_mode, before.st_rdev)
    assert len(os.listdir(path.parent)) == 1 + linked
    assert typed.is_symlink() == linked


@pytest.mark.parametrize("action", WRITING)
def test_a_link_to_nothing_is_refused_and_stays(tmp_path, action):
    (tmp_path / "a.npz").symlink_to("none.npz")
    with pytest.raises(CheckpointError, match=r"a.npz is a link to none.npz, which does not exist"):
        ACTIONS[action](tmp_path / "a.npz")
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize("read", [metadata, lambda path: load(path, {"w": np.ones(2)})])
@pytest.mark.parametrize("path", ["/proc/self/mem", "/proc/self/status"])
def test_files_of_the_kernel_are_empty(path, read):
    if not os.path.exists(path):
        pytest.skip("no /proc here")
    with pytest.raises(CheckpointError, match=f"{path} is empty"):
        read(path)


@pytest.mark.parametrize(
    ("read", "error"),
    [(metadata, CheckpointError), (read_idx, DataError), (lambda path: files.open_regular(path, KeyError), KeyError)],
)
def test_a_pipe_that_takes_the_place_of_the_file_between_two_looks_is_seen(tmp_path, monkeypatch, read, error):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    really_open = os.open

    def swapped(name, *arguments, **options):
        if name == path or name == str(path):
            path.unlink()
            os.mkfifo(path)
        return really_open(name, *arguments, **options)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(error, match="is not a regular file but a pipe"):
        read(path)


def test_training_is_refused_before_it_begins_where_the_result_would_replace_a_pipe(tmp_path, capsys):
    os.mkfifo(tmp_path / "out.npz")
    assert parser.main(["train", "--data", "/none", "--out", str(tmp_path / "out.npz")]) == 1
    assert "out.npz is not a regular file but a pipe" in capsys.readouterr().err
    assert parser.main(["train", "--data", "/none", "--out", str(tmp_path / "out.pth")]) == 1
    assert "out.safetensors" in capsys.readouterr().err
    assert stat.S_ISFIFO((tmp_path / "out.npz").stat().st_mode)


# Permissions.


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444, 0o400, 0o755])
def test_the_old_files_permissions_are_kept(tmp_path, mode, suffix):
    path = tmp_path / f"a.{suffix}"
    save(path, {"w": np.zeros(2)})
    path.chmod(mode)
    if not os.access(path, os.W_OK):  # of root's files, all may be written
        with pytest.raises(PermissionError, match="the file is read-only"):
            save(path, {"w": np.ones(2)})
        return
    save(path, {"w": np.ones(2)})
    assert stat.S_IMODE(path.stat().st_mode) == mode
    link = tmp_path / f"link.{suffix}"
    link.symlink_to(path.name)
    save(link, {"w": np.ones(2)})
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_follows_the_umask(tmp_path, suffix, umask):
    before = os.umask(umask)
    try:
        save(tmp_path / f"a.{suffix}", {"w": np.zeros(2)})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / f"a.{suffix}").stat().st_mode) == 0o666 & ~umask


@ROOT
def test_the_old_files_owner_is_kept(tmp_path):
    path = tmp_path / "a.npz"
    save(path, {"w": np.zeros(2)})
    os.chown(path, 12345, 54321)
    path.chmod(0o660)
    save(path, {"w": np.ones(2)})
    kept = path.stat()
    assert (kept.st_uid, kept.st_gid, stat.S_IMODE(kept.st_mode)) == (12345, 54321, 0o660)


def test_nobody_else_can_read_the_new_file_while_it_is_written(tmp_path, monkeypatch):
    path, seen, fsync = tmp_path / "a.npz", [], os.fsync
    save(path, {"w": np.zeros(2)})
    path.chmod(0o600)
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(os.fstat(handle).st_mode), fsync(handle)))
    save(path, {"w": np.ones(2)})
    assert stat.S_IMODE(seen[0]) == 0o600


def test_another_hard_link_keeps_the_old_file(tmp_path):
    path, other = tmp_path / "a.npz", tmp_path / "b.npz"
    save(path, {"w": np.zeros(2)})
    os.link(path, other)
    old = other.read_bytes()
    save(path, {"w": np.ones(2)})
    assert other.read_bytes() == old


# Errors name the path as it was typed.


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("none/a.npz", "there is no folder none"),
        (pathlib.Path("none/a.npz"), "there is no folder none"),
        (b"none/a.npz", "there is no folder none"),
        ("~/none/a.npz", r"no folder ~/none; write os.path.expanduser\(path\)"),
        ("file/a.npz", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("loop.npz", "Too many levels of symbolic links"),
    ],
)
def test_paths_that_cannot_be(here, action, typed, says):
    (here / "file").write_text("x")
    (here / "loop.npz").symlink_to("loop.npz")
    with pytest.raises(OSError, match=says) as caught:
        ACTIONS[action](typed)
    assert caught.value.filename == os.fsdecode(typed)
    assert sorted(os.listdir(here)) == ["file", "loop.npz"]


@pytest.mark.parametrize("action", ["load", "load in part", "metadata", "Network.load"])
def test_a_missing_file(here, action):
    with pytest.raises(FileNotFoundError) as caught:
        ACTIONS[action]("none.npz")
    assert caught.value.filename == "none.npz"


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("typed", [None, 3, 3.5, True, ["a.npz"], {"w": np.ones(2)}, object()])
def test_what_is_no_path(here, action, typed):
    """A number would be a descriptor that somebody else has open; a dict of arrays is loaded."""
    if isinstance(typed, dict) and "load" in action:
        return
    with pytest.raises(TypeError, match=r"path must be (text or a pathlib\.Path|a file or a dict of arrays), got"):
        ACTIONS[action](typed)
    assert os.listdir(here) == []


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("typed", ["", "a\0b.npz", b"", b"\0", "\ud800.npz", pathlib.Path("\udfff.npz")])
def test_text_that_is_no_name_of_a_file(here, action, typed):
    with pytest.raises(CheckpointError, match="path must be the name of a file, got"):
        ACTIONS[action](typed)
    assert os.listdir(here) == []


@pytest.mark.parametrize("action", WRITING)
@pytest.mark.parametrize("typed", ["none/", ".", "..", "/"])
def test_names_of_folders(here, action, typed):
    with pytest.raises((CheckpointError, FileNotFoundError), match="folder"):
        ACTIONS[action](typed)
    assert os.listdir(here) == []


class Typed:
    def __fspath__(self):
        return "a.npz"


@pytest.mark.parametrize(
    "typed",
    ["a.npz", b"a.npz", pathlib.Path("a.npz"), Typed(), "./a.npz"],
)
def test_paths_of_every_kind(here, typed):
    save(typed, {"w": np.ones(2)}, 3)
    target = {"w": np.zeros(2)}
    assert load(typed, target) == metadata(typed) == 3
    assert target["w"].tolist() == [1, 1]


@pytest.mark.parametrize(
    "name", ["a b.npz", "a\nb\t.npz", "ä.npz", "-.npz", "%s.npz", "{x}.npz", b"\xff\xfe.npz", "x" * 251 + ".npz", "~"]
)
def test_names_of_every_kind(here, name):
    """251 + 4 letters are the longest name of a file: that of the temporary one is shorter."""
    save(name, {"w": np.ones(2)})
    assert os.listdir(os.fsencode(here)) == [os.fsencode(name)]
    target = {"w": np.zeros(2)}
    load(name, target)
    assert target["w"].tolist() == [1, 1]


AS_SOMEBODY = """
import difflib, os, pickletools, sys, zipfile  # what is read as another user may not be importable
import numpy as np
from fastconv.checkpoint import load, metadata, save
os.chdir(sys.argv[1])
os.setgid(65534)
os.setuid(65534)
for action in (
    lambda: save("closed/a.npz", {}), lambda: save("readonly/a.npz", {}), lambda: save("readonly/new.safetensors", {}),
    lambda: load("secret.npz", {}), lambda: metadata("secret.npz"), lambda: load("closed/a.npz", {}),
):
    try:
        action()
    except OSError as error:
        print(type(error).__name__, error.filename)
save("open/a.npz", {"w": np.ones(3)})
print(oct(os.stat("open/a.npz").st_mode & 0o777))
"""


@pytest.fixture
def anybodys():
    """A folder that others reach, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@ROOT
def test_without_permission_the_error_names_the_path_and_nothing_changes(anybodys):
    for folder, mode in (("closed", 0o700), ("readonly", 0o755), ("open", 0o777)):
        (anybodys / folder).mkdir()
        save(anybodys / folder / "a.npz", {"w": np.zeros(2)})
        (anybodys / folder).chmod(mode)
    (anybodys / "open" / "a.npz").chmod(0o606)
    save(anybodys / "secret.npz", {})
    (anybodys / "secret.npz").chmod(0o600)
    old = {path: path.read_bytes() for path in anybodys.glob("*/a.npz") if path.parent.name != "open"}
    said = child.run("-c", AS_SOMEBODY, anybodys).splitlines()
    assert said == [
        "PermissionError closed/a.npz",
        "PermissionError readonly/a.npz",
        "PermissionError readonly/new.safetensors",
        "PermissionError secret.npz",
        "PermissionError secret.npz",
        "PermissionError closed/a.npz",
        "0o606",
    ]
    assert old == {path: path.read_bytes() for path in old}
    assert os.listdir(anybodys / "readonly") == ["a.npz"]


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


@ROOT
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_full_disk_keeps_the_old_file_and_the_error_names_the_path(small_disk, suffix, monkeypatch):
    monkeypatch.chdir(small_disk.parent)
    typed = f"disk/a.{suffix}"
    save(typed, {"w": np.zeros(100)})
    old = (small_disk / f"a.{suffix}").read_bytes()
    with pytest.raises(OSError, match="No space left") as caught:
        save(typed, {"w": np.zeros(100_000)})
    assert caught.value.filename == typed
    assert (small_disk / f"a.{suffix}").read_bytes() == old
    assert os.listdir(small_disk) == [f"a.{suffix}"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_whatever_step_fails_the_old_file_stays(here, monkeypatch, suffix, step):
    save(f"a.{suffix}", {"w": np.zeros(2)})
    old = (here / f"a.{suffix}").read_bytes()

    def fails(*_):
        raise OSError(5, "Input/output error", "somewhere else")

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(OSError, match="Input/output error") as caught:
        save(f"a.{suffix}", {"w": np.ones(2)})
    monkeypatch.undo()
    os.chdir(here)
    assert caught.value.filename == f"a.{suffix}"
    assert (here / f"a.{suffix}").read_bytes() == old
    assert os.listdir(here) == [f"a.{suffix}"]


def test_threads_may_save_to_one_path(here):
    """Each file is whole, and the last one stays."""
    failed = []

    def write(n):
        try:
            for _ in range(5):
                save("a.npz", {"w": np.full(1000, float(n))}, n)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    target = {"w": np.zeros(1000)}
    n = load("a.npz", target)
    assert (target["w"] == n).all()
    assert not failed
    assert os.listdir(here) == ["a.npz"]
