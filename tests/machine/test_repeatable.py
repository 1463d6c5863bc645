"""Inside the block PyTorch is as the run says, and outside it is as it was."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from kamerton.machine.repeatable import repeatable, threads_possible

FILLING: Any = torch.utils.deterministic
"""PyTorch gives it no types."""


@pytest.mark.parametrize("deterministic", [True, False])
def test_the_block_computes_as_told(deterministic: bool) -> None:
    threads = torch.get_num_threads()
    with repeatable(deterministic=deterministic, threads=threads + 1):
        assert torch.are_deterministic_algorithms_enabled() is deterministic
        assert torch.get_num_threads() == threads + 1
        assert not FILLING.fill_uninitialized_memory
        assert torch.backends.cudnn.allow_tf32 is not deterministic


def interrupted() -> None:
    with repeatable(deterministic=True, threads=3):
        raise KeyboardInterrupt


def test_afterwards_all_is_as_before_even_after_an_error() -> None:
    before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert FILLING.fill_uninitialized_memory
    assert torch.backends.cudnn.allow_tf32
    assert (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()) == before


@pytest.mark.parametrize(
    ("limit", "possible"), [("1", 1), (" 3 ", 3), ("8", 4), ("", 4), ("many", 4), ("0", 4), (None, 4)]
)
def test_openmps_own_limit_holds_whatever_is_wanted(
    monkeypatch: pytest.MonkeyPatch, limit: str | None, possible: int
) -> None:
    monkeypatch.delenv("OMP_THREAD_LIMIT", raising=False)
    if limit is not None:
        monkeypatch.setenv("OMP_THREAD_LIMIT", limit)
    assert threads_possible(4) == possible
