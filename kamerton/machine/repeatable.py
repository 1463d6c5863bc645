"""Same seed, same bits: what PyTorch must be told for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from kamerton.errors import warn

FILLING: Any = torch.utils.deterministic
"""Where PyTorch keeps whether deterministic algorithms fill new tensors; without types of its own."""


def threads_possible(wanted: int) -> int:
    """Say how many threads of the CPU compute where so many are wanted.

    OMP_THREAD_LIMIT holds whatever PyTorch is told, and PyTorch does not notice: `torch.get_num_threads` says what was
    wanted, and the sums come out otherwise.
    """
    limit = os.environ.get("OMP_THREAD_LIMIT", "").strip()
    return min(wanted, int(limit)) if limit.isdecimal() and int(limit) > 0 else wanted


def warn_of_varying_threads() -> None:
    """Warn where OMP_DYNAMIC lets the number of threads follow the load, so that no two sums need be the same."""
    if os.environ.get("OMP_DYNAMIC", "").strip().lower() == "true":
        warn(
            "The same seed may not give the same bits: the number of threads follows the load",
            received="OMP_DYNAMIC=true in the environment",
            next_step="unset it for results that can be repeated",
        )


@contextmanager
def repeatable(*, deterministic: bool, threads: int | None = None) -> Iterator[None]:
    """Compute with deterministic algorithms and in full float32, on so many threads of the CPU, until the block ends.

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
        with full_float32() if deterministic else nullcontext():
            yield
    finally:
        torch.use_deterministic_algorithms(usual[0])
        torch.set_num_threads(usual[1])
        FILLING.fill_uninitialized_memory = usual[2]


@contextmanager
def full_float32() -> Iterator[None]:
    """Let a GPU's convolutions keep all 24 bits of float32 until the block ends; cuDNN would keep 11 (TF32)."""
    usual = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = usual
