"""One page about labels that opens offline: what was found, and the galaxies to look at."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kamerton.arrays import ImageHWC
from kamerton.errors import as_typed
from kamerton.files import whole_file
from kamerton.labelling.findings import Findings
from kamerton.labelling.issues import cleanlab_version
from kamerton.labelling.judging import Plan
from kamerton.labelling.telling import Words, cautions, group_name, percent, sentences, with_ends
from kamerton.reporting.embedding import data_uri
from kamerton.version import __version__

PAGE_GALAXIES, PAGE_DOUBLES, PAGE_WAYS = 100, 25, 20
"""Shown on the page; the lists have all."""

THUMBNAIL_PX = 128
"""Side of a galaxy on the page at most."""

SMALLEST_P = 0.001


def write_page(found: Findings, plan: Plan, words: Words, path: Path) -> None:
    """Write the page in the place of an earlier one."""
    from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined

    loaders = {
        "labelling": PackageLoader("kamerton.labelling", "."),
        "reporting": PackageLoader("kamerton.reporting", "."),
    }
    environment = Environment(
        loader=PrefixLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("labelling/page.html.j2")
    page = template.render(lang=plan.settings.lang, **Teller(found, plan, words).content())
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8", errors="backslashreplace")


class Teller:
    """Gives what the page shows, in one language."""

    def __init__(self, found: Findings, plan: Plan, words: Words) -> None:
        self.found, self.plan, self.words = found, plan, words

    def content(self) -> dict[str, Any]:
        """Give everything that the page shows."""
        found, plan, words = self.found, self.plan, self.words
        shown = min(found.count, PAGE_GALAXIES)
        return {
            "w": words,
            "made": words["made"].format(
                version=__version__, date=f"{datetime.now(UTC):%Y-%m-%d}", data=found.galaxies.path
            ),
            "warnings": cautions(found, words),
            "sentences": sentences(found, words),
            "suspicious_note": words["suspicious note"].format(shown=shown, count=found.count),
            "suspicious": [self.galaxy(int(row)) for row in found.issues.order[:shown]],
            "ways": found.pairs[:PAGE_WAYS],
            "groups": [self.group(number) for number in range(len(found.groups))],
            "doubles": self.doubles(),
            "folds": self.folds(),
            "provenance": words["provenance"].format(
                network=plan.network,
                recipe=plan.recipe.name,
                epochs=plan.recipe.epochs,
                batch_size=plan.recipe.batch_size,
                seed=plan.settings.seed,
                cleanlab=cleanlab_version(),
            ),
            "command": f"kamerton labels {as_typed(found.galaxies.path)} --apply decisions.csv --out "
            + ("corrected" if found.galaxies.path.is_dir() else "corrected.fits"),
        }

    def galaxy(self, row: int) -> dict[str, Any]:
        """Give what is shown of a galaxy."""
        galaxies, issues = self.found.galaxies, self.found.issues
        suggested = int(issues.suggested[row])
        return {
            "picture": thumbnail(galaxies.images([row])[0]),
            "id": galaxies.ids[row],
            "given": galaxies.class_names[int(galaxies.labels[row])],
            "suggested": galaxies.class_names[suggested],
            "probability": percent(float(self.found.judged.probabilities[row, suggested]), self.words),
            "score": self.number(float(issues.score[row])),
        }

    def number(self, value: float) -> str:
        """Write a number of three digits as the language does."""
        return f"{value:.3f}".replace(".", self.words["decimal"])

    def group(self, number: int) -> dict[str, Any]:
        """Give the row of a kind of galaxies."""
        group = self.found.groups[number]
        p = group.p_adjusted
        return {
            "name": group_name(group, self.words),
            "galaxies": group.galaxies,
            "agreement": with_ends(group.agreement, self.words),
            "issues": f"{group.issues} ({percent(group.issues / group.galaxies, self.words)})",
            "p": f"< {self.number(SMALLEST_P)}" if p < SMALLEST_P else self.number(p),
            "is_worse": group.is_worse,
        }

    def doubles(self) -> list[dict[str, Any]]:
        """Give the pairs of one galaxy with two labels."""
        pairs = sorted(self.found.contradictions, key=lambda pair: -pair.likeness)[:PAGE_DOUBLES]
        return [
            {
                "galaxies": [self.galaxy(pair.first), self.galaxy(pair.second)],
                "likeness": f"{pair.likeness:.2f}".replace(".", self.words["decimal"]),
            }
            for pair in pairs
        ]

    def folds(self) -> list[dict[str, Any]]:
        """Give the row of each fold's network."""
        judged = self.found.judged
        return [
            {
                "run": run.name,
                "galaxies": metrics.galaxies,
                "agreement": percent(metrics.accuracy, self.words),
                "leakage": self.words[f"leakage {metrics.leakage.status}"],
                "weights": metrics.weights_sha256,
            }
            for run, metrics in zip(judged.runs, judged.metrics, strict=True)
        ]


def thumbnail(image_hwc: ImageHWC) -> str:
    """Write a galaxy as a small JPEG in a data URI; other than three channels are shown as the first, in grey."""
    from PIL import Image

    pixels = np.clip(image_hwc, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return data_uri(file.getvalue(), ".jpg")
