"""Ensembles: run folders without weights, whose ``run.json`` names the runs that are averaged."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from kamerton.config.judging import MAX_RESULTS_NAME_BYTES
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.origin import framing_differs, framing_told, stretch_differs
from kamerton.errors import OutputError, RunError, UsageError, as_typed
from kamerton.networks.registry import find_network
from kamerton.plurals import counted
from kamerton.runs.folder import WEIGHTS_FILE, Run, is_run, open_even_if_changed, open_run
from kamerton.runs.galaxies import marks_sha256
from kamerton.runs.places import from_run
from kamerton.runs.record import ENSEMBLE, MemberRecord, RunRecord, versions


def title_of(record: RunRecord) -> str:
    """Name a run's network for a reader, or those of an ensemble, each once."""
    return " + ".join(dict.fromkeys(find_network(one.network).title for one in record.trained))


def usual_place(runs: Sequence[Run]) -> Path:
    """Name the folder of an ensemble beside its first member, after all of them; UsageError where that is too long."""
    name = "+".join(run.name for run in _in_order(runs))
    if len(name.encode("utf-8", "surrogateescape")) > MAX_RESULTS_NAME_BYTES:
        raise UsageError(
            "The names of so many runs are too long for a folder's",
            received=f"{len(runs)} runs",
            allowed=f"a name of at most {MAX_RESULTS_NAME_BYTES} bytes",
            next_step="name the ensemble's folder with --out",
        )
    return runs[0].path.resolve().parent / name


def _in_order(runs: Sequence[Run]) -> list[Run]:
    """Put runs into the order of their names, so that an ensemble is the same however they were named."""
    return sorted(runs, key=lambda run: (run.name, _fingerprint(run)))


def _fingerprint(run: Run) -> str:
    return "" if run.record.results is None else run.record.results.fingerprint


