"""What a receipt says, in words and as a picture, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kamerton.errors import UnknownNameError
from kamerton.evaluation.statistics import Interval
from kamerton.explaining import english, polish
from kamerton.explaining.methods import Maker
from kamerton.explaining.receipt import Receipt, Rival
from kamerton.figures.explaining import Bar, Line, Words, receipt_figure
from kamerton.runs.folder import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANGUAGES: Mapping[str, Words] = {"en": english.WORDS, "pl": polish.WORDS}

TITLES = {
    "hirescam": "HiResCAM",
    "gradcam": "Grad-CAM",
    "occlusion": "occlusion",
    "integrated": "integrated gradients",
}
"""The methods as their papers have them."""

RIVALS = ("gaussian", "random")


def find_language(lang: str) -> Words:
    """Give the words of a language; UnknownNameError lists the known ones."""
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)
    return LANGUAGES[lang]


def verdicts(receipt: Receipt, words: Words) -> list[str]:
    """Say what came out, what must be known first at the head."""
    last = receipt.cascade[-1].agreement
    return [
        words[f"beats_gaussian {receipt.beats_gaussian}"],
        words[f"beats_random {receipt.beats_random}"],
        words[f"follows_weights {receipt.follows_weights}"].format(value=_number(last, words)),
        words["turned"].format(value=_number(receipt.turned, words)),
    ]


def _number(interval: Interval, words: Words) -> str:
    value, low, high = (f"{number:.2f}".replace(".", words["decimal"]) for number in _ends(interval))
    return value if low == high else f"{value} ({low}–{high})"


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high


def draw_receipt(run: Run, maker: Maker, explained: int, receipt: Receipt, words: Words) -> Figure:
    """Draw what was tried, under what it says."""
    rivals = {name: getattr(receipt, name) for name in ("map", *RIVALS)}
    curves = {
        kind: [_line(words[name], getattr(rival, kind)) for name, rival in rivals.items()]
        for kind in ("deletion", "insertion")
    }
    return receipt_figure(
        curves["deletion"],
        curves["insertion"],
        _line(words["map"], [step.agreement for step in receipt.cascade]),
        [step.layer for step in receipt.cascade],
        [_bar(words["against"].format(name=words[name]), rivals[name]) for name in RIVALS],
        "\n".join([_heading(run, maker, explained, receipt, words), *verdicts(receipt, words)]),
        words,
    )


def _heading(run: Run, maker: Maker, explained: int, receipt: Receipt, words: Words) -> str:
    layer = maker.layer
    at = "" if layer is None else words["at layer"].format(layer=layer.name, side=layer.side)
    return words["receipt heading"].format(
        run=run.name,
        network=run.record.network,
        method=TITLES[maker.method],
        layer=at,
        galaxies=receipt.galaxies,
        explained=explained,
    )


def _line(name: str, intervals: Sequence[Interval]) -> Line:
    values, low, high = np.array([_ends(interval) for interval in intervals]).T
    return Line(name, values, low, high)


def _bar(name: str, rival: Rival) -> Bar:
    assert rival.better_by is not None, "a rival is held against the map"
    return Bar(name, *_ends(rival.better_by))
