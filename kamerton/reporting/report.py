"""``kamerton report``: runs compared, on one page that opens offline, prints well, and names its own limits."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.checks import several
from kamerton.config.judging import REPORT_PAGE, ReportSettings
from kamerton.config.recipe import Recipe
from kamerton.errors import OutputError, PictureError, UnknownNameError, warn
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Caution, Comparison, Difference, NetworkResult
from kamerton.evaluation.comparison_figures import FIGURES, draw_figures
from kamerton.evaluation.leakage import check_counts
from kamerton.evaluation.repeats import name_of
from kamerton.evaluation.statistics import METRICS, SIGNIFICANT
from kamerton.explaining.kept import Kept, kept_explanations
from kamerton.explaining.telling import find_language, verdicts
from kamerton.files import OR_OVERWRITE, require_new, whole_file
from kamerton.opening import open_plain
from kamerton.progress import Progress
from kamerton.reporting import english, polish
from kamerton.reporting.axes import write_decimals
from kamerton.reporting.beside import AskedList, Beside, LabelsTold, LikeOne, beside_runs
from kamerton.reporting.embedding import embedded, embedded_file, translate
from kamerton.runs.ensembles import title_of
from kamerton.runs.evaluation import Leakage
from kamerton.runs.folder import Run
from kamerton.runs.record import RunRecord
from kamerton.runs.reliability import CertaintyScores
from kamerton.version import __version__

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LANGUAGES: dict[str, ModuleType] = {"en": english, "pl": polish}

GENERATOR = b'<meta name="generator" content="Kamerton">'
"""In the head of every page, which tells ours from others."""
HEAD_BYTES = 400

SMALLEST_P = 0.001
"""Below this the digits of a p-value mean little."""

COSTS = ("parameters", "flops", "training_seconds", "images_a_second", "peak_memory")
RELIABILITY = ("log_loss", "brier", "ece", "smooth_ece")
SETTINGS = ("recipe", "start", "epochs", "batch", "image", "chosen", "views")


def report(
    runs: Run | str | Path | Iterable[Run | str | Path],
    out: str | Path = REPORT_PAGE,
    *,
    lang: str = ReportSettings.lang,
    dataset: str | None = ReportSettings.dataset,
    resamples: int = ReportSettings.resamples,
    seed: int = ReportSettings.seed,
    beside: str | Path | Iterable[str | Path] = (),
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> Path:
    """Write a page that compares runs, in English (``en``) or Polish (``pl``), and give its path.

    Everything is in the one file, which with ``overwrite`` takes the place of an earlier report. What `labels`,
    `similar` and `next_galaxies` wrote is shown too, where it lies in a run folder or is named by ``beside``.
    Raises UnknownNameError for another language, OutputError where ``out`` exists, or with ``overwrite`` is no report,
    UsageError or DataError for what is named beside and is no such result, and what `compare` raises.
    """
    _require_language(lang)
    _require_place(Path(out), overwrite=overwrite)
    named: tuple[str | Path, ...] = several(beside, str, Path)
    beside_runs([], named)
    compared = compare(runs, dataset=dataset, resamples=resamples, seed=seed, watcher=watcher)
    return write_report(compared, out, lang=lang, beside=named, overwrite=overwrite)


def write_report(
    comparison: Comparison,
    out: str | Path,
    *,
    lang: str = ReportSettings.lang,
    beside: str | Path | Iterable[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """Write the page of a comparison that is made already, and give its path; else as `report`."""
    _require_language(lang)
    _require_place(Path(out), overwrite=overwrite)
    page = report_page(comparison, lang, several(beside, str, Path))
    with whole_file(Path(out)) as partial:
        # Names in a run folder's files may hold halves of letters, which no UTF-8 has.
        partial.write_text(page, encoding="utf-8", errors="backslashreplace")
    return Path(out)


def _require_place(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken (OutputError); with ``overwrite``, by what is no page of ours: it would be lost."""
    if not overwrite:
        require_new(out, OR_OVERWRITE)
    elif os.path.lexists(out) and not (_is_own_page(out) and not out.is_symlink()):
        raise OutputError(
            f"{out} is no report that Kamerton wrote",
            received="a file of another origin" if out.is_file() and not out.is_symlink() else "a link or a folder",
            next_step="choose another name or move it away; nothing was changed",
        )


