"""Packages that only some functions need: they are imported when one of these is called."""

from importlib import import_module
from types import ModuleType

__all__ = ["MissingPackage", "needed"]


class MissingPackage(ImportError):
    """A package that an extra would have installed is not there; the message is one line with the command."""


def needed(package: str, what: str, install: str) -> ModuleType:
    """The module `package`; MissingPackage names `what` needs it, and the name by which pip knows it.

    Examples
    --------
    >>> needed("json", "this line", "json").__name__
    'json'
    >>> needed("no_such", "this line", "such")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    MissingPackage: this line needs the package no_such, which is not installed: pip install such
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        if not f"{package}.".startswith(f"{error.name}."):
            raise  # it is there, and lacks something itself
        message = f"{what} needs the package {package}, which is not installed: pip install {install}"
        raise MissingPackage(message, name=package) from None
