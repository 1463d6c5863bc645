"""Weights in safetensors files, read only as far as they are the ones that were promised."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from kamerton.errors import OutputError
from kamerton.files import whole_file
from kamerton.opening import open_plain

HEADER_BYTES = 4 << 20
"""A longer header describes no network known here: it takes about 100 bytes a tensor."""

LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header, a little-endian integer."""

NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""How safetensors calls the types."""


TYPES = {name: kind for kind, name in NAMES.items()}

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def tensor_shapes(path: Path) -> dict[str, torch.Tensor]:
    """Give the tensors of a safetensors file as empty ones (``meta``); nothing of their size is read.

    Raises OSError where the file cannot be read, and ValueError where it is damaged or has a type unknown here.
    """
    _check_header(path)
    try:
        with safe_open(path, "pt") as content:
            slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118  not a mapping
            kinds = {name: found.get_dtype() for name, found in slices.items()}
            unknown = sorted(name for name, kind in kinds.items() if kind not in TYPES)
            if unknown:
                raise ValueError(f"{unknown[0][:60]}: numbers of type {kinds[unknown[0]]}")
            return {
                name: torch.empty(found.get_shape(), dtype=TYPES[kinds[name]], device="meta")
                for name, found in slices.items()
            }
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(str(error)) from error


def _check_header(path: Path) -> None:
    with open_plain(path) as file:
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(0)
        header_bytes = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if size_bytes < LENGTH_BYTES or header_bytes > min(HEADER_BYTES, size_bytes - LENGTH_BYTES):
        raise ValueError(f"a header of {header_bytes} bytes in a file of {size_bytes} bytes")


def read_tensors(path: Path, expected: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Read a safetensors file that holds exactly the tensors of ``expected``, which may be empty (``meta``) ones.

    Names, types and shapes are compared before any of them takes memory. Raises OSError where the file cannot be read,
    and ValueError where it is damaged or holds anything else.
    """
    _check_header(path)
    try:
        with safe_open(path, "pt") as content:
            names = set(content.keys())
            if names != set(expected):
                raise ValueError(_list_some("missing", set(expected) - names, "unknown", names - set(expected)))
            for name, tensor in expected.items():
                found = content.get_slice(name)
                kind, shape = found.get_dtype(), tuple(found.get_shape())
                wanted = NAMES[tensor.dtype], tuple(tensor.shape)
                if (kind, shape) != wanted:
                    raise ValueError(f"size mismatch for {name}: {kind} {shape} instead of {wanted[0]} {wanted[1]}")
            return {name: content.get_tensor(name) for name in expected}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, whole or not at all; OutputError where it cannot be written."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with whole_file(path, apart=True) as partial:
        try:
            save_file(plain, partial, metadata=None if metadata is None else dict(metadata))
        except SafetensorError as error:
            # Its own kind of error hides a full disk.
            raise OutputError(
                f"{path} cannot be written",
                received=error,
                next_step="make room, and give the command again; earlier files are whole",
            ) from error


def _list_some(*kinds_and_names: str | set[str]) -> str:
    """List names by kind, the first three of each."""
    parts = []
    for kind, names in zip(kinds_and_names[::2], kinds_and_names[1::2], strict=True):
        if names:
            shown = ", ".join(name[:60] for name in sorted(names)[:3])
            parts.append(f"{kind}: {shown}{', ...' if len(names) > 3 else ''}")
    return "; ".join(parts)