def _is_own_page(path: Path) -> bool:
    try:
        with open_plain(path) as file:
            return GENERATOR in file.read(HEAD_BYTES)
    except OSError:
        return False


def _require_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)


def report_page(comparison: Comparison, lang: str, beside: Iterable[str | Path] = ()) -> str:
    """Give the page of a comparison as HTML; it needs nothing from outside, and runs nothing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kamerton.reporting", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    runs = dict.fromkeys(one.run for result in comparison.networks for one in result.predictions)
    teller = dataclasses.replace(Teller.of(comparison, lang), beside=tuple(beside_runs(runs, beside)))
    return environment.get_template("page.html.j2").render(lang=lang, **teller.content())


def _in_language(comparison: Comparison, language: ModuleType) -> Comparison:
    """Say in the page's language what tells networks of one title apart, where their names say so."""
    names = {
        one.name: name_of(one.title, one.traits, language.TRAITS, lambda number: written(number, "g", language))
        if one.traits
        else one.name
        for one in comparison.networks
    }
    return dataclasses.replace(
        comparison,
        networks=tuple(dataclasses.replace(one, name=names[one.name]) for one in comparison.networks),
        differences=tuple(
            dataclasses.replace(one, first=names[one.first], second=names[one.second]) for one in comparison.differences
        ),
    )


def written(value: float, form: str, language: ModuleType) -> str:
    """Write a number as a language does, with a true minus."""
    text = format(value, form).replace("-", "−").replace(",", "\0").replace(".", language.WORDS["decimal"])
    return text.replace("\0", language.WORDS["thousands"])


def explained(run: Run, kept: Kept, language: ModuleType) -> dict[str, Any]:
    """Say what an explanation is of, and what it is worth."""
    words = language.WORDS
    return {
        "of": words["explained_layer" if kept.of.layer else "explained_pixels"].format(
            run=run.name,
            dataset=kept.path.name,
            method=kept.of.method,
            layer=kept.of.layer,
            galaxies=written(kept.of.explained, ",d", language),
        ),
        "words": " ".join(verdicts(kept.receipt, find_language(words["lang"]))),
        "path": kept.path,
    }


def in_language(figure: Figure, language: ModuleType) -> Figure:
    """Write a figure's texts and numbers as a language does."""
    translate(figure, language.FIGURE_TEXTS)
    write_decimals(figure, language.WORDS["decimal"])
    return figure


