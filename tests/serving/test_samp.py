"""Tables and images to other programs, through a real hub in this process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from astropy.io import fits
from astropy.table import Table
from starlette.testclient import TestClient

from kamerton.errors import UsageError
from kamerton.runs.folder import Run
from kamerton.serving import classify as classify_part
from kamerton.serving.samp import IMAGE, TABLE, send
from tests.serving.conftest import visitor
from tests.serving.test_classify import classify, cutout, png

samp = pytest.importorskip("pyvo.samp")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A hub that is found as any other is, by its lock file in the home folder."""
    monkeypatch.delenv("SAMP_HUB", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    hub = samp.SAMPHubServer(web_profile=False, mode="single", addr="127.0.0.1")
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def topcat(hub: Any) -> Iterator[queue.Queue[tuple[str, dict[str, str]]]]:
    """A program that takes tables and images, and what it was sent."""
    program = samp.SAMPIntegratedClient(metadata={"samp.name": "TOPCAT"}, addr="127.0.0.1")
    program.connect()
    taken: queue.Queue[tuple[str, dict[str, str]]] = queue.Queue()
    for kind in (TABLE, IMAGE):
        program.bind_receive_notification(
            kind, lambda _key, _sender, mtype, params, _extra: taken.put((mtype, dict(params)))
        )
    yield taken
    program.disconnect()


def file_of(params: dict[str, str]) -> Path:
    return Path(url2pathname(urlsplit(params["url"]).path))


@pytest.fixture
def client(calibrated: Run) -> TestClient:
    return visitor(calibrated.path.parent)


def test_a_table_arrives_at_topcat(client: TestClient, topcat: queue.Queue[tuple[str, dict[str, str]]]) -> None:
    address = classify(client, ("a.png", png()), ("b.png", png(1)))
    answer = client.post(f"{address}/samp", headers={"Accept": "application/json"})
    assert answer.json() == {"text": "Sent to TOPCAT."}
    mtype, params = topcat.get(timeout=10)
    assert mtype == TABLE
    assert list(Table.read(file_of(params), format="votable")["id"]) == ["a.png", "b.png"]


@pytest.mark.parametrize(("name", "shape"), [("a.png", (3, 32, 32)), ("a.fits", (3, 32, 32))])
def test_an_image_arrives_at_ds9(
    client: TestClient, topcat: queue.Queue[tuple[str, dict[str, str]]], name: str, shape: tuple[int, ...]
) -> None:
    address = classify(client, (name, cutout() if name.endswith("fits") else png()))
    assert client.post(f"{address}/0/samp").status_code == 200
    mtype, params = topcat.get(timeout=10)
    assert (mtype, params["name"]) == (IMAGE, name)
    assert fits.getdata(file_of(params)).shape == shape


def test_a_hub_without_programs_is_one_line(hub: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No program that takes tables"):
        send(TABLE, tmp_path / "a.vot", "a")


def test_no_hub_is_one_line(client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SAMP_HUB", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    answer = client.post(f"{classify(client, ('a.png', png()))}/samp", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "start TOPCAT" in answer.json()["error"]


def test_only_the_machine_itself_sends_to_its_programs(calibrated: Run) -> None:
    client = visitor(calibrated.path.parent, host="0.0.0.0")
    address = classify(client, ("a.png", png()))
    assert client.post(f"{address}/samp").status_code == 403
    assert "TOPCAT" not in client.get(address).text


def test_a_hub_that_never_answers_keeps_no_server_that_is_to_end(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, may_end = [], threading.Event()

    def wait(*_: object) -> None:
        of.append(threading.current_thread())
        may_end.wait(30)

    monkeypatch.setattr(classify_part, "send", wait)
    monkeypatch.setattr(classify_part, "SAMP_SECONDS", 0.2)
    address = classify(client, ("a.png", png()))
    try:
        assert client.post(f"{address}/samp").status_code == 400
        assert [one.daemon for one in of] == [True]
    finally:
        may_end.set()
