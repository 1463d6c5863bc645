"""Changing kept results, as a careless hand or another program might."""

from __future__ import annotations

import json
from typing import Any

from kamerton.runs.folder import Run


def change_metrics(run: Run, /, **changes: Any) -> None:
    """Change fields of the results on ``test``; without their ``seal`` they are as older ones are."""
    place = run.evaluation_path("test") / "metrics.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | changes))