@dataclass(frozen=True)
class Teller:
    """Says what a comparison found in one language."""

    language: ModuleType
    comparison: Comparison
    beside: tuple[Beside, ...] = ()
    """What else is shown."""

    @classmethod
    def of(cls, comparison: Comparison, lang: str) -> Teller:
        """Tell of a comparison in ``en`` or ``pl``; what tells networks of one title apart is said in it, too."""
        return cls(LANGUAGES[lang], _in_language(comparison, LANGUAGES[lang]))

    @property
    def words(self) -> dict[str, str]:
        """The language's short texts, by their keys in the template."""
        return dict(self.language.WORDS)

    def number(self, value: float | None, form: str = ".3f") -> str:
        """Write a number as the language does."""
        if value is None or not np.isfinite(value):
            return self.words["none"]
        return written(value, form, self.language)

    def p_value(self, p: float) -> str:
        """Write a p-value as journals do."""
        return f"< {self.number(SMALLEST_P)}" if p < SMALLEST_P else self.number(p, ".2g")

    def content(self) -> dict[str, Any]:
        """Give everything that the page shows."""
        pictures = {"pictures": self.pictures(), "explanations": list(self.explanations())}
        return self.texts() | pictures | {"beside": list(self.besides())}

    def texts(self) -> dict[str, Any]:
        """Give all of it but pictures: sentences, and the cells of the tables."""
        w, comparison = self.words, self.comparison
        groups = w["groups"].format(groups=comparison.groups) if comparison.groups < comparison.galaxies else ""
        counts = np.bincount(comparison.networks[0].predictions[0].labels, minlength=len(comparison.class_names))
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        return {
            "w": w,
            "made": w["made"].format(version=__version__, date=today),
            "warnings": [self.caution(caution) for caution in comparison.cautions],
            "finding": self.finding(),
            "results_note": w["results_note"].format(
                galaxies=self.number(comparison.galaxies, ",d"),
                dataset=comparison.tested_on,
                groups=groups,
                resamples=self.number(comparison.resamples, ",d"),
            ),
            "metrics": METRICS,
            "reliability_names": RELIABILITY,
            "networks": [self.network(result) for result in comparison.networks],
            "ensembles": self.ensembles(),
            "differences_note": w["differences_note"].format(
                pairs=len(comparison.differences), limit=self.number(SIGNIFICANT, "g")
            ),
            "differences": [self.difference(difference) for difference in comparison.differences],
            "reliability": self.reliability(),
            "sets": self.sets(),
            "costs": COSTS,
            "settings_names": SETTINGS,
            "data": self.data(),
            "classes": [
                (name, self.number(count, ",d"))
                for name, count in zip(comparison.class_names, counts.tolist(), strict=True)
            ],
            "runs": self.runs(),
            "versions": self.versions(),
            "limits": self.limits(),
        }

    def caution(self, caution: Caution) -> str:
        """Say what must be known first."""
        if caution.guess is not None:
            numbers = caution.guess.numbers(self.number, self.p_value)
            return f"{caution.run}: {self.language.GUESS_WORDS[caution.guess.verdict].format(**numbers)}"
        if caution.leakage is None:
            return self.words[caution.kind].format(run=caution.run)
        return self.words[_leakage_words(caution.leakage)].format(
            run=caution.run,
            galaxies=self.galaxies(caution.galaxies),
            seen=self.seen(
                caution.leakage.likely if caution.leakage.status == "likely" else caution.leakage.seen or {}
            ),
        ) + self.leakage_details(caution.leakage, caution.galaxies)

    def galaxies(self, number: int) -> str:
        """Say of how many galaxies."""
        words = "of one galaxy" if number == 1 else "of galaxies"
        return self.words[words].format(galaxies=self.number(number, ",d"))

    def seen(self, counts: Mapping[str, int]) -> str:
        """Say how many galaxies each split has."""
        return ", ".join(
            self.words["seen_in"].format(count=self.number(count, ",d"), split=self.words.get(split, split))
            for split, count in counts.items()
            if count
        )

    def leakage_details(self, leakage: Leakage, galaxies: int) -> str:
        """Say what each check found, and what is not known; empty where nobody recorded it."""
        parts = []
        for check, found, unknown in check_counts(leakage, galaxies):
            words = "check found" if not unknown else "check found in part"
            words = "check not known" if not found and unknown == galaxies else words
            numbers = {"found": self.number(found, ",d"), "unknown": self.number(unknown, ",d")}
            parts.append(self.words[words].format(check=self.words[check], **numbers))
        words = "leakage look" if leakage.status == "likely" else "leakage details"
        return self.words[words].format(checks=", ".join(parts)) if parts else ""

    def finding(self) -> str:
        """Say the main finding, what is known first."""
        ranked = sorted(self.comparison.networks, key=lambda result: -result.metrics["accuracy"].value)
        best = ranked[0]
        guessing = [one.name for one in ranked if one.guess is not None and one.guess.is_guessing]
        pairs = [d for d in self.comparison.differences if best.name in {d.first, d.second}]
        others = {
            shown: [d.second if d.first == best.name else d.first for d in pairs if d.shown is shown]
            for shown in (True, False)
        }
        kind = (
            "only_one" if not pairs else "best_shown" if not others[False] else "best_partly" if others[True] else "tie"
        )
        words = self.words[kind].format(
            best=best.name,
            value=self.number(best.metrics["accuracy"].value),
            worse=self.listed(others[True]),
            others=self.listed(others[False]),
        )
        compared = [one for one in ranked if one.name in {best.name, *others[True]}]
        if others[True] and any(len(one.predictions) == 1 for one in compared):
            words = f"{words} {self.words['one_seed']}"
        if not guessing:
            return words
        if len(guessing) == len(ranked):
            return f"{self.words['all_guess' if pairs else 'only_guess'].format(names=guessing[0])} {words}"
        return f"{words} {self.words['some_guess'].format(names=self.listed(guessing))}"

    def listed(self, names: Sequence[str]) -> str:
        """List names, the last two with the language's word for and between them."""
        return f" {self.words['and']} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def network(self, result: NetworkResult) -> dict[str, Any]:
        """Give a network's rows of the tables."""
        cells = []
        for metric in METRICS:
            value, spread = result.metrics[metric], result.spread[metric]
            numbers = {name: self.number(number) for name, number in dataclasses.asdict(value).items()}
            cells.append(numbers | {"spread": "" if spread is None else self.number(spread)})
        cost, record = result.cost, result.predictions[0].run.record
        return {
            "name": result.name,
            "seeds": len(result.predictions),
            "cells": cells,
            "cost": [
                self.number(cost.parameters, ",d"),
                self.number(cost.flops_an_image / 1e9, ".3g"),
                *(
                    self.number(value, ",.0f")
                    for value in (cost.training_seconds, cost.images_a_second, cost.peak_memory_mib)
                ),
            ],
            "settings": [
                *(_each_once(cells) for cells in zip(*map(self.settings, record.trained), strict=True)),
                result.predictions[0].metrics.views,
            ],
        }

    def settings(self, record: RunRecord) -> list[str]:
        """Give the cells of what one network was trained with."""
        none, recipe = self.words["none"], record.recipe
        return [
            self.words["imported"] if recipe is None else self.recipe(recipe),
            self.start(record),
            none if recipe is None else str(recipe.epochs),
            none if recipe is None else str(recipe.batch_size),
            str(record.preprocessing.size),
            self.language.CHOSEN[record.weights_chosen_by],
        ]

    def recipe(self, recipe: Recipe) -> str:
        """Name a recipe, and say where the last layer alone learned by it."""
        return f"{recipe.name}, {self.words['probe']}" if recipe.frozen else recipe.name

    def ensembles(self) -> list[str]:
        """Say of each ensemble whose probabilities it averages, and what all of them cost together."""
        told = []
        for result in self.comparison.networks:
            one = result.predictions[0]
            members, tests = one.run.record.members, one.metrics.averaged
            if not members:
                continue
            accuracy = {test.fingerprint: test.accuracy for test in tests}
            names = [
                self.words["member"].format(
                    name=member.name,
                    network=title_of(member.record),
                    accuracy=self.number(accuracy.get(member.fingerprint)),
                    weights=member.weights[:8],
                )
                for member in members
            ]
            cost = result.cost
            told.append(
                self.words["ensemble_note"].format(
                    name=result.name,
                    run=one.run.name,
                    members="; ".join(names),
                    parameters=self.number(cost.parameters, ",d"),
                    megabytes=self.number((cost.weights_bytes or 0) / 1e6, ",.3g"),
                    flops=self.number(cost.flops_an_image / 1e9, ".3g"),
                    seconds=self.number(cost.training_seconds, ",.0f"),
                )
            )
        return told

    def start(self, record: RunRecord) -> str:
        """Say what a training began with: name, what that learned from, and its licence."""
        if record.start is None:
            return self.words["none"] if record.recipe is None else self.words["random"]
        told = (word or self.words["not told"] for word in (record.start.trained_on, record.start.licence))
        return f"{record.start.name} ({'; '.join(told)})"

    def reliability(self) -> list[dict[str, Any]]:
        """Give a row a run before calibration, and one after; none for results of before that was measured."""
        rows = []
        for run, scores in self._certainty():
            kinds = [(self.words["uncalibrated"], scores.network)]
            if scores.calibrated is not None:
                words = "calibrated_here" if scores.calibrated.same_cube else "calibrated"
                kinds.append((self.words[words].format(cube=scores.calibrated.cube), scores.calibrated.reliability))
            for kind, one in kinds:
                found = [getattr(one, name) for name in RELIABILITY]
                cells = [
                    {part: self.number(getattr(value, part)) for part in ("value", "low", "high")} for value in found
                ]
                rows.append({"run": run, "kind": kind, "cells": cells})
        return rows

    def sets(self) -> list[dict[str, Any]]:
        """Give a row a class of each calibrated run: how often its sets hold the class, and how large they are."""
        rows = []
        for run, scores in self._certainty():
            made = scores.calibrated
            if made is None:
                continue
            for row in made.sets:
                share = row.covered / row.galaxies if row.galaxies else None
                low, high = row.interval or (None, None)
                rows.append(
                    {
                        "run": run,
                        "class": row.class_name,
                        "galaxies": self.number(row.galaxies, ",d"),
                        "promised": self.number(made.coverage, ".1%") + (" *" if row.class_name in made.pooled else ""),
                        "held": {"value": self.number(share), "low": self.number(low), "high": self.number(high)},
                        "size": self.number(row.mean_size, ".2f"),
                    }
                )
        return rows

    def _certainty(self) -> Iterator[tuple[str, CertaintyScores]]:
        for result in self.comparison.networks:
            for one in result.predictions:
                if one.metrics.certainty is not None:
                    yield one.run.name, one.metrics.certainty

    def difference(self, difference: Difference) -> dict[str, Any]:
        """Give a pair's row of the table."""
        accuracy = difference.metrics["accuracy"]
        better = difference.first if accuracy.value > 0 else difference.second
        doubt = difference.doubt and self.language.DOUBTS[difference.doubt].format(
            p=self.words["p_value" if difference.comparisons == 1 else "corrected_p"],
            limit=self.number(SIGNIFICANT, "g"),
            comparisons=difference.comparisons,
        )
        return {
            "first": difference.first,
            "second": difference.second,
            "value": self.number(accuracy.value, "+.3f"),
            "low": self.number(accuracy.low, "+.3f"),
            "high": self.number(accuracy.high, "+.3f"),
            "first_only": difference.mcnemar.first_only,
            "second_only": difference.mcnemar.second_only,
            "p": self.p_value(difference.mcnemar.p_value),
            "p_adjusted": self.p_value(difference.p_adjusted),
            "words": self.words["no_difference"] if doubt else self.words["better"].format(better=better),
            "doubt": doubt,
        }

    def pictures(self) -> list[dict[str, str]]:
        """Draw the pictures, with their captions."""
        found = []
        for name, figure in draw_figures(self.comparison).items():
            in_language(figure, self.language)
            ending = ".png" if FIGURES[name].photographs else ".svg"
            found.append({"source": embedded(figure, ending), "caption": self.language.CAPTIONS.get(name, name)})
        return found

    def explanations(self) -> Iterator[dict[str, Any]]:
        """Give what `explain` keeps in the first run of each network: what its maps are worth, and the galleries."""
        for run in dict.fromkeys(result.predictions[0].run for result in self.comparison.networks):
            for kept in kept_explanations(run):
                yield explained(run, kept, self.language) | {"pictures": list(self.galleries(run, kept))}

    def galleries(self, run: Run, kept: Kept) -> Iterator[dict[str, str]]:
        """Give the galleries of an explanation, with their captions; what is no picture is left out aloud."""
        for name, path in kept.galleries.items():
            source = self.picture(path)
            if source is not None:
                yield {"source": source, "caption": self.words["gallery"].format(run=run.name, name=name)}

    def besides(self) -> Iterator[dict[str, Any]]:
        """Give what `labels`, `similar` and `next` found, each kind below one heading."""
        w = self.words
        for kind, heading in ((LabelsTold, "labels"), (LikeOne, "similar"), (AskedList, "next")):
            shown = [self.one_beside(one) for one in self.beside if isinstance(one.found, kind)]
            if shown:
                yield {"heading": w[heading], "shown": shown}

    def one_beside(self, beside: Beside) -> dict[str, Any]:
        """Give one of these: its words, its picture, or a table where it has none."""
        w, found = self.words, beside.found
        picture = None if beside.gallery is None else self.picture(beside.gallery)
        shown: dict[str, Any] = {
            "path": beside.path,
            "picture": picture,
            "titles": (),
            "rows": (),
            "numbers": (1, 4),
        }
        if isinstance(found, LabelsTold):
            return shown | {"lines": found.sentences(w["lang"])}
        if isinstance(found, LikeOne):
            known = self.number(found.known, ",d")
            line = w["similar_note"].format(query=found.query, known=known, where=Path(found.where).name)
            shown["numbers"] = (1, 4, 5)
            last, rows = w["distance"], [(*row[:3], self.number(row[3]), self.number(row[4])) for row in found.rows]
        else:
            line = w["next_note"].format(count=self.number(found.count, ",d"), shown=len(found.rows))
            last, rows = w["likely_classes"], [(*row[:3], self.number(row[3]), row[4]) for row in found.rows]
        titles = (w["rank"], w["galaxy"], w["class"], w["probability"], last)
        return shown | {"lines": [line]} | ({"titles": titles, "rows": rows} if picture is None else {})

    def picture(self, path: Path) -> str | None:
        """Embed a picture; what is none is left out aloud."""
        try:
            return embedded_file(path)
        except PictureError as error:
            warn(error.what, received=error.received, next_step="nothing, if the report may go without")
            return None

    def data(self) -> list[dict[str, Any]]:
        """Name the cubes: those that the runs saw, each once, and the test's."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for result in self.comparison.networks:
            for one in result.predictions:
                for split, cube in (pair for trained in one.run.record.trained for pair in trained.data.items()):
                    galaxies = self.number(cube.galaxies, ",d")
                    row = {"split": self.words.get(split, split), "galaxies": galaxies, "path": cube.path}
                    rows.setdefault((split, cube.fingerprint), row | {"fingerprint": cube.fingerprint})
        test = self.comparison.networks[0].predictions[0].metrics
        galaxies = self.number(self.comparison.galaxies, ",d")
        row = {"split": self.words["test"], "galaxies": galaxies, "path": test.path}
        return [*rows.values(), row | {"fingerprint": test.fingerprint}]

    def runs(self) -> list[dict[str, Any]]:
        """Give one row a run."""
        rows = []
        for result in self.comparison.networks:
            for one in result.predictions:
                trained = one.run.record.trained
                results = [record.results for record in trained if record.results is not None]
                rows.append(
                    {
                        "name": one.run.name,
                        "seed": self.each([record.seed for record in trained]),
                        "accuracy": self.number(one.metrics.accuracy),
                        "epoch": self.each([found.epoch for found in results]),
                        "device": _each_once(record.device for record in trained),
                        "threads": self.each([record.threads for record in trained]),
                        "weights": self.each([found.weights[: 16 if len(results) == 1 else 8] for found in results]),
                    }
                )
        return rows

    def each(self, values: Iterable[object]) -> str:
        """Give a value, or those of an ensemble's members, each once."""
        return _each_once(self.words["none"] if value is None else str(value) for value in values)

    def versions(self) -> str:
        """Name the versions of all runs, each once."""
        found: dict[str, set[str]] = {}
        for result in self.comparison.networks:
            for one in result.predictions:
                for name, version in (pair for trained in one.run.record.trained for pair in trained.versions.items()):
                    found.setdefault(name, set()).add(version[:12])
        return ", ".join(f"{name} {' / '.join(sorted(versions))}" for name, versions in found.items())

    def limits(self) -> list[str]:
        """Say what was not shown."""
        comparison = self.comparison
        names = ["limit_data", "limit_labels", "limit_recipe", "limit_seeds"]
        if any(len(result.predictions) == 1 for result in comparison.networks):
            names.append("limit_seeds_one")
        if comparison.groups < comparison.galaxies and comparison.differences:
            names.append("limit_groups")
        tested = [one.run.record for result in comparison.networks for one in result.predictions]
        chosen = {trained.weights_chosen_by for record in tested for trained in record.trained}
        if chosen & {"best val_loss", "best val_accuracy"}:
            names.append("limit_valid")
        return [self.words[name] for name in [*names, "limit_test"]] + self.limit_leakage()

    def limit_leakage(self) -> list[str]:
        """Say how leaks were looked for where none was found, and what is not known; each way once."""
        tested = [one.metrics for result in self.comparison.networks for one in result.predictions]
        clean = [metrics for metrics in tested if metrics.leakage.status == "none"]
        ways = {self.leakage_details(metrics.leakage, metrics.galaxies): None for metrics in clean}
        return [self.words["limit_leakage"].format(details=way) for way in ways if way]


def _each_once(cells: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(cells))


def _leakage_words(leakage: Leakage) -> str:
    if leakage.seen is None:
        return "leakage unknown"
    return {"unknown": "leakage not compared", "likely": "leakage likely"}.get(leakage.status, "leakage")
