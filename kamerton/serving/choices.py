"""The networks among which the page lets choose, with what tells them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from kamerton.catalogue.requests import GivenPixels
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

    def takes(self, given: GivenPixels) -> bool:
        """Tell whether it can be asked about galaxies that another one refused."""
        return self.run is not None and self.is_ready and given.go_with(self.run)


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


def first_ready(found: Sequence[Choice]) -> str:
    """Name the first that can answer, or else the first; empty where there is none."""
    return next((one.name for one in found if one.is_ready), found[0].name if found else "")


def _bands(origin: PixelOrigin | None) -> str:
    return "" if origin is None or origin.bands is None else ", ".join(origin.bands)
