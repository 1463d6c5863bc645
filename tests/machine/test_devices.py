"""The device is the one asked for, or an error says why not."""

from __future__ import annotations

import pytest
import torch

from kamerton.errors import UsageError
from kamerton.machine.devices import choose_device, describe_device


def test_without_a_gpu_auto_is_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


def test_without_a_gpu_asking_for_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"no CUDA GPU.*auto or cpu.*nvidia-smi"):
        choose_device("cuda")


def test_another_word_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"device.*tpu.*auto, cpu, cuda"):
        choose_device("tpu")


@pytest.mark.parametrize(("local_rank", "number"), [(None, 0), ("1", 1), ("5", 1)])
def test_each_process_of_torchrun_has_its_own_gpu(
    local_rank: str | None, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local_rank is not None:
        monkeypatch.setenv("LOCAL_RANK", local_rank)
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", number)
    assert choose_device("cpu") == torch.device("cpu")
    assert chosen == [number, number]


def test_the_processor_is_told_with_its_instructions() -> None:
    assert describe_device(torch.device("cpu")).endswith(torch.backends.cpu.get_cpu_capability())
