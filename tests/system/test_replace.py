"""A file is replaced whole or not at all, and what is no file, or must not be written, stays."""

import os
import pathlib
import stat
import tempfile

import child
import pytest

from fastconv.system.replace import check_target, replacing


class Wrong(Exception):
    pass


def write(path, content=b"new"):
    with replacing(path, Wrong) as file:
        file.write(content)


def test_a_new_file_and_an_old_one(tmp_path):
    write(tmp_path / "a", b"one")
    assert (tmp_path / "a").read_bytes() == b"one"
    write(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_mode_of_an_old_file_is_kept(tmp_path, mode):
    write(tmp_path / "a")
    (tmp_path / "a").chmod(mode)
    write(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_file_follows_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        write(tmp_path / "a")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


def test_a_link_stays_a_link_and_its_file_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "a", b"old")
    (tmp_path / "link").symlink_to("folder/a")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["folder", "link"]
    assert os.listdir(tmp_path / "folder") == ["a"]


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (os.mkfifo, "is not a regular file but a pipe, and stays as it is: choose the name of a file"),
        (os.mkdir, "is not a regular file but a folder, and stays as it is: choose the name of a file in it"),
        (lambda path: path.symlink_to("none"), "is a link to none, which does not exist: remove the link"),
    ],
)
def test_what_is_no_file_is_refused_before_the_block_begins_and_stays(tmp_path, make, says, linked):
    path = tmp_path / "a"
    make(path)
    before = os.lstat(path)
    if linked:
        (tmp_path / "link").symlink_to("a")
        says = says.replace("none, which", "a, which")
    typed = tmp_path / "link" if linked else path
    for work in (lambda: check_target(typed, Wrong), lambda: write(typed)):
        with pytest.raises(Wrong, match=f"{typed} {says}"):
            work()
    after = os.lstat(path)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert len(os.listdir(tmp_path)) == 1 + linked


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError, OSError(28, "No space left on device")])
@pytest.mark.parametrize("old", [None, b"old"])
def test_whatever_ends_the_block_the_old_file_stays_and_nothing_else(tmp_path, error, old):
    path = tmp_path / "a"
    if old:
        path.write_bytes(old)

    def ended():
        with replacing(path, Wrong) as file:
            file.write(b"half of the ne")
            file.flush()
            raise error

    with pytest.raises(error if isinstance(error, type) else OSError):
        ended()
    assert os.listdir(tmp_path) == (["a"] if old else [])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize("step", ["open", "fchmod", "fsync", "replace"])
def test_ctrl_c_at_any_step_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, monkeypatch, step):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    real = getattr(os, step)

    def interrupted(*arguments):
        if step == "open":  # the file is there already
            os.close(real(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(path)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["a"]
    assert path.read_bytes() == b"old"


AS_SOMEBODY = """
import os, sys
from fastconv.system.replace import check_target, replacing
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for work in (lambda: check_target("a", ValueError), lambda: replacing("a", ValueError).__enter__()):
    try:
        work()
    except PermissionError as error:
        print(error.filename, error.strerror)
os.chmod("a", 0o644)  # the advice
with replacing("a", ValueError) as file:
    file.write(b"new")
print(open("a").read())
"""


def test_a_read_only_file_is_not_replaced_though_its_folder_would_allow_it():
    """Root may write every file, so that another user tries."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o777)
        (folder / "a").write_text("old")
        if os.geteuid() == 0:
            os.chown(folder / "a", 65534, 65534)
        (folder / "a").chmod(0o444)
        said = child.run("-c", AS_SOMEBODY, folder).splitlines()
        why = "a Permission denied: the file is read-only: make it writable (chmod u+w), or choose another name"
        assert said == [why, why, "new"]
        assert os.listdir(folder) == ["a"]
