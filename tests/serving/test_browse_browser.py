"""Looking through a catalogue and labelling it in a real browser: by keys alone, and where somebody is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kamerton.browsing.catalogue import decisions_path
from kamerton.labelling.journal import Decision, Journal
from kamerton.serving.words import WORDS
from tests.browsing.conftest import COUNT
from tests.serving.chromium import CHROMIUM, FLAGS, needs_chromium, once
from tests.serving.running import TOKEN, Running, running

pytestmark = [needs_chromium, pytest.mark.long]

IDS = [f"łuk {row:02d}.png" for row in range(COUNT)]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for all, at a folder to which each test adds a catalogue."""
    root = tmp_path_factory.mktemp("served")
    with running(root) as at:
        yield at


@pytest.fixture
def night(served: Running, catalogues: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of shards of its own, with a name of its own."""
    place = served.folder / f"night-{abs(hash(request.node.nodeid))}"
    shutil.copytree(catalogues / "night", place)
    return place


def open_page(page: Any, served: Running, night: Path, address: str) -> None:
    page.goto(f"{served.address}/browse/{address.replace('c=night', f'c={night.name}')}")
    page.wait_for_load_state("networkidle")


def made(night: Path) -> list[tuple[str, str]]:
    """All lines of the decisions, as they are on the disk."""
    return [(one.id, one.label) for one in Journal(decisions_path(night)).decisions()]


def wait_for(page: Any, night: Path, count: int) -> None:
    for _ in range(100):
        if len(made(night)) >= count:
            return
        page.wait_for_timeout(50)
    raise AssertionError(made(night))


def require_good(page: Any) -> None:
    """No part is wider than the window, every picture is there, and axe-core finds nothing serious."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("[...document.images].every((one) => one.loading == 'lazy' || one.naturalWidth > 0)")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(page).response["violations"]
        serious = [one for one in found if one["impact"] in {"serious", "critical"}]
        assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []


def test_the_wall_is_filtered_in_the_address_and_for_everybody(page: Any, served: Running, night: Path) -> None:
    words = WORDS[page.lang].browse
    open_page(page, served, night, "wall?c=night")
    require_good(page)
    assert page.locator(".galaxies li").count() == 48
    if not page.locator("details.filters[open]").count():
        page.click("details.filters summary")
    page.select_option("select[name=class]", "dim")
    page.wait_for_url("**class=dim*")
    assert "pmin" not in page.url
    page.select_option("select[name=sort]", "probability")
    page.wait_for_url("**sort=probability*")
    page.go_back()
    page.wait_for_url(lambda url: "sort=" not in url)
    assert page.input_value("select[name=class]") == "dim"
    page.click(f"text={words.reset}")
    page.wait_for_url(lambda url: "class=" not in url)
    page.click(f"text={words.next_page}")
    page.wait_for_url("**page=2*")
    assert page.locator(".galaxies li").count() == COUNT - 48


def test_every_page_is_for_everybody(page: Any, served: Running, night: Path) -> None:
    who_and_what = [("Ola", "bright"), ("Ola", "dim"), ("Jan", "dim"), ("Jan", "striped")]
    said = [Decision(IDS[row // 2], label, who) for row, (who, label) in enumerate(who_and_what * 4)]
    Journal(decisions_path(night)).append(*said, *(Decision(one.id, one.label, f"{one.who} 2") for one in said))
    for address in ("label?c=night&at=2&who=Ola", "label?c=night&at=2&blind=1", "agreement?c=night"):
        open_page(page, served, night, address)
        require_good(page)


@once
def test_a_night_of_labelling_by_keys_alone(page: Any, served: Running, night: Path) -> None:
    """From the start to a class, without a mouse."""
    words = WORDS[page.lang].browse
    open_page(page, served, night, "wall?c=night")
    page.keyboard.press("Tab")
    for _ in range(60):
        if page.evaluate("document.activeElement.name") == "who":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("Ola 1")
    page.keyboard.press("Enter")
    page.wait_for_url("**/label*who=Ola*")
    page.wait_for_load_state("networkidle")
    for key in ("1", "2", "s", "?", "3"):
        before = page.inner_text("#id")
        page.keyboard.press(key)
        page.wait_for_function("(before) => document.getElementById('id').textContent != before", arg=before)
    wait_for(page, night, 4)
    assert made(night) == [(IDS[0], "bright"), (IDS[1], "dim"), (IDS[3], "unsure"), (IDS[4], "striped")]
    page.keyboard.press("u")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[4])
    assert page.inner_text("#told") == words.undone.format(label="striped")
    page.keyboard.press("2")
    wait_for(page, night, 6)
    assert made(night)[-2:] == [(IDS[4], ""), (IDS[4], "dim")]
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[5])
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[4])
    assert page.get_attribute(".choices button[aria-pressed]", "value") == "dim"
    page.keyboard.press("b")
    page.wait_for_url("**blind=1*")
    assert page.inner_text("#says") == words.hidden
    assert page.locator(".bars").count() == 0


@once
def test_letters_in_the_name_are_no_keys(page: Any, served: Running, night: Path) -> None:
    open_page(page, served, night, "label?c=night&at=0")
    page.fill("#who input[name=who]", "")
    page.type("#who input[name=who]", "1us?b")
    page.wait_for_timeout(300)
    assert made(night) == []
    assert "blind" not in page.url


def test_a_click_and_a_finger_do_as_keys_do(page: Any, served: Running, night: Path) -> None:
    open_page(page, served, night, "label?c=night&who=Ola&sort=id&down=1")
    page.click(".choices button >> text=dim")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[-2])
    page.click("#skip")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[-3])
    page.click("#undo button")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[-1])
    assert made(night) == [(IDS[-1], "dim"), (IDS[-1], "")]


