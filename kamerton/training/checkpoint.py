"""Checkpoints: a session as safetensors and JSON with their hashes, each written beside and renamed.

A checkpoint is there once its JSON is, and that comes last; the two newest are kept, so that a damaged one has one
before it. Reading checks hashes, names and shapes, and executes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from kamerton.errors import OutputError, RunError
from kamerton.files import cannot_write, file_sha256, json_sha256, read_json, remove_leftovers, whole_file, write_json
from kamerton.records import read_record
from kamerton.tensors import read_tensors
from kamerton.training.session import Session, SessionNumbers

CHECKPOINTS_KEPT = 2
FORMAT = 1
"""Counts up when the content changes its meaning."""
JSON_BYTES = 64 << 20
"""A longer JSON is no checkpoint: a history of a million epochs is shorter."""


def write_checkpoint(folder: Path, session: Session) -> None:
    """Keep a session in ``folder``; OutputError where it cannot be written, and then the earlier ones are untouched."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    name = f"{session.epoch:06d}-{session.step:09d}"
    weights = folder / f"{name}.safetensors"
    _write_tensors(weights, session.tensors())
    content = {
        "format": FORMAT,
        "tensors": {"file": weights.name, "bytes": weights.stat().st_size, "sha256": file_sha256(weights)},
        "session": dataclasses.asdict(session.numbers()),
    }
    write_json(folder / f"{name}.json", _finite(content) | {"sha256": json_sha256(_finite(content))})
    keep_newest(folder, CHECKPOINTS_KEPT)


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with whole_file(path) as partial:
        try:
            save_file(plain, partial)
        except SafetensorError as error:
            # Its own kind of error hides a full disk.
            raise OutputError(
                f"{path} cannot be written", received=error, next_step="make room and resume; earlier ones are whole"
            ) from error


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
    """Remove all but the newest checkpoints, and what a killed process left half-written."""
    remove_leftovers(folder)
    kept = {path.stem for path in _newest_first(folder)[:count]}
    for path in folder.iterdir():
        if path.stem not in kept and path.suffix in {".json", ".safetensors"}:
            path.unlink(missing_ok=True)


def restore_newest(folder: Path, session: Session, say: Callable[[str], None]) -> bool:
    """Bring a session to the newest whole checkpoint; False where there is none yet.

    A damaged one is named through ``say`` and the one before it is used. RunError where all are damaged.
    """
    candidates = _newest_first(folder)
    for path in candidates:
        try:
            numbers, tensors = read_checkpoint(path, session)
            session.restore(tensors, numbers)
        except RunError as error:
            say(f"{error}")
        except ValueError as error:
            say(f"{_damaged(path, error)}")
        else:
            return True
    if candidates:
        raise RunError(
            f"{folder}: no checkpoint is whole",
            received=", ".join(path.name for path in candidates),
            next_step="restore the folder from a copy, or train again into a new run folder",
        )
    return False


def read_checkpoint(path: Path, session: Session) -> tuple[SessionNumbers, dict[str, torch.Tensor]]:
    """Read a checkpoint by its JSON file, as (numbers, tensors) for a session of this network.

    RunError where it is damaged, or one of another network; no tensor is read before its name, type and shape are known
    to be right.
    """
    content = _read_json(path)
    try:
        promised = content["tensors"]
        weights = path.with_suffix(".safetensors")
        if weights.stat().st_size != promised["bytes"] or file_sha256(weights) != promised["sha256"]:
            raise _damaged(weights, "other bytes than were written")
        numbers = read_record(SessionNumbers, _as_numbers(content["session"]), str(path), RunError)
        return numbers, read_tensors(weights, session.expected_tensors(numbers))
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path, JSON_BYTES)
        promised = content.pop("sha256")
        whole = content["format"] == FORMAT and json_sha256(content) == promised
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error
    if not whole:
        raise _damaged(path, "other bytes than were written")
    return dict(content)


def _damaged(path: Path, reason: object) -> RunError:
    return RunError(f"{path}: this checkpoint is damaged", received=reason, next_step="the one before it is used")


def _newest_first(folder: Path) -> list[Path]:
    return sorted(_json_files(folder), reverse=True)


def _json_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.json") if not path.name.startswith("."))
