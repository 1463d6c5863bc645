"""Memory that a step frees serves the next step."""

from __future__ import annotations

import ctypes
import platform
import resource
import sys
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Of glibc's ``mallopt``."""
NEVER, NONE = -1, 0

MADV_HUGEPAGE = 14
LARGE_PAGE_BYTES = 2 << 20
RESERVED_BYTES = 4 << 30
"""Addresses with large pages; what is not used takes no memory."""


@cache
def keep_freed_memory() -> None:
    """Let this process keep what it frees, in large pages, instead of giving each large array back to the kernel.

    A step would otherwise fetch all its arrays anew, page by page, each filled with zeros first: a tenth to a quarter
    of its time. This sets glibc's malloc for the whole process and for good: all memory then comes from the heap
    (``M_MMAP_MAX`` 0), which no longer shrinks (``M_TRIM_THRESHOLD``), and the next 4 GiB of its addresses may have
    large pages; so the process stays as large as it once was. The commands that compute call it; no other function of
    the library does, and a program that uses the library may call it itself, best before its first large array.
    Without glibc nothing is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    library.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.mallopt(M_MMAP_MAX, NONE)
    library.mallopt(M_TRIM_THRESHOLD, NEVER)
    # Taken and given back untouched, it stays at the end of the heap, from where all later arrays come.
    place = library.malloc(RESERVED_BYTES)
    if place:
        first = -(-place // LARGE_PAGE_BYTES) * LARGE_PAGE_BYTES
        library.madvise(first, RESERVED_BYTES - LARGE_PAGE_BYTES, MADV_HUGEPAGE)
        library.free(place)


def peak_memory_bytes() -> int:
    """Largest resident set of this process so far, mapped files included."""
    # Linux counts KiB here, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
