"""Ordinary files, told from what would wait for ever or is disturbed when it is opened."""

import os

import pytest

from fastconv.system.files import open_regular


class Wrong(Exception):
    pass


def test_an_ordinary_file_is_open_to_be_read(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        with open_regular(tmp_path / name, Wrong) as file:
            assert file.read() == b"abc"


@pytest.mark.parametrize(("make", "what"), [(os.mkfifo, "a pipe"), (os.mkdir, "a folder")])
def test_others_raise_what_was_asked_for_and_are_not_opened(tmp_path, monkeypatch, make, what):
    make(tmp_path / "a")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(Wrong, match=f"a is not a regular file but {what}"):
        open_regular(tmp_path / "a", Wrong)


def test_a_pipe_that_came_in_between_is_closed_again(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"abc")
    ordinary, closed, close = os.stat(tmp_path / "a"), [], os.close
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    monkeypatch.setattr(os, "stat", lambda path: ordinary)
    monkeypatch.setattr(os, "close", lambda handle: (closed.append(handle), close(handle)))
    with pytest.raises(Wrong, match="a pipe"):
        open_regular(tmp_path / "a", Wrong)
    assert len(closed) == 1


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none", Wrong)
