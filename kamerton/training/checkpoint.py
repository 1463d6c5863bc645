"""Sessions kept as checkpoints of the run folder, and brought back from the newest whole one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import torch

from kamerton.errors import RunError
from kamerton.records import read_record
from kamerton.runs.checkpoints import damaged, newest_first, open_checkpoint, save_checkpoint
from kamerton.tensors import read_tensors
from kamerton.training.session import Session, SessionNumbers


def write_checkpoint(folder: Path, session: Session) -> None:
    """Keep a session in ``folder``; OutputError where it cannot be written, and then the earlier ones are untouched."""
    save_checkpoint(folder, session.epoch, session.step, session.tensors(), dataclasses.asdict(session.numbers()))


def restore_newest(folder: Path, session: Session, say: Callable[[str], None]) -> bool:
    """Bring a session to the newest whole checkpoint; False where there is none yet.

    A damaged one is named through ``say`` and the one before it is used. RunError where all are damaged.
    """
    candidates = newest_first(folder)
    for path in candidates:
        try:
            numbers, tensors = read_checkpoint(path, session)
            session.restore(tensors, numbers)
        except RunError as error:
            say(f"{error}")
        except ValueError as error:
            say(f"{damaged(path, error)}")
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
    table, weights = open_checkpoint(path)
    try:
        numbers = read_record(SessionNumbers, table, str(path), RunError)
        return numbers, read_tensors(weights, session.expected_tensors(numbers))
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise damaged(path, error) from error
