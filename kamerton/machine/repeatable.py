"""Same seed, same bits: what PyTorch must be told for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

FILLING: Any = torch.utils.deterministic
"""Where PyTorch keeps whether deterministic algorithms fill new tensors; without types of its own."""


@contextmanager
def repeatable(*, deterministic: bool, threads: int | None = None) -> Iterator[None]:
    """Compute with deterministic algorithms, on so many threads of the CPU, until the block ends.

    The sum of many numbers depends in its last bit on how many threads share it; None keeps the present number.
    """
    usual = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), FILLING.fill_uninitialized_memory
    if deterministic:
        # cuBLAS asks for this before its first use.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    # PyTorch would fill every new tensor first, a quarter of a step's time; no layer reads what it has not written.
    FILLING.fill_uninitialized_memory = False
    if threads is not None and threads != usual[1]:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(usual[0])
        torch.set_num_threads(usual[1])
        FILLING.fill_uninitialized_memory = usual[2]
