"""decisions.csv as it is written, one line at a time."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from kamerton.errors import DataError, KamertonWarning, OutputError, UsageError
from kamerton.labelling.decisions import read_decisions
from kamerton.labelling.journal import Decision, Journal

HEADER = "id,label,who,when,seconds,path\n"
CLASSES = ("spiral", "edge-on")


def decision(galaxy: str, label: str = "spiral", who: str = "Ola") -> Decision:
    return Decision(galaxy, label, who, seconds=1.25)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "decisions.csv")


def lines(journal: Journal) -> list[str]:
    return journal.path.read_text(encoding="utf-8").splitlines()


def labels(journal: Journal) -> list[tuple[str, str]]:
    return [(one.id, one.label) for one in journal.decisions()]


def test_a_decision_is_a_line_with_its_time(journal: Journal) -> None:
    before = datetime.now(UTC)
    (made,) = journal.append(Decision('łuk, "2"', "edge-on", "Józef", seconds=2.5, path="łuk.jpg"))
    assert lines(journal) == [HEADER.strip(), f'"łuk, ""2""",edge-on,Józef,{made.when},2.50,łuk.jpg']
    assert abs((datetime.fromisoformat(made.when) - before).total_seconds()) < 60


def test_what_is_written_is_what_labels_reads(journal: Journal) -> None:
    journal.append(decision("g1"), decision('łuk, "2"', "edge-on"), decision("g3", "unsure"))
    assert read_decisions(journal.path, ["g1", 'łuk, "2"', "g3"], CLASSES).label_of == {
        "g1": "spiral",
        'łuk, "2"': "edge-on",
    }


def test_another_journal_reads_what_this_one_wrote(journal: Journal) -> None:
    made = journal.append(decision("g1"), decision("g2"))
    assert tuple(Journal(journal.path).decisions()) == made
    assert tuple(journal.decisions()) == made


def test_what_another_program_adds_is_seen(journal: Journal) -> None:
    journal.append(decision("g1"))
    assert len(journal.decisions()) == 1
    Journal(journal.path).append(decision("g2", who="Jan"))
    journal.append(decision("g3"))
    assert labels(journal) == [("g1", "spiral"), ("g2", "spiral"), ("g3", "spiral")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("galaxy", ["a\rb", "a\nb", "a\r\nb", 'a,"b"', "żółw;", " a ", "a\n"])
def test_any_id_is_read_as_it_was_written(journal: Journal, galaxy: str, end: str) -> None:
    journal.path.write_text(HEADER, newline=end)
    journal.append(decision(galaxy), decision("next"))
    assert labels(Journal(journal.path)) == [(galaxy, "spiral"), ("next", "spiral")]


def test_no_file_is_no_decision(journal: Journal) -> None:
    assert not journal.decisions()
    assert not journal.path.exists()


def test_an_undo_adds_a_line_and_changes_none(journal: Journal) -> None:
    journal.append(decision("g1"), decision("g2"))
    before = journal.path.read_bytes()
    undone = journal.undo("Ola")
    assert undone is not None
    assert undone.id == "g2"
    assert journal.path.read_bytes().startswith(before)
    assert read_decisions(journal.path, ["g1", "g2"], CLASSES).label_of == {"g1": "spiral"}


def test_an_undo_brings_back_what_held_before(journal: Journal) -> None:
    journal.append(decision("g1"), decision("g1", "edge-on"))
    journal.undo("Ola")
    assert read_decisions(journal.path, ["g1"], CLASSES).label_of == {"g1": "spiral"}
    journal.undo("Ola")
    assert not read_decisions(journal.path, ["g1"], CLASSES).label_of
    assert journal.undo("Ola") is None


def test_an_undo_takes_back_nothing_of_another_person(journal: Journal) -> None:
    journal.append(decision("g1"), decision("g2", who="Jan"))
    undone = journal.undo("Ola")
    assert undone is not None
    assert undone.id == "g1"
    assert read_decisions(journal.path, ["g1", "g2"], CLASSES).label_of == {"g2": "spiral"}


def test_undos_reach_back_past_the_end_of_the_program(journal: Journal) -> None:
    journal.append(*(decision(f"g{number}") for number in range(4)))
    found = [Journal(journal.path).undo("Ola") for _ in range(5)]
    assert [one and one.id for one in found] == ["g3", "g2", "g1", "g0", None]


def test_a_line_that_a_crash_cut_is_taken_away_aloud(journal: Journal) -> None:
    journal.append(decision("g1"))
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b"g2,spi")
    with pytest.warns(KamertonWarning, match=r"last line was cut, and is left out.*'g2,spi'"):
        assert labels(journal) == [("g1", "spiral")]
    with pytest.warns(KamertonWarning, match=r"last line was cut, and is taken away.*'g2,spi'"):
        journal.append(decision("g3"))
    assert labels(journal) == [("g1", "spiral"), ("g3", "spiral")]
    assert journal.path.read_bytes().startswith(whole)


