"""What a trained network is asked about new galaxies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kamerton.checks import Settings, require
from kamerton.config.machine import DEFAULT_DEVICE, Device
from kamerton.config.pictures import ID_COLUMN, PATH_COLUMN

FeatureKind = Literal["all", "axes"]
"""Which numbers of a network describe a galaxy: those that its last layer is given, or a place among known galaxies."""


@dataclass(frozen=True)
class PredictSettings(Settings):
    """How galaxies are labelled by a run."""

    eight_views: bool = False
    """Average over the turns and mirror images of each galaxy."""
    int8: bool = False
    """Compute in eight-bit integers: faster on the CPU, and about one label in a hundred or less is another."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    path_column: str = PATH_COLUMN
    """Column of a list that holds the paths of the pictures."""
    id_column: str = ID_COLUMN
    """Column of a list that names its galaxies; where there is no column id, their paths do."""
    shard_galaxies: int = 4096
    """Galaxies in a shard: what a kill can cost, and what one machine takes at a time."""
    ray: bool = False
    """Let all machines of a Ray cluster work on it; without RAY_ADDRESS, all processors of this machine."""
    features: FeatureKind | None = None
    """Add the numbers that the network decides from, by which galaxies are compared: all, as they are, or axes, at most
    129 of them, along the principal axes of the training galaxies (calibrated runs)."""

    def check(self) -> None:
        require(1 <= self.shard_galaxies <= 1_000_000, "shard_galaxies", self.shard_galaxies, "1 to 1000000")


ExplainMethod = Literal["hirescam", "gradcam", "occlusion", "integrated"]
"""How a map is made that says where a network saw what speaks for a class."""


@dataclass(frozen=True)
class ExplainSettings(Settings):
    """How it is told why a run says so."""

    method: ExplainMethod | None = None
    """How maps are made: hirescam, gradcam, occlusion, or integrated (gradients; extra `explain`); by default hirescam,
    and occlusion with --int8, which has no gradients."""
    count: int = 5
    """Galaxies in each row of a gallery: the surest of a class, the least sure, and the wrong ones."""
    eight_views: bool = False
    """Average answers and maps over the turns and mirror images of each galaxy."""
    int8: bool = False
    """Explain answers that are computed in eight-bit integers."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    path_column: str = PATH_COLUMN
    """Column of a list that holds the paths of the pictures."""
    label_column: str = "label"
    """Column of a list or a catalogue that holds the true classes, where they are known."""
    lang: str = "en"
    """Language of the pictures: en or pl."""

    def check(self) -> None:
        require(1 <= self.count <= 50, "count", self.count, "1 to 50 galaxies")
