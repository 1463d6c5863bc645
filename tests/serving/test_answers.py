"""Answers are remembered, few and small together."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from kamerton.config.serving import Caps
from kamerton.serving.answering import Answer
from kamerton.serving.answers import Answers


@dataclass
class Sized:
    """As much of an answer as is remembered."""

    size_bytes: int
    folder: Path
    closed: list[int] = field(default_factory=list)

    def close(self) -> None:
        self.closed.append(self.size_bytes)


def keep(answers: Answers, size_bytes: int) -> tuple[str, Sized]:
    one = Sized(size_bytes, answers.new_folder())
    return answers.keep(cast(Answer, cast(Any, one))), one


def test_the_oldest_is_forgotten_with_its_files() -> None:
    answers = Answers(Caps(kept_answers=2))
    first, second, third = (keep(answers, 1) for _ in range(3))
    assert [answers.get(key) is None for key, _ in (first, second, third)] == [True, False, False]
    assert [one.closed for _, one in (first, second, third)] == [[1], [], []]


def test_what_was_asked_for_last_is_kept() -> None:
    answers = Answers(Caps(kept_answers=2))
    first, second = keep(answers, 1), keep(answers, 1)
    answers.get(first[0])
    keep(answers, 1)
    assert [answers.get(key) is None for key, _ in (first, second)] == [False, True]


def test_large_ones_take_the_place_of_several_and_the_newest_always_stays() -> None:
    answers = Answers(Caps(kept_bytes=100))
    small, large = [keep(answers, 40) for _ in range(2)], keep(answers, 500)
    assert [answers.get(key) is None for key, _ in (*small, large)] == [True, True, False]


def test_what_joins_an_answer_later_counts_too() -> None:
    answers = Answers(Caps(kept_bytes=100))
    (first, grown), (second, _) = (keep(answers, 40) for _ in range(2))
    grown.size_bytes = 90
    keep(answers, 1)
    assert [answers.get(key) is None for key in (first, second)] == [True, False]


def test_a_folder_that_was_taken_away_is_made_anew() -> None:
    answers = Answers(Caps())
    shutil.rmtree(answers.new_folder().parent)
    assert answers.new_folder().is_dir()


def test_keys_are_not_guessed_and_folders_are_ones_own() -> None:
    answers = Answers(Caps())
    kept = [keep(answers, 1) for _ in range(20)]
    assert len({key for key, _ in kept}) == 20
    assert all(len(key) >= 16 for key, _ in kept)
    folder = kept[0][1].folder.parent
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_files_go_with_the_answers() -> None:
    answers = Answers(Caps())
    folder = answers.new_folder()
    assert folder.is_dir()
    del answers
    assert not folder.exists()
