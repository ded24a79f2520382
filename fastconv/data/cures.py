"""What to do with a file that holds no picture that can be read: the line that makes a picture or an array of it."""

import re
from pathlib import Path

from .elsewhere import PACKED

__all__ = ["cure"]

TEXTS = (".csv", ".tsv", ".txt", ".dat")
DRAWN = (b"%PDF", b"%!PS", b"\xc5\xd0\xd3\xc6", b"<svg", b"<?xml")
HEADER = re.compile(r"\s*[\"']?[A-Za-z]")  # of a table, whose first line names its columns
LABEL = re.compile(r"\s*[\"']?(label|class|target|y\b)", re.IGNORECASE)  # a first column that is no pixel


def cure(path: Path, start: bytes, shape: tuple[int | str, ...]) -> str:
    """'; ...' with what to do about a file that begins with `start`; '' if nothing can be told."""
    name, suffix = str(path), path.suffix.lower()
    if suffix == ".npz":
        return saving(f"numpy.load({name!r})[name]")
    if start.startswith(b"MATLAB") or suffix == ".mat":
        return saving(f"scipy.io.loadmat({name!r})[name]")
    if start.startswith(b"\x89HDF"):
        return saving(f"h5py.File({name!r})[name][()]")
    if suffix in TEXTS and b"\0" not in start:
        return from_text(name, start.decode(errors="replace"), shape)
    if suffix in PACKED:
        return "; unpack it first"
    if start[4:8] == b"ftyp" or start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(
        tuple(magic.lower() for magic in DRAWN)
    ):
        return "; save it as a PNG or JPEG"
    return ""


def saving(array: str) -> str:
    """The line that saves one array of a file with several."""
    return f"; save one of its arrays: numpy.save('images.npy', {array})"


def from_text(name: str, start: str, shape: tuple[int | str, ...]) -> str:
    """The line that saves the numbers of a table, one image in a row or a row of pixels in a line."""
    options = ", delimiter=','" if "," in start else ", delimiter=';'" if ";" in start else ""
    options += ", skiprows=1" if HEADER.match(start) else ""
    columns = "[:, 1:]" if LABEL.match(start) else ""
    rows = f"numpy.loadtxt({name!r}{options}){columns}.reshape(-1, {', '.join(map(str, shape))})"
    return f"; if it holds pixels from 0 to 255, write numpy.save('images.npy', {rows} / 255)"