def wait_at(page: Any, place: int) -> None:
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[place])


@once
def test_what_loads_the_page_anew_stays_at_the_galaxy_that_is_shown(page: Any, served: Running, night: Path) -> None:
    open_page(page, served, night, "label?c=night&who=Ola")
    page.keyboard.press("ArrowRight")
    wait_at(page, 1)
    page.keyboard.press("b")
    page.wait_for_url("**blind=1*")
    assert page.inner_text("#id") == IDS[1]
    page.wait_for_load_state("networkidle")
    page.keyboard.press("ArrowRight")
    wait_at(page, 2)
    page.fill("#who input[name=who]", "Ewa")
    page.click("#who button")
    page.wait_for_url("**who=Ewa*")
    assert page.inner_text("#id") == IDS[2]
    page.wait_for_load_state("networkidle")
    page.keyboard.press("ArrowLeft")
    wait_at(page, 1)
    page.click(".languages a:not([aria-current])")
    page.wait_for_url("**lang=*")
    assert page.inner_text("#id") == IDS[1]


@once
def test_the_line_tells_of_the_galaxy_that_is_shown(page: Any, served: Running, night: Path) -> None:
    words = WORDS[page.lang].browse
    open_page(page, served, night, "label?c=night&at=0&who=Ola")
    assert page.locator("#before").is_hidden()
    page.keyboard.press("1")
    wait_at(page, 1)
    assert page.inner_text("#told") == words.decided_as.format(label="bright")
    page.click("#before")
    wait_at(page, 0)
    assert page.inner_text("#told") == words.yours.format(label="bright")
    page.keyboard.press("ArrowRight")
    wait_at(page, 1)
    assert page.inner_text("#told") == ""


@once
def test_a_name_that_is_not_taken_yet_decides_nothing(page: Any, served: Running, night: Path) -> None:
    words = WORDS[page.lang].browse
    open_page(page, served, night, "label?c=night&at=0&who=Bob")
    page.fill("#who input[name=who]", "Ewa")
    page.click(".choices button >> text=dim")
    assert page.inner_text("#wrong") == words.name_first.format(name="Ewa")
    page.click("#who button")
    page.wait_for_url("**who=Ewa*")
    page.wait_for_load_state("networkidle")
    page.click(".choices button >> text=dim")
    wait_for(page, night, 1)
    assert [(one.who, one.label) for one in Journal(decisions_path(night)).decisions()] == [("Ewa", "dim")]


@once
def test_who_has_no_name_is_told_so(page: Any, served: Running, night: Path) -> None:
    open_page(page, served, night, "label?c=night&at=0")
    assert WORDS[page.lang].browse.nameless in page.inner_text("main")


@once
def test_an_undo_waits_for_a_decision_that_is_on_the_way(page: Any, served: Running, night: Path) -> None:
    open_page(page, served, night, "label?c=night&at=0&who=Ola")
    page.route("**/decide", lambda route: (page.wait_for_timeout(700), route.continue_()))
    page.keyboard.press("1")
    page.keyboard.press("u")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[1])
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[0])
    assert made(night) == [(IDS[0], "bright"), (IDS[0], "")]


@once
def test_the_next_picture_is_there_before_it_is_asked_for(page: Any, served: Running, night: Path) -> None:
    open_page(page, served, night, "label?c=night&at=0&who=Ola")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/picture" in request.url else None)
    page.keyboard.press("1")
    page.wait_for_function("(name) => document.getElementById('id').textContent == name", arg=IDS[1])
    page.wait_for_load_state("networkidle")
    assert not [address for address in asked if "row=1&" in address]


