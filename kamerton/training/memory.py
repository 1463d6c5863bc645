"""Memory that a step frees serves the next step."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Of glibc's ``mallopt``."""
NEVER, NONE = -1, 0


@cache
def keep_freed_memory() -> None:
    """Let the C library keep what is freed, instead of giving each large array back to the kernel.

    A step would else fetch all its arrays anew, page by page, each filled with zeros first: a tenth to a quarter of its
    time. PyTorch is asked for large pages too, which it heeds where it has not taken memory yet. Without glibc nothing
    is changed.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_MAX, NONE)
        library.mallopt(M_TRIM_THRESHOLD, NEVER)
