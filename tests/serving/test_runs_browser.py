"""Runs in a real browser: from the list to one galaxy, several side by side, and a training that is followed."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kamerton.runs.folder import open_run
from kamerton.runs.lock import locked
from kamerton.serving.run_states import short_key
from kamerton.serving.words import WORDS
from tests.serving.chromium import needs_chromium, once
from tests.serving.running import Running, running
from tests.serving.test_browser import require_good

pytestmark = [needs_chromium, pytest.mark.long]


@pytest.fixture(scope="module")
def served(tested_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server at two runs of one training, with other seeds."""
    root = tmp_path_factory.mktemp("served") / "runs"
    for name in ("jasne", "mroczne ż"):
        shutil.copytree(tested_run, root / name)
    run = open_run(root / "jasne")
    run.update(dataclasses.replace(run.record, seed=7, results=None))
    run.update(run.record.with_results(run.weights_sha256(), run.history_sha256(), run.seen_sha256(), 2))
    with running(root) as at:
        yield at


PATIENCE_MS = 120_000
"""A report draws all its figures anew, which takes a while on a busy machine."""


def settle(page: Any) -> None:
    """Let every picture of a page be drawn."""
    page.evaluate("for (const one of document.images) one.loading = 'eager'")
    page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
    assert page.evaluate("[...document.images].every((one) => one.closest('[hidden]') || one.naturalWidth > 0)")


def test_from_the_list_to_a_galaxy_and_back(page: Any, served: Running) -> None:
    words = WORDS[page.lang].runs
    page.goto(f"{served.address}/runs")
    require_good(page)
    page.click("text=mroczne ż")
    assert page.inner_text("h1") == "mroczne ż"
    settle(page)
    require_good(page)
    cell = page.locator("table.matrix a").first
    shown = int(cell.inner_text().split()[0])
    cell.click()
    page.wait_for_url("**/galaxies?*")
    settle(page)
    assert page.locator("ul.wall li").count() == shown
    require_good(page)
    page.click("p a >> text=mroczne ż")
    page.click(f"text={words.all_mistakes}")
    assert page.inner_text("h1") == words.galaxies_wrong


def test_chosen_runs_are_compared_and_reported(page: Any, served: Running) -> None:
    words = WORDS[page.lang].runs
    page.goto(f"{served.address}/runs")
    assert page.locator("button.main").is_disabled()
    page.check("#all")
    page.click(f"button >> text={words.compare}")
    page.wait_for_url("**/compare?*", timeout=PATIENCE_MS)
    assert "LeNet-5" in page.inner_text(".finding")
    settle(page)
    require_good(page)
    page.locator("a.main").click()
    page.wait_for_url("**/report?*", timeout=PATIENCE_MS)
    assert page.evaluate("document.documentElement.lang") == page.lang
    settle(page)
    style = "getComputedStyle(document.querySelector('.finding')).borderLeftWidth"
    assert page.evaluate(style) == "4px", "the report has its own style"


@once
def test_by_the_keyboard_alone(page: Any, served: Running) -> None:
    words = WORDS[page.lang].runs
    page.goto(f"{served.address}/runs")
    page.focus("#all")
    for _ in range(2):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "run":
            break
    page.keyboard.press("Space")
    while page.evaluate("document.activeElement.tagName") != "BUTTON":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?*", timeout=PATIENCE_MS)
    assert page.inner_text("h1") == words.compare_title
    while "report" not in (page.evaluate("document.activeElement.getAttribute('href')") or ""):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/report?*", timeout=PATIENCE_MS)


def test_a_training_is_seen_while_it_runs(page: Any, served: Running, tested_run: Path) -> None:
    words = WORDS[page.lang].runs
    name = f"new {page.lang} {page.viewport_size['width']}"
    shutil.copytree(tested_run, served.folder / name)
    run = open_run(served.folder / name)
    whole = run.record
    first, second = ({str(key): float(value) for key, value in row.items()} for row in run.history().to_dict("records"))
    run.write_history([])
    run.update(dataclasses.replace(whole, results=None))
    with locked(run.path, "train"):
        page.goto(f"{served.address}/runs/{short_key(name)}")
        page.wait_for_selector(f"text={words.live_note}")
        assert page.locator("#curves").is_hidden()
        run.append_history(0, first)
        page.wait_for_selector("#curves img")
        assert page.inner_text("#live-said") == words.now_training.format(done=1, of=2)
        require_good(page)
        run.append_history(1, second)
        run.update(whole)
    page.wait_for_selector("#live-end a")
    assert page.inner_text("#live-said") == words.now_finished
    page.click("#live-end a")
    page.wait_for_selector("ul.numbers")
    shutil.rmtree(run.path)
