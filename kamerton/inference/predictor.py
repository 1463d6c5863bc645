"""Images in, probabilities out: the one path that everybody uses after training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Real

from kamerton.arrays import Probabilities
from kamerton.batches.augment import eight_views
from kamerton.batches.reading import in_order, to_network_input
from kamerton.config import DEFAULT_DEVICE, Device
from kamerton.data.cubes.cube import LabelledCube
from kamerton.errors import CubeError
from kamerton.inference.engines import BATCH_IMAGES, float32_engine, int8_engine
from kamerton.machine.computation import Computation, choose_computation
from kamerton.machine.devices import choose_device
from kamerton.runs.folder import Run
from kamerton.runs.record import RunRecord

PixelsNHWC = Real[np.ndarray, "n height width channels"] | Real[torch.Tensor, "n height width channels"]
"""Images with pixels from 0 to 255, of any type of number."""


class Predictor:
    """A run's network with the run's own preprocessing and class names.

    With ``eight_views`` the probabilities are the mean over the eight turns and mirror images of each galaxy, which has
    no up; it takes eight times as long. With ``int8`` the CPU computes in whole numbers of eight bits, scaled by
    what the network sees on its training images; it is faster, and about one label in a hundred or less is another.
    Nothing is computed in tiles for a run that was trained with plain convolutions.
    """

    def __init__(
        self, run: Run, *, eight_views: bool = False, int8: bool = False, device: Device = DEFAULT_DEVICE
    ) -> None:
        self.run = run
        self.eight_views = eight_views
        self.class_names = run.record.class_names
        self.device = choose_device("cpu" if int8 and device == "auto" else device)
        network = run.load_network().to(self.device)
        self._engine = (
            int8_engine(network, run, self.device)
            if int8
            else float32_engine(network, run.image_shape, prediction_of(run.record, self.device))
        )

    @torch.inference_mode()
    def probabilities(self, images_nhwc: PixelsNHWC) -> Probabilities:
        """Give (n, classes) probabilities for images (n, height, width, channels) with pixels 0 to 255."""
        if isinstance(images_nhwc, np.ndarray):
            # PyTorch takes neither FITS's byte order nor the read-only and flipped views that other libraries give.
            images_nhwc = np.require(images_nhwc, images_nhwc.dtype.newbyteorder("="), ["C", "W"])
        images = torch.as_tensor(images_nhwc).to(self.device)
        images_nchw = to_network_input(images, self.run.record.preprocessing)
        views = list(eight_views(images_nchw)) if self.eight_views else [images_nchw]
        probabilities = sum(self._engine(view) for view in views) / len(views)
        return np.asarray(probabilities, np.float32)

    def over_cube(self, cube: LabelledCube) -> Iterator[Probabilities]:
        """Give the probabilities of a whole cube in the order of its rows, batch after batch.

        Raises CubeError where the cube's images have other channels than the run's.
        """
        channels = self.run.record.preprocessing.channels
        if cube.image_shape[2] != channels:
            raise CubeError(
                f"{cube.where()}: images have other channels than those that {self.run.name} learned from",
                received=f"{cube.image_shape[2]} channels",
                allowed=f"{channels} channels",
                next_step="use a cube with the same bands",
            )
        for images_nhwc, _ in in_order(cube, BATCH_IMAGES):
            yield self.probabilities(images_nhwc)


def prediction_of(record: RunRecord, device: torch.device) -> Computation:
    """Choose how a run's network is computed here: in float32, and in tiles unless it was trained without them."""
    return choose_computation(
        device, deterministic=True, convolutions="plain" if record.convolutions == "plain" else "auto"
    )
