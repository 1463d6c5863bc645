"""docs/extending.md tells the truth: its examples work, each where it says, and the tests find them by themselves."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from tests.documented import blocks, run_in, try_commands

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
COPIED = ("kamerton", "tests", "docs", "recipes", "notebooks", "benchmarks")


def apply(hunk: str, text: str) -> str:
    """Add the lines of a hunk that begin with ``+`` where the others stand."""
    lines = hunk.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line.startswith(" "))
    after = "".join(line[1:] for line in lines)
    assert all(line[0] in " +" for line in lines), hunk
    assert text.count(before) == 1, f"docs/extending.md: these lines stand {text.count(before)} times:\n{before}"
    return text.replace(before, after)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all examples of the document added."""
    copy = tmp_path_factory.mktemp("extended") / "kamerton"
    leave = shutil.ignore_patterns("__pycache__", "data.fits")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    for block in blocks(DOCUMENT, "python"):
        place, content = block.removeprefix("# ").split("\n", 1)
        assert not (copy / place).exists()
        (copy / place).write_text(content, encoding="utf-8")
    for block in blocks(DOCUMENT, "diff"):
        place, changes = block.removeprefix("# ").split("\n", 1)
        text = (copy / place).read_text(encoding="utf-8")
        for hunk in changes.split("@@\n"):
            text = apply(hunk, text)
        (copy / place).write_text(text, encoding="utf-8")
    run_in(copy, sys.executable, "-m", "ruff", "check", "--select", "I", "--fix", "kamerton")
    run_in(copy, sys.executable, "-m", "kamerton.networks.table")
    return copy


@pytest.fixture(scope="module")
def tried(extended: Path) -> Path:
    """The copy after every command of the document, each of which has printed the lines below it."""
    try_commands(DOCUMENT, extended)
    return extended


def test_the_network_has_a_run_with_its_keras_twin(tried: Path) -> None:
    assert (tried / "runs/tiny/model.keras").exists()
    printed = run_in(
        tried, sys.executable, "-m", "kamerton", "import", "runs/tiny/model.keras", "--out", "runs/from_keras"
    )
    assert "run: runs/from_keras" in printed
    assert '"network": "tiny"' in (tried / "runs/from_keras/run.json").read_text(encoding="utf-8")


def test_the_figure_is_written_and_in_the_report(tried: Path) -> None:
    assert {"log_loss.png", "log_loss.svg"} <= {path.name for path in (tried / "comparison").iterdir()}
    assert "Log loss of each network, with 95% intervals." in (tried / "report.html").read_text(encoding="utf-8")


def test_the_catalogue_is_written(tried: Path) -> None:
    lines = (tried / "shapes.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == fits.getheader(tried / "data/test.fits")["NAXIS4"]
    assert {"id", "predicted_class", "status"} <= json.loads(lines[0]).keys()


def test_the_format_is_written(tried: Path) -> None:
    with np.load(tried / "runs/tiny/model.npz") as weights:
        assert weights["5.weight"].shape == (10, 16)


def test_the_option_is_used(tried: Path) -> None:
    assert '"threads": 2' in (tried / "runs/two_threads/run.json").read_text(encoding="utf-8")


def test_the_setting_is_in_the_record_and_earlier_fingerprints_stay(tried: Path) -> None:
    assert '"clip_norm": 0.5' in (tried / "runs/clipped/run.json").read_text(encoding="utf-8")
    words = ["-q", "-p", "no:cacheprovider", "tests/runs/test_record.py"]
    assert re.search(r"\d+ passed", run_in(tried, sys.executable, "-m", "pytest", *words))


def test_the_command_the_format_and_the_option_are_in_the_help(tried: Path) -> None:
    assert "Threads of the CPU to compute with" in run_in(tried, sys.executable, "-m", "kamerton", "train", "--help")
    assert "Count the galaxies of each class." in run_in(tried, sys.executable, "-m", "kamerton", "data", "--help")
    assert "npz" in run_in(tried, sys.executable, "-m", "kamerton", "export", "--help")


def test_the_examples_keep_the_style(extended: Path) -> None:
    for words in (["check"], ["format", "--check"]):
        run_in(extended, sys.executable, "-m", "ruff", *words, "kamerton")


def test_no_test_needs_a_change_and_those_over_a_table_hold_the_examples_too(extended: Path) -> None:
    places = ("networks", "formats", "catalogue/writers", "reporting", "cli")
    files = ("test_rooms.py", "test_readme.py", "test_start_up.py")
    chosen = ("tiny", "npz", "jsonl", "rows_kept", "figure", "caption", "export", "module", "point", "setting")
    words = ["-q", "-p", "no:cacheprovider", *(f"tests/{place}" for place in places + files), "-k", " or ".join(chosen)]
    assert re.search(r"\d+ passed", run_in(extended, sys.executable, "-m", "pytest", *words))
