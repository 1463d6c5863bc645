"""How the part that looks through catalogues is asked."""

from __future__ import annotations

import re
from typing import Any

from starlette.testclient import TestClient

from tests.browsing.conftest import COUNT

JSON = {"Accept": "application/json"}

IDS = [f"łuk {row:02d}.png" for row in range(COUNT)]


def decide(client: TestClient, row: int, label: str = "dim", who: str = "Ola", **more: str) -> Any:
    form = {"c": "night", "row": str(row), "id": IDS[row], "label": label, "who": who, "seconds": "1.5", **more}
    return client.post("/browse/decide", data=form, headers=JSON)


def ids(answer: Any) -> list[str]:
    """The galaxies of a wall, in their order."""
    return re.findall(r'<small class="id">(.*?)</small>', answer.text)


def queue(client: TestClient, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/browse/queue", params={"c": "night", **asked}).json()["galaxies"]
    return found
