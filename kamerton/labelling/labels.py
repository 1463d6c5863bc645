"""Finding labels that are probably wrong: ``kamerton labels``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kamerton.checks import as_path
from kamerton.config.labels import LabelsSettings
from kamerton.config.machine import Device, Layout
from kamerton.config.recipe import Recipe
from kamerton.errors import OutputError, UsageError
from kamerton.files import partial_path, require_new
from kamerton.labelling.findings import Findings
from kamerton.labelling.folds import FOLDS_FILE, deal, read_folds, write_folds
from kamerton.labelling.galaxies import Galaxies, open_galaxies
from kamerton.labelling.issues import require_cleanlab
from kamerton.labelling.judging import Plan, judge
from kamerton.labelling.telling import cautions, find_language, sentences
from kamerton.labelling.writing import LIST_CSV, PAGE, Writer
from kamerton.networks.registry import find_network
from kamerton.plurals import counted
from kamerton.recipes import load_recipe
from kamerton.runs.lock import LOCK_FILE, locked
from kamerton.starts.start import is_weights_name, require_networks, require_start
from kamerton.starts.table import STARTS
from kamerton.training.progress import Silent, Watcher


@dataclass(frozen=True)
class LabelReport:
    """What was found of the labels, and where it is."""

    path: Path
    galaxies: int
    probably_wrong: int
    estimated_wrong: int
    words: tuple[str, ...]
    """What was found, in English."""
    record: dict[str, Any]
    """What ``labels.json`` holds."""

    def __repr__(self) -> str:
        return f"LabelReport({self.path}, {self.probably_wrong} of {counted(self.galaxies, 'label')} probably wrong)"

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {"path": str(self.path), **self.record}

    def describe(self) -> list[str]:
        """Say what was found and where to look, in a few lines."""
        return [*self.words, f"look at: {self.path / PAGE}", f"all galaxies: {self.path / LIST_CSV}"]


def labels(
    data: str | Path,
    *,
    network: str,
    out: str | Path,
    recipe: str | Recipe = LabelsSettings.recipe,
    epochs: int | None = LabelsSettings.epochs,
    batch_size: int | None = LabelsSettings.batch_size,
    size: int | None = LabelsSettings.size,
    seed: int = LabelsSettings.seed,
    checkpoint_minutes: float | None = LabelsSettings.checkpoint_minutes,
    checkpoint_steps: int | None = LabelsSettings.checkpoint_steps,
    deterministic: bool | None = LabelsSettings.deterministic,
    device: Device = LabelsSettings.device,
    start: str | None = LabelsSettings.start,
    freeze: bool = LabelsSettings.freeze,
    layout: Layout = LabelsSettings.layout,
    folds: int = LabelsSettings.folds,
    group_radius_arcsec: float | None = LabelsSettings.group_radius_arcsec,
    group_column: str | None = LabelsSettings.group_column,
    eight_views: bool = LabelsSettings.eight_views,
    lang: str = LabelsSettings.lang,
    resume: bool = False,
    watcher_for: Callable[[], Watcher] = Silent,
    **further: Any,
) -> LabelReport:
    """Find the labels of a cube, or of a folder's training and validation cubes, that are probably wrong.

    The galaxies are dealt into ``folds``; a ``network`` is trained as by `train` for each, without it, and judges it.
    Confident learning (extra ``labels``) tells from that which labels are probably wrong. ``out`` gets a run folder a
    fold, lists of all galaxies with the most suspicious label first, a gallery and a page. A folder's test set stays
    sealed. What else `train` can be asked for goes on to it. Learned weights to begin with must have a name, for those
    of a run or a file may know the labels. With ``resume`` the work in ``out`` goes on, to the same bits. Raises
    UsageError, OutputError and CubeError before anything is trained, and TrainingStoppedError after SIGINT or SIGTERM.
    """
    settings = LabelsSettings(
        recipe=recipe,
        epochs=epochs,
        batch_size=batch_size,
        size=size,
        seed=seed,
        checkpoint_minutes=checkpoint_minutes,
        checkpoint_steps=checkpoint_steps,
        deterministic=deterministic,
        device=device,
        start=start,
        freeze=freeze,
        layout=layout,
        folds=folds,
        group_radius_arcsec=group_radius_arcsec,
        group_column=group_column,
        eight_views=eight_views,
        lang=lang,
        **further,
    )
    find_language(lang)
    find_network(network)
    _require_unseen(start)
    require_cleanlab()
    plan_of_each = load_recipe(recipe, epochs=epochs, batch_size=batch_size, freeze=freeze)
    require_start(plan_of_each, network, start)
    if start is not None:
        require_networks(start, [network])
    plan = Plan(as_path(out, "out"), network, plan_of_each, settings)
    _require_place(plan.out, resume=resume)
    watcher = watcher_for()
    with open_galaxies(as_path(data, "data"), watcher) as galaxies:
        if galaxies.sealed is not None:
            watcher.say(f"{galaxies.sealed} stays sealed: nothing is learned from it, and its labels are not judged")
        asked = _asked(plan, galaxies)
        begun = resume and (plan.out / FOLDS_FILE).exists()
        dealt = read_folds(plan.out, asked, len(galaxies)) if begun else deal(galaxies, settings, asked, watcher)
        with locked(plan.out, "labels"):
            if not begun:
                write_folds(plan.out, dealt)
            judged = judge(plan, galaxies, dealt, watcher_for)
            writer = Writer(plan, Findings.of(galaxies, judged, dealt.alike))
            writer.write()
        english = find_language("en")
        return LabelReport(
            plan.out,
            len(galaxies),
            writer.found.count,
            writer.found.issues.estimated,
            (*cautions(writer.found, english), *sentences(writer.found, english)),
            writer.as_json(),
        )


def _require_unseen(start: str | None) -> None:
    """Refuse learned weights that may have seen the very galaxies (UsageError): no fold would be new to them."""
    if start is not None and not is_weights_name(start):
        raise UsageError(
            "A network that judges labels must not have learned from them",
            received=f"--start {start}, of which that is not sure",
            allowed=f"{', '.join(STARTS)}, or timm:NAME.TAG",
            next_step="name one of these, or leave --start out",
        )


def _require_place(out: Path, *, resume: bool) -> None:
    """Refuse a place that holds anything but what is to go on (OutputError)."""
    if not resume:
        require_new(out, "go on with it by --resume, choose another name, or move it away")
        return
    if os.path.lexists(out) and not out.is_dir():
        raise OutputError(f"{out} is no folder", next_step="choose another name or move it away")
    left = {LOCK_FILE, partial_path(out / FOLDS_FILE).name}
    if out.is_dir() and not (out / FOLDS_FILE).exists() and {place.name for place in out.iterdir()} - left:
        raise OutputError(
            f"{out} holds no search for wrong labels",
            received=f"no {FOLDS_FILE}",
            next_step="name the folder that one was begun in, or a new one",
        )


def _asked(plan: Plan, galaxies: Galaxies) -> dict[str, Any]:
    """Give all that the answer follows from; where and how fast it is computed is free."""
    settings = plan.settings
    return {
        "data": [{"galaxies": len(cube), "fingerprint": cube.fingerprint()} for cube in galaxies.cubes],
        "network": plan.network,
        "recipe": dataclasses.asdict(plan.recipe),
        "settings": {
            "folds": settings.folds,
            "seed": settings.seed,
            "size": settings.size,
            "group_radius_arcsec": settings.group_radius_arcsec,
            "group_column": settings.group_column,
            "eight_views": settings.eight_views,
            **({} if settings.start is None else {"start": settings.start}),
        },
    }