def test_without_scripts_there_are_the_same_galaxies_and_decisions(browser: Any, served: Running, night: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.address}/browse/wall?c={night.name}&token={TOKEN}")
    page.fill("#start input[name=who]", "Ola")
    page.click("#start button")
    page.click(".choices button >> text=striped")
    assert page.inner_text("#id") == IDS[1]
    assert made(night) == [(IDS[0], "striped")]
    page.click("#undo button")
    assert page.inner_text("#id") == IDS[0]
    context.close()


def launched(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """A browser that can be killed, and keeps what it keeps in a folder."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--remote-debugging-port={port}", f"--user-data-dir={folder}", "about:blank"]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)


def connected(playwright: Any, port: int) -> Any:
    sync_api = pytest.importorskip("playwright.sync_api")
    for _ in range(100):
        try:
            return playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        except sync_api.Error:
            time.sleep(0.2)
    raise AssertionError("the browser did not start")


@pytest.fixture
def own_night(catalogues: Path, tmp_path: Path) -> Path:
    """A folder of shards below a folder of its own."""
    shutil.copytree(catalogues / "night", tmp_path / "night")
    return tmp_path / "night"


@pytest.fixture
def kill_server(own_night: Path) -> Iterator[Callable[[], Running]]:
    """A server at one port, which is killed and started again each time."""
    held: list[Any] = []

    def again() -> Running:
        port = held[-1][1].port if held else 0
        if held:
            held[-1][1].process.kill()
            held[-1][1].process.wait()
        manager = running(own_night.parent, port=port)
        held.append((manager, manager.__enter__()))
        return held[-1][1]

    yield again
    for manager, _ in held:
        manager.__exit__(None, None, None)


def test_a_server_that_is_killed_loses_no_decision(
    browser: Any, own_night: Path, kill_server: Callable[[], Running]
) -> None:
    served = kill_server()
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.address}/browse/label?c={own_night.name}&who=Ola&token={TOKEN}")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("1")
    wait_for(page, own_night, 1)
    # The browser must know that it is kept, or it would rightly count that one, too.
    while page.evaluate("localStorage.getItem('kamerton-waiting') || '[]'") != "[]":
        page.wait_for_timeout(50)
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    # Decided while nobody listens: it waits in the browser, and the page says so.
    page.keyboard.press("2")
    page.wait_for_selector("#wrong:not([hidden])")
    page.keyboard.press("3")
    assert "2" in page.inner_text("#wrong")
    again = kill_server()
    assert again.port == served.port
    # Another server knows no cookie of the first: its address is opened, as it was printed.
    page.goto(f"{again.address}/browse/label?c={own_night.name}&who=Ola&token={TOKEN}")
    wait_for(page, own_night, 3)
    assert made(own_night) == [(IDS[0], "bright"), (IDS[1], "dim"), (IDS[2], "striped")]
    page.wait_for_timeout(300)
    assert len(made(own_night)) == 3
    context.close()


def test_a_browser_that_is_killed_loses_no_decision(
    playwright: Any, browser: Any, served: Running, night: Path, tmp_path: Path
) -> None:
    port = free_port()
    process = launched(port, tmp_path / "profile")
    page = connected(playwright, port).contexts[0].new_page()
    page.goto(f"{served.address}/browse/label?c={night.name}&who=Ola&token={TOKEN}")
    page.wait_for_load_state("networkidle")
    for key in "123":
        before = page.inner_text("#id")
        page.keyboard.press(key)
        page.wait_for_function("(before) => document.getElementById('id').textContent != before", arg=before)
    wait_for(page, night, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert made(night) == [(IDS[0], "bright"), (IDS[1], "dim"), (IDS[2], "striped")]
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.address}/browse/label?c={night.name}&who=Ola&token={TOKEN}")
    # Whoever comes back goes on where it ended.
    assert page.inner_text("#id") == IDS[3]
    context.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@once
def test_two_tabs_that_send_at_once_lose_nothing(page: Any, served: Running, night: Path) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    open_page(page, served, night, "label?c=night&who=Ola")
    page.route("**/browse/decide", hold, times=1)
    page.keyboard.press("1")
    while not held:
        page.wait_for_timeout(20)
    # Another tab sends what waits in the browser, and then decides something that does not arrive.
    other = page.context.new_page()
    open_page(other, served, night, "label?c=night&who=Ola")
    wait_for(page, night, 1)
    other.route("**/browse/decide", lambda route: route.abort())
    other.keyboard.press("2")
    other.wait_for_function("JSON.parse(localStorage.getItem('kamerton-waiting')).length == 1")
    held[0].continue_()
    wait_for(page, night, 2)
    other.close()
