"""Where to compute: the CPU, or a CUDA GPU."""

from __future__ import annotations

import os
import platform

import torch

from kamerton.checks import require
from kamerton.config.machine import DEFAULT_DEVICE, DEVICES
from kamerton.errors import UsageError

LOCAL_RANK = "LOCAL_RANK"
"""Set by torchrun: which of this machine's processes, and so which of its GPUs, this is."""


def choose_device(wanted: str = DEFAULT_DEVICE) -> torch.device:
    """Choose ``cpu``, ``cuda``, or with ``auto`` a GPU where there is one; each process of torchrun has its own GPU.

    UsageError for another word, or for a GPU where PyTorch sees none.
    """
    require(wanted in DEVICES, "device", wanted, ", ".join(DEVICES))
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError(
            "There is no CUDA GPU",
            received="--device cuda",
            allowed="auto or cpu",
            next_step="look at `nvidia-smi`, and whether PyTorch is a CUDA build",
        )
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    number = int(os.environ.get(LOCAL_RANK, "0")) % torch.cuda.device_count()
    torch.cuda.set_device(number)
    return torch.device("cuda", number)


def describe_device(device: torch.device) -> str:
    """Name the device that computed: the GPU, or the CPU's architecture with the instruction set that PyTorch uses."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return f"{device.type}: {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
