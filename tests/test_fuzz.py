"""A bounded sample of what ``make fuzz`` does: a spoilt file is one clean error or a correct read, cheap and quick."""

from __future__ import annotations

import json
import mmap
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamerton.data.fits.structure import check_structure
from kamerton.errors import CubeError, RunError
from kamerton.runs.folder import open_run
from kamerton.version import PACKAGE
from tests.fuzz import campaign
from tests.fuzz.campaign import attack, table
from tests.fuzz.cases import Target
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import MEMORY_BYTES, SECONDS, make_case, read_case

FILES = 200
"""Of each target; ``make fuzz`` tries more than five times as many."""


@pytest.mark.long
@pytest.mark.parametrize("target", TARGETS)
def test_a_sample_of_spoilt_files_costs_one_line_each(target: str, tmp_path: Path) -> None:
    summary = attack(target, FILES, 20_240, tmp_path)
    assert summary.defects == [], table([summary])
    assert summary.files == FILES
    assert {"read", f"clean {TARGETS[target].error.__name__}"} == set(summary.kinds)
    assert summary.slowest is not None
    assert summary.slowest.milliseconds < SECONDS * 1000
    assert summary.largest is not None
    assert summary.largest.memory_bytes < MEMORY_BYTES


def test_the_promise_counts_the_kinds() -> None:
    promise = (PACKAGE.parent / "docs/trust.md").read_text(encoding="utf-8")
    assert f"spoils 20,000 sound files of {len(TARGETS)} kinds (" in promise


# The fuzzer finds what it looks for


def raises(folder: Path) -> None:
    raise KeyError("unexpected")


def says_much(folder: Path) -> None:
    error = RunError("fine")
    error.args = ("two\nlines",)
    raise error


def reads_wrongly(folder: Path) -> None:
    assert folder.name == "elsewhere"


def warns(folder: Path) -> None:
    warnings.warn("a warning", RuntimeWarning, stacklevel=1)


def hoards(folder: Path) -> None:
    # Far more than allowed, for a large process may give back some of its own meanwhile; and fresh, for it may have
    # kept as much from before.
    with mmap.mmap(-1, 4 * MEMORY_BYTES) as memory:
        memory.write(bytes(4 * MEMORY_BYTES))


def leaves_behind(folder: Path) -> None:
    (Path(tempfile.gettempdir()) / "left").write_text("behind")


def changes(folder: Path) -> None:
    (folder / "a.json").write_text("changed")


def talks(folder: Path) -> None:
    os.write(2, b"noise")


DEFECTS: dict[str, Callable[[Path], None]] = {
    "exception KeyError": raises,
    "message": says_much,
    "wrong read": reads_wrongly,
    "warning": warns,
    "memory": hoards,
    "leftover": leaves_behind,
}


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_of_a_reader_is_told_by_its_kind(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    target = Target(lambda folder: {}, DEFECTS[kind], RunError)
    assert read_case(target, {"a.json": b"{}"}, tmp_path, 0).kind == kind


def test_a_reader_that_changes_what_it_reads_is_told(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    outcome = read_case(Target(lambda folder: {}, changes, RunError), {"a.json": b"{}"}, tmp_path, 0)
    assert outcome.kind == "leftover"


@pytest.mark.parametrize(("kind", "ending"), [("crash", "os.abort()"), ("hang", "import time; time.sleep(60)")])
def test_a_reader_that_dies_or_hangs_is_told_with_its_file_and_the_rest_is_read(
    kind: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker that reads nothing, and comes to its end at case 3.
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys\n"
        "for number in range(int(sys.argv[4]), int(sys.argv[5])):\n"
        "    print(json.dumps({'begin': number}), flush=True)\n"
        f"    if number == 3:\n        {ending}\n"
        "    told = dict(number=number, kind='read', detail='', milliseconds=1, memory_bytes=1)\n"
        "    print(json.dumps(told), flush=True)\n"
    )
    monkeypatch.setattr(campaign, "SILENCE_SECONDS", 1)
    summary = attack("cube", 6, 0, tmp_path / "out", (sys.executable, str(script)))
    assert summary.kinds == {"read": 5, kind: 1}
    assert [path.name for path in (tmp_path / "out" / "defects").iterdir()] == ["cube-3"]


# Mutations


SOUND = {
    "a.fits": b"SIMPLE  =                    T".ljust(2880),
    "a.json": b'{"a": [1, {"b": 2.5}]}',
    "a.csv": b",a\n0,1\n",
}


@given(st.integers(0, 10_000))
def test_the_same_seed_gives_the_same_files(seed: int) -> None:
    seeds = {"first": SOUND, "second": {"a.keras": b"PK\3\4"}}
    assert make_case(seeds, seed, 1) == make_case(seeds, seed, 1)


@given(st.sampled_from(sorted(SOUND)), st.randoms(use_true_random=False))
def test_a_mutation_of_any_file_gives_bytes(name: str, rng: Any) -> None:
    assert isinstance(mutate(name, SOUND[name], rng), bytes)


# Files that never were sound

NAMES = {"cube": "cube.fits", "cutout": "cutout.fits", "keras": "model.keras", "run": "run.json"}


@settings(max_examples=40)
@given(content=st.binary(max_size=4000), target=st.sampled_from(sorted(NAMES)))
def test_any_bytes_are_refused_in_one_line(content: bytes, target: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / NAMES[target]).write_bytes(content)
        with pytest.raises(TARGETS[target].error) as caught:
            TARGETS[target].read(Path(folder))
    assert str(caught.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("network", "parameters", "class_names", "preprocessing", "seed", "recipe", "data", "device", "versions")


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), JSON))
def test_any_record_is_refused_in_one_line(table: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "run.json").write_text(json.dumps(table), encoding="utf-8")
        with pytest.raises(RunError) as caught:
            open_run(folder)
    assert str(caught.value).isprintable()


SIDES = st.sampled_from([-1, 0, 1, 2, 8, 999, 1000, 2**31, 2**62, 10**19])


@given(st.sampled_from([8, 16, 3, -32, -64]), st.integers(-1, 1001), st.lists(SIDES, max_size=5), st.integers(0, 20))
def test_any_header_is_refused_or_describes_bytes_that_are_there(
    bitpix: int, axes: int, sides: list[int], data_blocks: int
) -> None:
    cards = ["SIMPLE  =                    T", f"BITPIX  = {bitpix:>20}", f"NAXIS   = {axes:>20}"]
    cards += [f"NAXIS{axis:<3}= {side:>20}" for axis, side in enumerate(sides, start=1)]
    header = "".join(card.ljust(80) for card in [*cards, "END"]).encode()
    content = header.ljust(-(-len(header) // 2880) * 2880) + bytes(2880 * data_blocks)
    with tempfile.TemporaryFile() as file:
        file.write(content)
        try:
            units = check_structure("a.fits", file)
        except CubeError:
            return
    assert sum(unit.data_bytes for unit in units) <= 2880 * data_blocks
