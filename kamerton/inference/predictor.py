"""Images in, probabilities out: the one path that everybody uses after training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Real
from numpy.typing import ArrayLike

from kamerton.arrays import Probabilities
from kamerton.batches.augment import eight_views
from kamerton.batches.reading import in_order, to_network_input
from kamerton.config import DEFAULT_DEVICE, Device
from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.cubes.pixels import PixelRange, check_pixels
from kamerton.errors import CubeError
from kamerton.inference.engines import BATCH_IMAGES, float32_engine, int8_engine
from kamerton.inference.given import network_images
from kamerton.machine.computation import Computation, choose_computation
from kamerton.machine.devices import choose_device
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
    Nothing is computed in tiles for a run that was trained with plain convolutions.
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
        self.class_names = run.record.class_names
        self.device = choose_device("cpu" if int8 and device == "auto" else device)
        network = run.load_network().to(self.device)
        self._engine = (
            int8_engine(network, run, self.device, self.watcher)
            if int8
            else float32_engine(network, run.image_shape, prediction_of(run.record, self.device))
        )

    def __repr__(self) -> str:
        views = "eight views" if self.eight_views else "one view"
        return f"Predictor({self.run!r}, {views}, {self.device})"

    def probabilities(self, images_nhwc: ArrayLike | torch.Tensor) -> Probabilities:
        """Give (n, classes) probabilities for images (n, height, width, channels) with pixels 0 to 255.

        Any type of number will do. Raises UsageError for other axes or channels than the run's, images that are not
        square, and pixels that are not numbers from 0 to 255; floats that all lie from 0 to 1 are refused, too.
        """
        images = network_images(images_nhwc, self.run.record.preprocessing.channels)
        return self._predict(images)

    def over_cube(self, cube: LabelledCube) -> Iterator[Probabilities]:
        """Give the probabilities of a whole cube in the order of its rows, batch after batch.

        Raises CubeError where the cube's images have other channels than the run's, or pixels that are not those of
        pictures; that all of them are 0 to 1, or blank, is known with the last batch.
        """
        channels = self.run.record.preprocessing.channels
        if cube.image_shape[2] != channels:
            raise CubeError(
                f"{cube.where()}: images have other channels than those that {self.run.name} learned from",
                received=f"{cube.image_shape[2]} channels",
                allowed=f"{channels} channels",
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
                yield self._predict(images_nhwc)
                advance(len(images_nhwc))

    @torch.inference_mode()
    def _predict(self, images_nhwc: PixelsNHWC) -> Probabilities:
        images_nchw = to_network_input(images_nhwc.to(self.device), self.run.record.preprocessing)
        views = list(eight_views(images_nchw)) if self.eight_views else [images_nchw]
        probabilities = sum(self._engine(view) for view in views) / len(views)
        return np.asarray(probabilities, np.float32)


def prediction_of(record: RunRecord, device: torch.device) -> Computation:
    """Choose how a run's network is computed here: in float32, and in tiles unless it was trained without them."""
    return choose_computation(
        device, deterministic=True, convolutions="plain" if record.convolutions == "plain" else "auto"
    )
