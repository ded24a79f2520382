"""Shared by all tests: the limits of hypothesis, so that a run is short and the same everywhere; many threads."""

import os
import signal

import pytest
from hypothesis import settings

os.environ.setdefault("FASTCONV_THREADS", "fixed")  # what else this machine does changes no test

import fastconv
from fastconv import kernels
from fastconv.kernels.runtime import calls

settings.register_profile("fastconv", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("fastconv")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs in its background ignore Ctrl-C


@pytest.fixture
def all_threads():
    """Threads even where a call is too small for them, and a function that sets how many; put back at the end."""
    before = kernels.threads.set_smallest_share(0)
    yield fastconv.set_num_threads
    kernels.threads.set_smallest_share(before)
    fastconv.set_num_threads(None)


@pytest.fixture(params=kernels.builds)
def each_build(request, monkeypatch):
    """The test once for every build that this processor can run."""
    loaded = {dtype: kernels.Folder(f"fastconv.kernels.{request.param}_{dtype}") for dtype in kernels.DTYPES}
    monkeypatch.setattr(kernels, "_loaded", loaded)  # a new dict: the old one also has the dtypes of NumPy, once used
    calls.forget()
    yield request.param
    calls.forget()


def pytest_collection_modifyitems(items):
    """Names of tests hold no addresses: those differ from process to process, and pytest-xdist needs one list."""
    named = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if named:
        raise pytest.UsageError(f"{len(named)} names of tests hold an address, the first is {named[0]}")