def test_a_last_line_that_an_editor_left_without_an_end_is_kept(journal: Journal) -> None:
    journal.path.write_text("id,label,who,when,seconds\ng1,spiral,Ola,t1,2")
    journal.append(decision("g2"))
    assert labels(journal) == [("g1", "spiral"), ("g2", "spiral")]


def test_the_columns_and_semicolons_of_a_spreadsheet_are_kept_to(journal: Journal) -> None:
    journal.path.write_text("﻿who;ID;when;label;seconds\r\nOla;g1;t1;spiral;2,5\r\n", encoding="utf-8", newline="")
    (made,) = journal.append(Decision("g;2", "edge-on", "Jan", seconds=1.5))
    last = journal.path.read_bytes().splitlines(keepends=True)[-1].decode()
    assert last == f'Jan;"g;2";{made.when};edge-on;1,50\r\n'
    assert [one.seconds for one in Journal(journal.path).decisions()] == [2.5, 1.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\ng1,spiral\n", "no column 'who'"),
        ("whatever\n", "no column 'id'"),
        ("id,label,who,when\ng1,spiral\n", "row 0.*another number of cells"),
        ('id,label,who,when\n"g1,spiral,Ola,t\n', "cannot be read as a list"),
    ],
)
def test_a_file_edited_into_something_else_is_one_line(journal: Journal, text: str, message: str) -> None:
    journal.path.write_text(text)
    with pytest.raises(DataError, match=message):
        journal.decisions()


def test_nothing_is_added_to_a_file_of_other_columns(journal: Journal) -> None:
    journal.path.write_text("id,label\ng1,spiral\n")
    with pytest.raises(DataError, match=r"no decisions can be added.*'who'"):
        journal.append(decision("g2"))
    assert journal.path.read_text() == "id,label\ng1,spiral\n"


@pytest.mark.parametrize("place", ["no/such/decisions.csv", "folder", "pipe"])
def test_a_place_that_takes_no_decisions_is_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match=r"the decision was not written.*decide again"):
        Journal(tmp_path / place).append(decision("g1"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what is read-only")
def test_a_read_only_file_is_one_line(journal: Journal) -> None:
    journal.append(decision("g1"))
    journal.path.chmod(0o444)
    with pytest.raises(OutputError, match=r"not written.*Permission denied.*writable"):
        journal.append(decision("g2"))


@pytest.mark.parametrize("who", ["a\nb", "x" * 61, " Ola", "\u202eOla", "=cmd()", "@Ola"])
def test_what_is_no_name_is_refused(journal: Journal, who: str) -> None:
    with pytest.raises(UsageError, match="no name of a person"):
        journal.append(decision("g1", who=who))
    assert not journal.path.exists()


@contextmanager
def full_disk(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size, which the kernel refuses as it does on a full disk."""
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_what_was_there(journal: Journal) -> None:
    journal.append(decision("g1"))
    before = journal.path.read_bytes()
    with full_disk(len(before) + 9), pytest.raises(OutputError, match="was not written"):
        journal.append(decision("g2"))
    assert journal.path.read_bytes() == before
    assert labels(journal) == [("g1", "spiral")]


def test_many_writers_at_once_lose_no_line(journal: Journal) -> None:
    def write(person: int) -> None:
        own = Journal(journal.path)
        for number in range(25):
            own.append(decision(f"g{number}", who=f"p{person}"))

    threads = [threading.Thread(target=write, args=(person,)) for person in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = pd.read_csv(journal.path)
    assert found.groupby("who").id.apply(list).to_dict() == {
        f"p{person}": [f"g{number}" for number in range(25)] for person in range(6)
    }


WRITER = """
import sys
from pathlib import Path
from kamerton.labelling.journal import Decision, Journal
journal = Journal(Path(sys.argv[1]))
for number in range(100000):
    journal.append(Decision(f"g{number}", "spiral", "Ola"))
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_has_answered(journal: Journal) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(journal.path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            answered = int(writer.stdout.readline())
        writer.kill()
    found = [one.id for one in journal.decisions()]
    assert len(found) > answered
    assert found == [f"g{number}" for number in range(len(found))]
    journal.append(decision("next"))
    assert labels(journal)[-1] == ("next", "spiral")


def test_a_file_that_an_editor_put_in_its_place_gets_the_line(journal: Journal) -> None:
    journal.append(decision("g1"))
    other = journal.path.with_name("edited.csv")
    other.write_text(HEADER + "g9,edge-on,Ola,t1,,\n")
    other.replace(journal.path)
    journal.append(decision("g2"))
    assert labels(journal) == [("g9", "edge-on"), ("g2", "spiral")]
