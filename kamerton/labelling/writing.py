"""Everything that is written of what was found: lists, a gallery, a page, and where it all comes from."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from kamerton.catalogue.columns import class_slugs
from kamerton.config.labels import LABELS_GALLERY, LABELS_RECORD
from kamerton.figures.drawing import save_figure
from kamerton.figures.testing import gallery_figure, short_name
from kamerton.files import whole_file, write_json
from kamerton.labelling.findings import Findings
from kamerton.labelling.issues import TRUST, cleanlab_version
from kamerton.labelling.judging import Plan
from kamerton.labelling.page import write_page
from kamerton.labelling.telling import LANGUAGES, Words, cautions, find_language, percent, sentences
from kamerton.version import __version__

LIST_CSV, LIST_PARQUET, PAGE = (f"labels.{ending}" for ending in ("csv", "parquet", "html"))

GALLERY_GALAXIES = 25
"""In the picture."""

DIGITS = 6
"""Of probabilities and scores in the CSV list."""


@dataclass(frozen=True, eq=False)
class Writer:
    """Writes what was found into the folder of a plan."""

    plan: Plan
    found: Findings

    def write(self) -> None:
        """Write all; the record comes last, so that it is there once all else is."""
        out, words = self.plan.out, find_language(self.plan.settings.lang)
        self._write_csv(out / LIST_CSV)
        self._write_parquet(out / LIST_PARQUET)
        save_figure(self._gallery(words), out / LABELS_GALLERY)
        write_page(self.found, self.plan, words, out / PAGE)
        write_json(out / LABELS_RECORD, self.as_json())

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """All galaxies, the most suspicious label first."""
        galaxies, issues = self.found.galaxies, self.found.issues
        order, names = issues.order, galaxies.class_names
        probabilities = self.found.judged.probabilities
        places = [galaxies.place(int(row)) for row in order]
        given, suggested = galaxies.labels[order], issues.suggested[order]
        return {
            "rank": list(range(1, len(order) + 1)),
            "id": [galaxies.ids[row] for row in order],
            "cube": [cube.path.name for cube, _ in places],
            "row": [row for _, row in places],
            "given": [names[number] for number in given],
            "suggested": [names[number] for number in suggested],
            "probability": probabilities[order, suggested].tolist(),
            "given_probability": probabilities[order, given].tolist(),
            "score": issues.score[order].tolist(),
            "probably_wrong": issues.is_issue[order].tolist(),
        }

    def _write_csv(self, path: Path) -> None:
        cells = [[_cell(value) for value in column] for column in self.columns.values()]
        with (
            whole_file(path) as partial,
            partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(zip(*cells, strict=True))

    def _write_parquet(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        names = self.found.galaxies.class_names
        chances = self.found.judged.probabilities[self.found.issues.order]
        columns: dict[str, Any] = dict(self.columns)
        columns |= {f"p_{slug}": chances[:, number] for number, slug in enumerate(class_slugs(names))}
        with whole_file(path) as partial:
            parquet.write_table(pa.table(columns), partial)

    def _gallery(self, words: Words) -> Any:
        found, columns = self.found, self.columns
        shown = min(found.count, GALLERY_GALAXIES)
        captions = [
            words["caption"].format(
                id=short_name(columns["id"][place]),
                given=columns["given"][place],
                suggested=columns["suggested"][place],
                probability=percent(columns["probability"][place], words),
            )
            for place in range(shown)
        ]
        heading = words["gallery"].format(data=found.galaxies.path.name, shown=shown, count=found.count)
        images_nhwc = found.galaxies.images(found.issues.order[:shown])
        return gallery_figure(images_nhwc, captions, heading if shown else words["none suspicious"])

    def as_json(self) -> dict[str, Any]:
        """Give what was found and where it comes from, as plain values."""
        found, plan, english = self.found, self.plan, find_language("en")
        galaxies = found.galaxies
        return {
            "words": [*cautions(found, english), *sentences(found, english)],
            "translations": {
                lang: [*cautions(found, language.WORDS), *sentences(found, language.WORDS)]
                for lang, language in LANGUAGES.items()
                if lang != "en"
            },
            "galaxies": len(galaxies),
            "probably_wrong": found.count,
            "estimated_wrong": found.issues.estimated,
            "agreement": dataclasses.asdict(found.agreement),
            "class_names": list(galaxies.class_names),
            "joint_given_true": found.issues.joint.tolist(),
            "ways": [pair._asdict() for pair in found.pairs],
            "groups": [_group(group) for group in found.groups],
            "alike": [
                {
                    "ids": [galaxies.ids[pair.first], galaxies.ids[pair.second]],
                    "cubes": [galaxies.place(row)[0].path.name for row in (pair.first, pair.second)],
                    "likeness": pair.likeness,
                    "contradiction": pair.is_contradiction,
                }
                for pair in found.alike
            ],
            "against_guessing": None if found.guess is None else found.guess.as_json(),
            "data": [
                {"path": str(cube.path), "galaxies": len(cube), "fingerprint": cube.fingerprint()}
                for cube in galaxies.cubes
            ],
            "sealed": None if galaxies.sealed is None else str(galaxies.sealed),
            "network": plan.network,
            "recipe": dataclasses.asdict(plan.recipe),
            "seed": plan.settings.seed,
            "views": 8 if plan.settings.eight_views else 1,
            "folds": [
                {
                    "run": f"{run.path.parent.name}/{run.path.name}",
                    "weights_sha256": metrics.weights_sha256,
                    "galaxies": metrics.galaxies,
                    "agreement": metrics.accuracy,
                    "leakage": metrics.leakage.status,
                }
                for run, metrics in zip(found.judged.runs, found.judged.metrics, strict=True)
            ],
            "method": {"cleanlab": cleanlab_version(), "trust": TRUST},
            "kamerton": __version__,
        }


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{DIGITS}f}" if isinstance(value, float) else value


def _group(group: Any) -> dict[str, Any]:
    values: dict[str, Any] = dataclasses.asdict(group)
    return values | {"worse": group.is_worse}
