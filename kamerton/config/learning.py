"""Training one network or many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kamerton.checks import SEEDS, Settings, require
from kamerton.config.machine import DEFAULT_DEVICE, Device, Layout
from kamerton.config.recipe import Recipe


@dataclass(frozen=True)
class LearningSettings(Settings):
    """What one training and a sweep of them have in common."""

    recipe: str | Recipe = "modern"
    """Name of a recipe, as modern, finetune or notebook, or a path to one of your own that ends in .toml."""
    epochs: int | None = None
    """Passes over the training images; by default the recipe's."""
    batch_size: int | None = None
    """Images of a batch; by default the recipe's."""
    size: int | None = None
    """Side that images are resized to, pixels; by default the cube's own."""
    start: str | None = None
    """Learned weights to begin with: a run, a .safetensors file, or a name that `kamerton networks` lists."""
    freeze: bool = False
    """Leave the learned weights as they are, and fit the last layer alone to their features: an answer in minutes."""
    layout: Layout = "auto"
    """How convolutions are computed; auto takes what is fastest for the network and its size."""

    def check(self) -> None:
        require(self.start != "", "start", self.start, "a run folder, a file or a name, or none at all")


@dataclass(frozen=True)
class TrainSettings(LearningSettings):
    """What a training asks for beside its data and its network."""

    seed: int = 0
    """Starting weights, order of the images and dropout all follow from it."""
    checkpoint_minutes: float | None = 10.0
    """Write a checkpoint when the last one is older; an epoch's end has one where that takes under 5% of the time."""
    checkpoint_steps: int | None = None
    """Write a checkpoint every so many batches."""
    deterministic: bool | None = None
    """Same seed, same bits; by default on the CPU, where it costs nothing, and not on a GPU."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""

    def check(self) -> None:
        super().check()
        require(0 <= self.seed < 2**32, "seed", self.seed, SEEDS)
        minutes, steps = self.checkpoint_minutes, self.checkpoint_steps
        require(minutes is None or minutes > 0, "checkpoint minutes", minutes, "more than 0")
        require(steps is None or steps >= 1, "checkpoint steps", steps, "1 batch or more")


@dataclass(frozen=True, kw_only=True)
class SweepSettings(LearningSettings):
    """Which trainings a sweep is made of, and how they are tested."""

    networks: tuple[str, ...]
    """Names in `kamerton networks`."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds; every network is trained with each."""
    eight_views: bool = False
    """Test with the mean over the turns and mirror images of each galaxy."""
    ray: bool = False
    """Spread the runs over a Ray cluster (extra `ray`)."""
    workers: int | Literal["auto"] = 1
    """Runs trained side by side on this machine, which share its threads; ``auto``: one a thread, and one on a GPU."""

    def check(self) -> None:
        super().check()
        require(self.workers == "auto" or self.workers >= 1, "workers", self.workers, "auto, or 1 or more")
        require(not self.ray or self.workers == 1, "workers", self.workers, "1 with ray, whose cluster counts its own")
        require(all(0 <= seed < 2**32 for seed in self.seeds), "seeds", self.seeds, SEEDS)
