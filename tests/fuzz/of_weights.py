"""The target of files of weights that a training may begin with."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import save_file

from kamerton.errors import UsageError
from kamerton.networks.registry import build_network
from kamerton.starts.transfer import Shape, transfer
from kamerton.starts.weights_file import read_weights
from tests.fuzz.cases import Files, files_of

SHAPE = Shape(size=20, channels=1, classes=3)


def _network() -> torch.nn.Module:
    return build_network("lenet5", size=SHAPE.size, channels=SHAPE.channels, classes=SHAPE.classes)


def weights_seeds(folder: Path) -> dict[str, Files]:
    """LeNet-5 as safetensors, and in both forms of PyTorch, with and without more beside it."""
    weights = _network().state_dict()
    for name in ("safe", "zip", "old"):
        (folder / name).mkdir()
    save_file(weights, folder / "safe" / "w.safetensors")
    torch.save(weights, folder / "zip" / "w.pt")
    torch.save({"state_dict": weights, "epoch": 3}, folder / "old" / "w.pth", _use_new_zipfile_serialization=False)
    return {path.name: files_of(path) for path in sorted(folder.iterdir())}


def read_any_weights(folder: Path) -> None:
    """Read the file, and begin with what is in it where it is LeNet-5's."""
    found = read_weights(next(path for path in sorted(folder.iterdir()) if path.is_file()))
    assert found
    for name, tensor in found.items():
        assert isinstance(name, str)
        assert tensor.dtype == torch.float32 or not tensor.is_floating_point()
        assert not tensor.is_floating_point() or bool(tensor.isfinite().all())
    network = _network()
    with suppress(UsageError):
        transfer(found, network, "lenet5", SHAPE, source="there", keep_head=True)
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, found[name]) or tensor.shape != found[name].shape
