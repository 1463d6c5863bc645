"""Images in, probabilities out: the one path that everybody uses after training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Real
from numpy.typing import ArrayLike
from torch import nn

from kamerton.arrays import Probabilities
from kamerton.batches.augment import eight_views
from kamerton.batches.reading import in_order, to_network_input
from kamerton.config.machine import DEFAULT_DEVICE, Device
from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.cubes.pixels import PixelRange, check_pixels
from kamerton.errors import CubeError
from kamerton.inference.engines import (
    BATCH_IMAGES,
    AnswerEngine,
    Answers,
    Engine,
    float32_answers,
    float32_engine,
    int8_answers,
)
from kamerton.inference.given import network_images
from kamerton.machine.computation import Computation, choose_computation, layout_here
from kamerton.machine.devices import choose_device
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import RunRecord

PixelsNHWC = Real[torch.Tensor, "n height width channels"]
"""Images with pixels from 0 to 255."""


class Predictor:
    """A run's network with the run's own preprocessing and class names.

    With ``eight_views`` the probabilities are the mean over the eight turns and mirror images of each galaxy, which has
    no up; it takes eight times as long. With ``int8`` the CPU computes in whole numbers of eight bits, scaled by
    what the network sees on its training images; it is faster, and about one label in a hundred or less is another.
    Nothing is computed in tiles for a run that was trained without tiles.
    """

    def __init__(
        self,
        run: Run | str | Path,
        *,
        eight_views: bool = False,
        int8: bool = False,
        device: Device = DEFAULT_DEVICE,
        watcher: Progress | None = None,
    ) -> None:
        run = run if isinstance(run, Run) else open_run(run)
        self.run = run
        self.watcher = watcher or Silent()
        self.eight_views = eight_views
        self.int8 = int8
        self.class_names = run.record.class_names
        self.device = choose_device("cpu" if int8 and device == "auto" else device)
        self._network = run.load_network().to(self.device)
        if int8:
            # What stands in its way is known before anything is predicted.
            _ = self._answers

    def __repr__(self) -> str:
        views = "eight views" if self.eight_views else "one view"
        return f"Predictor({self.run!r}, {views}, {self.device})"

    def probabilities(self, images_nhwc: ArrayLike | torch.Tensor) -> Probabilities:
        """Give (n, classes) probabilities for images (n, height, width, channels) with pixels 0 to 255.

        Any type of number will do. Raises UsageError for other axes or channels than the run's, images that are not
        square, and pixels that are not numbers from 0 to 255; floats that all lie from 0 to 1 are refused, too.

        They are the network's own, also where the run is calibrated: calibrated ones are in what `predict` gives, whose
        ``table`` they are without a place to write to. Images of another size than the run's are resized as arrays;
        `predict` resizes pictures as an import does (Lanczos), and answers may differ in the second decimal.
        """
        images = network_images(images_nhwc, self.run.record.preprocessing.channels)
        return self._predict(images)

    def answers(self, images_nhwc: ArrayLike | torch.Tensor) -> Answers:
        """Give probabilities, logits and features for images, as `probabilities` takes them.

        With eight views each of the three is the mean over them.
        """
        return self._answer(network_images(images_nhwc, self.run.record.preprocessing.channels))

    def prepare(self) -> None:
        """Make what `answers` computes with, which takes seconds for a large network, before its galaxies are timed."""
        _ = self._answers

    @property
    def network(self) -> nn.Module:
        """The run's network, on the predictor's device; what is computed in eight-bit numbers is made of it."""
        return self._network

    @torch.inference_mode()
    def answers_to(self, images_nchw: torch.Tensor) -> Answers:
        """Give the same for images as the network is given them: float32 (n, channels, size, size), scaled to 0..1."""
        found = [self._answers(view) for view in self._views_of(images_nchw)]
        if len(found) == 1:
            return found[0]
        parts = zip(*((one.probabilities, one.logits, one.features) for one in found), strict=True)
        return Answers(*(np.asarray(sum(part) / len(found), np.float32) for part in parts))

    def over_cube(self, cube: LabelledCube) -> Iterator[Probabilities]:
        """Give the probabilities of a whole cube in the order of its rows, batch after batch.

        Raises CubeError where the cube's images have other channels than the run's, or pixels that are not those of
        pictures; that all of them are 0 to 1, or blank, is known with the last batch.
        """
        # Made before a thread reads ahead: while it is exported, warnings are silenced for the whole process.
        _ = self._engine
        for images_nhwc in self._over(cube):
            yield self._predict(images_nhwc)

    def answers_over_cube(self, cube: LabelledCube) -> Iterator[Answers]:
        """Give all that the network says of a whole cube, as `over_cube` does."""
        _ = self._answers
        for images_nhwc in self._over(cube):
            yield self._answer(images_nhwc)

    def _over(self, cube: LabelledCube) -> Iterator[PixelsNHWC]:
        channels = self.run.record.preprocessing.channels
        if cube.image_shape[2] != channels:
            raise CubeError(
                f"{cube.where()}: images have other channels than those that {self.run.name} learned from",
                received=counted(cube.image_shape[2], "channel"),
                allowed=counted(channels, "channel"),
                next_step="use a cube with the same bands",
            )
        span, done = PixelRange(), 0
        with self.watcher.task(f"testing on {cube.path.name}", len(cube), "galaxies") as advance:
            for images_nhwc, _ in in_order(cube, BATCH_IMAGES):
                check_pixels(cube, images_nhwc.numpy(), done)
                span.add(images_nhwc.numpy())
                done += len(images_nhwc)
                if done == len(cube):
                    span.check(cube)
                yield images_nhwc
                advance(len(images_nhwc))

    @cached_property
    def _engine(self) -> Engine:
        if self.int8:
            return lambda images_nchw: self._answers(images_nchw).probabilities
        return float32_engine(self._network, self.run.image_shape, prediction_of(self.run.record, self.device))

    @cached_property
    def _answers(self) -> AnswerEngine:
        if self.int8:
            return int8_answers(self._network, self.run, self.device, self.watcher)
        return float32_answers(self._network, self.run.image_shape, prediction_of(self.run.record, self.device))

    @torch.inference_mode()
    def _predict(self, images_nhwc: PixelsNHWC) -> Probabilities:
        views = self._views_of(to_network_input(images_nhwc.to(self.device), self.run.record.preprocessing))
        probabilities = sum(self._engine(view) for view in views) / len(views)
        return np.asarray(probabilities, np.float32)

    def _answer(self, images_nhwc: PixelsNHWC) -> Answers:
        return self.answers_to(to_network_input(images_nhwc.to(self.device), self.run.record.preprocessing))

    def _views_of(self, images_nchw: torch.Tensor) -> list[torch.Tensor]:
        return list(eight_views(images_nchw)) if self.eight_views else [images_nchw]


def prediction_of(record: RunRecord, device: torch.device) -> Computation:
    """Choose how a run's network is computed here: in float32, and on a CPU in the layout that it was trained in.

    Not every machine has tiles; without them it is the usual one (`layout_here`).
    """
    layout = layout_here(record.layout, device, deterministic=True) if device.type == "cpu" else None
    return choose_computation(device, deterministic=True, layout=layout)
