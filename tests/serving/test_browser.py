"""The page in a real browser, in both languages, at the width of a desk and of a phone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kamerton.runs.folder import Run
from kamerton.serving.words import WORDS
from tests.serving.chromium import needs_chromium, once
from tests.serving.running import TOKEN, Running, running
from tests.serving.test_classify import cutout, png

pytestmark = [needs_chromium, pytest.mark.long]


@pytest.fixture(scope="module")
def served(calibrated: Run) -> Iterator[Running]:
    with running(calibrated.path.parent) as at:
        yield at


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    contents = {"a.png": png(), "b.png": png(1), "c.txt": b"no picture"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def choose(page: Any, *paths: Path) -> None:
    page.goto(page.url.split("/?")[0].rstrip("/") + "/classify")
    page.set_input_files("#files", [str(path) for path in paths])
    page.wait_for_url("**/classify/*")
    page.wait_for_load_state("networkidle")


def require_good(page: Any) -> None:
    """No part is wider than the window, and axe-core finds nothing serious."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in {"serious", "critical"}]
        assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []


def test_the_start_and_the_form_are_for_everybody(page: Any) -> None:
    words = WORDS[page.lang]
    assert page.inner_text("h1") == words.frame.start_title
    assert "token" not in page.url
    require_good(page)
    page.click("text=" + words.classify.about)
    assert page.inner_text("h1") == words.classify.title
    require_good(page)


def test_one_galaxy_has_its_class_its_map_and_its_like(page: Any, files: list[Path], calibrated: Run) -> None:
    choose(page, files[0])
    assert page.inner_text("h1") in calibrated.record.class_names
    assert page.input_value("#opacity") == "60"
    page.fill("#opacity", "0")
    assert page.evaluate("getComputedStyle(document.getElementById('map')).opacity") == "0"
    page.click("#find")
    page.wait_for_selector("#wall li")
    assert page.locator("#wall li").count() == 8
    page.evaluate("for (const one of document.images) one.loading = 'eager'")
    deadline = time.monotonic() + 30
    while not page.evaluate("[...document.images].every((one) => one.naturalWidth > 0)"):
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)
    require_good(page)


def test_several_files_are_a_table_that_leads_to_each(page: Any, files: list[Path]) -> None:
    choose(page, *files)
    assert page.locator("table.many tbody tr").count() == 3
    assert "not a picture" in page.inner_text("table.many tbody tr:last-child")
    require_good(page)
    with page.expect_download() as download:
        page.click("text=VOTable")
    assert download.value.suggested_filename == "galaxies.vot"
    page.click("table.many a >> text=b.png")
    assert "b.png" in page.inner_text(".eyebrow")


def test_a_cutout_is_redrawn_by_the_sliders(page: Any, tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(cutout())
    choose(page, tmp_path / "a.fits")
    before = page.get_attribute("#picture", "src")
    with page.expect_response("**/picture.png?q=*") as drawn:
        page.fill("#scale", "-1")
    assert drawn.value.ok
    page.click("#reset")
    assert page.get_attribute("#picture", "src") == before
    require_good(page)


def test_what_is_wrong_is_said_where_the_files_are_chosen(page: Any, files: list[Path]) -> None:
    page.goto(page.url.split("/?")[0].rstrip("/") + "/classify")
    page.click("button.main")
    assert page.inner_text("#wrong") == WORDS[page.lang].classify.nothing


@once
def test_light_and_dark_are_switched_and_remembered(page: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.click("#theme")
    after = page.evaluate(ground)
    assert after != before
    page.reload()
    assert page.evaluate(ground) == after


@once
def test_the_keyboard_is_enough(page: Any, files: list[Path]) -> None:
    # Who listens from the beginning is heard: told at the last moment, Chromium under load opens a window of its own.
    page.on("filechooser", lambda _: None)
    page.goto(page.url.split("/?")[0].rstrip("/") + "/classify")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "files"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(str(files[0]))
    page.wait_for_url("**/classify/*")
    page.wait_for_load_state("networkidle")
    for _ in range(30):
        if page.evaluate("document.activeElement.id") == "opacity":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert page.input_value("#opacity") == "100"


def test_a_stranger_sees_the_locked_page(browser: Any, served: Running) -> None:
    page = browser.new_page()
    page.goto(f"{served.address}/classify")
    assert page.inner_text("h1") == WORDS["en"].frame.sign_in_title
    page.fill("#secret", TOKEN)
    page.click("main button")
    page.wait_for_url(f"{served.address}/")
    assert page.inner_text("h1") == WORDS["en"].frame.start_title
    page.close()
