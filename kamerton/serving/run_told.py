"""What is said of one run: how far it is, its settings, its confusions and explanations, in a reader's language."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from kamerton.errors import heard
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.results import RunPredictions
from kamerton.explaining.kept import Kept, kept_explanations
from kamerton.figures.drawing import MANY_CLASSES
from kamerton.figures.testing import short_name
from kamerton.reporting.languages import LANGUAGES, written
from kamerton.reporting.pictures import explained
from kamerton.runs.folder import Run
from kamerton.runs.history import NOTEBOOK_COLUMNS, PENALTY, RATE
from kamerton.runs.record import flattened
from kamerton.serving.run_states import RunState
from kamerton.serving.site import Site
from kamerton.serving.words import WORDS

COLOURS = 20
"""Steps of the colours of a confusion matrix."""

LIGHT_SHARE = 0.5
"""From here on a cell is so light that its number is dark, as in the figures."""


def kept_in(run: Run) -> list[Kept]:
    """List the explanations in a run; one that cannot be read is left out, as of a report."""
    with heard():
        return list(kept_explanations(run))


def explanation(run: Run, kept: Kept, lang: str) -> dict[str, Any]:
    """Say what an explanation is worth, with captions for its galleries."""
    language = LANGUAGES[lang]
    captions = [language.WORDS["gallery"].format(run=run.name, name=name) for name in kept.galleries]
    return explained(run, kept, language) | {"pictures": captions}


@dataclass(frozen=True)
class Cell:
    """A number of a confusion matrix."""

    count: int
    share: float
    colour: int
    """Step of the colours."""
    is_light: bool


def matrix_rows(tested: RunPredictions, comparison: Comparison) -> list[tuple[int, list[Cell]]] | None:
    """Give the rows of a confusion matrix with their totals; None for so many classes that a figure shows it."""
    if len(comparison.class_names) > MANY_CLASSES:
        return None
    counts = tested.confusion
    totals = counts.sum(1)
    shares = counts / np.maximum(totals, 1)[:, np.newaxis]
    return [
        (
            int(total),
            [
                Cell(int(count), float(share), round(COLOURS * float(share)), bool(share > LIGHT_SHARE))
                for count, share in zip(row, part, strict=True)
            ],
        )
        for total, row, part in zip(totals, counts, shares, strict=True)
    ]


def galaxy_told(tested: RunPredictions, row: int) -> dict[str, Any]:
    """Say which galaxy is in a row of a test, and what the network says of it."""
    said = int(tested.probabilities[row].argmax())
    return {
        "row": row,
        "id": tested.ids[row],
        "name": short_name(tested.ids[row]),
        "true": int(tested.labels[row]),
        "said": said,
        "sure": float(tested.probabilities[row, said]),
    }


def settings_told(run: Run | None, site: Site) -> list[tuple[str, str]]:
    """List everything that the record of a run says, but for what the page says already."""
    if run is None:
        return []
    record = dataclasses.asdict(run.record)
    for name in ("class_names", "data", "members"):
        del record[name]
    members = {member.name: member.fingerprint for member in run.record.members}
    return [
        (name, site.place(str(value)) if name.endswith(".path") and value is not None else _plain(value))
        for name, value in flattened(record | ({"members": members} if members else {}))
        # How the folders of this machine lie to each other is for who sits at it.
        if site.settings.is_local or not name.endswith(".beside")
    ]


def _plain(value: Any) -> str:
    return "–" if value is None or value == () else str(value)


def state_told(state: RunState, lang: str) -> dict[str, Any]:
    """Say how far a training is, in sentences and numbers of a language."""
    own, show = WORDS[lang].runs, shower(lang)
    done, of = state.epochs_done, state.epochs or 0
    said = getattr(own, f"now_{state.state}").format(done=done, of=of)
    left = state.seconds_left if state.state == "training" and done else None
    numbers = {} if state.history is None else dict(state.history.iloc[-1])
    return {
        "state": state.state,
        "label": getattr(own, state.state),
        "said": said,
        "left": "" if left is None else own.left.format(time=_duration(left)),
        "done": done,
        "of": of,
        "numbers": {
            name: show(numbers.get(name), ".4f" if name in NOTEBOOK_COLUMNS else ".2g")
            for name in (*NOTEBOOK_COLUMNS, PENALTY if PENALTY in numbers else RATE)
        },
    }


def _duration(seconds: float) -> str:
    """Write a length of time as h:mm:ss."""
    return str(timedelta(seconds=round(min(seconds, 10**8))))


def shower(lang: str) -> Callable[[float | None, str], str]:
    """Give what writes numbers as a language does, and a dash for those that are not known."""

    def show(value: float | None, form: str = ".3f") -> str:
        return "–" if value is None or not np.isfinite(value) else written(value, form, LANGUAGES[lang])

    return show
