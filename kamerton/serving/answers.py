"""The answers that the server remembers, few and small together, until others take their place."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import weakref
from collections import OrderedDict
from pathlib import Path

from kamerton.config.serving import Caps
from kamerton.serving.answering import Answer


class Answers:
    """Answers by keys that nobody guesses; their files are in a folder that goes with the process."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._folder: str | None = None
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def new_folder(self) -> Path:
        """Make a folder for the files of one request."""
        # What cleans temporary folders may have taken it away.
        if self._folder is None or not Path(self._folder).is_dir():
            self._folder = tempfile.mkdtemp(prefix="kamerton-answers-")
            # At the end of the process, too, however it ends but for a kill.
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self._folder))

    def keep(self, answer: Answer) -> str:
        """Remember an answer, and forget the oldest where there are too many."""
        key = secrets.token_urlsafe(12)
        self._kept[key] = answer
        while len(self._kept) > 1 and self._are_too_many:
            self._kept.popitem(last=False)[1].close()
        return key

    def get(self, key: str) -> Answer | None:
        """Give an answer again; None where it was forgotten, or never was."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    @property
    def _are_too_many(self) -> bool:
        # Maps and downloads join an answer after it was kept.
        size_bytes = sum(one.size_bytes for one in self._kept.values())
        return len(self._kept) > self._caps.kept_answers or size_bytes > self._caps.kept_bytes
