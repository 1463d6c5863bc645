"""What tells the pixels of one survey from another's: sky, noise, saturation and missing pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from kamerton.arrays import ImagesNHWC

MEASURES = ("sky level", "noise", "saturated share", "black share")
"""In the order of their columns."""

EDGE_SHARE = 8
"""The sky is looked at in a frame of an eighth of the image's side, where little of the galaxy is."""

WHITE = 254.5

DEVIATION_OF_MEDIAN = 1.4826
"""Standard deviation over the median absolute deviation, of Gaussian noise."""


def pixel_measures(images_nhwc: ImagesNHWC) -> Float32[np.ndarray, "n measures"]:
    """Measure each image (n, 4): median and noise of the sky in its frame, and shares of white and black pixels.

    Brightness is the mean over the channels, 0 to 255. A pixel is white where a channel is, and black where all are 0,
    as cutouts show pixels that nobody observed.
    """
    n, height, width, _ = images_nhwc.shape
    edge = max(1, min(height, width) // EDGE_SHARE)
    frame = np.ones((height, width), np.bool_)
    frame[edge : height - edge, edge : width - edge] = False
    sky = images_nhwc[:, frame].astype(np.float32).mean(2)
    level = np.median(sky, axis=1)
    noise = DEVIATION_OF_MEDIAN * np.median(np.abs(sky - level[:, np.newaxis]), axis=1)
    white = (images_nhwc >= WHITE).any(3).reshape(n, -1).mean(1)
    black = (images_nhwc == 0).all(3).reshape(n, -1).mean(1)
    return np.column_stack([level, noise, white, black]).astype(np.float32)
