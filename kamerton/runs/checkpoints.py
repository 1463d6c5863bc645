"""``checkpoint/``: tensors as safetensors and numbers as JSON with their hashes, each written beside and renamed.

A checkpoint is there once its JSON is, and that comes last; the two newest are kept, so that a damaged one has one
before it. Reading checks hashes, and executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from kamerton.errors import RunError
from kamerton.files import (
    cannot_write,
    file_sha256,
    json_sha256,
    read_json,
    remove_partial,
    write_json,
)
from kamerton.tensors import write_tensors

CHECKPOINTS_KEPT = 2
FORMAT = 1
"""Counts up when the content changes its meaning."""
OWN_FILE = re.compile(r"\d{6,}-\d{9,}\.(json|safetensors)")
"""The files of checkpoints; whatever else lies beside them is not touched."""
OWN_PARTIAL = re.compile(r"\.\d{6,}-\d{9,}\.partial\.(json|safetensors)")
"""And before they have their names."""
JSON_BYTES = 64 << 20
"""A longer JSON is no checkpoint: a history of a million epochs is shorter."""


def save_checkpoint(
    folder: Path, epoch: int, step: int, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]
) -> None:
    """Keep the state after so many epochs, and batches of the next one.

    OutputError where it cannot be written, and then the earlier ones are untouched.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    name = f"{epoch:06d}-{step:09d}"
    weights = folder / f"{name}.safetensors"
    write_tensors(weights, tensors)
    content = {
        "format": FORMAT,
        "tensors": {"file": weights.name, "bytes": weights.stat().st_size, "sha256": file_sha256(weights)},
        "session": dict(numbers),
    }
    write_json(folder / f"{name}.json", _finite(content) | {"sha256": json_sha256(_finite(content))})
    keep_newest(folder, CHECKPOINTS_KEPT)


def _finite(value: Any) -> Any:
    """Write NaN and infinity, which JSON lacks, as text: a diverged training is kept too."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and value - value != 0:
        return f"float:{value!r}"
    return value


def _as_numbers(value: Any) -> Any:
    """Undo `_finite`."""
    if isinstance(value, dict):
        return {key: _as_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_numbers(inner) for inner in value]
    return float(value.removeprefix("float:")) if isinstance(value, str) and value.startswith("float:") else value


def keep_newest(folder: Path, count: int) -> None:
    """Remove all but the newest checkpoints, and what a killed process left of one; other files stay.

    OutputError where they cannot be removed.
    """
    kept = {path.stem for path in newest_first(folder)[:count]}
    try:
        for path in folder.iterdir():
            if OWN_FILE.fullmatch(path.name) and path.stem not in kept:
                path.unlink(missing_ok=True)
            elif OWN_PARTIAL.fullmatch(path.name):
                remove_partial(path.with_name(path.name.removeprefix(".").replace(".partial", "")))
    except OSError as error:
        raise cannot_write(folder, error) from error


def newest_first(folder: Path) -> list[Path]:
    """List the checkpoints of a folder by their JSON files."""
    found = (path for path in folder.glob("*.json") if OWN_FILE.fullmatch(path.name))
    return sorted(found, reverse=True)


def open_checkpoint(path: Path) -> tuple[Any, Path]:
    """Give the numbers of a checkpoint, by its JSON file, and the file of its tensors; RunError where it is damaged."""
    content = _read_json(path)
    try:
        promised = content["tensors"]
        weights = path.with_suffix(".safetensors")
        if weights.stat().st_size != promised["bytes"] or file_sha256(weights) != promised["sha256"]:
            raise damaged(weights, "other bytes than were written")
        return _as_numbers(content["session"]), weights
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise damaged(path, error) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path, JSON_BYTES)
        promised = content.pop("sha256")
        whole = content["format"] == FORMAT and json_sha256(content) == promised
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise damaged(path, error) from error
    if not whole:
        raise damaged(path, "other bytes than were written")
    return dict(content)


def damaged(path: Path, reason: object) -> RunError:
    """Say that a checkpoint cannot be used."""
    return RunError(f"{path}: this checkpoint is damaged", received=reason, next_step="the one before it is used")
