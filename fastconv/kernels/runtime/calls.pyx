# cython: auto_pickle=False, always_allow_keywords=False
"""Calls seen before, and what ops ask of arrays on every call. Compiled once; it needs the C interface of NumPy.

    signature.pxi   what an op can see of its arguments without reading an element, as bytes
    plan.pxi        what a call did: functions with arrays given to the call, new arrays, and constants
    scratch.pxi     memory that only the calls of a plan use, kept from one to the next
    arrays.pxi      views, new arrays, and questions about one array
    layout.pxi      planar and channels-last memory, and what several arrays have in common
    merging.pxi     arrays of one shape as few axes, for kernels that go from element to element
    forms.pxi       the forms of memory that the norms read
    geometry.pxi    the geometry of windows from plain numbers
    windows.pxi     the tables of pooling windows
    taps.pxi        the tables of resized images
    sequence.pxi    the calls of a network's plan, on arrays that stay where they are
    ready.pxi       the arguments of a plan, kept from one call to the next
    idle.pxi        the plans that nobody runs
    batch.pxi       what a network asks of each batch

An op that has run hands over what it did, which the second call of a signature makes a plan of. The next call with the
same signature would pass the same checks and go the same way, so its plan is followed instead. A plan holds no array but constants of the library.
"""

cimport cython
cimport numpy as np
from cython cimport view as memory
from cpython.buffer cimport PyBUF_RECORDS, PyBUF_RECORDS_RO
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.list cimport PyList_GET_ITEM
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy

from .sizes cimport SIZE_LIMIT, times

from functools import partial
from types import BuiltinFunctionType, FunctionType, ModuleType

from numpy import copyto

np.import_array()

MOST = 512  # plans that one op keeps

cdef enum:
    BYTES = 1024  # of a signature
    ARRAYS = 12  # given to a call, or made by it
    AXES = 8

cpdef enum:
    LINE = 64  # bytes of a cache line, and of the widest vector
    SMALL = 1 << 16  # bytes of an array for which starting on a line costs more time than it saves

include "arrays.pxi"
include "layout.pxi"
include "merging.pxi"
include "forms.pxi"
include "geometry.pxi"
include "windows.pxi"
include "taps.pxi"
include "signature.pxi"
include "plan.pxi"
include "scratch.pxi"
include "batch.pxi"
include "sequence.pxi"
include "ready.pxi"
include "idle.pxi"
