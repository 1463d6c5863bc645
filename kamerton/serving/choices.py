"""The networks among which the page lets choose, with what tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from kamerton.config.pictures import PixelOrigin
from kamerton.errors import KamertonError
from kamerton.runs.folder import CALIBRATION_FILE, Run, open_run


@dataclass(frozen=True)
class Choice:
    """A run that can be asked, or is damaged, which is said when it is asked."""

    name: str
    path: Path
    run: Run | None
    """None where it cannot be read."""

    @property
    def is_ready(self) -> bool:
        """Tell whether its network is there."""
        return self.run is not None and self.run.weights_path.is_file()

    def described(self, words: SimpleNamespace) -> str:
        """Give its name with what it learned from, and whether it is calibrated; ``words`` are those of the part."""
        if self.run is None:
            return self.name
        origin = self.run.record.pixel_origin
        bands = words.choice_pictures if origin is not None and origin.method == "none" else _bands(origin)
        is_calibrated = (self.path / CALIBRATION_FILE).is_file()
        return " · ".join(filter(None, [self.name, bands, "" if is_calibrated else words.choice_raw]))

    def takes(self, given: PixelOrigin) -> bool:
        """Tell whether it learned from the like of galaxies: pictures, or cutouts of these bands."""
        origin = None if self.run is None else self.run.record.pixel_origin
        if origin is None or not self.is_ready or origin.method != given.method:
            return False
        return origin.bands is None or given.bands is None or origin.bands == given.bands


def choices(folders: dict[str, Path]) -> list[Choice]:
    """List the runs but for those whose training has not ended: they have no network yet."""
    return list(_choices(folders))


def _choices(folders: dict[str, Path]) -> Iterator[Choice]:
    for name, path in folders.items():
        try:
            choice = Choice(name, path, open_run(path))
        except KamertonError:
            yield Choice(name, path, None)
            continue
        assert choice.run is not None
        if choice.run.is_finished or choice.is_ready:
            yield choice


def first_ready(found: Iterable[Choice]) -> Choice | None:
    """Give the first that can answer, or else the first."""
    known = list(found)
    return next((one for one in known if one.is_ready), known[0] if known else None)


def _bands(origin: PixelOrigin | None) -> str:
    return "" if origin is None or origin.bands is None else ", ".join(origin.bands)
