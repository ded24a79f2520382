"""The format of a file in words, from its first bytes: for errors about files that hold no images."""

__all__ = ["START", "described", "never_images", "picture"]

START = 256  # bytes looked at
NEVER_IMAGES = {
    b"\x00\x05\x16\x07": "an AppleDouble file, in which macOS keeps the properties of another file",
    b"\x00\x05\x16\x00": "an AppleSingle file, in which macOS wraps another file",
    b"PK\x03\x04": "a zip archive, as .npz files are",
    b"PK\x05\x06": "an empty zip archive",
    b"%PDF": "a PDF document",
    **dict.fromkeys((b"%!PS", b"\xc5\xd0\xd3\xc6"), "PostScript, a program, which is never run"),
    b"\x89HDF": "an HDF5 file",
    b"MATLAB": "a MATLAB file",
    **{bytes([0x80, protocol]): "a pickle, which is never opened" for protocol in (2, 3, 4, 5)},
}
MARKUP = {
    b"<!doctype html": "an HTML page, perhaps the error page of a server",
    b"<html": "an HTML page, perhaps the error page of a server",
    b"<svg": "an SVG drawing",
    b"<?xml": "XML, as SVG drawings are",
}
PICTURES = {
    b"\x89PNG": "a PNG",
    b"\xff\xd8\xff": "a JPEG",
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"RIFF": "a WebP, or a film",
}
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f"))


def never_images(start: bytes) -> str | None:
    """The format of a file that holds neither a picture nor an array; None if these bytes do not tell."""
    if not start:
        return "empty"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()  # without a UTF-8 byte order mark
    found = [words for magic, words in NEVER_IMAGES.items() if start.startswith(magic)]
    found += [words for magic, words in MARKUP.items() if text.startswith(magic)]
    return found[0] if found else None


def picture(start: bytes) -> str | None:
    """The format of a picture; None if it is not one of the usual ones."""
    return next((words for magic, words in PICTURES.items() if start.startswith(magic)), None)


def described(start: bytes) -> str:
    """The format of any file, as far as its first bytes tell."""
    words = never_images(start)
    if words is None and not any(byte in CONTROL for byte in start):
        words = f"text, and begins with {start[:40].decode(errors='replace')!r}"
    if words := words or picture(start):
        return words
    if start.startswith(b"\x93NUMPY"):
        return "a .npy array"
    if start[4:8] == b"ftyp":
        return "a film, or a picture in HEIC or AVIF"
    return f"of an unknown kind, and starts with {start[:8].hex(' ')}"