def ensemble_of(runs: Sequence[Run], place: Path) -> Run:
    """Give the ensemble of runs for the folder ``place``, in which nothing is written yet.

    Its members are in the order of their names. UsageError for a run that is named twice, for an ensemble among them,
    and for runs that learned other classes, bands, stretch or part of the pictures; RunError for one whose training has
    not ended, or whose weights are not those that it ended with.
    """
    ordered = _in_order(runs)
    for run in ordered:
        _require_whole(run)
    _require_distinct(ordered)
    for other in ordered[1:]:
        _require_alike(ordered[0], other)
    members = tuple(_member(run, place) for run in ordered)
    records = [member.record for member in members]
    first = records[0]
    record = RunRecord(
        network=ENSEMBLE,
        parameters=sum(one.parameters for one in records),
        class_names=first.class_names,
        # The images of the largest network; each member resizes a cube's images to its own size.
        preprocessing=Preprocessing(max(one.preprocessing.size for one in records), first.preprocessing.channels),
        seed=None,
        recipe=None,
        data={},
        device=" / ".join(dict.fromkeys(one.device for one in records)),
        threads=None,
        deterministic=all(one.deterministic for one in records),
        versions=versions(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        pixel_origin=next((one.pixel_origin for one in records if one.pixel_origin is not None), None),
        members=members,
    )
    ensemble = Run(place, record)
    weights, history, nothing = ensemble.weights_sha256(), ensemble.history_sha256(), marks_sha256({})
    ensemble.record = record.with_results(weights, history, nothing, None)
    return ensemble


def open_same(ensemble: Run) -> Run | None:
    """Open the folder where an ensemble would be; None where none is, and OutputError where it holds anything else."""
    if not os.path.lexists(ensemble.path):
        return None
    is_there = is_run(ensemble.path)
    kept = open_run(ensemble.path) if is_there else None
    wanted = [member.fingerprint for member in ensemble.record.members]
    if kept is None or [member.fingerprint for member in kept.record.members] != wanted:
        held = "another run" if kept is not None and not kept.record.members else "an ensemble of other runs"
        raise OutputError(
            f"{ensemble.path} is not this ensemble's folder",
            received=held if is_there else "something that is no run",
            next_step="name another folder with --out, or move it away",
        )
    return kept


def is_ensemble(path: Path) -> bool:
    """Tell whether a run folder is an ensemble's; what cannot be read is none."""
    if (path / WEIGHTS_FILE).exists():
        return False
    try:
        return bool(open_even_if_changed(path).record.members)
    except RunError:
        return False


def find_members(ensemble: Run) -> list[Run]:
    """Find the members of an ensemble where they are now; RunError names one that is gone, damaged, or another."""
    return [find_member(ensemble, member) for member in ensemble.record.members]


def find_member(ensemble: Run, member: MemberRecord) -> Run:
    """Find one of them."""
    found = [open_run(place) for place in _places(ensemble, member)]
    for run in found:
        if _fingerprint(run) == member.fingerprint:
            _require_whole(run)
            return run
    raise RunError(
        f"{ensemble.path}: its member {member.name} is {'another run now' if found else 'not there any more'}",
        received=f"fingerprint {_fingerprint(found[0])[:12] or 'none'}" if found else f"no run at {member.path}",
        allowed=f"fingerprint {member.fingerprint[:12]}",
        next_step="bring it back beside the ensemble, or evaluate the present runs into a new folder with --out",
    )


def is_gone(ensemble: Run, member: MemberRecord) -> bool:
    """Tell whether there is no run where a member was, nor where it is to be beside the ensemble."""
    return not _places(ensemble, member)


def _places(ensemble: Run, member: MemberRecord) -> list[Path]:
    beside = Path(os.path.normpath(ensemble.path.resolve() / member.beside))
    return [place for place in dict.fromkeys((beside, Path(member.path))) if is_run(place)]


def _require_whole(run: Run) -> None:
    """Refuse what cannot be a member: an ensemble, a training that has not ended, weights that were changed."""
    results = run.record.results
    if run.record.members:
        raise UsageError(
            f"{run.path} is an ensemble, and cannot be part of another",
            received=f"the mean of {', '.join(member.name for member in run.record.members)}",
            next_step="name its members instead",
        )
    if results is None:
        raise RunError(
            f"{run.path}: its training has not ended, so it cannot be part of an ensemble",
            next_step="end it with `kamerton train ... --resume`",
        )
    sha256 = run.weights_sha256() if run.weights_path.is_file() else "no file"
    if sha256 != results.weights:
        raise RunError(
            f"{run.weights_path}: changed since the training ended",
            received="no such file" if sha256 == "no file" else f"SHA-256 {sha256[:12]}",
            allowed=results.weights[:12],
            next_step=f"restore the file; `kamerton verify {as_typed(run.path)}` tells what else differs",
        )


def _require_distinct(runs: Sequence[Run]) -> None:
    for one, two in itertools.combinations(runs, 2):
        if one.path.resolve() == two.path.resolve() or _fingerprint(one) == _fingerprint(two):
            places = list(dict.fromkeys((str(one.path), str(two.path))))
            raise UsageError(
                "The same run is named twice, and would count twice in the mean",
                received=" and its copy ".join(places),
                next_step="name each run once",
            )


def _require_alike(first: Run, other: Run) -> None:
    """Refuse two runs that one cube cannot be shown to; of other sizes they may be, for each resizes its images."""
    one, two = first.record, other.record
    shuffled = sorted(one.class_names) == sorted(two.class_names)
    for what, allowed, received, differs in (
        (
            "the same classes in another order" if shuffled else "other classes",
            ", ".join(one.class_names),
            ", ".join(two.class_names),
            one.class_names != two.class_names,
        ),
        (
            "from images of other bands",
            counted(one.preprocessing.channels, "channel"),
            counted(two.preprocessing.channels, "channel"),
            one.preprocessing.channels != two.preprocessing.channels,
        ),
        (
            "from pixels that came to be in another way",
            one.pixel_origin,
            two.pixel_origin,
            stretch_differs(one.pixel_origin, two.pixel_origin),
        ),
        (
            "from another part of the pictures",
            framing_told(one.pixel_origin),
            framing_told(two.pixel_origin),
            framing_differs(one.pixel_origin, two.pixel_origin) is True,
        ),
    ):
        if differs:
            raise UsageError(
                f"{other.path} learned {what} than {first.path}, so their probabilities cannot be averaged",
                received=received,
                allowed=allowed,
                next_step="name runs of the same classes in the same order, and of the same bands and stretch",
            )


def _member(run: Run, place: Path) -> MemberRecord:
    seconds = None
    if run.has_history:
        history = run.history()
        seconds = float(history["seconds"].sum()) if "seconds" in history else None
    return MemberRecord(
        name=run.name,
        record=run.record,
        weights_bytes=run.weights_path.stat().st_size,
        training_seconds=seconds,
        path=str(run.path.absolute()),
        beside=from_run(place, run.path),
    )
